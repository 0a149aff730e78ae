/** The city's API over a real PostgreSQL: a flood of alarms in a city of 1,500 campuses, with 20 pages open. */
import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Received, Store } from '../../gateway/platform/contract.ts';
import { openReads, openStore } from '../../gateway/platform/database/index.ts';
import { startPlatformServer } from '../../gateway/platform/server.ts';
import { eventsOf } from '../gateway/a-console.ts';
import { bearerOf, settle } from '../gateway/console-people.ts';
import { freePort, silentLog, temporaryDirectory } from '../helpers.ts';
import { hasPostgres, postgres } from './postgres.ts';
import { need, until } from './tools.ts';

const CAMPUSES = 1500;
const ALARMS = 300;
const WITHIN_MS = 10_000;
const PAGES = 20;

/** RFC 9562, version 7. */
function idOf(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** An event of a campus, as a source hands it over. */
function eventOf(campus: number, sequence: number, type: string, data: object): Received {
  const number = String(4_503_000_000 + campus);
  const [id, time] = [idOf(), new Date().toISOString()];
  const place = { journal: 'j', lane: 'urgent' };
  const body = JSON.stringify({
    ...{ specversion: '1.0', id, type, time, source: `/campus/${number}/device/panel`, subject: 'zone-1' },
    ...{ ...place, sequence: String(sequence), previous: String(sequence - 1), data },
  });
  const receivedAt = Date.now();
  return {
    prefix: `campus/v1/${number}`,
    id,
    type,
    time,
    ...place,
    sequence,
    previous: sequence - 1,
    body,
    receivedAt,
  };
}
const alarmData = { kind: 'panic', device: { id: 'panel' }, zone: { number: 1 }, state: 'active' };

/** The server over a database of its own, into which a test puts what a consumer would. */
async function city(context: TestContext) {
  if (!hasPostgres()) need(context, 'postgres');
  const { url, stop, start } = await postgres();
  const base = { time: systemClock, log: silentLog };
  const [store, reads] = [await openStore(url, base), await openReads(url, base)];
  const dataDir = temporaryDirectory();
  await settle(dataDir, [], [{ label: 'page', role: 'viewer', until: Date.now() + 3_600_000 }]);
  const port = await freePort();
  const server = await startPlatformServer({
    ...{ listen: { host: '127.0.0.1', port }, dataDir, reads, ...base },
    command: async () => ({ done: false, reason: 'nobody is there' }),
    source: () => ({ connected: true }),
  });
  onTestFinished(async () => {
    await server.close();
    await reads.close();
    await store.close();
  });
  const headers = { authorization: `Bearer ${bearerOf('page')}` };
  const ask = async (path: string) => await fetch(`${server.address}${path}`, { headers });
  return { store, ask, stop, start };
}

const storeAll = async (store: Store, events: readonly Received[]) => {
  for (let i = 0; i < events.length; i += 500) await store.take(events.slice(i, i + 500));
};
const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

test('300 alarms in 10 s reach 20 pages within a moment of their commit', {
  timeout: 120_000,
}, async (context) => {
  const { store, ask } = await city(context);
  const all = Array.from({ length: CAMPUSES }, (_, i) => i);
  await storeAll(
    store,
    all.map((campus) => eventOf(campus, 1, 'cn.campus.access.granted', {})),
  );
  const begun = performance.now();
  const list = await ask('/api/campuses');
  expect(((await list.json()) as object[]).length).toBe(CAMPUSES);
  const listMs = performance.now() - begun;

  const committed = new Map<string, number>();
  const late: number[] = [];
  const follow = async () => {
    const seen = new Set<string>();
    for await (const { event, data } of eventsOf(await ask('/api/stream'))) {
      const { id } = data as { id?: string };
      const at = id === undefined || event !== 'alarm' ? undefined : committed.get(id);
      if (id === undefined || at === undefined || seen.has(id)) continue;
      seen.add(id);
      late.push(performance.now() - at);
      if (seen.size === ALARMS) return;
    }
  };
  const pages = Array.from({ length: PAGES }, follow);
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let i = 0; i < ALARMS; i++) {
    const alarm = eventOf(
      (i * 7) % CAMPUSES,
      2 + Math.floor((i * 7) / CAMPUSES),
      'cn.campus.alarm.raised',
      alarmData,
    );
    // Its frame may come before this process has the answer to its commit: that is no delay.
    committed.set(alarm.id, Number.POSITIVE_INFINITY);
    await store.take([alarm]);
    committed.set(alarm.id, performance.now());
    await new Promise((resolve) => setTimeout(resolve, WITHIN_MS / ALARMS - 5));
  }
  await Promise.all(pages);
  const sorted = late.filter(Number.isFinite).toSorted((one, other) => one - other);
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => Math.round(quantile(sorted, share)));
  process.stderr.write(
    `alarm to ${PAGES} pages after its commit: p50 ${p50} ms, p99 ${p99} ms, most ${most} ms; list of ${CAMPUSES} campuses: ${Math.round(listMs)} ms\n`,
  );
  expect(p99).toBeLessThan(500);
  const untaken = (await (await ask('/api/alarms?state=untaken&limit=500')).json()) as object[];
  expect(untaken.length).toBe(ALARMS);
});

test('goes on when the database is back, and its pages hear that they missed something', {
  timeout: 60_000,
}, async (context) => {
  const { store, ask, stop, start } = await city(context);
  await store.take([eventOf(1, 1, 'cn.campus.alarm.raised', alarmData)]);
  const events = eventsOf(await ask('/api/stream'));
  const next = async (wanted: string) => {
    for (;;) {
      const { value } = await events.next();
      if (value === undefined) throw new Error('the stream is over');
      if (value.event === wanted) return value;
    }
  };
  await next('hello');
  await stop('SIGKILL');
  expect((await ask('/api/alarms?state=all')).status).toBe(503);
  await until('it is not well', async () => (await ask('/health')).status === 503);
  await start();
  await next('missed');
  await store.take([eventOf(2, 1, 'cn.campus.alarm.raised', alarmData)]);
  expect(await next('alarm')).toMatchObject({ data: { campus: { id: '4503000002' } } });
  expect(((await (await ask('/api/alarms?state=all')).json()) as object[]).length).toBe(2);
});
