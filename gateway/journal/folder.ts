/** The folder of a journal on a real disk: one gateway has it, and its file is opened or salvaged. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Clock } from '../../drivers/contract/clock.ts';
import { createPrivate, makePrivate, PRIVATE_FOLDER } from '../lifecycle/private-files.ts';
import { codeOf, JournalError } from './error.ts';
import { readMachine } from './identity.ts';
import type { OpenFile } from './keeper.ts';
import { openOrSalvage } from './recovery.ts';

/** `close` lets another gateway have the folder. `machine`: a hash of its id; '' where it has none. */
export function journalFolder(
  directory: string,
  time: Pick<Clock, 'wall'>,
  machine: string = readMachine(),
): { readonly open: OpenFile; close(): void } {
  let lock: Database.Database | undefined;
  return {
    /** @throws JournalError E_JOURNAL_IN_USE, E_JOURNAL_NEWER, or why the file cannot be had now. */
    open(doubt) {
      mkdirSync(directory, { recursive: true, mode: PRIVATE_FOLDER });
      makePrivate(directory);
      lock ??= takeLock(directory);
      return openOrSalvage(directory, doubt, time, machine);
    },
    close: () => void lock?.close(),
  };
}

/** One gateway a folder. A lock of SQLite's ends with its process, however that ends. */
function takeLock(directory: string): Database.Database {
  const file = join(directory, 'lock.sqlite');
  createPrivate(file);
  const own = new Database(file, { timeout: 0 });
  try {
    own.pragma('locking_mode = EXCLUSIVE');
    own.exec('BEGIN EXCLUSIVE');
    return own;
  } catch (error) {
    own.close();
    if (codeOf(error) !== 'SQLITE_BUSY') throw error;
    throw new JournalError(
      'E_JOURNAL_IN_USE',
      `${directory} is in use by another gateway; stop it, or set another dataDir`,
    );
  }
}
