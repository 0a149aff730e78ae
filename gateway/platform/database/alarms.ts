/**
 * What stands, and what became of it: the same state whatever the order in which it was stored.
 *
 * - An end ends all of the same thing that came before it: by number under one numbering, and a later numbering comes
 *   after; what has no number yet by its id, which has its time. Of several ends the one with the least id is shown.
 * - An act of an operator may be here before its alarm: it waits in a row that was not raised yet. The first one counts.
 *
 * All of a campus is done by who holds its row. Rows of campuses are locked after those of chains.
 */
import type { Query } from './connection.ts';
import {
  type Act,
  acts,
  type Ended,
  type Raised,
  type Standpoint,
  type Trouble,
  type Words,
} from './words.ts';

export type AlarmKey = Pick<Standpoint, 'campus' | 'id'>;

/** What others are to be told of after the commit; campuses by the number of their row. */
export interface Changes {
  readonly alarms: readonly AlarmKey[];
  readonly campuses: ReadonlySet<number>;
}

const seconds = (ms: number) => ms / 1000;

const lastOf = <T extends { readonly campus: number }>(all: readonly T[], keyOf: (one: T) => string) => [
  ...new Map(all.map((one) => [`${one.campus}/${keyOf(one)}`, one])).values(),
];

const standpoints = (all: readonly Standpoint[]) => [
  all.map(({ campus }) => campus),
  all.map(({ id }) => id),
  all.map(({ chain }) => chain),
  all.map(({ sequence }) => sequence),
];

async function writeRaised(query: Query, raised: readonly Raised[], now: number): Promise<void> {
  await query(
    `INSERT INTO alarm (campus, id, chain, sequence, thing, test, momentary, place, shown, time, received_at, stored_at)
     SELECT campus, id, chain, sequence, thing, test, momentary, place, shown, to_timestamp(time),
       to_timestamp(received_at), to_timestamp($12)
     FROM unnest($1::int[], $2::uuid[], $3::int[], $4::bigint[], $5::uuid[], $6::bool[], $7::bool[], $8::text[],
       $9::text[], $10::float8[], $11::float8[])
       AS new (campus, id, chain, sequence, thing, test, momentary, place, shown, time, received_at)
     ON CONFLICT (campus, id) DO UPDATE SET chain = excluded.chain, sequence = excluded.sequence,
       thing = excluded.thing, test = excluded.test, momentary = excluded.momentary, place = excluded.place, shown = excluded.shown,
       time = excluded.time, received_at = coalesce(alarm.received_at, excluded.received_at),
       stored_at = CASE WHEN alarm.thing IS NULL THEN excluded.stored_at ELSE alarm.stored_at END`,
    [
      ...standpoints(raised),
      raised.map(({ thing }) => thing),
      raised.map(({ isTest }) => isTest),
      raised.map(({ isMomentary }) => isMomentary),
      raised.map(({ place }) => place),
      raised.map(({ shown }) => shown),
      raised.map(({ time }) => seconds(time)),
      raised.map(({ receivedAt }) => seconds(receivedAt)),
      seconds(now),
    ],
  );
}

async function writeEnded(query: Query, ended: readonly Ended[]): Promise<void> {
  await query(
    `INSERT INTO alarm_end (campus, id, chain, sequence, thing, how, time, received_at)
     SELECT campus, id, chain, sequence, thing, how, to_timestamp(time), to_timestamp(received_at)
     FROM unnest($1::int[], $2::uuid[], $3::int[], $4::bigint[], $5::uuid[], $6::text[], $7::float8[], $8::float8[])
       AS new (campus, id, chain, sequence, thing, how, time, received_at)
     ON CONFLICT (campus, id) DO UPDATE SET chain = excluded.chain, sequence = excluded.sequence`,
    [
      ...standpoints(ended),
      ended.map(({ thing }) => thing),
      ended.map(({ how }) => how),
      ended.map(({ time }) => seconds(time)),
      ended.map(({ receivedAt }) => seconds(receivedAt)),
    ],
  );
}

/** `what` is a column; the one with the least id stays. Where its alarm is not here yet, `now` is when its row was made. */
async function writeActs(query: Query, what: Act['what'], of: readonly Act[], now: number): Promise<void> {
  const sorted = of.toSorted((one, other) => (one.id < other.id ? 1 : -1));
  const first = lastOf(sorted, ({ alarm }) => alarm);
  await query(
    `INSERT INTO alarm (campus, id, ${what}_by, ${what}, stored_at)
     SELECT said.*, to_timestamp($5) FROM unnest($1::int[], $2::uuid[], $3::uuid[], $4::text[]) AS said
     ON CONFLICT (campus, id) DO UPDATE SET ${what}_by = excluded.${what}_by, ${what} = excluded.${what}
       WHERE alarm.${what}_by IS NULL OR alarm.${what}_by > excluded.${what}_by`,
    [
      first.map(({ campus }) => campus),
      first.map(({ alarm }) => alarm),
      first.map(({ id }) => id),
      first.map(({ said }) => said),
      seconds(now),
    ],
  );
}

/**
 * A campus that raises one thing for ever and ends it a thousand times holds up nobody else: of one campus so many alarms
 * are ended by one batch (the next end of the thing ends more), and of each so many ends are looked at, the nearest.
 */
const SETTLED_MAX = 5000;
const ENDS_MAX = 50;

/** Finds out anew of alarms that are named, and of those that these ends may have ended, whether and how they ended. */
async function settle(
  query: Query,
  raised: readonly Raised[],
  ended: readonly Ended[],
): Promise<readonly AlarmKey[]> {
  // Of several ends of one thing the least finds all that any of them may have ended.
  const least = lastOf(
    ended.toSorted((one, other) => (one.id < other.id ? 1 : -1)),
    ({ thing }) => thing,
  );
  return await query<AlarmKey>(
    `WITH ended AS (SELECT * FROM unnest($3::int[], $4::uuid[], $5::uuid[]) AS ended (campus, thing, id)),
     candidate AS (
       SELECT campus, few.id FROM ended CROSS JOIN LATERAL (
         (SELECT id FROM alarm WHERE (alarm.campus, alarm.thing) = (ended.campus, ended.thing) AND ended_by IS NULL
          LIMIT ${SETTLED_MAX})
         UNION ALL
         (SELECT id FROM alarm WHERE (alarm.campus, alarm.thing) = (ended.campus, ended.thing) AND ended_by >= ended.id
          LIMIT ${SETTLED_MAX})
       ) AS few
     ),
     affected AS (
       SELECT * FROM unnest($1::int[], $2::uuid[]) AS raised (campus, id)
       UNION SELECT campus, id FROM (
         SELECT campus, id, row_number() OVER (PARTITION BY campus) AS number FROM candidate
       ) AS numbered WHERE number <= ${SETTLED_MAX}
     )
     UPDATE alarm SET ended_by = new.ended_by, ended_at = new.time, ended_how = new.how
     FROM (
       SELECT alarm.campus, alarm.id, found.id AS ended_by, found.time, found.how
       FROM affected JOIN alarm USING (campus, id) LEFT JOIN LATERAL (
         SELECT * FROM (
           (SELECT id, time, how FROM (
              SELECT id, time, how FROM alarm_end AS later
              WHERE (later.campus, later.thing) = (alarm.campus, alarm.thing)
                AND alarm.sequence > 0 AND later.sequence > 0
                AND (later.chain, later.sequence) > (alarm.chain, alarm.sequence)
              ORDER BY chain, sequence LIMIT ${ENDS_MAX}
            ) AS nearest ORDER BY id LIMIT 1)
           UNION ALL
           (SELECT id, time, how FROM alarm_end AS later
            WHERE (later.campus, later.thing) = (alarm.campus, alarm.thing)
              AND alarm.sequence = 0 AND later.id > alarm.id ORDER BY id LIMIT 1)
           UNION ALL
           (SELECT id, time, how FROM alarm_end AS later
            WHERE (later.campus, later.thing) = (alarm.campus, alarm.thing)
              AND later.sequence = 0 AND later.id > alarm.id ORDER BY id LIMIT 1)
         ) AS both_ways ORDER BY id LIMIT 1
       ) AS found ON true
     ) AS new
     WHERE (alarm.campus, alarm.id) = (new.campus, new.id) AND alarm.ended_by IS DISTINCT FROM new.ended_by
     RETURNING alarm.campus, alarm.id`,
    [
      raised.map(({ campus }) => campus),
      raised.map(({ id }) => id),
      least.map(({ campus }) => campus),
      least.map(({ thing }) => thing),
      least.map(({ id }) => id),
    ],
  );
}

/** As the campus said them: by number under one numbering, else by their ids. */
const isLater = (one: Standpoint, other: Standpoint): boolean =>
  one.sequence > 0 && other.sequence > 0
    ? one.chain > other.chain || (one.chain === other.chain && one.sequence > other.sequence)
    : one.id > other.id;

/** The newest word of each thing stays. */
async function writeTroubles(query: Query, troubles: readonly Trouble[]): Promise<readonly number[]> {
  const newest = new Map<string, Trouble>();
  for (const one of troubles) {
    const key = `${one.campus}/${one.thing}`;
    const known = newest.get(key);
    if (known === undefined || isLater(one, known)) newest.set(key, one);
  }
  const all = [...newest.values()];
  const rows = await query<{ campus: number }>(
    `INSERT INTO trouble (campus, id, chain, sequence, thing, kind, stands, since)
     SELECT campus, id, chain, sequence, thing, kind, stands, to_timestamp(since)
     FROM unnest($1::int[], $2::uuid[], $3::int[], $4::bigint[], $5::uuid[], $6::text[], $7::bool[], $8::float8[])
       AS new (campus, id, chain, sequence, thing, kind, stands, since)
     ON CONFLICT (campus, thing) DO UPDATE SET id = excluded.id, chain = excluded.chain, sequence = excluded.sequence,
       kind = excluded.kind, stands = excluded.stands, since = excluded.since
     WHERE CASE WHEN excluded.sequence > 0 AND trouble.sequence > 0
       THEN (excluded.chain, excluded.sequence) > (trouble.chain, trouble.sequence) ELSE excluded.id > trouble.id END
     RETURNING campus`,
    [
      ...standpoints(all),
      all.map(({ thing }) => thing),
      all.map(({ kind }) => kind),
      all.map(({ stands }) => stands),
      all.map(({ time }) => seconds(time)),
    ],
  );
  return rows.map(({ campus }) => campus);
}

/** Writes what events say that were stored or numbered anew in this transaction. `now`: epoch ms, of the commit. */
export async function noteWords(query: Query, words: Words, now: number): Promise<Changes> {
  const { raised, ended, acts: done, troubles } = words;
  const all = [...raised, ...ended, ...done, ...troubles];
  if (all.length === 0) return { alarms: [], campuses: new Set() };
  await query('SELECT FROM campus WHERE id = ANY ($1::int[]) ORDER BY id FOR NO KEY UPDATE', [
    [...new Set(all.map(({ campus }) => campus))],
  ]);
  if (raised.length > 0) await writeRaised(query, raised, now);
  if (ended.length > 0) await writeEnded(query, ended);
  for (const what of acts) {
    const of = done.filter((one) => one.what === what);
    if (of.length > 0) await writeActs(query, what, of, now);
  }
  const settled = raised.length + ended.length > 0 ? await settle(query, raised, ended) : [];
  const troubled = troubles.length > 0 ? await writeTroubles(query, troubles) : [];
  return {
    alarms: [...raised, ...done.map(({ campus, alarm }) => ({ campus, id: alarm })), ...settled],
    campuses: new Set(troubled),
  };
}
