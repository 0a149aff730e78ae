/** The consumer of a city, with a store and a broker that do as they are told, and a clock that is moved. */
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createConsumer } from '../../../gateway/platform/consumer.ts';
import type { Gap, Receipt, Received, Source, Store } from '../../../gateway/platform/contract.ts';
import { createRoom } from '../../../gateway/platform/sources/room.ts';
import { manualClock } from '../../clocks.ts';
import { silentLog } from '../../helpers.ts';

const PREFIX = 'campus/v1/4503000001';
const bytes = (value: object) => Buffer.from(JSON.stringify(value));

/** An event as a gateway sends it. */
const message = (sequence: number, lane = 'normal', prefix = PREFIX, journal = 'j') =>
  [
    `${prefix}/event/video/yard`,
    bytes({
      ...{ id: `${prefix}-${journal}-${sequence}`, type: 'cn.campus.video.motion' },
      ...{
        time: '2026-11-29T08:00:00Z',
        journal,
        lane,
        sequence: String(sequence),
        previous: String(sequence - 1),
      },
    }),
  ] as const;

/** In memory. It knows chains as far as a test needs them: the highest number of a lane. */
function fakeStore() {
  const stored = new Map<string, Received>();
  const upTo = new Map<string, Receipt>();
  const batches: number[] = [];
  const shown: string[] = [];
  const passed: Gap[] = [];
  const fake = {
    stored,
    batches,
    shown,
    passed,
    upTo,
    isAway: false,
    /** What a test holds back: resolves when it lets go. */
    hold: undefined as Promise<void> | undefined,
    asks: [] as Gap[],
  };
  const answer = async () => {
    await fake.hold;
    if (fake.isAway) throw new Error('the database is away');
  };
  const store: Store = {
    async take(batch) {
      await answer();
      batches.push(batch.length);
      const fresh = batch.filter(({ id }) => !stored.has(id));
      for (const one of batch) {
        const { id, prefix, journal, lane, sequence } = one;
        stored.set(id, one);
        const key = `${prefix} ${journal} ${lane}`;
        const before = upTo.get(key)?.upTo ?? 0;
        upTo.set(key, { prefix, journal, lane, upTo: Math.max(before, sequence) });
      }
      const touched = new Set(batch.map(({ prefix, journal, lane }) => `${prefix} ${journal} ${lane}`));
      const isOf = (one: Receipt) => batch.some(({ prefix }) => prefix === one.prefix);
      const beside = [...upTo].flatMap(([key, one]) => (!touched.has(key) && isOf(one) ? one : []));
      return { fresh, receipts: [...touched].map((key) => upTo.get(key) as Receipt), beside };
    },
    async gaps() {
      await answer();
      return { ask: fake.asks.splice(0), receipts: [] };
    },
    async pass(gap) {
      await answer();
      passed.push(gap);
      return [{ prefix: gap.prefix, journal: gap.journal, lane: gap.lane, upTo: gap.upTo }];
    },
    async positions(prefix) {
      await answer();
      return [...upTo.values()].filter((one) => prefix === undefined || one.prefix === prefix);
    },
    async show({ prefix, what, body }) {
      await answer();
      shown.push(`${prefix} ${what} ${body}`);
    },
    ...{ listen: async () => {}, dropBefore: async () => [], close: async () => {} },
  };
  return Object.assign(fake, { store });
}

function fakeSource() {
  const sent: { readonly topic: string; readonly text: Record<string, unknown>; readonly retain: boolean }[] =
    [];
  const fake = { sent, isAway: false, calls: [] as string[] };
  const source: Source = {
    async publish(topic, payload, { retain = false } = {}) {
      if (fake.isAway) throw new Error('the broker is away');
      sent.push({ topic, text: JSON.parse(payload), retain });
    },
    async stop() {
      fake.calls.push('stop');
    },
    async close() {
      fake.calls.push(`close after ${sent.length}`);
    },
  };
  return Object.assign(fake, { source });
}

function setUp(fake = fakeStore()) {
  const time = manualClock();
  const registry = new Registry();
  const consumer = createConsumer({ store: fake.store, receipts: true, time, log: silentLog, registry });
  const broker = fakeSource();
  consumer.onState({ connected: true });
  consumer.begin(broker.source);
  const acks = (prefix = PREFIX) =>
    broker.sent.filter(({ topic }) => topic === `${prefix}/ack`).map(({ text }) => text);
  /** As a source hands it over. */
  const hand = (...of: Parameters<typeof message>) => consumer.onEvent(...message(...of));
  return { time, consumer, broker, acks, hand, registry, fake };
}

/** How a promise stands. */
async function stateOf(promise: Promise<unknown>): Promise<'open' | 'done' | 'refused'> {
  return await Promise.race([
    promise.then(
      () => 'done' as const,
      () => 'refused' as const,
    ),
    new Promise<'open'>((resolve) => setImmediate(() => resolve('open'))),
  ]);
}

describe('batches', () => {
  it('gather for 20 ms; an alarm waits for none; one gathers while another is committed', async () => {
    const { time, hand, fake } = setUp();
    const first = [hand(1), hand(2), hand(3)];
    await time.advance(19);
    expect(fake.batches).toEqual([]);
    await time.advance(1);
    expect(fake.batches).toEqual([3]);
    await Promise.all(first);
    const held = Promise.withResolvers<void>();
    fake.hold = held.promise;
    const alarm = hand(4, 'urgent');
    const behind = Array.from({ length: 4500 }, (_, i) => hand(5 + i));
    await time.advance(100);
    expect(fake.batches).toEqual([3]);
    fake.hold = undefined;
    held.resolve();
    await time.until(Promise.all([alarm, ...behind]));
    // What gathered meanwhile goes in groups of 2000 at most.
    expect(fake.batches).toEqual([3, 1, 2000, 2000, 500]);
  });

  it('are acknowledged when they are committed, and tried again until then', async () => {
    const { time, hand, fake, consumer, acks } = setUp();
    fake.isAway = true;
    const [one, other] = [hand(1), hand(2)];
    await time.advance(60_000);
    expect([await stateOf(one), await stateOf(other)]).toEqual(['open', 'open']);
    expect(consumer.state()).toMatchObject({ storing: false, waiting: 2 });
    expect(acks()).toEqual([]);
    fake.isAway = false;
    await time.until(Promise.all([one, other]), 6000);
    await time.advance(0);
    expect(fake.stored.size).toBe(2);
    expect(acks()).toEqual([{ journal: 'j', normal: '2' }]);
    expect(consumer.state()).toMatchObject({ storing: true, waiting: 0 });
  });

  it('hold no more than a source has room for', async () => {
    const { time, consumer, fake } = setUp();
    const room = createRoom(consumer, { messages: 3, bytes: 100_000 });
    fake.isAway = true;
    for (const sequence of [1, 2, 3]) void room.hand(...message(sequence));
    const free = room.free();
    await time.advance(30_000);
    expect(room.isFull()).toBe(true);
    expect(await stateOf(free)).toBe('open');
    fake.isAway = false;
    await time.until(free, 6000);
    await time.until(room.settled());
    expect(room.isFull()).toBe(false);
    const large = createRoom({ onEvent: () => new Promise(() => {}) }, { messages: 10, bytes: 100 });
    void large.hand('x', Buffer.alloc(99));
    expect(large.isFull()).toBe(false);
    void large.hand('x', Buffer.alloc(1));
    expect(large.isFull()).toBe(true);
  });

  it('leave what is no event: it is counted, and comes no second time', async () => {
    const { consumer, registry, fake, time } = setUp();
    await consumer.onEvent(`${PREFIX}/event/alarm/x`, Buffer.from('{'));
    await consumer.onEvent(`${PREFIX}/event/alarm/x`, Buffer.from([0xff]));
    consumer.onNote(`${PREFIX}/reply/x`, Buffer.from('7'), false);
    await time.advance(100);
    expect(consumer.counts()).toMatchObject({ misunderstood: 3, events: 0 });
    expect(fake.batches).toEqual([]);
    expect(await registry.metrics()).toContain(
      'campus_city_consumer_misunderstood_total{reason="no UTF-8"} 1',
    );
  });
});

describe('receipts', () => {
  it('name all lanes, are retained, and never run ahead of the commit', async () => {
    const { time, hand, broker, fake } = setUp();
    const held = Promise.withResolvers<void>();
    fake.hold = held.promise;
    const both = [hand(1, 'urgent'), hand(2)];
    await time.advance(5000);
    expect(broker.sent).toEqual([]);
    fake.hold = undefined;
    held.resolve();
    await time.until(Promise.all(both));
    await time.advance(1000);
    expect(broker.sent.at(-1)).toEqual({
      topic: `${PREFIX}/ack`,
      text: { journal: 'j', urgent: '1', normal: '2' },
      retain: true,
    });
  });

  it('name the lanes that another instance brought, since this one asked the database, too', async () => {
    const shared = fakeStore();
    const [one, two] = [setUp(shared), setUp(shared)];
    await one.time.until(one.hand(1));
    await two.time.until(two.hand(2, 'urgent'));
    await one.time.until(one.hand(3));
    await one.time.advance(1000);
    expect(one.acks().at(-1)).toEqual({ journal: 'j', normal: '3', urgent: '2' });
  });

  it('of one campus are drawn together; of an alarm it leaves at once', async () => {
    const { time, hand, acks } = setUp();
    await time.until(hand(1));
    await time.advance(300);
    expect(acks()).toHaveLength(1);
    // 20 a second for two seconds: four receipts a second.
    for (let sequence = 2; sequence <= 41; sequence++) {
      void hand(sequence);
      await time.advance(50);
    }
    expect(acks().length).toBeGreaterThanOrEqual(7);
    expect(acks().length).toBeLessThanOrEqual(10);
    const before = acks().length;
    await time.until(hand(42, 'urgent'));
    await time.advance(0);
    expect(acks().slice(before)).toEqual([{ journal: 'j', normal: expect.any(String), urgent: '42' }]);
    await time.advance(300);
    expect(acks().at(-1)).toMatchObject({ normal: '41', urgent: '42' });
  });

  it('are fewer under load', async () => {
    const { time, hand, broker } = setUp();
    const campuses = Array.from({ length: 400 }, (_, i) => `campus/v1/45030${i}`);
    for (let round = 1; round <= 40; round++) {
      for (const prefix of campuses) void hand(round, 'normal', prefix);
      await time.advance(100);
    }
    // 400 campuses and 10 events a second of each for 4 s: 250 ms would have made 6,400. The last word comes a bit later.
    expect(broker.sent.length).toBeLessThan(400 * 9);
    await time.advance(9000);
    const last = new Map(broker.sent.map(({ topic, text }) => [topic, text['normal']]));
    expect([...last.values()]).toEqual(campuses.map(() => '40'));
  });

  it('are sent again after a duplicate: the process before ended between the commit and its receipt', async () => {
    const before = setUp();
    before.broker.isAway = true;
    await before.time.until(before.hand(1));
    expect(before.acks()).toEqual([]);
    // Another process, on the same database.
    const { time, hand, acks, consumer } = setUp(before.fake);
    await time.until(hand(1));
    await time.advance(100);
    expect(acks()).toEqual([{ journal: 'j', normal: '1' }]);
    expect(consumer.counts()).toMatchObject({ events: 0, duplicates: 1 });
  });

  it('are repeated when a gateway comes online, of its numbering', async () => {
    const { time, hand, acks, consumer, fake } = setUp();
    await time.until(Promise.all([hand(1), hand(2, 'urgent'), hand(9, 'normal', PREFIX, 'old')]));
    await time.advance(1000);
    const before = acks().length;
    // Another consumer went on with a lane.
    fake.upTo.set(`${PREFIX} j normal`, { prefix: PREFIX, journal: 'j', lane: 'normal', upTo: 7 });
    const presence = (state: string) => bytes({ state, journal: 'j' });
    consumer.onNote(`${PREFIX}/presence`, presence('offline'), false);
    await time.advance(1000);
    expect(acks()).toHaveLength(before);
    consumer.onNote(`${PREFIX}/presence`, presence('online'), false);
    await time.advance(100);
    expect(acks().slice(before)).toEqual([{ journal: 'j', normal: '7', urgent: '2' }]);
    expect(fake.shown.map((one) => one.split(' ')[1])).toEqual(['presence', 'presence']);
  });

  it('that could not be sent are sent later, with what came in between', async () => {
    const { time, hand, acks, broker } = setUp();
    broker.isAway = true;
    await time.until(hand(1));
    await time.until(hand(2, 'urgent'));
    await time.advance(5000);
    broker.isAway = false;
    await time.advance(1500);
    expect(acks()).toEqual([{ journal: 'j', normal: '1', urgent: '2' }]);
  });
});

describe('gaps', () => {
  const gap: Gap = { prefix: PREFIX, journal: 'j', lane: 'normal', after: 4, upTo: 9, asked: 0 };
  const asked = (broker: ReturnType<typeof fakeSource>) =>
    broker.sent.filter(({ topic }) => topic === `${PREFIX}/command/gateway`).map(({ text }) => text);

  it('are asked for, and passed where the campus has nothing of it', async () => {
    const { time, broker, consumer, fake, acks } = setUp();
    fake.asks.push(gap);
    await time.advance(1000);
    const [command] = asked(broker);
    expect(command).toEqual({
      ...{ id: expect.any(String), action: 'replay', target: 'gateway' },
      arguments: { journal: 'j', lane: 'normal', after: '4', upTo: '9' },
    });
    const reply = { id: command?.['id'], done: true, result: { events: 0 } };
    consumer.onNote(`${PREFIX}/reply/${reply.id}`, bytes(reply), false);
    await time.advance(100);
    expect(fake.passed).toEqual([gap]);
    expect(acks()).toEqual([{ journal: 'j', normal: '9' }]);
    expect(consumer.counts()).toMatchObject({ asked: 1, passed: 1 });
  });

  it.each([{ done: true, result: { events: 3 } }, { done: true }, { done: false, reason: 'not allowed' }])(
    'stay where they are with the answer %j',
    async (answer) => {
      const { time, broker, consumer, fake } = setUp();
      fake.asks.push(gap);
      await time.advance(1000);
      const [command] = asked(broker);
      consumer.onNote(`${PREFIX}/reply/x`, bytes({ id: command?.['id'], ...answer }), false);
      await time.advance(100);
      expect(fake.passed).toEqual([]);
    },
  );

  it('are asked for once more, with the same id, until there is an answer; not while the broker is away', async () => {
    const { time, broker, consumer, fake } = setUp();
    consumer.onState({ connected: false });
    fake.asks.push(gap);
    await time.advance(3000);
    expect(fake.asks).toHaveLength(1);
    consumer.onState({ connected: true });
    await time.advance(70_000);
    const ids = new Set(asked(broker).map(({ id }) => id));
    expect(ids.size).toBe(1);
    expect(asked(broker).length).toBeGreaterThan(5);
    const before = asked(broker).length;
    await time.advance(20_000);
    expect(asked(broker)).toHaveLength(before);
  });
});

describe('the end', () => {
  it('commits what was taken, sends its receipts, and only then ends the source', async () => {
    const { time, consumer, hand, broker, acks, fake } = setUp();
    const taken = [hand(1), hand(2, 'urgent')];
    await time.until(consumer.close());
    expect(await Promise.all(taken)).toHaveLength(2);
    expect(fake.stored.size).toBe(2);
    expect(acks().at(-1)).toEqual({ journal: 'j', normal: '1', urgent: '2' });
    expect(broker.calls).toEqual(['stop', `close after ${broker.sent.length}`]);
    await time.advance(60_000);
    expect(time.pending).toBe(0);
  });

  it('refuses what the database does not take in time: it comes again', async () => {
    const { time, consumer, hand, fake, acks } = setUp();
    fake.isAway = true;
    const taken = hand(1).catch(({ message }: Error) => message);
    const from = time.elapsed();
    await time.until(consumer.close());
    expect(await taken).toBe('it was not stored');
    expect(time.elapsed() - from).toBeLessThan(30_000);
    expect(acks()).toEqual([]);
  });
});

it('shows the newest of what campuses show, also after the database was away', async () => {
  const { time, consumer, fake } = setUp();
  fake.isAway = true;
  for (const name of ['a', 'b', 'c']) {
    consumer.onNote(`${PREFIX}/campus`, bytes({ name }), true);
    await time.advance(500);
  }
  fake.isAway = false;
  await time.advance(3000);
  expect(fake.shown.at(-1)).toBe(`${PREFIX} campus {"name":"c"}`);
  expect(fake.shown).toHaveLength(1);
});
