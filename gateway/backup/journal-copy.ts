/** A copy of a SQLite file that a gateway writes to: as it was at one moment, without its writer waiting. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { markCopied } from '../journal/identity.ts';

/** Pages at once, 4 KB each: between two steps other work of the process has its turn. */
const STEP_PAGES = 1024;
/** The disk is told to write what it has this often, so that the fsync of an alarm does not find gigabytes before it. */
const SYNC_EVERY_STEPS = 8;

/**
 * The copy is one file, checked as a whole. `at`, epoch ms: it is a journal's, and is marked as a copy of it.
 * @throws what SQLite says; Error where the copy is not whole.
 */
export async function copyDatabase(from: string, to: string, at?: number): Promise<void> {
  const source = new Database(from, { readonly: true, fileMustExist: true });
  try {
    // One look for all of the copy: without it SQLite begins anew with each commit of the writer, and never ends.
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM sqlite_schema').get();
    let steps = 0;
    await source.backup(to, {
      progress() {
        if (++steps % SYNC_EVERY_STEPS === 0) syncFile(to);
        return STEP_PAGES;
      },
    });
    source.exec('COMMIT');
  } finally {
    source.close();
  }
  const copy = new Database(to);
  try {
    // Without a WAL beside it.
    copy.pragma('journal_mode = DELETE');
    if (at !== undefined) markCopied(copy, at);
    const found = copy.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') throw new Error(`${from} is damaged: ${found}`);
  } finally {
    copy.close();
  }
}

function syncFile(file: string) {
  const descriptor = openSync(file, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
