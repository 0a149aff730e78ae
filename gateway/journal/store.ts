/**
 * One open journal file: plain synchronous SQLite, called by one thread alone. Its tables: schema.ts. Each table has
 * its owner beside this file; here the file as a whole is opened, checked, tried and closed.
 */
import Database from 'better-sqlite3';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import { createPrivate } from '../lifecycle/private-files.ts';
import { batchWriter } from './batch.ts';
import { commandTable } from './commands.ts';
import { credentialTable } from './credentials.ts';
import { type EraseStep, eraser, type Person, rowEraser } from './erasure.ts';
import { JournalError } from './error.ts';
import { identityTable } from './identity.ts';
import { metaTable } from './meta.ts';
import { numberTable } from './numbers.ts';
import { pruner } from './pruning.ts';
import { eventReader } from './reading.ts';
import { checkTables, migrate, noteWriter } from './schema.ts';
import { type Looked, lookForTraces } from './traces.ts';

/** Pages in the WAL before they are copied into the file: 16 MB. Fewer, larger copies write each index page once. */
const CHECKPOINT_PAGES = 4000;
/** What a trial write takes: a disk that has room for a row, and not for an alarm and its WAL, is full. */
const TRIAL_BYTES = 65_536;

/** The row of `meta` of a file in which whatever was deleted was overwritten, from its beginning or from when it was compacted. */
const OVERWRITES = 'overwrites';

export type Store = ReturnType<typeof createStore>;

/**
 * Opens or makes the file, and brings it to this version.
 * @throws JournalError E_JOURNAL_NEWER, E_JOURNAL_DAMAGED, or what SQLite says.
 */
export function openStore(file: string, time: Pick<Clock, 'wall'> = systemClock): Store {
  // SQLite gives its WAL the mode of the file.
  createPrivate(file);
  // Nobody else writes; a visitor who locks the file is not waited for long.
  const db = new Database(file, { timeout: 500 });
  try {
    return createStore(db, file, time);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The same of a database that is open: `file` is its name in errors. */
export function createStore(db: Database.Database, file: string, time: Pick<Clock, 'wall'>) {
  db.pragma('journal_mode = WAL');
  // Each commit is fsynced before it returns: the promise behind every acknowledgement.
  db.pragma('synchronous = FULL');
  // What is erased on request is not to be read in pages that are free: FAST would leave it in whole ones.
  db.pragma('secure_delete = ON');
  const isNew = db.pragma('user_version', { simple: true }) === 0;
  migrate(db, file);
  checkTables(db, file, true);
  noteWriter(db);
  // Reads go along the lanes, and what is new is in memory: a larger cache would hold what nobody asks for.
  db.pragma('cache_size = -4000');
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);

  const meta = metaTable(db);
  if (isNew) meta.put(OVERWRITES, '1');
  const erase = db.transaction(eraser(db));
  const eraseRows = db.transaction(rowEraser(db));
  return {
    ...batchWriter(db, time.wall),
    ...eventReader(db),
    ...pruner(db),
    ...commandTable(db, meta),
    ...credentialTable(db, meta),
    ...numberTable(db, meta),
    erase: (step: EraseStep) => erase.immediate(step),
    eraseRows: (person: Person) => eraseRows.immediate(person),
    look: (traces: readonly string[], from: number): Looked =>
      db.memory
        ? { found: false }
        : meta.get(OVERWRITES) === undefined
          ? { found: true }
          : lookForTraces(file, traces, from),
    /** @throws what SQLite says: FULL where there is no room for it twice. */
    compact() {
      db.exec('VACUUM');
      meta.put(OVERWRITES, '1');
    },
    ...identityTable(db, meta, time.wall),
    /** Whether it was closed in order the last time. */
    isClean: () => meta.get('clean') === '1',
    markClean: (clean: boolean) => meta.put('clean', clean ? '1' : '0'),
    /**
     * Reads all of the file; `thorough` compares the index with the events too, which takes several times as long.
     * @throws JournalError E_JOURNAL_DAMAGED, or what SQLite says.
     */
    check(thorough: boolean) {
      const found = db.pragma(thorough ? 'integrity_check(3)' : 'quick_check(3)', { simple: true });
      if (found !== 'ok') throw new JournalError('E_JOURNAL_DAMAGED', `${file}: ${found}`);
    },
    /** @throws what SQLite says. */
    trial() {
      db.transaction(() => meta.put('trial', 'x'.repeat(TRIAL_BYTES))).immediate();
      meta.put('trial', '');
    },
    /** Whether the WAL is empty then. @throws what SQLite says. */
    checkpoint: () => (db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[])[0]?.busy === 0,
    close: () => void db.close(),
  };
}
