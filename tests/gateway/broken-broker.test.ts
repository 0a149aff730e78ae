/** Brokers that break the protocol: what they send in bytes, and that an alarm goes out all the same. */
import { createServer, type Socket } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { openConnection } from '../../drivers/platforms/mqtt/connection.ts';
import { fastClock } from '../clocks.ts';
import { eventually, stream, tcpServer } from '../helpers.ts';
import { campus } from './campus.ts';

interface Peer {
  readonly socket: Socket;
  /** From 1. */
  readonly connection: number;
  write(bytes: Buffer | Packet): void;
}

/** A broker that does what it should, but where `on` answers a packet itself: it returns true then. */
async function brokenBroker(version: 5 | 4, on: (packet: Packet, peer: Peer) => boolean) {
  const subjects = stream<string>();
  const filters = stream<{ filter: string; connection: number }>();
  const closed = stream<number>();
  const maximums: (number | undefined)[] = [];
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const connection = ++connections;
    sockets.add(socket);
    const decoder = parser({ protocolVersion: version });
    const write = (what: Buffer | Packet) =>
      void socket.write(Buffer.isBuffer(what) ? what : generate(what, { protocolVersion: version }));
    decoder.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') maximums.push(packet.properties?.maximumPacketSize);
      if (packet.cmd === 'subscribe')
        for (const { topic } of packet.subscriptions) filters.push({ filter: topic, connection });
      if (on(packet, { socket, connection, write })) return;
      if (packet.cmd === 'connect')
        write({ cmd: 'connack', reasonCode: 0, returnCode: 0, sessionPresent: false });
      if (packet.cmd === 'pingreq') write({ cmd: 'pingresp' });
      if (packet.cmd === 'subscribe')
        write({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [1] });
      if (packet.cmd !== 'publish' || packet.qos === 0) return;
      if (packet.topic.includes('/event/alarm'))
        subjects.push((JSON.parse(packet.payload.toString()) as { subject: string }).subject);
      write({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
    });
    decoder.on('error', () => socket.destroy());
    socket.on('data', (chunk) => decoder.parse(chunk));
    socket.on('error', () => {});
    socket.on('close', () => closed.push(connection));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { port, subjects, filters, closed, maximums, connections: () => connections };
}

const alarm = { zone: { number: 1, id: 'button' } };

describe.each([
  [5, {}],
  [4, { mqttVersion: '3.1.1' }],
] as const)('a broker of version %i', (version, more) => {
  it.each([
    // Remaining length 250,000,000; the topic `a`, and some of the payload.
    ['a message of 250 MB', Buffer.concat([Buffer.from('3080e59a77000161', 'hex'), Buffer.alloc(1000)])],
    ['a PUBLISH without its packet id', Buffer.from('3203000161', 'hex')],
    ['a PUBLISH with QoS 2', Buffer.from('34060001610001' + '00', 'hex')],
    ['a CONNECT', Buffer.from('1000', 'hex')],
    ['an HTTP page', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('that sends %s is left at once, and gets the alarm over the next connection', async (_name, bytes) => {
    const broker = await brokenBroker(version, ({ cmd }, { connection, write }) => {
      if (cmd === 'publish' && connection === 1) write(bytes);
      return connection === 1 && cmd === 'publish';
    });
    const { record } = await campus(broker.port, more, undefined, { time: fastClock(20) });
    expect(await broker.closed.next()).toBe(1);
    await record('panic', alarm);
    expect(await broker.subjects.next()).toBe('button');
  });

  it('that keeps a message too large to be taken gets alarms, and is heard on the other topics', async () => {
    const topic = 'campus/v1/45/command/gateway';
    const large = generate(
      { cmd: 'publish', topic, payload: Buffer.alloc(300_000), qos: 0, retain: true, dup: false },
      { protocolVersion: version },
    );
    const broker = await brokenBroker(version, (packet, { write }) => {
      const asks =
        packet.cmd === 'subscribe' && packet.subscriptions.some((one) => one.topic.includes('/command/'));
      if (asks) write(large);
      return asks;
    });
    const time = fastClock(20);
    const { record } = await campus(broker.port, { ...more, receipts: true, keepalive: '60s' }, undefined, {
      time,
    });
    await broker.closed.next();
    await record('panic', alarm);
    expect(await broker.subjects.next()).toBe('button');
    const { connection } = await broker.filters.find((one) => one.connection > 1);
    expect(broker.connections()).toBe(connection);
    await time.wait(30_000);
    const heard = broker.filters.rest().filter((one) => one.connection === connection);
    expect(heard.map(({ filter }) => filter)).not.toContain('campus/v1/45/command/+');
    expect(broker.connections()).toBe(connection);
  });

  it('that never answers CONNECT, or answers it by nonsense, is left', async () => {
    const broker = await brokenBroker(version, ({ cmd }, { connection, write }) => {
      if (cmd !== 'connect' || connection > 2) return false;
      if (connection === 2) write(Buffer.from('2000', 'hex'));
      return true;
    });
    const { record } = await campus(broker.port, more, undefined, { time: fastClock(40) });
    await record('panic', alarm);
    expect(await broker.subjects.next()).toBe('button');
    expect(broker.connections()).toBe(3);
  });
});

describe('a broker of MQTT 5', () => {
  it('is told in CONNECT how large a packet may be (3.1.2.11.4)', async () => {
    const broker = await brokenBroker(5, () => false);
    await campus(broker.port);
    await eventually(() => expect(broker.maximums).toEqual([262_144]));
  });

  it('that sets a keepalive of 18 hours is asked as often as the config says all the same', async () => {
    const pings = stream<number>();
    const broker = await brokenBroker(5, ({ cmd }, { connection, write }) => {
      if (cmd === 'pingreq') pings.push(connection);
      if (cmd !== 'connect') return false;
      write({
        cmd: 'connack',
        reasonCode: 0,
        sessionPresent: false,
        properties: { serverKeepAlive: 65_535 },
      });
      return true;
    });
    await campus(broker.port, { keepalive: '1s' });
    expect(await pings.next()).toBe(1);
  });
});

describe('a broker that does not read', () => {
  it('is left before what waits for it grows', async () => {
    const server = await tcpServer();
    const opening = openConnection(
      { url: `mqtt://127.0.0.1:${server.port}`, clientId: 'c', keepalive: 10 },
      5,
      new AbortController().signal,
      systemClock,
    );
    const socket = await server.sockets.next();
    socket.write(Buffer.from('2003000000', 'hex'));
    const connection = await opening;
    socket.pause();
    let answers = 0;
    const state = { topic: 's', payload: 'x'.repeat(100_000), qos: 0, retain: true } as const;
    // The kernels of both sides hold some megabytes too.
    for (let i = 0; i < 1000; i++) {
      connection.publish(state, () => answers++);
      await new Promise(setImmediate);
    }
    expect((await connection.ended).message).toBe('the broker does not read what it is sent');
    expect(answers).toBeGreaterThan(900);
  });
});
