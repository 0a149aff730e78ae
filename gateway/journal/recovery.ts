/**
 * Opening a journal that may be damaged: by a torn page after a power cut, a bad sector, a disk that lied.
 *
 * A file that fails its check is set aside under a name with the time, never deleted; what can be read of it goes
 * into a new file with the same numbers; the daemon starts and tells what was lost. A file that was closed in order
 * is not read through: on a large journal that takes as long as reading it.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import Database from 'better-sqlite3';
import { isDamage, JournalError } from './error.ts';
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

/**
 * Opens a folder's journal, or what can be saved of it. `suspicious` reads the file through although it was closed
 * in order.
 * @throws JournalError E_JOURNAL_NEWER; or what SQLite says of the disk, where the file is not to blame.
 */
export function openOrSalvage(
  directory: string,
  suspicious: boolean,
): { readonly store: Store; readonly salvage?: Salvage } {
  const file = journalFile(directory);
  const saved = `${file}.salvaged`;
  // A crash came between the last two steps of a salvage.
  if (!existsSync(file) && existsSync(saved)) renameSync(saved, file);
  let found: Store | undefined;
  try {
    found = openStore(file);
    if (suspicious || !found.clean()) found.check();
    found.markClean(false);
    return { store: found };
  } catch (error) {
    found?.close();
    if (!isDamage(error)) throw error;
    // A crash, or a full disk, at any of these steps leaves the damaged file or the saved one to begin from.
    const counts = rebuild(file, saved);
    const aside = setAside(directory);
    renameSync(saved, file);
    const store = openStore(file);
    store.markClean(false);
    return { store, salvage: { file: basename(aside), reason: (error as Error).message, ...counts } };
  }
}

/** Moves the file and its WAL out of the way, together, so that SQLite still finds one by the other. */
function setAside(directory: string): string {
  const file = journalFile(directory);
  const time = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, 'Z');
  let aside = join(directory, `journal.damaged-${time}.sqlite`);
  for (let n = 2; existsSync(aside); n++) aside = join(directory, `journal.damaged-${time}-${n}.sqlite`);
  // The WAL first: a crash between the two leaves a file without its WAL, not a new file with an old one.
  for (const end of ['-wal', '-shm']) {
    if (existsSync(file + end)) renameSync(file + end, aside + end);
  }
  renameSync(file, aside);
  return aside;
}

type Row = Readonly<Record<string, string | number | null>>;

/** Copies what can be read into a new file, by name of column, so that an older schema is read too. */
function rebuild(damaged: string, saved: string): Omit<Salvage, 'file' | 'reason'> {
  const partial = `${saved}.partial`;
  for (const end of ['', '-wal', '-shm']) rmSync(partial + end, { force: true });
  openStore(partial).close();
  const to = new Database(partial);
  const from = readable(damaged);
  const lost: { first: number; last: number }[] = [];
  let count = 0;
  let sameJournal = false;
  try {
    to.pragma('synchronous = OFF');
    to.exec('BEGIN');
    if (from !== undefined) {
      const put = (table: string, rows: readonly Row[]) => {
        const columns = new Set(to.pragma(`table_info(${table})`) as { name: string }[]);
        for (const row of rows) {
          const names = [...columns].map(({ name }) => name).filter((name) => row[name] !== undefined);
          to.prepare(
            `INSERT OR REPLACE INTO ${table} (${names.join()}) VALUES (${names.map((name) => `@${name}`).join()})`,
          ).run(row);
        }
      };
      const insert = (rows: readonly Row[]) => {
        put('event', rows);
        count += rows.length;
      };
      const last = readEvents(from, insert, lost);
      for (const table of ['state', 'cursor', 'mark', 'held'])
        put(table, attempt(() => from.prepare<[], Row>(`SELECT * FROM ${table}`).all()) ?? []);
      const meta = attempt(() => from.prepare<[], Row>("SELECT * FROM meta WHERE key = 'journal'").all());
      sameJournal = meta !== undefined && meta.length === 1;
      put('meta', meta ?? []);
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
  }
  renameSync(partial, saved);
  return { saved: count, lost, sameJournal };
}

/** The damaged file, where SQLite opens it at all. */
function readable(file: string): Database.Database | undefined {
  return attempt(() => {
    const db = new Database(file);
    try {
      const version = db.pragma('user_version', { simple: true }) as number;
      if (version < 1 || version > SCHEMA_VERSION) throw new JournalError('E_JOURNAL_DAMAGED', 'no version');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Reads all events that can be read; the highest number there may have been. Where a stretch fails it is halved,
 * down to the single event.
 */
function readEvents(
  db: Database.Database,
  insert: (rows: readonly Row[]) => void,
  lost: { first: number; last: number }[],
): number {
  const edge = (sql: string) => attempt(() => db.prepare<[], { n: number | null }>(sql).get()?.n ?? 0) ?? 0;
  const last = Math.max(
    edge("SELECT seq AS n FROM sqlite_sequence WHERE name = 'event'"),
    edge('SELECT max(sequence) AS n FROM event'),
    edge('SELECT max(sequence) AS n FROM event INDEXED BY event_lane'),
    edge('SELECT max(sequence) AS n FROM cursor'),
  );
  const read = db.prepare<[number, number], Row>(
    'SELECT * FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence',
  );
  const stretch = (first: number, end: number) => {
    const rows = attempt(() => read.all(first, end));
    if (rows !== undefined) insert(rows.filter(isEvent));
    else if (first === end) lose(lost, first);
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
