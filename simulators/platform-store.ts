/**
 * What a platform keeps of the events of many campuses: each once, by campus and `id`; for each campus and lane how far the
 * chain of `previous` is complete; and the gaps in it. Several consumers of one shared subscription may have the same
 * file: all is decided inside its transactions.
 *
 * It knows the contract (docs/platform.md) and nothing of the gateway's code, so that it can find the gateway wrong.
 */
import Database from 'better-sqlite3';

/** An event as it came, as far as a store must understand it. */
export interface Received {
  /** What comes before `/event/` in the topic: names the campus. */
  readonly prefix: string;
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly journal: string;
  readonly lane: string;
  readonly sequence: number;
  readonly previous: number;
  readonly body: string;
}

/** Everything of a lane up to `upTo` is stored. */
export interface Receipt {
  readonly prefix: string;
  readonly journal: string;
  readonly lane: string;
  readonly upTo: number;
}

/** After `after` and up to `upTo` something is missing. */
export interface Gap extends Receipt {
  readonly after: number;
  /** How often it was asked for. */
  readonly asked: number;
}

export interface Counts {
  readonly events: number;
  readonly duplicates: number;
  readonly open: number;
  readonly closed: number;
  readonly lost: number;
}

/** An event that overtakes another (a shared subscription has several consumers) is no gap yet. */
const GAP_AFTER_MS = 2000;
const ASK_EVERY_MS = 10_000;
const ASK_TIMES = 6;

interface Lane {
  readonly prefix: string;
  readonly journal: string;
  readonly lane: string;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS event (
    id TEXT NOT NULL, prefix TEXT NOT NULL, journal TEXT NOT NULL, lane TEXT NOT NULL,
    sequence INTEGER NOT NULL, previous INTEGER NOT NULL,
    type TEXT NOT NULL, time TEXT NOT NULL, received_at INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (prefix, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS event_chain ON event (prefix, journal, lane, previous);
  CREATE TABLE IF NOT EXISTS position (
    prefix TEXT NOT NULL, journal TEXT NOT NULL, lane TEXT NOT NULL, up_to INTEGER NOT NULL,
    PRIMARY KEY (prefix, journal, lane)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS gap (
    prefix TEXT NOT NULL, journal TEXT NOT NULL, lane TEXT NOT NULL, after INTEGER NOT NULL,
    up_to INTEGER NOT NULL, since INTEGER NOT NULL, asked INTEGER NOT NULL DEFAULT 0,
    asked_at INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'open',
    PRIMARY KEY (prefix, journal, lane, after)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tally (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** A store of before knew events by their ids alone; it keeps all that it has. Who else opens it meanwhile waits. */
const makeTables = (db: Database.Database) =>
  db
    .transaction(() => {
      const columns = db.pragma('table_info(event)') as readonly { name: string; pk: number }[];
      const isOld = columns.some(({ name, pk }) => name === 'prefix' && pk === 0);
      if (isOld) db.exec('ALTER TABLE event RENAME TO event_before; DROP INDEX event_chain');
      db.exec(TABLES);
      if (isOld) db.exec('INSERT INTO event SELECT * FROM event_before; DROP TABLE event_before');
    })
    .immediate();

/** What is asked of the tables, and written. */
const statementsOf = (db: Database.Database) => ({
  insert: db.prepare<Received & { now: number }>(
    `INSERT INTO event VALUES (@id, @prefix, @journal, @lane, @sequence, @previous, @type, @time, @now, @body)
     ON CONFLICT DO NOTHING`,
  ),
  // First from the memory of a gateway whose disk failed, without a number; then again with one. Or under a new
  // numbering, before this one knew that it had it: its place is in that chain.
  number: db.prepare<Received>(
    `UPDATE event SET sequence = @sequence, previous = @previous, journal = @journal, body = @body
     WHERE prefix = @prefix AND id = @id AND (sequence = 0 OR journal <> @journal)`,
  ),
  position: db.prepare<Lane, { upTo: number }>(
    'SELECT up_to AS upTo FROM position WHERE prefix = @prefix AND journal = @journal AND lane = @lane',
  ),
  positions: db.prepare<{ prefix: string | null }, Receipt>(
    `SELECT prefix, journal, lane, up_to AS upTo FROM position
     WHERE @prefix IS NULL OR prefix = @prefix ORDER BY prefix, journal, lane`,
  ),
  move: db.prepare<Lane & { upTo: number }>(
    `INSERT INTO position VALUES (@prefix, @journal, @lane, @upTo)
     ON CONFLICT DO UPDATE SET up_to = excluded.up_to`,
  ),
  following: db.prepare<Lane & { upTo: number }, { sequence: number }>(
    `SELECT sequence FROM event WHERE prefix = @prefix AND journal = @journal AND lane = @lane AND previous = @upTo
     AND sequence > @upTo ORDER BY sequence LIMIT 1`,
  ),
  beyond: db.prepare<Lane & { upTo: number }, { previous: number }>(
    `SELECT min(previous) AS previous FROM event
     WHERE prefix = @prefix AND journal = @journal AND lane = @lane AND previous > @upTo`,
  ),
  openGap: db.prepare<Lane & { after: number; upTo: number; now: number }>(
    `INSERT INTO gap (prefix, journal, lane, after, up_to, since) VALUES (@prefix, @journal, @lane, @after, @upTo, @now)
     ON CONFLICT DO UPDATE SET up_to = excluded.up_to`,
  ),
  closeGaps: db.prepare<Lane & { upTo: number }>(
    `UPDATE gap SET state = 'closed' WHERE prefix = @prefix AND journal = @journal AND lane = @lane
     AND after < @upTo AND state = 'open'`,
  ),
  due: db.prepare<{ now: number }, Gap>(
    `SELECT prefix, journal, lane, after, up_to AS upTo, asked FROM gap
     WHERE state = 'open' AND since < @now - ${GAP_AFTER_MS} AND asked_at < @now - ${ASK_EVERY_MS}`,
  ),
  asked: db.prepare<Gap & { now: number }>(
    `UPDATE gap SET asked = asked + 1, asked_at = @now
     WHERE prefix = @prefix AND journal = @journal AND lane = @lane AND after = @after`,
  ),
  giveUp: db.prepare<Gap>(
    `UPDATE gap SET state = 'lost' WHERE prefix = @prefix AND journal = @journal AND lane = @lane AND after = @after`,
  ),
  count: db.prepare<[string, number]>(
    'INSERT INTO tally VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n',
  ),
});

export type PlatformStore = ReturnType<typeof openPlatformStore>;

export function openPlatformStore(file: string) {
  const db = new Database(file, { timeout: 5000 });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  makeTables(db);
  const {
    insert,
    number,
    position,
    positions,
    move,
    following,
    beyond,
    openGap,
    closeGaps,
    due,
    asked,
    giveUp,
    count,
  } = statementsOf(db);

  /**
   * Follows the chain from where it is complete; what is beyond it shows a gap. @returns a receipt where it moved, or where
   * something came again: the receipt of that was lost.
   */
  const follow = (lane: Lane, now: number, isAgain = false): Receipt | undefined => {
    const before = position.get(lane)?.upTo ?? 0;
    let upTo = before;
    for (
      let next = following.get({ ...lane, upTo });
      next !== undefined;
      next = following.get({ ...lane, upTo })
    )
      upTo = next.sequence;
    const gap = beyond.get({ ...lane, upTo })?.previous;
    if (upTo !== before) {
      move.run({ ...lane, upTo });
      closeGaps.run({ ...lane, upTo });
    }
    if (typeof gap === 'number') openGap.run({ ...lane, after: upTo, upTo: gap, now });
    return upTo > before || (isAgain && upTo > 0) ? { ...lane, upTo } : undefined;
  };

  /** Notes that it is gone; the chain goes on after it. */
  const pass = (gap: Gap, now: number): Receipt => {
    giveUp.run(gap);
    move.run(gap);
    return follow(gap, now) ?? gap;
  };

  return {
    /**
     * Stores events; on disk when it returns. What is new, and the receipts that may now be sent.
     * @throws what SQLite says: nothing was stored.
     */
    take: db.transaction((events: readonly Received[]) => {
      const now = Date.now();
      const fresh: Received[] = [];
      const touched = new Map<string, { readonly lane: Lane; readonly isAgain: boolean }>();
      for (const event of events) {
        const { prefix, journal, lane, sequence } = event;
        const isFresh = insert.run({ ...event, now }).changes > 0;
        if (isFresh) fresh.push(event);
        else if (sequence > 0) number.run(event);
        if (sequence === 0) continue;
        const key = `${prefix}\n${journal}\n${lane}`;
        const one = touched.get(key) ?? { lane: { prefix, journal, lane }, isAgain: false };
        touched.set(key, { ...one, isAgain: one.isAgain || !isFresh });
      }
      if (fresh.length < events.length) count.run('duplicates', events.length - fresh.length);
      const receipts = [...touched.values()].flatMap(({ lane, isAgain }) => follow(lane, now, isAgain) ?? []);
      return { fresh, receipts };
    }).immediate,

    /** Gaps that it is time to ask for. One that was asked for often enough is given up: the chain goes on after it. */
    gaps: db.transaction(() => {
      const now = Date.now();
      const ask: Gap[] = [];
      const receipts: Receipt[] = [];
      for (const gap of due.all({ now })) {
        if (gap.asked < ASK_TIMES) {
          asked.run({ ...gap, now });
          ask.push(gap);
          continue;
        }
        receipts.push(pass(gap, now));
      }
      return { ask, receipts };
    }).immediate,

    /** A gap that the campus cannot fill: it says that it has nothing of it. Once; nothing where it was filled meanwhile. */
    pass: db.transaction((gap: Gap): readonly Receipt[] =>
      (position.get(gap)?.upTo ?? 0) === gap.after ? [pass(gap, Date.now())] : [],
    ).immediate,

    /** How far each lane is complete, of each campus or of one. */
    positions: (prefix?: string) => positions.all({ prefix: prefix ?? null }),

    /** The first that fits, oldest first. */
    find(fits: (event: Received) => boolean): Received | undefined {
      const all = db.prepare<[], Received>('SELECT * FROM event ORDER BY received_at, sequence');
      for (const event of all.iterate()) if (fits(event)) return event;
      return undefined;
    },

    counts(): Counts {
      const one = (sql: string) => db.prepare<[], { n: number }>(sql).get()?.n ?? 0;
      const gap = (state: string) => one(`SELECT count(*) AS n FROM gap WHERE state = '${state}'`);
      return {
        events: one('SELECT count(*) AS n FROM event'),
        duplicates: one("SELECT n FROM tally WHERE name = 'duplicates'"),
        open: gap('open'),
        closed: gap('closed'),
        lost: gap('lost'),
      };
    },
    close: () => db.close(),
  };
}
