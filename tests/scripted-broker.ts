/** A broker that answers as a test tells it: the reason codes that real brokers give only on bad days. MQTT 5. */
import { createServer, type Socket } from 'node:net';
import { generate, type IConnackPacket, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { onTestFinished } from 'vitest';
import { freePort, stream } from './helpers.ts';

export interface Published {
  readonly topic: string;
  readonly body: Record<string, unknown> & { id: string; sequence: string; previous: string };
  readonly packet: IPublishPacket;
  /** Bytes on the wire. */
  readonly size: number;
}

export interface ScriptedBroker {
  readonly port: number;
  /** Every event, in order. */
  readonly events: ReturnType<typeof stream<Published>>;
  /** What was published elsewhere: replies, life. */
  readonly others: ReturnType<typeof stream<Published>>;
  /** Publishes to the gateway. */
  send(topic: string, payload: object | string, properties?: IPublishPacket['properties']): void;
  /** Resolves when the gateway has subscribed to a filter. */
  subscribed(filter: string): Promise<void>;
  readonly connects: () => number;
  /** Says goodbye with a reason code (MQTT 5, 3.14.2.1), and closes. */
  disconnect(reasonCode: number): void;
}

export async function scriptedBroker(script: {
  readonly connack?: IConnackPacket['properties'];
  /** It does nothing with a packet, nor with what comes after it, before that resolves. */
  readonly before?: (packet: Packet) => Promise<unknown> | undefined;
  /** The reason code of a PUBACK; undefined: none is sent; `close`: the connection is closed instead. */
  readonly answer?: (event: Published) => number | undefined | 'close';
  readonly port?: number;
  /** What happens at a SUBSCRIBE of this filter; undefined: what a broker does; `silence`: nothing, not even an answer. */
  readonly onSubscribe?: (
    filter: string,
    qos: number,
    clientId: string,
  ) => 'close' | 'mute' | 'refuse' | 'silence' | undefined;
  /** Closes the connection at what is published there with QoS 0. */
  readonly closesAt?: (topic: string) => boolean;
}): Promise<ScriptedBroker> {
  const port = script.port ?? (await freePort());
  const events = stream<Published>();
  const others = stream<Published>();
  const filters = new Set<string>();
  const waiting: { filter: string; resolve: () => void }[] = [];
  const sockets = new Set<Socket>();
  let current: Socket | undefined;
  let connects = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const aliases = new Map<number, string>();
    let clientId = '';
    const decoder = parser({ protocolVersion: 5 });
    const write = (packet: Packet) => socket.write(generate(packet, { protocolVersion: 5 }));
    const handle = (packet: Packet) => {
      if (packet.cmd === 'connect') {
        connects++;
        ({ clientId } = packet);
        current = socket;
        filters.clear();
        write({ cmd: 'connack', reasonCode: 0, sessionPresent: false, properties: script.connack ?? {} });
      } else if (packet.cmd === 'pingreq') write({ cmd: 'pingresp' });
      else if (packet.cmd === 'subscribe') {
        const { subscriptions, messageId = 0 } = packet;
        const wrong = subscriptions.map(({ topic, qos }) => script.onSubscribe?.(topic, qos, clientId));
        if (wrong.includes('close')) return void socket.destroy();
        if (wrong.includes('silence')) return;
        for (const [i, { topic }] of subscriptions.entries()) if (wrong[i] === undefined) filters.add(topic);
        // One code for each of them: a client closes where one is missing.
        const granted = subscriptions.map(({ qos }, i) => (wrong[i] === 'refuse' ? 0x80 : qos));
        write({ cmd: 'suback', messageId, granted });
        for (const { filter, resolve } of waiting) if (filters.has(filter)) resolve();
      } else if (packet.cmd === 'publish') {
        const alias = packet.properties?.topicAlias;
        if (alias !== undefined && packet.topic !== '') aliases.set(alias, packet.topic);
        const topic = packet.topic === '' ? (aliases.get(alias ?? 0) ?? '') : packet.topic;
        const body = JSON.parse(packet.payload.toString()) as Published['body'];
        const event = { topic, body, packet, size: (packet.length ?? 0) + 2 };
        const isEvent = topic.includes('/event/') || topic.includes('/media/');
        (isEvent ? events : others).push(event);
        if (packet.qos === 0 && script.closesAt?.(topic) === true) {
          decoder.removeAllListeners('packet');
          return void socket.destroy();
        }
        // A client that subscribes to what it publishes hears itself.
        if (!isEvent && filters.has(topic))
          write({ ...packet, topic, qos: 0, retain: false, properties: {} } as IPublishPacket);
        if (packet.qos === 0) return;
        const code = isEvent ? (script.answer ?? (() => 0))(event) : 0;
        if (code === 'close') socket.destroy();
        else if (code !== undefined)
          write({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: code });
      }
    };
    let handled: Promise<unknown> = Promise.resolve();
    decoder.on('packet', (packet: Packet) => {
      if (script.before === undefined) handle(packet);
      else handled = handled.then(() => script.before?.(packet)).then(() => handle(packet));
    });
    socket.on('data', (chunk) => decoder.parse(chunk));
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port,
    events,
    others,
    connects: () => connects,
    send(topic, payload, properties) {
      const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
      const packet: IPublishPacket = {
        cmd: 'publish',
        topic,
        payload: text,
        qos: 0,
        dup: false,
        retain: false,
      };
      current?.write(generate({ ...packet, ...(properties && { properties }) }, { protocolVersion: 5 }));
    },
    disconnect(reasonCode) {
      current?.end(generate({ cmd: 'disconnect', reasonCode }, { protocolVersion: 5 }));
    },
    subscribed: (filter) =>
      filters.has(filter) ? Promise.resolve() : new Promise((resolve) => waiting.push({ filter, resolve })),
  };
}
