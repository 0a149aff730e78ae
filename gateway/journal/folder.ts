/** The folder of a journal on a real disk: one gateway has it, and its file is opened or salvaged. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { say } from '../../config/language.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { createPrivate, makePrivate, PRIVATE_FOLDER } from '../lifecycle/private-files.ts';
import { auditTable } from './audit.ts';
import { codeOf, JournalError } from './error.ts';
import { readMachine } from './identity.ts';
import type { OpenFile } from './keeper.ts';
import { metaTable } from './meta.ts';
import { journalFile, openOrSalvage } from './recovery.ts';
import { lower, type Migration, SCHEMA_VERSION } from './schema.ts';

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

/**
 * Brings a folder's journal back to the tables of an older version, whose program then goes on with it (schema.ts).
 * @throws JournalError E_JOURNAL_IN_USE where a gateway has it; what `lower` throws; what SQLite says.
 */
export function lowerJournal(
  directory: string,
  to: number,
  steps?: readonly Migration[],
): { readonly from: number } {
  const lock = takeLock(directory);
  try {
    const file = journalFile(directory);
    const db = new Database(file, { fileMustExist: true });
    try {
      // As the store has it: on disk before it is said.
      db.pragma('synchronous = FULL');
      db.pragma('secure_delete = ON');
      const lowered = lower(db, file, to, steps);
      // What the older version finds is one whole file.
      db.pragma('wal_checkpoint(TRUNCATE)');
      return lowered;
    } finally {
      db.close();
    }
  } finally {
    lock.close();
  }
}

/**
 * Adds to the audit of a folder whose gateway is stopped. The journal is not opened as the gateway opens it: what is to be
 * checked, salvaged or brought to newer tables is left to the gateway, which tells of it.
 * @throws Error where there is none, or not one that was closed in order; JournalError E_JOURNAL_IN_USE; what SQLite says.
 */
export function auditStopped(directory: string, at: number, body: string): void {
  const file = journalFile(directory);
  // A lock that root makes is none that the gateway can take.
  if (!existsSync(file) || !existsSync(join(directory, 'lock.sqlite')))
    throw new Error(say(`${directory} has no journal`, `${directory} 中没有日志库`));
  const lock = takeLock(directory);
  try {
    const db = new Database(file, { fileMustExist: true });
    try {
      const version = db.pragma('user_version', { simple: true });
      if (version !== SCHEMA_VERSION || metaTable(db).get('clean') !== '1')
        throw new Error(say('the journal was not closed in order', '日志库未正常关闭'));
      db.pragma('synchronous = FULL');
      const audit = auditTable(db);
      db.transaction(() => audit.add(at, body))();
    } finally {
      db.close();
    }
  } finally {
    lock.close();
  }
}

/** Whether a gateway has a folder, or that cannot be seen: then it may. Takes nothing. */
export function isInUse(directory: string): boolean {
  const file = join(directory, 'lock.sqlite');
  if (!existsSync(file)) return false;
  try {
    const lock = new Database(file, { readonly: true, timeout: 0 });
    try {
      lock.pragma('schema_version');
      return false;
    } finally {
      lock.close();
    }
  } catch {
    return true;
  }
}

/** Keeps gateways off a folder until it is closed. @throws JournalError E_JOURNAL_IN_USE where one has it. */
export const holdFolder = (directory: string): { close(): void } => takeLock(directory);

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
