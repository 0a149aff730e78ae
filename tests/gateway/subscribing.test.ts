/** Brokers that let nothing be subscribed to for a while, as nodes of clusters do while another is away: events go on. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const button = { zone: { number: 9 } };
const ACK = 'campus/v1/45/ack';

/** A campus at a broker that answers SUBSCRIBEs so; `asked` has them, in their order. */
async function at(
  script: (filter: string, qos: number, clientId: string) => 'close' | 'refuse' | 'silence' | undefined,
  time: Clock = fastClock(4),
) {
  const asked: string[] = [];
  const broker = await scriptedBroker({
    onSubscribe(filter, qos, clientId) {
      asked.push(`${clientId} ${filter.replace('campus/v1/45/', '')} ${qos}`);
      return script(filter, qos, clientId);
    },
  });
  const options = { receipts: true, receiptTimeout: '1h', reconnectSpread: '5m', keepalive: '5m' };
  const one = await campus(broker.port, options, undefined, { time });
  return { ...one, broker, asked };
}
const held = ({ uplink }: Awaited<ReturnType<typeof at>>) => uplink.state().held;

describe('a broker that closes the connection', () => {
  it('at each SUBSCRIBE with QoS 1, as a node does whose queue for it is on another that is away, is never asked for that', async () => {
    const one = await at((_filter, qos) => (qos === 1 ? 'close' : undefined));
    const { id } = await one.record('panic', button);
    expect((await one.broker.events.next()).body.id).toBe(id);
    await one.broker.subscribed(ACK);
    expect(one.asked.slice(0, 2)).toEqual(['45-police identity 0', '45-police ack 0']);
    expect([one.broker.connects(), held(one)]).toEqual([1, []]);
  });

  it('at each SUBSCRIBE of our client id is asked under another one', async () => {
    const one = await at((_filter, _qos, clientId) => (clientId === '45-police' ? 'close' : undefined));
    await one.record('panic', button);
    await one.broker.events.next();
    await one.broker.subscribed(ACK);
    expect(one.asked.slice(0, 3)).toEqual([
      '45-police identity 0',
      '45-police identity 0',
      '45-police-2 identity 0',
    ]);
    expect([one.broker.connects(), held(one)]).toEqual([3, []]);
  });

  it('at each SUBSCRIBE gets the events all the same, says which topics are left out, and is asked again', async () => {
    let closes = true;
    const time = manualClock();
    const one = await at(() => (closes ? 'close' : undefined), time);
    const { id } = await one.record('panic', button);
    expect((await one.broker.events.next()).body.id).toBe(id);
    // Three ways for the first topic; the others need not be tried in each.
    const topics = () => held(one).map(({ topic }) => topic.replace('campus/v1/45/', ''));
    await expect.poll(topics).toEqual(['identity', 'ack', 'command/+']);
    await expect.poll(() => one.broker.connects()).toBe(6);
    closes = false;
    await time.advance(60_000);
    await expect.poll(topics).toEqual(['identity']);
    expect(one.broker.connects()).toBe(6);
    await time.until(one.close(0));
  });
});

it('a broker that closes 4 s after a SUBSCRIBE, as NATS does while it elects a leader, is asked in the same way', async () => {
  let elects = true;
  const time = fastClock(8);
  const one = await at(() => (elects ? 'silence' : undefined), time);
  // What is not stored makes it come back soon.
  await one.record('panic', button);
  for (let times = 1; times <= 3; times++) {
    await expect.poll(() => one.broker.connects()).toBe(times);
    await expect.poll(() => one.asked.length).toBeGreaterThan(0);
    expect(one.asked.filter((asked) => !/^45-police \S+ 0$/.test(asked))).toEqual([]);
    one.asked.length = 0;
    await time.wait(4000);
    elects = times < 3;
    one.broker.disconnect(0);
  }
  await one.broker.subscribed(ACK);
  expect(one.asked).toContain('45-police ack 0');
  expect(held(one)).toEqual([]);
});

it('a topic that is refused is asked for again, and shown until then; its receipts count', async () => {
  let refused = 0;
  const one = await at((filter) => (filter === ACK && ++refused <= 3 ? 'refuse' : undefined));
  await one.record('panic', button);
  const { body } = await one.broker.events.next();
  await expect.poll(() => held(one)).toMatchObject([{ topic: ACK, reason: /refuses/ }]);
  await one.broker.subscribed(ACK);
  one.broker.send(ACK, { journal: one.journal.id, urgent: body.sequence });
  await expect.poll(() => one.journal.position('police', 'urgent').sequence).toBe(Number(body.sequence));
  expect([one.broker.connects(), refused, held(one)]).toEqual([1, 4, []]);
});

describe('a broker with a whole city at its door', () => {
  it('that was late to let us in gets what waits before it is asked for anything, and hears that we are there once we hear it', async () => {
    const time: Clock = { ...fastClock(4), random: () => 0.5 };
    const came: string[] = [];
    const broker = await scriptedBroker({
      before: ({ cmd }) => (cmd === 'connect' ? time.wait(1500) : undefined),
      onSubscribe(filter) {
        came.push(filter);
        return undefined;
      },
    });
    const one = await campus(broker.port, { receipts: true, receiptTimeout: '1h' }, undefined, { time });
    const { id } = await one.record('panic', button);
    expect((await broker.events.next()).body.id).toBe(id);
    expect(came).toEqual([]);
    await broker.subscribed(ACK);
    for (const topic of ['campus/v1/45/presence', 'campus/v1/45/presence'])
      expect(await broker.others.find((one) => one.topic === topic)).toMatchObject({
        body: { state: 'online' },
      });
    await broker.subscribed('campus/v1/45/identity');
    expect(broker.connects()).toBe(1);
  });

  it('that was late and reads nothing for 50 s at a SUBSCRIBE is not left for it, and one that never reads again is', async () => {
    const time: Clock = { ...fastClock(40), random: () => 0.1 };
    let longMs = 50_000;
    const broker = await scriptedBroker({
      before(packet) {
        if (packet.cmd === 'connect') return time.wait(2000);
        return packet.cmd === 'subscribe' && packet.subscriptions[0]?.topic === ACK
          ? time.wait(longMs)
          : undefined;
      },
    });
    const from = time.elapsed();
    const one = await campus(broker.port, { receipts: true, receiptTimeout: '1h' }, undefined, { time });
    await broker.subscribed(ACK);
    const { id } = await one.record('panic', button);
    expect((await broker.events.next()).body.id).toBe(id);
    expect(time.elapsed() - from).toBeGreaterThan(50_000);
    expect(broker.connects()).toBe(1);
    longMs = 3_600_000;
    broker.disconnect(0);
    await expect.poll(() => broker.connects(), { interval: 5 }).toBe(2);
    const again = time.elapsed();
    await expect.poll(() => broker.connects(), { interval: 5 }).toBe(3);
    expect(time.elapsed() - again).toBeGreaterThan(55_000);
  });

  it.for([
    { name: 'was prompt', lateMs: 0, mostMs: 45_000 },
    { name: 'was late', lateMs: 2000, mostMs: 110_000 },
  ])(
    'that $name and owes a SUBACK and all PUBACKs, but answers pings, is not waited for without end',
    async ({ lateMs, mostMs }) => {
      const time: Clock = { ...fastClock(40), random: () => 0.1 };
      const broker = await scriptedBroker({
        before: ({ cmd }) => (cmd === 'connect' && lateMs > 0 ? time.wait(lateMs) : undefined),
        onSubscribe: () => 'silence',
        answer: () => undefined,
      });
      const one = await campus(broker.port, { receipts: true }, undefined, { time });
      await one.record('panic', button);
      await expect.poll(() => broker.connects(), { interval: 5 }).toBe(1);
      const from = time.elapsed();
      await expect.poll(() => broker.connects(), { interval: 5 }).toBe(2);
      expect(time.elapsed() - from).toBeLessThan(mostMs);
    },
  );
});
