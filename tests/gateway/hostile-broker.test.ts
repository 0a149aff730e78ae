/** Brokers that are within their rights, or not, and would cost alarms all the same. */
import { createServer } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fastClock } from '../clocks.ts';
import { eventually, stream, take } from '../helpers.ts';
import { type Published, scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const command = 'campus/v1/45/command/gateway';
const causes = (events: readonly Published[]) =>
  events.map(({ body }) => (body['data'] as { cause?: string }).cause);

describe('one event that a broker never takes', () => {
  it('as too large stops no other of its topic', async () => {
    const broker = await scriptedBroker({ connack: { maximumPacketSize: 900 } });
    const time = fastClock(50);
    const { record, uplink } = await campus(broker.port, {}, undefined, { time });
    // Nothing of it can be left out.
    await record('panic', { zone: { number: 1, name: '围'.repeat(300) } });
    for (let i = 2; i <= 40; i++) await record('panic', { zone: { number: i } });
    // By this clock the disk is slow: an alarm may come from memory before.
    const seen = new Set<unknown>();
    while (seen.size < 39) seen.add((await broker.events.next()).body['subject']);
    expect(seen).not.toContain('zone-1');
    // It is tried again, and kept.
    await time.wait(30_000);
    expect(uplink.state().held).toHaveLength(1);
  });

  it('whatever its code stops no other of its topic for long', async () => {
    const refused = (event: Published) => (event.body['data'] as { cause?: string }).cause === 'c0';
    // 0x99: payload format invalid.
    const broker = await scriptedBroker({ answer: (event) => (refused(event) ? 0x99 : 0) });
    const { record } = await campus(broker.port, {}, undefined, { time: fastClock(20) });
    for (let i = 0; i < 60; i++) await record('fault', { cause: `c${i}` });
    const seen = new Set<string | undefined>();
    while (seen.size < 60) for (const cause of causes([await broker.events.next()])) seen.add(cause);
  });

  it('and never answers ends the connection, and comes again', async () => {
    let silent = true;
    const broker = await scriptedBroker({
      answer: ({ body }) => (silent && body.sequence === '1' ? undefined : 0),
    });
    const time = fastClock(40);
    const { record, journal } = await campus(broker.port, {}, undefined, { time });
    await record('panic');
    // On a busy machine it may come from memory before.
    await broker.events.find(({ body }) => body.sequence === '1');
    // Others are answered all the while.
    const busy = time.every(5000, () => void record('fault', { cause: `${time.elapsed()}` }));
    await eventually(() => expect(broker.connects()).toBeGreaterThan(1), 20_000);
    silent = false;
    busy.stop();
    await eventually(() => expect(journal.position('police', 'urgent').sequence).toBe(1), 20_000);
  });

  it('and never answers is delivered where the platform says that it has it', async () => {
    const broker = await scriptedBroker({ answer: ({ body }) => (body.sequence === '1' ? undefined : 0) });
    const { record, journal } = await campus(broker.port, { receipts: true });
    await broker.subscribed('campus/v1/45/ack');
    await record('panic', { zone: { number: 1 } });
    await record('panic', { zone: { number: 2 } });
    await take(broker.events, 2);
    broker.send('campus/v1/45/ack', { journal: journal.id, urgent: '2' });
    await eventually(() => expect(journal.position('police', 'urgent')).toEqual({ sequence: 2, sent: 2 }));
    await record('panic', { zone: { number: 3 } });
    expect((await broker.events.next()).body).toMatchObject({ sequence: '3', previous: '2' });
  });
});

describe('an answer to a command', () => {
  it.each([
    ['with a wildcard', 'a/#'],
    ['that is empty', ''],
    ['that is no text', '\ufffd'.repeat(10)],
    ["of the broker's own", '$SYS/broker/x'],
    ['where the gateway says that it is there', 'campus/v1/45/presence'],
    ['of its events', 'campus/v1/45/event/alarm/panel'],
    ['of its states', 'campus/v1/45/state/panel'],
    ['of receipts', 'campus/v1/45/ack'],
    ['of commands', 'campus/v1/45/command/gateway'],
    ['of another campus', 'campus/v1/46/reply/r'],
    ['that the config does not name', 'answers'],
    ['beside one that the config names', 'desk/1/answers/more'],
  ])('does not go to a response topic %s, and nothing is done', async (_name, responseTopic) => {
    const broker = await scriptedBroker({});
    const { uplink } = await campus(broker.port, { replyTopics: ['desk/+/answers'] });
    await broker.subscribed('campus/v1/45/command/+');
    broker.send(command, { id: 'r', action: 'nothing', arguments: {} }, { responseTopic });
    const { topic, body } = await broker.others.find((one) => one.body.id === 'r');
    expect(topic).toBe('campus/v1/45/reply/r');
    expect(body).toMatchObject({ done: false, reason: expect.stringContaining('response topic') });
    expect(uplink.state().discarded).toEqual({ 'a response topic that is not allowed': 1 });
    expect(broker.connects()).toBe(1);
  });

  it.each([
    ['under its own', 'campus/v1/45/reply/desk/7'],
    ['that the config names', 'desk/1/answers'],
  ])('goes to a response topic %s', async (_name, responseTopic) => {
    const broker = await scriptedBroker({});
    await campus(broker.port, { replyTopics: ['desk/+/answers'] });
    await broker.subscribed('campus/v1/45/command/+');
    broker.send(command, { id: 'r', action: 'nothing', arguments: {} }, { responseTopic });
    expect((await broker.others.find(({ body }) => body.id === 'r')).topic).toBe(responseTopic);
  });

  it('does not carry more correlation data than it should', async () => {
    const broker = await scriptedBroker({});
    await campus(broker.port);
    await broker.subscribed('campus/v1/45/command/+');
    broker.send(command, { id: 'r', action: 'nothing' }, { correlationData: Buffer.alloc(1025) });
    const { body, packet } = await broker.others.find((one) => one.body.id === 'r');
    expect(body).toMatchObject({ reason: expect.stringContaining('correlation data') });
    expect(packet.properties?.correlationData).toBeUndefined();
  });

  it.each(['\u0001', '\u007f', '\ufdd0'])('to the id %j goes to a topic that a broker takes', async (id) => {
    const broker = await scriptedBroker({});
    await campus(broker.port);
    await broker.subscribed('campus/v1/45/command/+');
    broker.send(command, { id, action: 'nothing', arguments: {} });
    const { topic, body } = await broker.others.find((one) => one.topic.includes('/reply/'));
    expect(topic).toBe('campus/v1/45/reply/_');
    expect(body.id).toBe(id);
  });

  it('waits where the broker takes no more at once', async () => {
    let open = 0;
    let most = 0;
    const acks: (() => void)[] = [];
    const publishes = stream<string>();
    const server = createServer((socket) => {
      const decoder = parser({ protocolVersion: 5 });
      const write = (packet: Packet) => socket.write(generate(packet, { protocolVersion: 5 }));
      decoder.on('packet', (packet: Packet) => {
        if (packet.cmd === 'connect')
          write({ cmd: 'connack', reasonCode: 0, sessionPresent: false, properties: { receiveMaximum: 1 } });
        if (packet.cmd === 'subscribe') {
          write({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [1] });
          for (let i = 0; i < 5; i++)
            write({
              cmd: 'publish',
              topic: command,
              payload: JSON.stringify({ id: `r${i}`, action: 'nothing', arguments: {} }),
              qos: 0,
              dup: false,
              retain: false,
            });
        }
        if (packet.cmd !== 'publish' || packet.qos === 0) return;
        most = Math.max(most, ++open);
        publishes.push(packet.topic);
        acks.push(() => {
          open--;
          write({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
        });
      });
      socket.on('data', (chunk) => decoder.parse(chunk));
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const { close } = await campus(port, { events: ['alarm.*'] });
    const replies = new Set<string>();
    while (replies.size < 5) {
      const topic = await publishes.next();
      if (topic.includes('/reply/')) replies.add(topic);
      acks.shift()?.();
    }
    expect(most).toBe(1);
    const closing = close();
    for (const ack of acks.splice(0)) ack();
    await closing;
  });
});

describe('a broker that says goodbye', () => {
  it('and leaves the socket open is left', async () => {
    const gone = Promise.withResolvers<void>();
    const server = createServer((socket) => {
      const decoder = parser({ protocolVersion: 5 });
      const write = (packet: Packet) => socket.write(generate(packet, { protocolVersion: 5 }));
      decoder.on('packet', (packet: Packet) => {
        if (packet.cmd !== 'connect') return;
        write({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
        write({ cmd: 'disconnect', reasonCode: 0x8b });
      });
      socket.on('data', (chunk) => decoder.parse(chunk));
      socket.on('error', () => {});
      socket.on('close', () => gone.resolve());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    await campus((server.address() as { port: number }).port);
    await expect(gone.promise).resolves.toBeUndefined();
  });
});
