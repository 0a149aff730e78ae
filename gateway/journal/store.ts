/**
 * The journal's file: plain synchronous SQLite, called by the worker thread alone.
 *
 *   event   sequence  lane  id  seen_at  type  device  state_key  repeat_key  body
 *   cursor  uplink  lane  sequence  sent
 *
 * `sequence` is AUTOINCREMENT: a number is never used twice, not even after retention emptied the table.
 * `state_key` names what an event is the latest word on; `repeat_key` what makes a second sending the same event.
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
    state_key TEXT,
    repeat_key TEXT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_lane ON event (lane, sequence);
  CREATE INDEX event_state ON event (state_key, sequence) WHERE state_key IS NOT NULL;
  CREATE INDEX event_repeat ON event (repeat_key, sequence) WHERE repeat_key IS NOT NULL;
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

export type Store = ReturnType<typeof openStore>;

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

  const insert = db.prepare<[number, string, number, string, string, string | null, string | null, string]>(
    'INSERT INTO event (lane, id, seen_at, type, device, state_key, repeat_key, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const repeatOf = db.prepare<[string, number], { sequence: number; id: string }>(
    'SELECT sequence, id FROM event WHERE repeat_key = ? AND seen_at > ? ORDER BY sequence DESC LIMIT 1',
  );
  const putCursor = db.prepare<[string, number, number, number]>(
    'INSERT INTO cursor VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence, sent = excluded.sent',
  );
  const columns = 'sequence, lane, id, seen_at AS seenAt, type, device, body';
  const readLane = db.prepare<[number, number, number], Entry>(
    `SELECT ${columns} FROM event WHERE lane = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
  );
  const readStates = db.prepare<[], { key: string; sequence: number; body: string }>(
    `SELECT state_key AS key, sequence, body FROM event
     WHERE sequence IN (SELECT max(sequence) FROM event WHERE state_key IS NOT NULL GROUP BY state_key)
     ORDER BY sequence`,
  );
  const readCursors = db.prepare<[], Cursor>('SELECT uplink, lane, sequence, sent FROM cursor');
  const lastOfLane = db.prepare<[number], { sequence: number | null }>(
    'SELECT max(sequence) AS sequence FROM event WHERE lane = ?',
  );
  const expire = db.prepare<[number, number, number, number]>(
    'DELETE FROM event WHERE sequence IN (SELECT sequence FROM event WHERE lane = ? AND sequence <= ? AND seen_at < ? ORDER BY sequence LIMIT ?)',
  );

  const commit = db.transaction((entries: readonly NewEntry[], cursors: readonly Cursor[]): Appended[] => {
    for (const { uplink, lane, sequence, sent } of cursors) putCursor.run(uplink, lane, sequence, sent);
    return entries.map((entry) => {
      const { repeat } = entry;
      const first = repeat === undefined ? undefined : repeatOf.get(repeat.key, entry.seenAt - repeat.within);
      if (first !== undefined) return { ...first, repeated: true };
      const { lane, id, seenAt, type, device, stateKey = null, body } = entry;
      const { lastInsertRowid } = insert.run(
        lane,
        id,
        seenAt,
        type,
        device,
        stateKey,
        repeat?.key ?? null,
        body,
      );
      return { sequence: Number(lastInsertRowid), id, repeated: false };
    });
  });

  return {
    /** One transaction, on disk when it returns. @throws what SQLite throws: nothing of it was kept. */
    commit: (entries: readonly NewEntry[], cursors: readonly Cursor[]) => commit.immediate(entries, cursors),
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
