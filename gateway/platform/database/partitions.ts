/**
 * Events by month. The month follows from the time in the UUIDv7, so that the same event always comes to the same one,
 * and (id, campus, month) is there once although PostgreSQL has no key over all partitions.
 *
 * Only months near to now get a partition of their own, made ahead: from 24 months back to the next one. All else, from
 * clocks that are wrong and ids without a time, goes to `event_other`, and is moved out of it should its month come near:
 * nobody can make a thousand partitions.
 */
import type { Base, Database } from './connection.ts';
import { monthOf } from './fields.ts';

const BACK = 24;
const AGAIN_MS = 60_000;
/** 'camq': those who make or drop partitions do so one after another. */
const PARTITION_LOCK = 0x63616d71;

/** What goes with the months. What stands still is not over, however old. */
const OLD = [
  ['event_other', 'received_at'],
  ['unusable', 'received_at'],
  ['lost', 'at'],
  ['alarm_end', 'received_at'],
  [
    'alarm',
    'CASE WHEN thing IS NULL THEN stored_at WHEN ended_by IS NOT NULL OR momentary THEN received_at END',
  ],
] as const;
/** Of one go: nobody waits for long. */
const DELETE_MAX = 20_000;

/** 202611 and 2 make 202701. */
export function monthsAfter(month: number, count: number): number {
  const index = Math.floor(month / 100) * 12 + (month % 100) - 1 + count;
  return Math.floor(index / 12) * 100 + (index % 12) + 1;
}

const nameOf = (month: number) => `event_${month}`;

export interface Partitions {
  /** Makes what a batch of these months is to have. Never fails: what has none of its own goes to the others. */
  prepare(months: Iterable<number>): Promise<void>;
  /** Drops the months before that of a moment (epoch ms), and what else is that old. @returns what was dropped. */
  dropBefore(at: number): Promise<readonly string[]>;
}

export function createPartitions(database: Database, { time, log }: Base): Partitions {
  const known = new Set<number>();
  let againAt = 0;

  const make = (month: number) =>
    database.transaction(async (query) => {
      await query("SET LOCAL lock_timeout = '2s'");
      await query('SELECT pg_advisory_xact_lock($1)', [PARTITION_LOCK]);
      const name = nameOf(month);
      const [found] = await query<{ is: boolean }>('SELECT to_regclass($1) IS NOT NULL AS is', [name]);
      if (found?.is) return;
      await query(`CREATE TABLE ${name} (LIKE event INCLUDING DEFAULTS)`);
      // First: who puts events there waits, and holds nothing of it that this waits for.
      await query('LOCK TABLE event_other IN ACCESS EXCLUSIVE MODE');
      await query(
        `WITH moved AS (DELETE FROM event_other WHERE month = ${month} RETURNING *) INSERT INTO ${name} SELECT * FROM moved`,
      );
      await query(`ALTER TABLE event ATTACH PARTITION ${name} FOR VALUES IN (${month})`);
    });

  const deleteBefore = async (table: string, moment: string, at: number) => {
    for (let deleted = DELETE_MAX; deleted === DELETE_MAX; ) {
      const [row] = await database.query<{ deleted: number }>(
        `WITH old AS (
           DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM ${table} WHERE ${moment} < to_timestamp($1) LIMIT ${DELETE_MAX}
           )) RETURNING 1
         ) SELECT count(*) AS deleted FROM old`,
        [at / 1000],
      );
      deleted = row?.deleted ?? 0;
    }
  };

  return {
    async prepare(months) {
      const now = monthOf(time.wall());
      const [first, last] = [monthsAfter(now, -BACK), monthsAfter(now, 1)];
      const wanted = [now, last, ...months].filter(
        (month) => !known.has(month) && month >= first && month <= last,
      );
      if (wanted.length === 0 || time.elapsed() < againAt) return;
      for (const month of new Set(wanted)) {
        try {
          await make(month);
          known.add(month);
        } catch (error) {
          againAt = time.elapsed() + AGAIN_MS;
          const { message } = error as Error;
          log.warn(
            { month, error: message },
            'a month got no partition of its own; its events go to event_other, and it is tried again',
          );
        }
      }
    },
    async dropBefore(at) {
      const rows = await database.query<{ name: string }>(
        `SELECT relid::regclass::text AS name FROM pg_partition_tree('event') WHERE isleaf`,
      );
      const limit = nameOf(monthOf(at));
      const old = rows
        .map(({ name }) => name)
        .filter((name) => /^event_\d{6}$/.test(name) && name < limit)
        .toSorted();
      for (const name of old) {
        await database.transaction(async (query) => {
          await query("SET LOCAL lock_timeout = '2s'");
          await query('SELECT pg_advisory_xact_lock($1)', [PARTITION_LOCK]);
          await query(`DROP TABLE IF EXISTS ${name}`);
        });
        known.delete(Number(name.slice('event_'.length)));
      }
      for (const [table, moment] of OLD) await deleteBefore(table, moment, at);
      return old;
    },
  };
}
