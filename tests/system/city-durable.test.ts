/** The city's database under what befalls it: killed in the middle of batches, shared by several, asked in any order. */
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Receipt, Received, Store } from '../../gateway/platform/contract.ts';
import { openReads, openStore } from '../../gateway/platform/database/index.ts';
import { manualClock, mulberry32 } from '../clocks.ts';
import { runs } from '../fuzz.ts';
import { silentLog } from '../helpers.ts';
import { database, event, idOf, NOW, ownServer } from './city-database.ts';

/** Some campuses' chains, complete, in the order in which they were said. */
function city(campuses: number, events: number): readonly Received[] {
  return Array.from({ length: campuses * events }, (_, index) => {
    const campus = index % campuses;
    const number = Math.floor(index / campuses) + 1;
    const isUrgent = number % 5 === 0;
    return event(number, number === 1 ? 0 : isUrgent ? number - 5 : number - (number % 5 === 1 ? 2 : 1), {
      id: idOf(campus * 100_000 + number),
      prefix: `campus/v1/${4503000001 + campus}`,
      lane: isUrgent ? 'urgent' : 'normal',
      ...(isUrgent && { type: 'cn.campus.alarm.raised' }),
    });
  });
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const all = [...values];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j] as T, all[i] as T];
  }
  return all;
}

async function storeAt(url: string): Promise<Store> {
  const store = await openStore(url, { time: systemClock, log: silentLog });
  onTestFinished(() => store.close());
  return store;
}

const chainOf = ({ prefix, journal, lane }: Pick<Receipt, 'prefix' | 'journal' | 'lane'>) =>
  `${prefix} ${journal} ${lane}`;

/** Where each chain ends. */
function endsOf(events: readonly Received[]): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  for (const one of events) ends.set(chainOf(one), Math.max(ends.get(chainOf(one)) ?? 0, one.sequence));
  return ends;
}

test('two consumers at once take overlapping batches in any order, without waiting for each other in vain', async (context) => {
  const { url, sql } = await database(context);
  const stores = await Promise.all([storeAt(url), storeAt(url)]);
  const events = city(40, 60);
  const random = mulberry32(20261129);
  const fresh: string[] = [];
  await Promise.all(
    stores.flatMap((store) =>
      // Each has everything, twice over, two batches at a time.
      [0, 1].map(async () => {
        const all = shuffled(events, random);
        while (all.length > 0) {
          const taken = await store.take(all.splice(0, Math.ceil(random() * 300)));
          fresh.push(...taken.fresh.map(({ id }) => id));
        }
      }),
    ),
  );
  expect(fresh.toSorted()).toEqual(events.map(({ id }) => id).toSorted());
  const positions = await (stores[0] as Store).positions();
  expect(new Map(positions.map((one) => [chainOf(one), one.upTo]))).toEqual(endsOf(events));
  expect(await sql('SELECT count(*)::int AS n FROM event')).toEqual([{ n: events.length }]);
  expect(await sql('SELECT count(*)::int AS n FROM alarm')).toEqual([
    { n: events.filter(({ lane }) => lane === 'urgent').length },
  ]);
  expect(await sql('SELECT sum(stored)::int AS n, count(gap_up_to)::int AS gaps FROM chain')).toEqual([
    { n: events.length, gaps: 0 },
  ]);
  expect(await sql('SELECT count(*)::int AS n FROM ahead')).toEqual([{ n: 0 }]);
  const [{ deadlocks } = {}] = await sql<{ deadlocks: string }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  expect(deadlocks).toBe('0');
});

test('killed in the middle of batches: each event once, and no receipt for what is not committed', async (context) => {
  const { url, sql, stop, start } = await ownServer(context);
  const stores = await Promise.all([storeAt(url), storeAt(url)]);
  const events = city(30, 400);
  const random = mulberry32(7);
  /** Receipts that have left, by chain: the highest. */
  const told = new Map<string, number>();
  const kills = { failed: 0 };
  let isOver = false;

  /** All up to a receipt is there: asked of the tables of events, which no chain is computed from. */
  const check = async () => {
    // Of now: more is stored, and told, while the tables are read.
    const before = new Map(told);
    const rows = await sql<{ prefix: string; lane: string; sequence: string }>(
      `SELECT prefix, lane, sequence FROM event JOIN chain ON chain.id = event.chain JOIN campus ON campus.id = event.campus`,
    );
    const stored = new Set(rows.map(({ prefix, lane, sequence }) => `${prefix} one ${lane} ${sequence}`));
    expect(stored.size).toBe(rows.length);
    for (const one of events)
      if (one.sequence <= (before.get(chainOf(one)) ?? 0))
        expect(stored.has(`${chainOf(one)} ${one.sequence}`), chainOf(one)).toBe(true);
  };
  const consume = async (store: Store, all: Received[]) => {
    while (all.length > 0) {
      const batch = all.slice(0, 150);
      try {
        const { receipts } = await store.take(batch);
        for (const one of receipts) told.set(chainOf(one), Math.max(told.get(chainOf(one)) ?? 0, one.upTo));
        all.splice(0, 150);
      } catch (error) {
        // Not acknowledged: it comes again.
        expect(error).toMatchObject({ code: 'E_DATABASE_AWAY' });
        kills.failed++;
        await delay(20);
      }
    }
  };
  const killing = (async () => {
    for (let round = 0; round < 4 && !isOver; round++) {
      await delay(150 + random() * 250);
      await stop('SIGKILL');
      await delay(100);
      await start();
      await check();
    }
  })();
  // In order, but for what overtakes; each has half, and some of the other's.
  const [mine, others] = [0, 1].map((half) =>
    events.filter((_, index) => Math.floor(index / 150) % 2 === half || random() < 0.1),
  ) as [Received[], Received[]];
  await Promise.all([consume(stores[0] as Store, mine), consume(stores[1] as Store, others)]);
  isOver = true;
  await killing;
  expect(kills.failed).toBeGreaterThan(0);
  await check();
  const positions = await (stores[0] as Store).positions();
  expect(new Map(positions.map((one) => [chainOf(one), one.upTo]))).toEqual(endsOf(events));
  expect(await sql('SELECT count(*)::int AS n FROM event')).toEqual([{ n: events.length }]);
});

interface Said {
  readonly event: Received;
  readonly data: Readonly<Record<string, unknown>>;
}
/** A gateway's history: alarms of few things, their ends, acts of operators; some from memory, some numbered anew. */
const histories = fc.array(
  fc.record({
    what: fc.constantFrom('raised', 'raised', 'restored', 'cancelled', 'acknowledged', 'closed'),
    zone: fc.integer({ min: 1, max: 2 }),
    /** Of which event an act is, as a share of those before it. */
    of: fc.double({ min: 0, max: 0.999, noNaN: true }),
    isFromMemory: fc.boolean(),
    isAgain: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25 },
);
type History = typeof histories extends fc.Arbitrary<infer T> ? T : never;

/** What comes of a history: all events under the first numbering, some also from memory, and some under the second. */
function messagesOf(history: History, prefix: string, base: number): readonly Said[] {
  const messages: Said[] = [];
  const numbers = { one: 0, two: 0 };
  history.forEach(({ what, zone, of, isFromMemory, isAgain }, index) => {
    const id = idOf(base + index, NOW + index);
    const act = {
      event: idOf(base + Math.floor(of * index), NOW + Math.floor(of * index)),
      by: `operator ${index}`,
    };
    const data = {
      kind: 'intrusion',
      device: { id: 'panel' },
      zone: { number: zone },
      ...((what === 'acknowledged' || what === 'closed') && { [what]: act }),
    };
    const say = (sequence: number, previous: number, journal: string) => {
      const made = event(sequence, previous, {
        id,
        prefix,
        journal,
        lane: 'urgent',
        type: `cn.campus.alarm.${what}`,
        time: new Date(NOW + index).toISOString(),
      });
      messages.push({ event: { ...made, body: JSON.stringify({ data }) }, data });
    };
    if (isFromMemory) say(0, 0, 'one');
    say(++numbers.one, numbers.one - 1, 'one');
    if (isAgain) say(++numbers.two, numbers.two - 1, 'two');
  });
  return messages;
}

/** What a platform that reads the contract slowly and simply would know. */
function modelOf(arrived: readonly Said[]) {
  const stored = new Map<string, Said>();
  const places = new Map<string, number>();
  for (const said of arrived) {
    const { id, sequence, previous, journal } = said.event;
    const known = stored.get(id)?.event;
    if (known === undefined || (sequence > 0 && (known.sequence === 0 || known.journal !== journal)))
      stored.set(id, said);
    if (sequence > 0) places.set(`${journal}/${previous}`, sequence);
  }
  const upTo = Object.fromEntries(
    ['one', 'two'].map((journal) => {
      let at = 0;
      for (let next = places.get(`${journal}/0`); next !== undefined; next = places.get(`${journal}/${at}`))
        at = next;
      return [journal, at];
    }),
  );
  const all = [...stored.values()].toSorted((one, other) => (one.event.id < other.event.id ? -1 : 1));
  const is = ({ event: { type } }: Said, what: string) => type === `cn.campus.alarm.${what}`;
  const isAfter = ({ event: one }: Said, { event: other }: Said) => {
    if (one.sequence === 0 || other.sequence === 0) return one.id > other.id;
    return one.journal === other.journal
      ? one.sequence > other.sequence
      : one.journal === 'two' && other.journal === 'one';
  };
  const zoneOf = ({ data }: Said) => (data['zone'] as { number: number }).number;
  const actOf = (alarm: Said, what: string) => {
    const found = all
      .filter((one) => is(one, what))
      .map(({ data }) => data[what] as { event: string; by: string })
      .find((act) => act.event === alarm.event.id);
    return found?.by;
  };
  const alarms = all
    .filter((one) => is(one, 'raised'))
    .map((alarm) => {
      const end = all.find(
        (one) =>
          (is(one, 'restored') || is(one, 'cancelled')) &&
          zoneOf(one) === zoneOf(alarm) &&
          isAfter(one, alarm),
      );
      return {
        id: alarm.event.id,
        sequence: String(alarm.event.sequence),
        standing: end === undefined,
        how: end === undefined ? undefined : is(end, 'restored') ? 'restored' : 'cancelled',
        ended: end?.event.time,
        acknowledged: actOf(alarm, 'acknowledged'),
        closed: actOf(alarm, 'closed'),
      };
    });
  return { ids: [...stored.keys()].toSorted(), upTo, alarms };
}

test(
  'whatever comes in whatever order and however often, what is known is the same',
  async (context) => {
    const { url, sql } = await database(context);
    const base = { time: manualClock(NOW), log: silentLog };
    const [store, reads] = [await openStore(url, base), await openReads(url, base)];
    onTestFinished(async () => {
      await Promise.all([store.close(), reads.close()]);
    });
    let run = 0;
    const examples = fc.record({
      history: histories,
      seed: fc.integer(),
      missing: fc.double({ min: 0, max: 0.2, noNaN: true }),
      batch: fc.integer({ min: 1, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(examples, async ({ history, seed, missing, batch }) => {
        const campus = String(++run);
        const prefix = `campus/v1/${campus}`;
        // The numberings are known in their order: a later one begins later.
        for (const journal of ['one', 'two'])
          await store.take([event(0, 0, { id: idOf(run * 100 + 90, NOW), prefix, journal, lane: 'urgent' })]);
        const random = mulberry32(seed);
        const all = messagesOf(history, prefix, run * 100);
        const arrived = shuffled(
          [...all, ...all.filter(() => random() < 0.5)].filter(() => random() >= missing),
          random,
        );
        for (let at = 0; at < arrived.length; at += batch)
          await store.take(arrived.slice(at, at + batch).map((said) => said.event));
        const model = modelOf(arrived);
        const rows = await sql<{ id: string }>(
          `SELECT event.id FROM event JOIN campus ON campus.id = event.campus
         WHERE number = '${campus}' AND type LIKE '%alarm%' ORDER BY 1`,
        );
        expect(rows.map(({ id }) => id)).toEqual(model.ids);
        const positions = await store.positions(prefix);
        expect(Object.fromEntries(positions.map(({ journal, upTo }) => [journal, upTo]))).toEqual(
          Object.fromEntries(Object.entries(model.upTo).filter(([, upTo]) => upTo > 0)),
        );
        const alarms = await reads.alarms({ state: 'all', campus, limit: 100 });
        expect(
          alarms
            .map((one) => ({
              id: one.id,
              sequence: one.sequence,
              standing: one.standing,
              how: one.ended?.how,
              ended: one.ended?.at,
              acknowledged: one.acknowledged?.by,
              closed: one.closed?.by,
            }))
            .toSorted((one, other) => (one.id < other.id ? -1 : 1)),
        ).toEqual(model.alarms);
      }),
      { numRuns: runs(40) },
    );
  },
  runs(120_000),
);
