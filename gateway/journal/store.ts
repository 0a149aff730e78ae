/** One open journal file: plain synchronous SQLite, called by the worker thread alone. Its tables: schema.ts. */
import Database from 'better-sqlite3';
import { auditTable } from './audit.ts';
import { type EraseStep, eraser } from './erasure.ts';
import { JournalError } from './error.ts';
import { checkTables, migrate } from './schema.ts';

export interface NewEntry {
  readonly id: string;
  readonly lane: number;
  readonly seenAt: number;
  readonly type: string;
  readonly device: string;
  readonly stateKey?: string | undefined;
  /** The state is over for good: nothing needs to be known of it. */
  readonly ends?: boolean | undefined;
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

/** One step of making room: looks at `limit` events of a lane, the oldest first, so that no step takes long. */
export interface RemoveStep {
  readonly lane: number;
  /** Only of this class, e.g. `access`. */
  readonly class?: string | undefined;
  /** By class, epoch ms: only those seen before; of a class that is not here, none. */
  readonly before?: Readonly<Record<string, number>> | undefined;
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
  /** How many were looked at: fewer than `limit` at the end. */
  readonly looked: number;
  /** How many were removed, and their bytes. */
  readonly events: number;
  readonly bytes: number;
  /** The last sequence that was looked at; 0: there was none. */
  readonly last: number;
  /** Of them, not delivered to each uplink, by class: how many, the first and the last. */
  readonly undelivered: readonly {
    readonly uplink: string;
    readonly class: string;
    readonly events: number;
    readonly first: number;
    readonly last: number;
  }[];
}

/** A command, known by who sends it and its id. Times are epoch ms; `audit` is JSON. */
export interface CommandBegin {
  readonly source: string;
  readonly id: string;
  readonly at: number;
  readonly expiresAt: number;
  readonly audit: string;
}
export interface CommandEnd {
  readonly source: string;
  readonly id: string;
  readonly at: number;
  /** JSON: the answer. */
  readonly outcome: string;
  readonly audit: string;
}
/** `known`: it came before; `outcome` is what became of it, null where the gateway stopped before it knew. */
export type Begun = { readonly known: false } | { readonly known: true; readonly outcome: string | null };

/** A step from one version of the cards that a platform sends to the next. */
export interface CredentialChange {
  /** The version that it builds on; undefined: on none, all cards of before go. */
  readonly base?: number | undefined;
  readonly version: number;
  readonly put: readonly { readonly key: string; readonly body: string }[];
  readonly remove: readonly string[];
}

/** Sequences by the id of their events. */
export type Back = ReadonlyMap<string, number>;

/** What the file takes on disk. */
export interface Usage {
  /** In use, the WAL included. */
  readonly bytes: number;
  readonly events: number;
}

/** Of ended and expired commands so many are kept, whatever the clock says: it may step. */
const COMMANDS = 10_000;
/** Repeats are recognised among this many of the newest events that have a key. */
const REPEATS = 50_000;
/** Pages in the WAL before they are copied into the file: 16 MB. Fewer, larger copies write each index page once. */
const CHECKPOINT_PAGES = 4000;
/** What a trial write takes: a disk that has room for a row, and not for an alarm and its WAL, is full. */
const TRIAL_BYTES = 65_536;
const ENTRY = 'sequence, lane, id, seen_at AS seenAt, type, device, body';

const classOf = (type: string) => type.slice(0, type.indexOf('.'));

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
  // What is erased on request is not to be read in pages that are free.
  db.pragma('secure_delete = FAST');
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
  const endState = db.prepare<[string]>('DELETE FROM state WHERE key = ?');
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
  const lookAt = db.prepare<
    [number, number, number, number],
    { sequence: number; type: string; seenAt: number; isState: number }
  >(
    `SELECT sequence, type, seen_at AS seenAt, sequence IN (SELECT sequence FROM state) AS isState FROM event
     WHERE lane = ? AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?`,
  );
  const remove = db.prepare<[number], { bytes: number }>(
    'DELETE FROM event WHERE sequence = ? RETURNING octet_length(body) AS bytes',
  );
  const forget = db.prepare<[number]>('DELETE FROM mark WHERE at < ?');
  const classBytes = db.prepare<
    [number, number],
    { last: number; class: string; events: number; bytes: number }
  >(
    `SELECT max(sequence) AS last, substr(type, 1, instr(type, '.') - 1) AS class, count(*) AS events,
     sum(octet_length(body)) AS bytes FROM (SELECT * FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?) GROUP BY class`,
  );
  const countEvents = db.prepare<[], { events: number }>(
    'SELECT coalesce(max(sequence) - min(sequence) + 1, 0) AS events FROM event',
  );

  const findCommand = db.prepare<[string, string], { outcome: string | null }>(
    'SELECT outcome FROM command WHERE source = ? AND id = ?',
  );
  const beginCommand = db.prepare<[string, string, number, number]>(
    'INSERT INTO command (source, id, begun_at, expires_at) VALUES (?, ?, ?, ?)',
  );
  const endCommand = db.prepare<[string, string, string]>(
    'UPDATE command SET outcome = ? WHERE source = ? AND id = ?',
  );
  const forgetCommands = db.prepare<[number, number]>(
    'DELETE FROM command WHERE expires_at < ? AND number <= (SELECT max(number) FROM command) - ?',
  );
  const audit = auditTable(db);
  const erase = db.transaction(eraser(db));
  const putCredential = db.prepare<[string, string]>(
    'INSERT INTO credential VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body',
  );
  const removeCredential = db.prepare<[string]>('DELETE FROM credential WHERE key = ?');
  const readCredentials = db.prepare<[string, number], { key: string; body: string }>(
    'SELECT key, body FROM credential WHERE key > ? ORDER BY key LIMIT ?',
  );
  const credentialsVersion = () => Number(meta('credentials') ?? 0);
  const changeCredentials = db.transaction(({ base, version, put, remove: gone }: CredentialChange) => {
    if (base === undefined) db.exec('DELETE FROM credential');
    else if (base !== credentialsVersion()) return false;
    for (const key of gone) removeCredential.run(key);
    for (const { key, body } of put) putCredential.run(key, body);
    putMeta.run('credentials', String(version));
    return true;
  });

  const repeats = recentRepeats(db);
  const transaction = db.transaction(({ entries, cursors, marks, held }: Changes, back: Back): Appended[] => {
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
      const { lane, id, seenAt, type, device, stateKey, ends, repeat, body } = entry;
      const there = back.get(id);
      if (there !== undefined) return { sequence: there, id, repeated: true };
      const known = repeat === undefined ? undefined : (fresh.get(repeat.key) ?? repeats.get(repeat.key));
      if (known !== undefined && repeat !== undefined && known.seenAt > seenAt - repeat.within) {
        return { sequence: known.sequence, id: known.id, repeated: true };
      }
      const sequence = Number(
        insert.run(lane, id, seenAt, now, type, device, repeat?.key ?? null, body).lastInsertRowid,
      );
      if (stateKey !== undefined && ends === true) endState.run(stateKey);
      else if (stateKey !== undefined) putState.run(stateKey, sequence);
      if (repeat !== undefined) fresh.set(repeat.key, { sequence, id, seenAt });
      return { sequence, id, repeated: false };
    });
  });
  const commit = (changes: Changes, back: Back = new Map()): Appended[] => {
    const done = transaction.immediate(changes, back);
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
  const begin = db.transaction(({ source, id, at, expiresAt, audit: body }: CommandBegin): Begun => {
    const found = findCommand.get(source, id);
    if (found !== undefined) return { known: true, outcome: found.outcome };
    beginCommand.run(source, id, at, expiresAt);
    audit.add(at, body);
    return { known: false };
  });
  const end = db.transaction(({ source, id, at, outcome, audit: body }: CommandEnd): string => {
    endCommand.run(outcome, source, id);
    return audit.add(at, body);
  });
  const note = db.transaction((at: number, body: string, change?: { key: string; value: string }) => {
    if (change !== undefined && meta(change.key) === change.value) return '';
    if (change !== undefined) putMeta.run(change.key, change.value);
    return audit.add(at, body);
  });
  const forgetAll = db.transaction((before: number, now: number) => {
    audit.forget(before);
    forgetCommands.run(now, COMMANDS);
    return forget.run(before).changes;
  });
  const removeOld = db.transaction((step: RemoveStep): Removed => {
    const { lane, class: only, before, after, upTo, limit, cursors } = step;
    const looked = lookAt.all(lane, after, upTo ?? Number.MAX_SAFE_INTEGER, limit);
    const found = looked.filter(({ type, seenAt, isState }) => {
      const name = classOf(type);
      return (
        isState === 0 &&
        (only === undefined || only === name) &&
        (before === undefined || seenAt < (before[name] ?? Number.NEGATIVE_INFINITY))
      );
    });
    let bytes = 0;
    for (const { sequence } of found) bytes += remove.get(sequence)?.bytes ?? 0;
    return {
      looked: looked.length,
      events: found.length,
      bytes,
      last: looked.at(-1)?.sequence ?? 0,
      undelivered: cursors.flatMap(({ uplink, sequence: cursor, types }) => {
        const lost = found.filter(({ sequence, type }) => sequence > cursor && types.includes(type));
        return [...Map.groupBy(lost, ({ type }) => classOf(type))].map(([name, events]) => ({
          uplink,
          class: name,
          events: events.length,
          first: events[0]?.sequence ?? 0,
          last: events.at(-1)?.sequence ?? 0,
        }));
      }),
    };
  });

  return {
    /** The id of this numbering. */
    journalId: meta('journal') ?? '',
    /** Whether it was closed in order the last time. */
    clean: () => meta('clean') === '1',
    /**
     * One transaction, on disk when it returns. `back`: what is in the file although its commit failed, by id.
     * @throws what SQLite throws: nothing of it was kept, or, where an fsync failed, all of it may have been.
     */
    commit,
    /** The events after a sequence, by id. */
    after: (sequence: number): Back =>
      new Map(
        db
          .prepare<[number], { id: string; sequence: number }>(
            'SELECT id, sequence FROM event WHERE sequence > ?',
          )
          .all(sequence)
          .map((row) => [row.id, row.sequence]),
      ),
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
    /** What is known of a command; undefined: nothing. */
    command: (source: string, id: string) => findCommand.get(source, id),
    /** Commands that were begun and not ended. */
    interrupted: () =>
      db
        .prepare<[], { source: string; id: string }>('SELECT source, id FROM command WHERE outcome IS NULL')
        .all(),
    /** Notes a command before it is carried out, once. */
    begin: (command: CommandBegin) => begin.immediate(command),
    /** Notes what became of it; the hash of its entry in the audit. */
    end: (command: CommandEnd) => end.immediate(command),
    /** Adds an entry, JSON, to the audit; its hash. With `change` only where that is new; else ''. */
    audit: (at: number, body: string, change?: { key: string; value: string }) =>
      note.immediate(at, body, change),
    /** Takes a person out of some events. */
    erase: (step: EraseStep) => erase.immediate(step),
    /** The version of the cards that a platform sent; 0: it sent none. */
    credentialsVersion,
    /** The next of them, by key. */
    credentials: (after: string, limit: number) => readCredentials.all(after, limit),
    /** All of the change, or, where it builds on another version, nothing: false. */
    changeCredentials: (change: CredentialChange) => changeCredentials.immediate(change),
    /** Removes marks and entries of the audit from before a time, and commands that expired before `now`; epoch ms. */
    forget: (before: number, now: number) => forgetAll.immediate(before, now),
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
