/**
 * Opening a journal that may be damaged: by a torn page after a power cut, a bad sector, a disk that lied.
 *
 * A file that fails its check is set aside under a name with the time, never deleted; what can be read of it goes
 * into a new file with the same numbers; the daemon starts and tells what was lost. A file that was closed in order
 * is not read through: on a large journal that takes as long as reading it.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import Database from 'better-sqlite3';
import type { Clock } from '../../drivers/contract/clock.ts';
import { belong } from '../lifecycle/belonging.ts';
import { codeOf, isDamage, JournalError } from './error.ts';
import { placeOf, type Renumbered } from './identity.ts';
import { metaTable } from './meta.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { openStore, type Store } from './store.ts';

/** What was saved of a damaged file. */
export interface Salvage {
  /** Where the damaged file lies now. */
  readonly file: string;
  readonly reason: string;
  /** Events that were read. */
  readonly saved: number;
  /** Ranges of numbers that could not be read. A number that retention had removed may be among them. */
  readonly lost: readonly { readonly first: number; readonly last: number }[];
  /** Whether the numbering goes on; otherwise the new journal has a new id. */
  readonly sameJournal: boolean;
}

export const journalFile = (directory: string) => join(directory, 'journal.sqlite');

/**
 * After a damage, new numbers start this far above the last that was read: numbers beyond it may have been given,
 * and sent, before they were lost.
 */
const SAFETY_GAP = 1_000_000;
const CHUNK = 512;
/** SQLite's default since 3.12; nobody sets another. */
const PAGE_BYTES = 4096;

/** Why a file is read through although it was closed in order: an error of the disk, or of what is in the file. */
export type Doubt = 'disk' | 'damage';

/**
 * Opens a folder's journal, or what can be saved of it.
 * @throws JournalError E_JOURNAL_NEWER; or what SQLite says of the disk, where the file is not to blame.
 */
export function openOrSalvage(
  directory: string,
  doubt: Doubt | undefined,
  time: Pick<Clock, 'wall'>,
  machine = '',
): { readonly store: Store; readonly salvage?: Salvage; readonly renumbered?: Renumbered | undefined } {
  const file = journalFile(directory);
  const saved = `${file}.salvaged`;
  // A crash came before the last step of a salvage: the damaged file is aside, and what its WAL held is saved.
  if (!existsSync(file) && existsSync(saved)) {
    for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true });
    belong(saved, directory);
    renameSync(saved, file);
  }
  // What a salvage that broke off left: copies of the journal, with all that was erased since.
  for (const left of [saved, `${saved}.partial`, `${saved}.copy`])
    for (const end of ['', '-wal', '-shm']) rmSync(left + end, { force: true });
  let found: Store | undefined;
  try {
    checkFormat(file);
    found = openStore(file, time);
    if (doubt !== undefined || !found.isClean()) found.check(doubt === 'damage');
    found.markClean(false);
    return { store: found, renumbered: settleIn(found, file, machine) };
  } catch (error) {
    found?.close();
    // Our SQL is right: what SQLite does not understand was written over.
    if (!isDamage(error) && codeOf(error) !== 'SQLITE_ERROR') throw error;
    // A crash, or a full disk, at any of these steps leaves the damaged file or the saved one to begin from.
    const counts = rebuild(file, saved);
    const aside = setAside(directory, time.wall());
    // Root erases somebody from a journal that is damaged: the gateway goes on with what was saved.
    belong(saved, directory);
    renameSync(saved, file);
    const store = openStore(file, time);
    store.markClean(false);
    const renumbered = settleIn(store, file, machine);
    return {
      store,
      renumbered,
      salvage: { file: basename(aside), reason: (error as Error).message, ...counts },
    };
  }
}

/** Binds the numbering to where the file is now, and takes a lease. */
function settleIn(store: Store, file: string, machine: string): Renumbered | undefined {
  const renumbered = store.bind(placeOf(file, machine));
  store.renewLease();
  return renumbered;
}

/**
 * A format that SQLite does not know makes it take a file for read-only, without another word.
 * @throws JournalError E_JOURNAL_DAMAGED where the format number for writing (file format 1.3.3) is not one of ours.
 */
function checkFormat(file: string) {
  if (!existsSync(file)) return;
  const handle = openSync(file, 'r');
  const header = Buffer.alloc(20);
  try {
    if (readSync(handle, header) === header.length && (header[18] ?? 0) > 2)
      throw new JournalError('E_JOURNAL_DAMAGED', `${file}: its format number was written over`);
  } finally {
    closeSync(handle);
  }
}

/** Moves the file and its WAL out of the way, together, so that SQLite still finds one by the other. */
function setAside(directory: string, now: number): string {
  const file = journalFile(directory);
  const time = new Date(now).toISOString().replace(/[-:]/g, '').replace(/\..*/, 'Z');
  let aside = join(directory, `journal.damaged-${time}.sqlite`);
  for (let n = 2; existsSync(aside); n++) aside = join(directory, `journal.damaged-${time}-${n}.sqlite`);
  // The file first: after a crash between the two the saved one takes its place, and the old WAL goes.
  renameSync(file, aside);
  for (const end of ['-wal', '-shm']) {
    if (existsSync(file + end)) renameSync(file + end, aside + end);
  }
  return aside;
}

type Row = Readonly<Record<string, string | number | null>>;

/** Copies what can be read into a new file, by name of column, so that an older schema is read too. */
function rebuild(damaged: string, saved: string): Omit<Salvage, 'file' | 'reason'> {
  const partial = `${saved}.partial`;
  const copy = `${saved}.copy`;
  openStore(partial).close();
  const from = readable(damaged) ?? attempt(() => withFirstPageOf(partial, damaged, copy));
  const to = new Database(partial);
  const lost: { first: number; last: number }[] = [];
  let count = 0;
  let sameJournal = false;
  try {
    to.pragma('synchronous = OFF');
    to.exec('BEGIN');
    if (from !== undefined) {
      const inserts = new Map<string, Database.Statement>();
      /** False: the row is nonsense. @throws what SQLite says of the disk. */
      const put = (table: string, row: Row): boolean => {
        const columns = Object.keys(row).filter((name) => /^[a-z_]+$/.test(name));
        const values = columns.map((name) => `@${name}`);
        const sql = `INSERT OR REPLACE INTO ${table} (${columns.join()}) VALUES (${values.join()})`;
        try {
          const insert = inserts.get(sql) ?? to.prepare(sql);
          inserts.set(sql, insert);
          insert.run(row);
          return true;
        } catch (error) {
          if (!/^SQLITE_(CONSTRAINT|ERROR|MISMATCH)/.test(codeOf(error))) throw error;
          return false;
        }
      };
      const putAll = (table: string, rows: readonly Row[] | undefined) => {
        for (const row of rows ?? []) put(table, row);
      };
      const insert = (row: Row) => {
        const done = put('event', row);
        if (done) count++;
        return done;
      };
      const last = readEvents(from, insert, lost);
      for (const table of ['state', 'cursor', 'mark', 'held', 'command', 'audit', 'credential', 'number'])
        putAll(
          table,
          attempt(() => from.prepare<[], Row>(`SELECT * FROM ${table}`).all()),
        );
      const meta = attempt(() => from.prepare<[], Row>("SELECT * FROM meta WHERE key <> 'clean'").all());
      sameJournal = meta?.some(({ key }) => key === 'journal') === true;
      putAll('meta', meta);
      keepPlace(to, partial, meta);
      // The chains of a new numbering begin anew.
      if (!sameJournal) to.exec('UPDATE cursor SET sent = 0');
      if (last > 0) {
        to.prepare("DELETE FROM sqlite_sequence WHERE name = 'event'").run();
        to.prepare("INSERT INTO sqlite_sequence VALUES ('event', ?)").run(last + SAFETY_GAP);
      }
      // A cursor beyond what was saved is right: what it passed was delivered. A state whose event is gone is not.
      to.exec('DELETE FROM state WHERE sequence NOT IN (SELECT sequence FROM event)');
    }
    to.exec('COMMIT');
    to.pragma('synchronous = FULL');
    to.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    from?.close();
    to.close();
    for (const end of ['', '-wal', '-shm']) rmSync(copy + end, { force: true });
  }
  renameSync(partial, saved);
  return { saved: count, lost, sameJournal };
}

/** The new file is another on the disk, and takes the old one's place: that makes it no copy. */
function keepPlace(to: Database.Database, file: string, meta: readonly Row[] | undefined) {
  const known = meta?.find(({ key }) => key === 'place')?.['value'];
  const place = attempt(() => JSON.parse(String(known)) as { machine: string });
  if (place === undefined) to.prepare("DELETE FROM meta WHERE key = 'place'").run();
  else metaTable(to).put('place', JSON.stringify({ ...placeOf(file, place.machine) }));
}

/** The damaged file, where SQLite opens it at all. */
function readable(file: string): Database.Database | undefined {
  return attempt(() => {
    const db = new Database(file);
    try {
      const version = db.pragma('user_version', { simple: true }) as number;
      if (version < 1 || version > SCHEMA_VERSION) throw new JournalError('E_JOURNAL_DAMAGED', 'no version');
      db.prepare('SELECT sequence, lane, id, seen_at, type, device, repeat_key, body FROM event');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * A copy of the damaged file in which the first page is that of a new one. It holds the names of the tables and
 * where they begin, which is the same in every file of a version: the other pages can be read by it.
 */
function withFirstPageOf(fresh: string, damaged: string, copy: string): Database.Database | undefined {
  copyFileSync(damaged, copy, constants.COPYFILE_FICLONE);
  if (existsSync(`${damaged}-wal`)) copyFileSync(`${damaged}-wal`, `${copy}-wal`);
  const page = readFileSync(fresh).subarray(0, PAGE_BYTES);
  const pages = Math.floor(statSync(copy).size / PAGE_BYTES);
  // The size of the file in pages, and none of them free (SQLite file format, 1.3.7 and 1.5).
  page.writeUInt32BE(pages, 28);
  page.fill(0, 32, 40);
  const file = openSync(copy, 'r+');
  try {
    writeSync(file, page, 0, page.length, 0);
  } finally {
    closeSync(file);
  }
  return readable(copy);
}

/**
 * The highest of several numbers that should be near each other, 0 for one that cannot be read: one that stands
 * millions above all others was written over.
 */
function plausible(numbers: readonly number[]): number {
  const sorted = numbers.filter((one) => one > 0).toSorted((a, b) => b - a);
  return sorted.find((one, i) => one - (sorted[i + 1] ?? one) <= 10 * SAFETY_GAP) ?? 0;
}

/**
 * Reads all events that can be read; the highest number there may have been. Where a stretch fails it is halved,
 * down to the single event.
 */
function readEvents(
  db: Database.Database,
  insert: (row: Row) => boolean,
  lost: { first: number; last: number }[],
): number {
  const edge = (sql: string) => attempt(() => db.prepare<[], { n: number | null }>(sql).get()?.n ?? 0) ?? 0;
  const numbers = [
    edge("SELECT seq AS n FROM sqlite_sequence WHERE name = 'event'"),
    edge('SELECT max(sequence) AS n FROM event'),
    edge('SELECT max(sequence) AS n FROM event INDEXED BY event_lane'),
  ];
  const last = plausible(numbers) || edge('SELECT max(sequence) AS n FROM cursor');
  const read = db.prepare<[number, number], Row>(
    'SELECT * FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence',
  );
  const stretch = (first: number, end: number) => {
    const rows = attempt(() => read.all(first, end));
    if (rows !== undefined) {
      for (const row of rows) {
        if (!isEvent(row) || !insert(row)) lose(lost, Number(row['sequence']));
      }
    } else if (first === end) lose(lost, first);
    else {
      const middle = Math.floor((first + end) / 2);
      stretch(first, middle);
      stretch(middle + 1, end);
    }
  };
  const start = edge('SELECT min(sequence) AS n FROM event') || 1;
  for (let at = start; at <= last; at += CHUNK) stretch(at, Math.min(at + CHUNK - 1, last));
  return last;
}

/** A torn page can read as rows of nonsense: an event is JSON, whatever else is wrong with it. */
function isEvent({ body, id, type }: Row): boolean {
  if (typeof id !== 'string' || typeof type !== 'string' || typeof body !== 'string') return false;
  return attempt(() => typeof JSON.parse(body) === 'object') === true;
}

function lose(lost: { first: number; last: number }[], sequence: number) {
  const before = lost.at(-1);
  if (before?.last === sequence - 1) before.last = sequence;
  else lost.push({ first: sequence, last: sequence });
}

/** undefined: it cannot be read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
