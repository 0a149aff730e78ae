/**
 * The index of the events, in a file of its own beside the journal: what it holds can be made again from the journal at
 * any time, so a damaged one, one of another journal or one of another version is thrown away.
 *
 *   entry   position  sequence  id   one row an event; id: 48 bits of it
 *   term    tags  words  persons     FTS5 without the texts themselves; its rowid is the position
 *   meta    key  value               `journal`: whose events these are; `last`: the sequence up to which they are here;
 *                                    `audit`: up to where the audit was looked through for erasures
 *
 * `position` is the order in which people read: when it happened, then its number. All that is found is found along it,
 * newest first, so a page ends where its last row does, however many rows there are.
 */
import { hash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createPrivate } from '../../lifecycle/private-files.ts';
import type { Terms } from './terms.ts';

/** Another version of the tables, or of the terms in them, is made anew. */
const INDEX_VERSION = 2;

export interface Indexed extends Terms {
  readonly sequence: number;
  readonly id: string;
  /** When it happened, epoch ms. */
  readonly time: number;
}
export interface Found {
  readonly position: number;
  readonly sequence: number;
}

/** Numbers of one millisecond: a position up to the year 2109 is a whole number that a double holds. */
const PER_MS = 2048;
const TIME_MAX = Math.floor(Number.MAX_SAFE_INTEGER / PER_MS) - 1;
/** What a page of a cache takes, KiB: a question reads few pages. */
const CACHE_KIB = 4000;

const clamp = (time: number) => Math.min(TIME_MAX, Math.max(0, Math.floor(time)));
/** Where events of a time begin, epoch ms. */
export const positionOf = (time: number): number => clamp(time) * PER_MS;
/** When what stands at a position happened, epoch ms; of many in one millisecond, about when. */
export const timeOf = (position: number): number => Math.floor(position / PER_MS);

const hashOf = (text: string): number => Number.parseInt(hash('sha256', text).slice(0, 12), 16);
/**
 * What an id is looked up by. Of a UUIDv7 the 48 bits of its time (RFC 9562, 5.7), which a few share: they come in rising
 * order, and so the index writes a page or two for a step; of a hash it would write one for each event.
 */
const keyOfId = (id: string): number =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : hashOf(id);

const tables = `
  CREATE TABLE entry (position INTEGER PRIMARY KEY, sequence INTEGER NOT NULL UNIQUE, id INTEGER NOT NULL) STRICT;
  CREATE INDEX entry_id ON entry (id);
  CREATE VIRTUAL TABLE term USING fts5 (
    tags, words, persons, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
  );
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Of a data folder. */
export const indexFileOf = (directory: string) => join(directory, 'console.search.sqlite');

export type IndexFile = ReturnType<typeof openIndex>;

/** Removes an index, whatever it is. */
export function removeIndex(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(file + end, { force: true });
}

/** Opens an index, or makes an empty one. @throws what SQLite says of the disk. */
export function openIndex(file: string) {
  const open = () => {
    createPrivate(file);
    const db = new Database(file, { timeout: 500 });
    try {
      return prepare(db);
    } catch (error) {
      db.close();
      throw error;
    }
  };
  try {
    return open();
  } catch (error) {
    if (!/^SQLITE_(CORRUPT|NOTADB|ERROR)/.test((error as { code?: string }).code ?? '')) throw error;
    removeIndex(file);
    return open();
  }
}

function prepare(db: Database.Database) {
  db.pragma('journal_mode = WAL');
  // It can be made anew: a power cut may take its newest rows, and nobody waits for its disk.
  db.pragma('synchronous = NORMAL');
  db.pragma(`cache_size = -${CACHE_KIB}`);
  migrate(db);
  const meta = db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?');
  const setMeta = db.prepare<[string, string]>(
    'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const isTaken = db.prepare<[number]>('SELECT 1 FROM entry WHERE position = ?').pluck();
  const known = db.prepare<[number], Found>('SELECT position, sequence FROM entry WHERE sequence = ?');
  const putEntry = db.prepare<[number, number, number]>('INSERT INTO entry VALUES (?, ?, ?)');
  const putTerms = db.prepare<[number, string, string, string]>(
    'INSERT INTO term (rowid, tags, words, persons) VALUES (?, ?, ?, ?)',
  );
  const removeEntry = db.prepare<[number]>('DELETE FROM entry WHERE position = ?');
  const removeTerms = db.prepare<[number]>('DELETE FROM term WHERE rowid = ?');
  const byId = db.prepare<[number], Found>('SELECT position, sequence FROM entry WHERE id = ?');
  const following = db.prepare<[number, number], Found>(
    'SELECT position, sequence FROM entry WHERE sequence > ? ORDER BY sequence LIMIT ?',
  );
  const newest = db.prepare<[number, number, number], Found>(
    'SELECT position, sequence FROM entry WHERE position >= ? AND position < ? ORDER BY position DESC LIMIT ?',
  );
  const matching = db.prepare<[string, number, number, number], Found>(
    `SELECT entry.position, entry.sequence FROM term JOIN entry ON entry.position = term.rowid
     WHERE term MATCH ? AND term.rowid >= ? AND term.rowid < ? ORDER BY term.rowid DESC LIMIT ?`,
  );
  const count = db.prepare('SELECT count(*) FROM entry').pluck();

  const place = ({ sequence, time }: Pick<Indexed, 'sequence' | 'time'>): number => {
    const wanted = positionOf(time) + (sequence % PER_MS);
    let at = wanted;
    // Thousands that happened in one millisecond spread over the next ones, the wider the more they are.
    for (let spread = 1; isTaken.get(at) !== undefined; spread = Math.min(2 * spread, 2 ** 30))
      at = wanted + (hashOf(`${sequence} ${spread} ${at}`) % spread) + 1;
    return at;
  };
  const remove = ({ position }: Found) => {
    removeEntry.run(position);
    removeTerms.run(position);
  };
  const put = db.transaction((rows: readonly Indexed[], last: number) => {
    const placed: [number, Indexed][] = [];
    for (const row of rows) {
      const old = known.get(row.sequence);
      if (old !== undefined) remove(old);
      const position = place(row);
      putEntry.run(position, row.sequence, keyOfId(row.id));
      placed.push([position, row]);
    }
    // FTS5 writes its pages early where numbers do not rise.
    placed.sort(([a], [b]) => a - b);
    for (const [position, { tags, words, persons }] of placed) putTerms.run(position, tags, words, persons);
    setMeta.run('last', String(last));
  });
  const removeAll = db.transaction((found: readonly Found[]) => found.forEach(remove));
  return {
    get: (key: string) => meta.get(key)?.value,
    set: (key: string, value: string) => void setMeta.run(key, value),
    /** Puts events in, and notes that all up to `last` are here. */
    put: (rows: readonly Indexed[], last: number) => void put.immediate(rows, last),
    remove: (found: readonly Found[]) => void removeAll.immediate(found),
    /** Entries after a sequence, by sequence. */
    following: (sequence: number, limit: number) => following.all(sequence, limit),
    /** Those that may have this id. */
    byId: (id: string) => byId.all(keyOfId(id)),
    /** From a position up to before another, the last of them first; `question`: of terms.ts; undefined: all. */
    find: (question: string | undefined, from: number, before: number, limit: number) =>
      question === undefined ? newest.all(from, before, limit) : matching.all(question, from, before, limit),
    count: () => count.get() as number,
    close: () => void db.close(),
  };
}

function migrate(db: Database.Database): void {
  const version = db.pragma('user_version', { simple: true });
  if (version === INDEX_VERSION) return;
  if (version !== 0) throw Object.assign(new Error('another version'), { code: 'SQLITE_ERROR' });
  db.transaction(() => {
    db.exec(tables);
    db.pragma(`user_version = ${INDEX_VERSION}`);
  }).immediate();
}
