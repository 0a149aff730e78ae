/**
 * The journal's file: plain synchronous SQLite, called by the worker thread alone.
 *
 *   event   sequence  lane  id  seen_at  type  device  repeat_key  body
 *   state   key  sequence                 the event that is the latest word on something
 *   cursor  uplink  lane  sequence  sent
 *
 * `sequence` is AUTOINCREMENT: a number is never used twice, not even after retention emptied the table.
 * `repeat_key` tells what makes a second sending the same event. It has no index: keys are hashes, and an index of
 * hashes writes a page somewhere else for each event. The recent ones are kept in memory and read back on opening.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

export interface NewEntry {
  readonly id: string;
  readonly lane: number;
  readonly seenAt: number;
  readonly type: string;
  readonly device: string;
  readonly stateKey?: string | undefined;
  readonly repeat?: { readonly key: string; readonly within: number } | undefined;
  /** The event as JSON, without `sequence` and `previous`. */
  readonly body: string;
}

export interface Entry {
  readonly sequence: number;
  readonly lane: number;
  readonly id: string;
  readonly seenAt: number;
  readonly type: string;
  readonly device: string;
  readonly body: string;
}

export interface Appended {
  readonly sequence: number;
  readonly id: string;
  readonly repeated: boolean;
}

/** `sequence`: all up to it is dealt with. `sent`: the last one that was delivered, the next one's `previous`. */
export interface Cursor {
  readonly uplink: string;
  readonly lane: number;
  readonly sequence: number;
  readonly sent: number;
}

/** Repeats are recognised among this many of the newest events that have a key. */
const REPEATS = 50_000;
/** Pages in the WAL before they are copied into the file: 16 MB. Fewer, larger copies write each index page once. */
const CHECKPOINT_PAGES = 4000;
/** The version of the tables; a newer file is refused. */
const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    lane INTEGER NOT NULL,
    id TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    device TEXT NOT NULL,
    repeat_key TEXT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_lane ON event (lane, sequence);
  CREATE TABLE state (key TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE cursor (
    uplink TEXT NOT NULL,
    lane INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    PRIMARY KEY (uplink, lane)
  ) STRICT, WITHOUT ROWID;
`;

export class JournalError extends Error {
  readonly code: 'E_JOURNAL_IN_USE' | 'E_JOURNAL_NEWER' | 'E_JOURNAL_WRITE';
  constructor(code: JournalError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JournalError';
    this.code = code;
  }
}

/**
 * Opens or makes `journal.sqlite` in a folder.
 * @throws JournalError E_JOURNAL_IN_USE where another gateway has the folder, E_JOURNAL_NEWER where a later
 *   version wrote the file.
 */
export function openStore(directory: string, lanes: number) {
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  const lock = takeLock(directory);
  // Nobody else writes; a visitor who locks the file is not waited for long.
  const db = new Database(join(directory, 'journal.sqlite'), { timeout: 500 });
  db.pragma('journal_mode = WAL');
  // Each commit is fsynced before it returns: the promise behind every acknowledgement.
  db.pragma('synchronous = FULL');
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > SCHEMA_VERSION) {
    db.close();
    lock.close();
    throw new JournalError(
      'E_JOURNAL_NEWER',
      `${directory}/journal.sqlite was written by a newer version (schema ${version}, this one knows ${SCHEMA_VERSION})`,
    );
  }
  if (version === 0) {
    db.transaction(() => {
      db.exec(SCHEMA);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    })();
  }

  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);

  const insert = db.prepare<[number, string, number, string, string, string | null, string]>(
    'INSERT INTO event (lane, id, seen_at, type, device, repeat_key, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const putState = db.prepare<[string, number]>(
    'INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence',
  );
  const putCursor = db.prepare<[string, number, number, number]>(
    'INSERT INTO cursor VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence, sent = excluded.sent',
  );
  const columns = 'sequence, lane, id, seen_at AS seenAt, type, device, body';
  const readLane = db.prepare<[number, number, number], Entry>(
    `SELECT ${columns} FROM event WHERE lane = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
  );
  const readStates = db.prepare<[], { key: string; sequence: number; body: string }>(
    'SELECT key, sequence, body FROM state JOIN event USING (sequence) ORDER BY sequence',
  );
  const readCursors = db.prepare<[], Cursor>('SELECT uplink, lane, sequence, sent FROM cursor');
  const lastOfLane = db.prepare<[number], { sequence: number | null }>(
    'SELECT max(sequence) AS sequence FROM event WHERE lane = ?',
  );
  const expire = db.prepare<[number, number, number, number]>(
    `DELETE FROM event WHERE sequence IN (
       SELECT sequence FROM event WHERE lane = ? AND sequence <= ? AND seen_at < ?
       AND sequence NOT IN (SELECT sequence FROM state) ORDER BY sequence LIMIT ?)`,
  );

  const repeats = recentRepeats(db);
  const transaction = db.transaction(
    (entries: readonly NewEntry[], cursors: readonly Cursor[]): Appended[] => {
      for (const { uplink, lane, sequence, sent } of cursors) putCursor.run(uplink, lane, sequence, sent);
      // Two of the same in one batch: the second must see the first, which is in no map before it is on disk.
      const fresh = new Map<string, Repeat>();
      return entries.map((entry) => {
        const { lane, id, seenAt, type, device, stateKey, repeat, body } = entry;
        const first = repeat === undefined ? undefined : (fresh.get(repeat.key) ?? repeats.get(repeat.key));
        if (first !== undefined && repeat !== undefined && first.seenAt > seenAt - repeat.within) {
          return { sequence: first.sequence, id: first.id, repeated: true };
        }
        const sequence = Number(
          insert.run(lane, id, seenAt, type, device, repeat?.key ?? null, body).lastInsertRowid,
        );
        if (stateKey !== undefined) putState.run(stateKey, sequence);
        if (repeat !== undefined) fresh.set(repeat.key, { sequence, id, seenAt });
        return { sequence, id, repeated: false };
      });
    },
  );
  const commit = (entries: readonly NewEntry[], cursors: readonly Cursor[]): Appended[] => {
    const done = transaction.immediate(entries, cursors);
    for (const [i, { repeat, seenAt }] of entries.entries()) {
      const { sequence, id, repeated } = done[i] as Appended;
      if (repeat === undefined || repeated) continue;
      // Deleted first: a Map keeps the order of insertion, and the oldest go.
      repeats.delete(repeat.key);
      repeats.set(repeat.key, { sequence, id, seenAt });
    }
    for (const key of repeats.keys()) {
      if (repeats.size <= REPEATS) break;
      repeats.delete(key);
    }
    return done;
  };

  return {
    /** One transaction, on disk when it returns. @throws what SQLite throws: nothing of it was kept. */
    commit,
    read: (lane: number, after: number, limit: number) => readLane.all(lane, after, limit),
    /** The latest event of each state key, oldest first. */
    states: () => readStates.all(),
    cursors: () => readCursors.all(),
    /** The highest sequence of each lane, 0 where it is empty. */
    lasts: () => Array.from({ length: lanes }, (_, lane) => lastOfLane.get(lane)?.sequence ?? 0),
    /** Deletes up to `limit` of a lane's events seen before a time and not after a sequence; how many they were. */
    expire: (lane: number, upTo: number, before: number, limit: number) =>
      expire.run(lane, upTo, before, limit).changes,
    close() {
      db.close();
      lock.close();
    },
  };
}

interface Repeat {
  readonly sequence: number;
  readonly id: string;
  readonly seenAt: number;
}

/** The repeat keys of the newest events, oldest first. */
function recentRepeats(db: Database.Database): Map<string, Repeat> {
  const rows = db
    .prepare<[number], Repeat & { key: string }>(
      `SELECT repeat_key AS key, sequence, id, seen_at AS seenAt FROM event
       WHERE sequence > (SELECT max(sequence) FROM event) - ? AND repeat_key IS NOT NULL ORDER BY sequence`,
    )
    .all(REPEATS);
  return new Map(rows.map(({ key, ...repeat }) => [key, repeat]));
}

/** One gateway a folder. A lock of SQLite's ends with its process, however that ends. */
function takeLock(directory: string): Database.Database {
  const lock = new Database(join(directory, 'lock.sqlite'), { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw new JournalError(
      'E_JOURNAL_IN_USE',
      `${directory} is in use by another gateway; stop it, or set another dataDir`,
    );
  }
}
