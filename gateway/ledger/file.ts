/**
 * The ledger's file beside the journal: one SQLite file, which a rollback journal keeps whole. Two write it, the gateway
 * (from a thread apart: jobs.ts) and the command line; each for a moment, and then closes it.
 *
 *   entry   faults and hazards            outbox  what of them is to be told as an event
 *   device  what devices are              note    who changed what, until the audit has it, and after
 *   report  days in numbers               meta    key, value: the digest that was told last
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createPrivate } from '../lifecycle/private-files.ts';
import { deviceQueries } from './devices-table.ts';
import { entryQueries } from './entries-table.ts';
import { LedgerError, type Noting } from './entry.ts';
import { reportQueries } from './reports-table.ts';

const VERSION = 1;
/** The other one holds the file for some ms; a slow disk for longer. */
const BUSY_MS = 10_000;

const tables = `
  CREATE TABLE entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT,
    standing INTEGER NOT NULL,
    close TEXT NOT NULL,
    device TEXT,
    place TEXT,
    fault TEXT,
    cause TEXT,
    reason TEXT,
    what TEXT,
    owner TEXT,
    measure TEXT,
    deadline INTEGER,
    since INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    opened_by TEXT NOT NULL,
    ended_at INTEGER,
    closed_at INTEGER,
    closed_by TEXT,
    result TEXT,
    reminded_at INTEGER
  ) STRICT;
  CREATE INDEX entry_standing ON entry (key) WHERE standing = 1;
  CREATE INDEX entry_open ON entry (number) WHERE closed_at IS NULL;
  CREATE TABLE outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, entry INTEGER NOT NULL) STRICT;
  CREATE TABLE device (id TEXT PRIMARY KEY, said TEXT NOT NULL, said_at INTEGER, notes TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE note (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    audited INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX note_subject ON note (subject, number);
  CREATE INDEX note_new ON note (number) WHERE audited = 0;
  CREATE TABLE report (day TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

export const ledgerFile = (dataDir: string) => join(dataDir, 'ledger.sqlite');

export type LedgerFile = ReturnType<typeof openLedger>;

/** Opens it, or makes an empty one. @throws LedgerError E_LEDGER_NEWER; what SQLite says of the disk. */
export function openLedger(dataDir: string) {
  const file = ledgerFile(dataDir);
  createPrivate(file);
  const db = new Database(file, { timeout: BUSY_MS });
  try {
    db.pragma('synchronous = FULL');
    migrate(db, file);
    const insertNote = db.prepare<[number, string, string, string]>(
      'INSERT INTO note (at, by, subject, body) VALUES (?, ?, ?, ?)',
    );
    const note: Noting = (at, by, subject, body) =>
      void insertNote.run(at, by, subject, JSON.stringify(body));
    return {
      ...entryQueries(db, note),
      ...deviceQueries(db, note),
      ...reportQueries(db),
      close: () => void db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: Database.Database, file: string): void {
  const version = () => db.pragma('user_version', { simple: true }) as number;
  if (version() === VERSION) return;
  db.transaction(() => {
    if (version() > VERSION)
      throw new LedgerError('E_LEDGER_NEWER', `${file} was written by a newer version of the gateway`);
    if (version() === VERSION) return;
    db.exec(tables);
    db.pragma(`user_version = ${VERSION}`);
  }).immediate();
}
