/** A platform at several addresses, as a cluster of brokers has them. */
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import { fastClock } from '../clocks.ts';
import { freePort } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const button = { zone: { number: 9 } };
const at = (...ports: readonly number[]) => ({
  url: undefined,
  urls: ports.map((port) => `mqtt://127.0.0.1:${port}`),
});

describe('a platform at several addresses', () => {
  it('gets an alarm at the next one where the first is not there; the good one is asked first from then on', async () => {
    const [dead, live] = [await freePort(), await scriptedBroker({})];
    const { record } = await campus(1, at(dead, live.port), undefined, { time: fastClock(8) });
    const { id } = await record('panic', button);
    expect((await live.events.next()).body.id).toBe(id);
    const first = await scriptedBroker({ port: dead });
    live.disconnect(0);
    await expect.poll(() => live.connects()).toBe(2);
    const later = await record('panic', button);
    expect((await live.events.find(({ body }) => body.id === later.id)).body.id).toBe(later.id);
    expect(first.connects()).toBe(0);
  });

  it('all of which are away says of each why', async () => {
    const [one, other] = [await freePort(), await freePort()];
    const { uplink } = await campus(1, at(one, other));
    await expect
      .poll(() => uplink.state().reason)
      .toContain(`mqtt://127.0.0.1:${other}: connect ECONNREFUSED`);
    expect(uplink.state().reason).toContain(`mqtt://127.0.0.1:${one}: connect ECONNREFUSED`);
  });
});

/** Takes connections, and says nothing. */
async function silentServer() {
  const sockets = new Set<Socket>();
  let taken = 0;
  const server = createServer((socket) => {
    taken++;
    sockets.add(socket.on('error', () => {}));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port, taken: () => taken };
}

it('a node that takes connections and not us is left after 4 s where there are others; the next have more time, and none more than 30 s', async () => {
  const [one, other] = [(await silentServer()).port, (await silentServer()).port];
  const { uplink } = await campus(1, at(one, other), undefined, { time: fastClock(20) });
  const reason = () => uplink.state().reason ?? '';
  const both = (first: number, second: number) =>
    new RegExp(`:(${one}|${other}): no answer within ${first} s; .*: no answer within ${second} s$`);
  await expect.poll(reason, { interval: 5 }).toMatch(both(4, 4));
  await expect.poll(reason, { interval: 5 }).toMatch(both(15, 15));
  await expect.poll(reason, { interval: 5 }).toMatch(both(30, 30));
});

it('of three nodes two of which are frozen the third has the alarm after 8 s', async () => {
  const time = fastClock(8);
  const ports = [await freePort(), await freePort(), await freePort()];
  const met: number[] = [];
  const { promise: there, resolve } = Promise.withResolvers<number>();
  for (const port of ports)
    await scriptedBroker({
      port,
      before({ cmd }) {
        if (cmd === 'connect' && !met.includes(port)) met.push(port);
        return port === met[2] ? undefined : new Promise(() => {});
      },
      answer() {
        resolve(time.elapsed());
        return 0;
      },
    });
  const { record } = await campus(1, at(...ports), undefined, { time });
  const from = time.elapsed();
  await record('panic', button);
  // With longer patience at the second one it were 19.
  expect((await there) - from).toBeLessThan(15_000);
});

it.for([
  { name: 'does nothing', reads: ['connect'] },
  { name: 'acknowledges no event', reads: ['connect', 'subscribe', 'pingreq'] },
])('a node that lets us in and then $name is left for another one; an alarm is there', async ({ reads }) => {
  const time = fastClock(20);
  const ports = [await freePort(), await freePort()];
  const events: string[] = [];
  let [good, idle] = [0, 0];
  // Whichever it begins with is the one that does nothing.
  for (const port of ports)
    await scriptedBroker({
      port,
      before({ cmd }) {
        if (cmd === 'connect' && idle === 0) idle = port;
        if (cmd === 'connect' && port !== idle) good = port;
        return port === idle && !reads.includes(cmd ?? '') ? new Promise(() => {}) : undefined;
      },
      answer({ body }) {
        events.push(body.id);
        return 0;
      },
    });
  const { record } = await campus(1, at(...ports), undefined, { time });
  const { id } = await record('panic', button);
  await expect.poll(() => events, { interval: 5 }).toContain(id);
  expect(good).not.toBe(0);
});

it('a node that acknowledges all but alarms is left for another one, though other events flow', async () => {
  const time = fastClock(20);
  const ports = [await freePort(), await freePort()];
  const events: string[] = [];
  let owing = 0;
  for (const port of ports)
    await scriptedBroker({
      port,
      answer({ body, topic }) {
        if (owing === 0) owing = port;
        if (port === owing && topic.includes('/event/alarm/')) return undefined;
        if (port !== owing) events.push(body.id);
        return 0;
      },
    });
  const { record } = await campus(1, at(...ports), undefined, { time });
  const others = time.every(5000, () => void record('battery'));
  onTestFinished(() => others.stop());
  const { id } = await record('panic', button);
  await expect.poll(() => events, { interval: 5 }).toContain(id);
});

it('a broker that answers late, as with a whole city at its door, is waited for longer each time, and lets us in', async () => {
  const time = fastClock(20);
  const broker = await scriptedBroker({
    before: ({ cmd }) => (cmd === 'connect' ? time.wait(12_000) : undefined),
  });
  const { record } = await campus(broker.port, {}, undefined, { time });
  const { id } = await record('panic', button);
  expect((await broker.events.next()).body.id).toBe(id);
  expect(broker.connects()).toBe(2);
});

it('a broker that was never reached, as behind a proxy that says nothing, gets no more time: the line may be back at any moment', async () => {
  const proxy = await silentServer();
  const through = { proxy: { url: `http://127.0.0.1:${proxy.port}` } };
  const { uplink } = await campus(1, through, undefined, { time: fastClock(40) });
  await expect.poll(proxy.taken, { interval: 5 }).toBe(4);
  expect(uplink.state().reason).toBe('no answer within 10 s');
});

it('campuses begin at different addresses of one platform, each always at the same', async () => {
  const brokers = [await scriptedBroker({}), await scriptedBroker({})];
  const ports = brokers.map(({ port }) => port);
  const connectAll = async () => {
    const before = brokers.map(({ connects }) => connects());
    const { connectTo } = await campus(1, { ...at(...ports), clientId: '4503000001-police' });
    for (let i = 2; i < 9; i++) connectTo(1, { ...at(...ports), clientId: `450300000${i}-police` });
    const since = () => brokers.map(({ connects }, n) => connects() - (before[n] ?? 0));
    await expect.poll(() => since().reduce((all, n) => all + n)).toBe(8);
    return since();
  };
  const first = await connectAll();
  expect(Math.min(...first)).toBeGreaterThanOrEqual(2);
  expect(await connectAll()).toEqual(first);
});

it('one of several addresses that is lost is soon followed by another; where there is one, the spread is kept', async () => {
  const waits: number[] = [];
  for (const addresses of [2, 1]) {
    const broker = await scriptedBroker({});
    const time: Clock = { ...fastClock(20), random: () => 0.99 };
    const ports = [broker.port, await freePort()].slice(0, addresses);
    await campus(1, { ...at(...ports), events: ['video.*'], reconnectSpread: '60s' }, undefined, { time });
    await expect.poll(() => broker.connects(), { interval: 5 }).toBe(1);
    await broker.subscribed('campus/v1/45/command/+');
    // An end at a SUBSCRIBE would be another matter.
    await time.wait(6000);
    const from = time.elapsed();
    broker.disconnect(0);
    await expect.poll(() => broker.connects(), { interval: 5 }).toBe(2);
    waits.push(time.elapsed() - from);
  }
  expect(waits[0]).toBeLessThan(30_000);
  expect(waits[1]).toBeGreaterThan(55_000);
});

it('a broker that closes at MQTT 5 without a word and takes 3.1.1 is asked so for an hour', async () => {
  const versions: (number | undefined)[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      // The level stands behind the name (3.1.1, 3.1.2.2).
      const level = bytes[8];
      versions.push(level);
      if (level === 5) return socket.destroy();
      socket.write(Buffer.from([0x20, 2, 0, 0]));
      if (versions.length < 4) setImmediate(() => socket.destroy());
      return undefined;
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  await campus(port, {}, undefined, { time: fastClock(8) });
  await expect.poll(() => versions.length).toBeGreaterThanOrEqual(4);
  expect(versions.slice(0, 4)).toEqual([5, 4, 4, 4]);
});

/** Answers a CONNECT as it is told, by its level (3.1.1, 3.1.2.2), and nothing else. */
async function doorkeeper(onConnect: (level: number | undefined, socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => onConnect(bytes[8], socket));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return port;
}

it('a broker that hears MQTT 5 and does nothing at all is asked with 3.1.1 in the fourth round', async () => {
  const levels: (number | undefined)[] = [];
  const port = await doorkeeper((level, socket) => {
    levels.push(level);
    onTestFinished(() => void socket.destroy());
    if (level === 4) socket.write(Buffer.from([0x20, 2, 0, 0]));
  });
  const time: Clock = { ...fastClock(40), random: () => 0.1 };
  const { uplink } = await campus(port, {}, undefined, { time });
  await expect.poll(() => uplink.state().state, { interval: 5 }).toBe('connected');
  expect(levels).toEqual([5, 5, 5, 4]);
});

it('a broker that lets us in and closes is called soon at first, to find out why, and then as one that is away', async () => {
  const time: Clock = { ...fastClock(40), random: () => 0.5 };
  const calls: number[] = [];
  const port = await doorkeeper((_level, socket) => {
    calls.push(time.elapsed());
    socket.end(Buffer.from([0x20, 3, 0, 0, 0]));
  });
  const { record } = await campus(port, {}, undefined, { time });
  await record('panic', button);
  await expect.poll(() => calls.length, { interval: 5 }).toBeGreaterThan(24);
  expect((calls[24] ?? 0) - (calls[0] ?? 0)).toBeGreaterThan(120_000);
});
