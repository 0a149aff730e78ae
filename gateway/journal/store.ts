/** One open journal file: plain synchronous SQLite, called by the worker thread alone. Its tables: schema.ts. */
import Database from 'better-sqlite3';
import { JournalError } from './error.ts';
import { checkTables, migrate } from './schema.ts';

export interface NewEntry {
  readonly id: string;
  readonly lane: number;
  readonly seenAt: number;
  readonly type: string;
  readonly device: string;
  readonly stateKey?: string | undefined;
  readonly repeat?: { readonly key: string; readonly within: number } | undefined;
  /** The event as JSON, without what is added when it is sent. */
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

/** How far an event has come with one platform. */
export type Stage = 'broker' | 'platform';

/** At `at` (epoch ms) everything of a lane up to `sequence` had come this far. */
export interface Mark {
  readonly uplink: string;
  readonly lane: number;
  readonly stage: Stage;
  readonly sequence: number;
  readonly at: number;
}

/** Events of one topic, `first` to `last`, that the broker refuses. */
export interface Held {
  readonly uplink: string;
  readonly topic: string;
  readonly lane: number;
  readonly first: number;
  readonly last: number;
  readonly reason: string;
  /** Epoch ms. */
  readonly since: number;
}

export interface Changes {
  readonly entries: readonly NewEntry[];
  readonly cursors: readonly Cursor[];
  readonly marks: readonly Mark[];
  /** As they now are; `ended` takes one away. */
  readonly held: readonly (
    | Held
    | { readonly uplink: string; readonly topic: string; readonly ended: true }
  )[];
}

/** One step of making room: at most `limit` events of a lane, the oldest first. */
export interface RemoveStep {
  readonly lane: number;
  /** Only of this class, e.g. `access`. */
  readonly class?: string | undefined;
  /** Only those seen before, epoch ms. */
  readonly before?: number | undefined;
  /** Only those after this sequence: where the step before ended. */
  readonly after: number;
  /** Only up to this sequence: what is delivered everywhere. */
  readonly upTo?: number | undefined;
  readonly limit: number;
  /** Where each uplink stands in this lane, and the types of events that it wants. */
  readonly cursors: readonly {
    readonly uplink: string;
    readonly sequence: number;
    readonly types: readonly string[];
  }[];
}

export interface Removed {
  readonly events: number;
  readonly bytes: number;
  /** The last sequence that was looked at; 0: there was none. */
  readonly last: number;
  /** Of them, not delivered to each uplink: how many, the first and the last. */
  readonly undelivered: readonly {
    readonly uplink: string;
    readonly events: number;
    readonly first: number;
    readonly last: number;
  }[];
}

/** What the file takes on disk. */
export interface Usage {
  /** In use, the WAL included. */
  readonly bytes: number;
  readonly events: number;
}

/** Repeats are recognised among this many of the newest events that have a key. */
const REPEATS = 50_000;
/** Pages in the WAL before they are copied into the file: 16 MB. Fewer, larger copies write each index page once. */
const CHECKPOINT_PAGES = 4000;
/** What a trial write takes: a disk that has room for a row, and not for an alarm and its WAL, is full. */
const TRIAL_BYTES = 65_536;
const ENTRY = 'sequence, lane, id, seen_at AS seenAt, type, device, body';

export type Store = ReturnType<typeof openStore>;

/**
 * Opens or makes the file, and brings it to this version.
 * @throws JournalError E_JOURNAL_NEWER, E_JOURNAL_DAMAGED, or what SQLite says.
 */
export function openStore(file: string) {
  // Nobody else writes; a visitor who locks the file is not waited for long.
  const db = new Database(file, { timeout: 500 });
  try {
    return prepare(db, file);
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepare(db: Database.Database, file: string) {
  db.pragma('journal_mode = WAL');
  // Each commit is fsynced before it returns: the promise behind every acknowledgement.
  db.pragma('synchronous = FULL');
  migrate(db, file);
  checkTables(db, file, true);
  // Reads go along the lanes, and what is new is in memory: a larger cache would hold what nobody asks for.
  db.pragma('cache_size = -4000');
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);

  const insert = db.prepare<[number, string, number, number, string, string, string | null, string]>(
    'INSERT INTO event (lane, id, seen_at, stored_at, type, device, repeat_key, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const putState = db.prepare<[string, number]>(
    'INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence',
  );
  const putCursor = db.prepare<Cursor>(
    `INSERT INTO cursor VALUES (@uplink, @lane, @sequence, @sent)
     ON CONFLICT DO UPDATE SET sequence = excluded.sequence, sent = excluded.sent`,
  );
  const putMark = db.prepare<Mark>(
    'INSERT INTO mark VALUES (@uplink, @lane, @stage, @sequence, @at) ON CONFLICT DO NOTHING',
  );
  const putHeld = db.prepare<Held>(
    `INSERT INTO held VALUES (@uplink, @topic, @lane, @first, @last, @reason, @since)
     ON CONFLICT DO UPDATE SET first = excluded.first, last = excluded.last, reason = excluded.reason`,
  );
  const endHeld = db.prepare<[string, string]>('DELETE FROM held WHERE uplink = ? AND topic = ?');
  const putMeta = db.prepare<[string, string]>(
    'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const getMeta = db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?');
  const meta = (key: string) => getMeta.get(key)?.value;
  const readLane = db.prepare<[number, number, number], Entry>(
    `SELECT ${ENTRY} FROM event WHERE lane = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
  );
  const readBack = db.prepare<[number, number, number], Entry>(
    `SELECT ${ENTRY} FROM event WHERE lane = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`,
  );
  const readStates = db.prepare<[], { key: string; sequence: number; body: string }>(
    'SELECT key, sequence, body FROM state JOIN event USING (sequence) ORDER BY sequence',
  );
  const lastOfLane = db.prepare<[number], { sequence: number | null }>(
    'SELECT max(sequence) AS sequence FROM event WHERE lane = ?',
  );
  const findOld = db.prepare<
    { lane: number; after: number; upTo: number; before: number; from: string; to: string; limit: number },
    { sequence: number; bytes: number; type: string }
  >(
    `SELECT sequence, length(body) AS bytes, type FROM event
     WHERE lane = @lane AND sequence > @after AND sequence <= @upTo AND seen_at < @before
     AND type >= @from AND type < @to AND sequence NOT IN (SELECT sequence FROM state)
     ORDER BY sequence LIMIT @limit`,
  );
  const remove = db.prepare<[number]>('DELETE FROM event WHERE sequence = ?');
  const forget = db.prepare<[number]>('DELETE FROM mark WHERE at < ?');
  const classBytes = db.prepare<
    [number, number],
    { last: number; class: string; events: number; bytes: number }
  >(
    `SELECT max(sequence) AS last, substr(type, 1, instr(type, '.') - 1) AS class, count(*) AS events,
     sum(length(body)) AS bytes FROM (SELECT * FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?) GROUP BY class`,
  );
  const countEvents = db.prepare<[], { events: number }>(
    'SELECT coalesce(max(sequence) - min(sequence) + 1, 0) AS events FROM event',
  );

  const repeats = recentRepeats(db);
  const transaction = db.transaction(({ entries, cursors, marks, held }: Changes): Appended[] => {
    const now = Date.now();
    for (const cursor of cursors) putCursor.run(cursor);
    for (const mark of marks) putMark.run(mark);
    for (const one of held) {
      if ('ended' in one) endHeld.run(one.uplink, one.topic);
      else putHeld.run(one);
    }
    // Two of the same in one batch: the second must see the first, which is in no map before it is on disk.
    const fresh = new Map<string, Repeat>();
    return entries.map((entry) => {
      const { lane, id, seenAt, type, device, stateKey, repeat, body } = entry;
      const known = repeat === undefined ? undefined : (fresh.get(repeat.key) ?? repeats.get(repeat.key));
      if (known !== undefined && repeat !== undefined && known.seenAt > seenAt - repeat.within) {
        return { sequence: known.sequence, id: known.id, repeated: true };
      }
      const sequence = Number(
        insert.run(lane, id, seenAt, now, type, device, repeat?.key ?? null, body).lastInsertRowid,
      );
      if (stateKey !== undefined) putState.run(stateKey, sequence);
      if (repeat !== undefined) fresh.set(repeat.key, { sequence, id, seenAt });
      return { sequence, id, repeated: false };
    });
  });
  const commit = (changes: Changes): Appended[] => {
    const done = transaction.immediate(changes);
    for (const [i, { repeat, seenAt }] of changes.entries.entries()) {
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
  const removeOld = db.transaction((step: RemoveStep): Removed => {
    const { lane, before, after, upTo, limit, cursors } = step;
    const found = findOld.all({
      lane,
      after,
      upTo: upTo ?? Number.MAX_SAFE_INTEGER,
      before: before ?? Number.MAX_SAFE_INTEGER,
      // `access.` and what begins so: '/' comes after '.'.
      from: step.class === undefined ? '' : `${step.class}.`,
      to: step.class === undefined ? '\uffff' : `${step.class}/`,
      limit,
    });
    for (const { sequence } of found) remove.run(sequence);
    return {
      events: found.length,
      bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
      last: found.at(-1)?.sequence ?? 0,
      undelivered: cursors.flatMap(({ uplink, sequence: cursor, types }) => {
        const lost = found.filter(({ sequence, type }) => sequence > cursor && types.includes(type));
        const [head] = lost;
        if (head === undefined) return [];
        return [{ uplink, events: lost.length, first: head.sequence, last: lost.at(-1)?.sequence ?? 0 }];
      }),
    };
  });

  return {
    /** The id of this numbering. */
    journalId: meta('journal') ?? '',
    /** Whether it was closed in order the last time. */
    clean: () => meta('clean') === '1',
    /** One transaction, on disk when it returns. @throws what SQLite throws: nothing of it was kept. */
    commit,
    read: (lane: number, after: number, limit: number) => readLane.all(lane, after, limit),
    /** The events of a lane before a sequence, the newest first. */
    readBack: (lane: number, before: number, limit: number) => readBack.all(lane, before, limit),
    /** The latest event of each state key, oldest first. */
    states: () => readStates.all(),
    cursors: () => db.prepare<[], Cursor>('SELECT uplink, lane, sequence, sent FROM cursor').all(),
    held: () =>
      db.prepare<[], Held>('SELECT uplink, topic, lane, first, last, reason, since FROM held').all(),
    /** The highest sequence of each lane, 0 where it is empty. */
    lasts: (lanes: number) => Array.from({ length: lanes }, (_, lane) => lastOfLane.get(lane)?.sequence ?? 0),
    /** The highest number that was ever given. */
    last: () =>
      db.prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'event'").get()?.seq ?? 0,
    /** Removes some old events; never one that is the latest word on a state. */
    remove: (step: RemoveStep) => removeOld.immediate(step),
    /** Removes marks set before a time, epoch ms. */
    forget: (before: number) => forget.run(before).changes,
    /** Bytes and events of each class among the `limit` events after a sequence; `last` is where to go on. */
    classes: (after: number, limit: number) => classBytes.all(after, limit),
    usage(): Usage {
      const number = (name: string) => db.pragma(name, { simple: true }) as number;
      return {
        bytes: (number('page_count') - number('freelist_count')) * number('page_size'),
        events: countEvents.get()?.events ?? 0,
      };
    },
    /**
     * Reads all of the file; `thorough` compares the index with the events too, which takes several times as long.
     * @throws JournalError E_JOURNAL_DAMAGED, or what SQLite says.
     */
    check(thorough: boolean) {
      const found = db.pragma(thorough ? 'integrity_check(3)' : 'quick_check(3)', { simple: true });
      if (found !== 'ok') throw new JournalError('E_JOURNAL_DAMAGED', `${file}: ${found}`);
    },
    /** Writes and fsyncs something of the size of a few alarms. @throws what SQLite says. */
    trial() {
      db.transaction(() => putMeta.run('trial', 'x'.repeat(TRIAL_BYTES))).immediate();
      putMeta.run('trial', '');
    },
    markClean: (clean: boolean) => putMeta.run('clean', clean ? '1' : '0'),
    /** Copies the WAL into the file and fsyncs that. @throws what SQLite says. */
    checkpoint: () => db.pragma('wal_checkpoint(TRUNCATE)'),
    close: () => db.close(),
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
