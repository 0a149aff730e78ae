import { createHmac } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { Aedes, type AedesPublishPacket, type Client } from 'aedes';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventFilter } from '../../config/catalogue/filter.ts';
import { backoff, refusedBackoff } from '../../gateway/uplink/reconnect.ts';
import { freePort, stream, take } from '../helpers.ts';
import { campus } from './campus.ts';

interface Received {
  readonly topic: string;
  readonly retain: boolean;
  readonly event: {
    id: string;
    type: string;
    sequence: string;
    previous: string;
    data: Record<string, unknown>;
    state?: string;
  };
}

/** A real broker of the test's, which notes what reaches it. `hold` withholds the next PUBACKs by cutting. */
async function broker(port: number) {
  const aedes = await Aedes.createBroker();
  const received = stream<Received>();
  const sockets = new Set<Socket>();
  aedes.on('publish', (packet: AedesPublishPacket, client: Client | null) => {
    if (client === null || !packet.topic.startsWith('campus/')) return;
    received.push({
      topic: packet.topic,
      retain: packet.retain,
      event: JSON.parse(packet.payload.toString()) as Received['event'],
    });
  });
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  let closed = false;
  const close = () =>
    new Promise<void>((resolve) => {
      if (closed) return resolve();
      closed = true;
      for (const socket of sockets) socket.destroy();
      server.close();
      aedes.close(() => resolve());
    });
  onTestFinished(close);
  return {
    received,
    close,
    events: { next: () => received.find(({ topic }) => topic.includes('/event/')) },
    cut: () => sockets.forEach((socket) => void socket.destroy()),
  };
}

describe('an uplink', () => {
  it('falls back to 3.1.1, and publishes by class and device with sequence and previous', async () => {
    const port = await freePort();
    const { events } = await broker(port);
    const { record } = await campus(port);
    await record('fault');
    await record('panic');
    await record('power');
    const got = await take(events, 3);
    expect(got.map(({ topic }) => topic).sort()).toEqual([
      'campus/v1/45/event/alarm/d',
      'campus/v1/45/event/device/d',
      'campus/v1/45/event/device/d',
    ]);
    const normal = got.filter(({ topic }) => topic.includes('/device/')).map(({ event }) => event);
    // `previous` chains within a lane: the panic between them is of another.
    expect(normal.map(({ sequence, previous }) => [sequence, previous])).toEqual([
      ['1', '0'],
      ['3', '1'],
    ]);
  });

  it('sends what waited while the broker was away, alarms first, each lane in order', async () => {
    const port = await freePort();
    const { record } = await campus(port);
    for (let i = 0; i < 40; i++) await record('fault', { cause: `c${i}` });
    await record('panic');
    const { events } = await broker(port);
    const got = await take(events, 41);
    expect(got[0]?.event.type).toBe('cn.campus.alarm.raised');
    expect(got.slice(1).map(({ event }) => event.data['cause'])).toEqual(
      Array.from({ length: 40 }, (_, i) => `c${i}`),
    );
  });

  it('sends again, with the same id and previous, what was not acknowledged when the connection broke', async () => {
    const port = await freePort();
    const first = await broker(port);
    const { record } = await campus(port);
    await record('fault');
    const before = await first.events.next();
    await first.close();
    await Promise.all(Array.from({ length: 100 }, () => record('fault')));
    const second = await broker(port);
    const got = new Map([[before.event.sequence, before.event]]);
    while (got.size < 101) {
      const { event } = await second.events.next();
      const known = got.get(event.sequence);
      if (known !== undefined) expect(event).toEqual(known);
      got.set(event.sequence, event);
    }
    for (const [sequence, { previous }] of got) expect(previous).toBe(String(Number(sequence) - 1));
  });

  it('goes on from its cursor after a restart: nothing twice that was acknowledged', async () => {
    const port = await freePort();
    const { events, received } = await broker(port);
    const before = await campus(port);
    const { id } = await before.record('fault');
    expect((await events.next()).event.id).toBe(id);
    await before.close();
    received.rest();
    const after = await campus(port, {}, before.directory);
    const next = await after.record('fault');
    const { event } = await events.next();
    expect(event).toMatchObject({ id: next.id, previous: '1' });
  });
});

describe('an uplink and its platform', () => {
  it('sends only what the filter wants, and chains previous over what it left out', async () => {
    const port = await freePort();
    const { events } = await broker(port);
    const { record } = await campus(port, {
      events: ['device.power-lost', 'alarm.*'],
      topicPrefix: 'campus/own',
    });
    for (const kind of ['fault', 'power', 'fault', 'fault', 'power', 'panic'] as const) await record(kind);
    const got = await take(events, 3);
    expect(new Set(got.map(({ topic }) => topic))).toEqual(
      new Set(['campus/own/event/device/d', 'campus/own/event/alarm/d']),
    );
    expect(
      got
        .filter(({ topic }) => topic.includes('device'))
        .map(({ event }) => [event.sequence, event.previous]),
    ).toEqual([
      ['2', '0'],
      ['5', '2'],
    ]);
  });

  it('lets card numbers leave as a keyed hash only, until told otherwise', async () => {
    const port = await freePort();
    const { events } = await broker(port);
    const credential = { format: 'em4100', facility: 98, number: '3808980205' };
    const { record, cardKey, close } = await campus(port);
    await record('credential', { credential });
    const hash = createHmac('sha256', cardKey).update('98/3808980205').digest('base64url');
    expect((await events.next()).event.data['credential']).toEqual({ format: 'em4100', hash });
    await close();
    const open = await campus(port, { cardNumbers: 'plain' });
    await open.record('credential', { credential });
    expect((await events.next()).event.data['credential']).toEqual(credential);
  });

  it('keeps presence and the state of each device retained, and says goodbye', async () => {
    const port = await freePort();
    const { received } = await broker(port);
    const { record, close } = await campus(port);
    expect(await received.find(({ topic }) => topic === 'campus/v1/45/presence')).toMatchObject({
      retain: true,
      event: { state: 'online' },
    });
    await record('link', { state: 'restored' });
    await record('panic', { zone: { number: 9 } });
    const state = await received.find(
      ({ topic, event }) => topic === 'campus/v1/45/state/d' && event.state === 'online',
    );
    expect(state.event).toMatchObject({
      active: [{ type: 'alarm.raised', kind: 'panic', subject: 'zone-9' }],
    });
    await close();
    expect(await received.find(({ topic }) => topic === 'campus/v1/45/presence')).toMatchObject({
      event: { state: 'offline' },
    });
  });

  it('leaves a will: offline by the broker’s word when the connection breaks', async () => {
    const port = await freePort();
    const { received, cut } = await broker(port);
    await campus(port);
    await received.find(({ topic }) => topic.endsWith('/presence'));
    cut();
    const will = await received.find(
      ({ topic, event }) => topic.endsWith('/presence') && event.state === 'offline',
    );
    expect(will.event).not.toHaveProperty('at');
  });
});

describe('reconnects', () => {
  it('wait a random part of an exponential back-off, a minute at most', () => {
    expect([1, 2, 3, 4].map((tries) => backoff(tries, 0, () => 1))).toEqual([1000, 2000, 4000, 8000]);
    expect(backoff(1000, 0, () => 1)).toBe(60_000);
    expect(backoff(5, 0, () => 0)).toBe(0);
    // Never over less than the spread.
    expect([1, 5, 6].map((tries) => backoff(tries, 20_000, () => 1))).toEqual([20_000, 20_000, 32_000]);
  });

  it('of who is refused by its name or password wait longer each time, and never less than half a minute', () => {
    const waits = (isUrgent: boolean, dice: number) =>
      [1, 2, 3, 4, 5, 1000].map((refusals) => refusedBackoff(refusals, isUrgent, () => dice) / 1000);
    expect(waits(false, 1)).toEqual([60, 120, 240, 480, 600, 600]);
    expect(waits(false, 0)).toEqual([30, 60, 120, 240, 300, 300]);
    expect(waits(true, 1)).toEqual([60, 60, 60, 60, 60, 60]);
  });
});

describe('filters', () => {
  it.each([
    [['*'], 'device.fault', true],
    [['alarm.*'], 'alarm.raised', true],
    [['alarm.*'], 'device.fault', false],
    [['device.fault'], 'device.fault', true],
    [['device.fault'], 'device.offline', false],
  ] as const)('%j on %s: %s', (patterns, type, wanted) => {
    expect(eventFilter(patterns)(type)).toBe(wanted);
  });
});
