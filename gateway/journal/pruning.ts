/** Making room: removes old events, never one that is the latest word on a state, and tells what the file takes. */
import type Database from 'better-sqlite3';

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

/** What the file takes on disk. */
export interface Usage {
  /** In use, the WAL included. */
  readonly bytes: number;
  readonly events: number;
}

/** Events of a class, of some that were looked at; `last`: where to go on. */
export interface ClassUsage {
  readonly last: number;
  readonly class: string;
  readonly events: number;
  readonly bytes: number;
}

interface Looked {
  readonly sequence: number;
  readonly type: string;
  readonly seenAt: number;
  readonly isState: number;
}

const classOf = (type: string) => type.slice(0, type.indexOf('.'));

export function pruner(db: Database.Database) {
  const lookAt = db.prepare<[number, number, number, number], Looked>(
    `SELECT sequence, type, seen_at AS seenAt, sequence IN (SELECT sequence FROM state) AS isState FROM event
     WHERE lane = ? AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?`,
  );
  const remove = db.prepare<[number], { bytes: number }>(
    'DELETE FROM event WHERE sequence = ? RETURNING octet_length(body) AS bytes',
  );
  const classes = db.prepare<[number, number], ClassUsage>(
    `SELECT max(sequence) AS last, substr(type, 1, instr(type, '.') - 1) AS class, count(*) AS events,
     sum(octet_length(body)) AS bytes FROM (SELECT * FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?) GROUP BY class`,
  );
  const countEvents = db.prepare<[], { events: number }>(
    'SELECT coalesce(max(sequence) - min(sequence) + 1, 0) AS events FROM event',
  );
  const removeOld = db.transaction((step: RemoveStep): Removed => {
    const { lane, after, upTo = Number.MAX_SAFE_INTEGER, limit, cursors } = step;
    const looked = lookAt.all(lane, after, upTo, limit);
    const found = looked.filter((one) => mayGo(one, step));
    let bytes = 0;
    for (const { sequence } of found) bytes += remove.get(sequence)?.bytes ?? 0;
    return {
      looked: looked.length,
      events: found.length,
      bytes,
      last: looked.at(-1)?.sequence ?? 0,
      undelivered: undelivered(found, cursors),
    };
  });
  const number = (name: string) => db.pragma(name, { simple: true }) as number;
  return {
    remove: (step: RemoveStep) => removeOld.immediate(step),
    classes: (after: number, limit: number) => classes.all(after, limit),
    usage: (): Usage => ({
      bytes: (number('page_count') - number('freelist_count')) * number('page_size'),
      events: countEvents.get()?.events ?? 0,
    }),
  };
}

function mayGo({ type, seenAt, isState }: Looked, { class: only, before }: RemoveStep): boolean {
  const name = classOf(type);
  return (
    isState === 0 &&
    (only === undefined || only === name) &&
    (before === undefined || seenAt < (before[name] ?? Number.NEGATIVE_INFINITY))
  );
}

const undelivered = (found: readonly Looked[], cursors: RemoveStep['cursors']): Removed['undelivered'] =>
  cursors.flatMap(({ uplink, sequence: cursor, types }) => {
    const lost = found.filter(({ sequence, type }) => sequence > cursor && types.includes(type));
    return [...Map.groupBy(lost, ({ type }) => classOf(type))].map(([name, events]) => ({
      uplink,
      class: name,
      events: events.length,
      first: events[0]?.sequence ?? 0,
      last: events.at(-1)?.sequence ?? 0,
    }));
  });
