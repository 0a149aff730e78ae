/**
 * Writing a batch: events, and what became of the uplinks' cursors, marks and holds meanwhile, in one transaction.
 *
 * What a table does not take, whatever the disk does (a time that is no whole number, a text that is none), is refused
 * alone: the rest of its batch is kept. SQLite undoes the one statement, not the transaction.
 */
import type Database from 'better-sqlite3';
import { isUnfit } from './error.ts';
import { type Repeat, readRepeats } from './repeats.ts';

export interface NewEntry {
  readonly id: string;
  readonly lane: number;
  /** Epoch ms, whole. */
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

export interface Appended {
  readonly sequence: number;
  readonly id: string;
  readonly repeated: boolean;
}
/** It is not in the file, and will not be: why. */
export interface Refused {
  readonly refused: string;
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

/** Where the uplinks stand, as far as it changed. */
export interface Progress {
  readonly cursors: readonly Cursor[];
  readonly marks: readonly Mark[];
  /** As they now are; `ended` takes one away. */
  readonly held: readonly (
    | Held
    | { readonly uplink: string; readonly topic: string; readonly ended: true }
  )[];
}
export interface Changes extends Progress {
  readonly entries: readonly NewEntry[];
}

export interface Committed {
  /** What became of the entries, in their order. */
  readonly entries: readonly (Appended | Refused)[];
  /** Why some of the progress was not kept; empty as a rule. */
  readonly refused: readonly string[];
}

/** Sequences by the id of their events. */
export type Back = ReadonlyMap<string, number>;

/** Repeats are recognised among at least this many of the newest events that have a key. */
const REPEATS = 50_000;

/** What a batch gathers while it is written. */
interface Gathered {
  /** Two of the same in one batch: the second must see the first, which is in no other map before it is on disk. */
  readonly repeats: Map<string, Repeat>;
  /** The last word on each state, written once a batch; undefined: it is over. */
  readonly states: Map<string, number | undefined>;
}

/** @param wall epoch ms: when an event was stored. */
export function batchWriter(db: Database.Database, wall: () => number) {
  const insert = db.prepare<[number, string, number, number, string, string, string | null, string]>(
    'INSERT INTO event (lane, id, seen_at, stored_at, type, device, repeat_key, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const putState = db.prepare<[string, number]>(
    'INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence',
  );
  const endState = db.prepare<[string]>('DELETE FROM state WHERE key = ?');
  const putProgress = progressWriter(db);
  const repeats = readRepeats(db, REPEATS);

  const put = (entry: NewEntry, now: number, back: Back, gathered: Gathered): Appended | Refused => {
    const { lane, id, seenAt, type, device, stateKey, ends, repeat, body } = entry;
    const there = back.get(id);
    if (there !== undefined) return { sequence: there, id, repeated: true };
    const known =
      repeat === undefined ? undefined : (gathered.repeats.get(repeat.key) ?? repeats.get(repeat.key));
    if (known !== undefined && repeat !== undefined && known.seenAt > seenAt - repeat.within)
      return { sequence: known.sequence, id: known.id, repeated: true };
    const key = repeat?.key ?? null;
    if (stateKey !== undefined && typeof stateKey !== 'string') return { refused: 'a state key is a text' };
    const inserted = attempt(() => insert.run(lane, id, seenAt, now, type, device, key, body));
    if ('refused' in inserted) return inserted;
    const sequence = Number(inserted.lastInsertRowid);
    if (stateKey !== undefined) gathered.states.set(stateKey, ends === true ? undefined : sequence);
    if (repeat !== undefined) gathered.repeats.set(repeat.key, { sequence, id, seenAt });
    return { sequence, id, repeated: false };
  };
  const write = db.transaction(({ entries, ...progress }: Changes, back: Back, gathered: Gathered) => {
    const refused = putProgress(progress);
    const now = wall();
    const done: Committed = { entries: entries.map((entry) => put(entry, now, back, gathered)), refused };
    for (const [key, sequence] of gathered.states) {
      if (sequence === undefined) endState.run(key);
      else putState.run(key, sequence);
    }
    return done;
  });

  return {
    /**
     * One transaction, on disk when it returns. `back`: what is in the file although its commit failed, by id.
     * @throws what SQLite throws of the disk: nothing of it was kept, or, where an fsync failed, all of it may have been.
     */
    commit(changes: Changes, back: Back = new Map()): Committed {
      const gathered: Gathered = { repeats: new Map(), states: new Map() };
      const done = write.immediate(changes, back, gathered);
      for (const [key, repeat] of gathered.repeats) repeats.set(key, repeat);
      return done;
    },
  };
}

/** Writes where the uplinks stand, inside a transaction of the caller's; gives why some of it was refused. */
function progressWriter(db: Database.Database): (progress: Progress) => readonly string[] {
  const putCursor = db.prepare<Cursor>(
    `INSERT INTO cursor VALUES (@uplink, @lane, @sequence, @sent)
     ON CONFLICT DO UPDATE SET sequence = excluded.sequence, sent = excluded.sent`,
  );
  const putMark = db.prepare<Mark>(
    'INSERT INTO mark VALUES (@uplink, @lane, @stage, @sequence, @at) ON CONFLICT DO NOTHING',
  );
  const putHeld = db.prepare<Held>(
    `INSERT INTO held VALUES (@uplink, @topic, @lane, @first, @last, @reason, @since)
     ON CONFLICT DO UPDATE SET lane = excluded.lane, first = excluded.first, last = excluded.last,
       reason = excluded.reason, since = excluded.since`,
  );
  const endHeld = db.prepare<[string, string]>('DELETE FROM held WHERE uplink = ? AND topic = ?');
  return ({ cursors, marks, held }) =>
    [
      ...cursors.map((cursor) => attempt(() => putCursor.run(cursor))),
      ...marks.map((mark) => attempt(() => putMark.run(mark))),
      ...held.map((one) =>
        attempt(() => ('ended' in one ? endHeld.run(one.uplink, one.topic) : putHeld.run(one))),
      ),
    ].flatMap((done) => ('refused' in done ? [done.refused] : []));
}

/** @throws what SQLite says of the disk. */
function attempt(run: () => Database.RunResult): Database.RunResult | Refused {
  try {
    return run();
  } catch (error) {
    if (!isUnfit(error)) throw error;
    return { refused: (error as Error).message };
  }
}
