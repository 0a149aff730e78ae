/**
 * `npm run bench -- city-database [EVENTS]`: what a city's database takes, on the cores that it shares with PostgreSQL.
 * Against what PostgreSQL takes of the same events in the same batches into one bare table with a key, in the same run.
 */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Received } from '../../gateway/platform/contract.ts';
import { openStore } from '../../gateway/platform/database/index.ts';
import { type Made, messageOf } from '../../simulators/city/events.ts';
import { parseEvent } from '../../simulators/platform.ts';
import { silentLog } from '../helpers.ts';
import { postgres } from '../system/postgres.ts';
import { tellAims } from './aims.ts';
import { ms, quantile, tell } from './parts.ts';

const CAMPUSES = 1500;
const BATCH = 2000;
/** One of so many is an alarm. */
const ALARM_EACH = 50;

/** What a city says, in the order in which a consumer has it. `shuffled`: of each hundred, the last comes first. */
function eventsOf(count: number): readonly Received[] {
  const campuses = Array.from({ length: CAMPUSES }, (_, index) => ({
    id: String(4_503_000_001 + index),
    journal: randomUUID(),
    sequence: 0,
    last: { urgent: 0, normal: 0 },
  }));
  const at = systemClock.wall();
  return Array.from({ length: count }, (_, index) => {
    const campus = campuses[index % CAMPUSES] as (typeof campuses)[number];
    const lane = index % ALARM_EACH === 0 ? 'urgent' : 'normal';
    const sequence = ++campus.sequence;
    const made: Made = { lane, sequence, previous: campus.last[lane], at: at + Math.floor(index / 10) };
    campus.last[lane] = sequence;
    const { topic, payload } = messageOf(campus.id, campus.journal, made);
    const event = parseEvent(`campus/v1/${campus.id}/${topic}`, Buffer.from(payload)) as Received;
    return { ...event, receivedAt: at };
  });
}

const batchesOf = (events: readonly Received[]) =>
  Array.from({ length: Math.ceil(events.length / BATCH) }, (_, index) =>
    events.slice(index * BATCH, (index + 1) * BATCH),
  );

/** Takes batches, `together` at once. @returns events a second, how long each took, and our part of the time. */
async function measure(
  batches: readonly (readonly Received[])[],
  together: number,
  take: (batch: readonly Received[]) => Promise<unknown>,
) {
  const waiting = [...batches];
  const took: number[] = [];
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: together }, async () => {
      for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
        const from = performance.now();
        await take(batch);
        took.push(performance.now() - from);
      }
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    rate: batches.reduce((sum, { length }) => sum + length, 0) / seconds,
    took,
    own: (user + system) / 1e6 / seconds,
  };
}

export async function cityDatabase(args: string[]): Promise<void> {
  const count = Number(args[0] ?? 40_000);
  let end = async () => {};
  const { url } = await postgres(['max_wal_size=4GB'], (ends) => {
    end = ends;
  });
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('CREATE TABLE bare (id uuid PRIMARY KEY, body text NOT NULL)');
  const bare = await measure(batchesOf(eventsOf(count)), 1, (batch) =>
    client.query('INSERT INTO bare SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING', [
      batch.map(({ id }) => id),
      batch.map(({ body }) => body),
    ]),
  );
  const told = (what: string, { rate, took, own }: Awaited<ReturnType<typeof measure>>) =>
    tell(
      `${what.padEnd(30)} ${rate.toFixed(0).padStart(7)} events/s   ${(rate / bare.rate).toFixed(2)} of bare   a batch ${ms(quantile(took, 0.5))}, p99 ${ms(quantile(took, 0.99))}   ${(own * 100).toFixed(0)} % of a core ours`,
    );
  tell(`${count} events of ${CAMPUSES} campuses in batches of ${BATCH}, each batch committed with fsync`);
  told('one bare table', bare);
  const base = { time: systemClock, log: silentLog };
  const [store, other] = [await openStore(url, base), await openStore(url, base)];
  const events = eventsOf(count);
  const one = await measure(batchesOf(events), 1, store.take);
  told('one batch at a time', one);
  told('again: all duplicates', await measure(batchesOf(events), 1, store.take));
  const both = [store, other];
  let turn = 0;
  told(
    'two consumers at once',
    await measure(batchesOf(eventsOf(count)), 2, (batch) => (both[turn++ % 2] as typeof store).take(batch)),
  );
  const reversed = batchesOf(eventsOf(count)).map((batch) => batch.toReversed());
  told('in batches back to front', await measure(reversed, 1, store.take));
  const { rows } = await client.query(
    'SELECT count(*)::int AS events, (SELECT count(gap_up_to)::int FROM chain) AS gaps FROM event',
  );
  tell(`in the tables: ${rows[0].events} of ${3 * count} events, ${rows[0].gaps} gaps`);
  await Promise.all([store.close(), other.close(), client.end()]);
  await end();
  tellAims([
    { what: 'stored in one batch at a time', measured: one.rate, unit: ' events/s', atLeast: 10_000 },
  ]);
}
