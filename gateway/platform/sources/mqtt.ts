/**
 * Events by a shared subscription of MQTT: `$share/GROUP/{root}/+/event/#`. MQTT 5, or 3.1.1 where the broker speaks no 5.
 *
 * - With receipts a message is acknowledged (PUBACK) as soon as it is handed over: an event without a receipt comes again.
 *   One that gets none, because it is from the memory of a gateway whose disk fails (sequence 0), is committed before its
 *   PUBACK; without receipts all are. MQTT.js acknowledges one packet after another, before it looks at the next: those it
 *   is not told to acknowledge, and we do, in any number at once.
 * - Where too much waits for its commit, the broker is read no further, its answers to what we publish included.
 * - RabbitMQ 3.10 and NATS 2.9 grant `$share/…` as a topic like another one, and pass nothing on. MQTT 5 says that a broker
 *   shares; over 3.1.1 it is tried once, with a message to ourselves.
 * - A session that outlives its consumer is served by brokers like one that is there: what is shared waits in it for a
 *   consumer that may never come back. So only one with a name has it; others end soon after their connection: an alarm that
 *   waits in one of a consumer that crashed comes only when its gateway, which has no receipt, sends it again.
 */
import { randomUUID } from 'node:crypto';
import type { IClientOptions, IConnackPacket, MqttClient } from 'mqtt';
import { say } from '../../../config/language.ts';
import { within } from '../../../drivers/contract/clock.ts';
import { BrokerError, connectChecked } from '../../../drivers/platforms/mqtt/checked.ts';
import type { OpenSource, SourceHost, SourceOptions } from '../contract.ts';
import { EVENT_MAX_BYTES, isFromMemory } from '../received.ts';
import { createUnanswered, keepConnected, type Line, SourceError, urlsOf } from './connection.ts';
import { createRoom, type Room } from './room.ts';

type Version = 5 | 4;

const ROOM = { messages: 10_000, bytes: 64 * 1_048_576 };
/** Over 3.1.1 a larger packet ends the connection; MQTT 5 lets the broker keep it. An event, its topic, and as much again. */
const PACKET_MAXIMUM = 2 * EVENT_MAX_BYTES;
const RECEIVE_MAXIMUM = 2000;
const NAMED_SESSION_S = 7 * 86_400;
/** Time to come back. Without receipts what is in it has no other way. */
const PASSING_SESSION_S = { receipts: 10, none: 60 } as const;
const KEEPALIVE_S = 15;
const CONNECT_MS = 10_000;
const SUBSCRIBE_MS = 15_000;
const PROBE_MS = 5000;
const GOODBYE_MS = 2000;
/** CONNACK: unacceptable protocol version (3.1.1), unsupported protocol version (5). */
const OTHER_VERSION = new Set<unknown>([1, 0x84]);
/** Bad user name or password, not authorized: of both versions. */
const LOGIN = new Set<unknown>([4, 5, 0x86, 0x87, 0x8a, 0x8c]);

const noShare = () =>
  new SourceError(
    say(
      'this broker passes nothing on to a shared subscription ($share), which several consumers need. RabbitMQ: give its amqp://HOST:5672; NATS: its nats://HOST:4222. Another broker: let the user read $share/… and write {root}/+/ack',
      '该消息平台不支持共享订阅（$share），多个消费者需要它。RabbitMQ 请使用 amqp://主机:5672；NATS 请使用 nats://主机:4222；其他平台请允许该用户订阅 $share/… 并向 {root}/+/ack 发布',
    ),
  );
const loginRefused = (message: string) =>
  new SourceError(
    say(
      `the broker refuses the login (${message}): look at --username and MQTT_PASSWORD`,
      `消息平台拒绝登录（${message}）：请检查 --username 和 MQTT_PASSWORD`,
    ),
  );

export const openMqtt: OpenSource = async (options, host) => {
  const room = createRoom(host, ROOM);
  if (!options.receipts && options.name === undefined)
    host.log.warn(
      {},
      'without receipts, what comes while no consumer is connected is lost: give each a --client-id, so that the broker keeps it',
    );
  const dialer = createDialer(options, host, room);
  return await keepConnected({ urls: urlsOf(options.url), dial: dialer, settled: room.settled }, host);
};

function createDialer(options: SourceOptions, host: SourceHost, room: Room) {
  const versions = new Map<string, Version>();
  const clientId = options.name ?? `${options.group}-${randomUUID().slice(0, 8)}`;
  let isShared = false;
  /** What a session has that ends each connection must go with it. */
  let isPoisoned = false;

  return async (url: string): Promise<Line> => {
    const { client, hearing, connack, version } = await connectAs(
      url,
      versions,
      (of) => clientOptions(options, clientId, of, isPoisoned),
      (made) => hear(made, options, host, room),
    );
    isPoisoned = false;
    const unanswered = createUnanswered();
    const ended = Promise.withResolvers<string>();
    let why = say('the connection was closed', '连接已关闭');
    client.on('error', (error) => {
      why = error.message;
      if (error instanceof BrokerError) isPoisoned = true;
    });
    client.on('disconnect', ({ reasonCode }) => {
      why = reasonCode === 0x8e ? takenOver(clientId) : `DISCONNECT 0x${(reasonCode ?? 0).toString(16)}`;
    });
    client.on('close', () => {
      unanswered.end(why);
      ended.resolve(why);
    });
    const subscribe = (topics: readonly string[]) =>
      unanswered.ask((done) => client.subscribe([...topics], { qos: 1 }, (error) => done(error)));
    const publish = (topic: string, payload: string, retain: boolean) =>
      unanswered.ask((done) => client.publish(topic, payload, { qos: 1, retain }, (error) => done(error)));
    try {
      if (connack.properties?.sharedSubscriptionAvailable === false) throw noShare();
      const late = () => new Error(say('no answer to a subscription', '订阅无应答'));
      await within(subscribe(topicsOf(options)), SUBSCRIBE_MS, host.time, late).catch((error: Error) => {
        throw new SourceError(
          say(
            `the broker refuses the subscription to ${options.root}/+/event/# (${error.message}): let the user read it`,
            `消息平台拒绝订阅 ${options.root}/+/event/#（${error.message}）：请授予该用户读取权限`,
          ),
        );
      });
      // MQTT 5 says by its CONNACK that it shares, by leaving out that it does not.
      if (version === 4 && !isShared) {
        const probe = `${options.root}/probe-${clientId}/ack`;
        await subscribe([`$share/${clientId}/${probe}`]);
        const heard = hearing.expect(probe);
        await publish(probe, '{}', false);
        await within(heard, PROBE_MS, host.time, noShare);
      }
      isShared = true;
    } catch (error) {
      await client.endAsync(true);
      throw error;
    }
    return {
      publish,
      ended: ended.promise,
      async stop() {
        // One that comes back under its name finds what came meanwhile.
        if (options.name !== undefined) hearing.stop();
        else await client.unsubscribeAsync(sharedOf(options)).catch(() => {});
      },
      async close() {
        const left = client.endAsync();
        await within(left, GOODBYE_MS, host.time, () => new Error()).catch(() => client.endAsync(true));
      },
    };
  };
}

const takenOver = (name: string) =>
  say(
    `another client is connected as ${name}: give each consumer a --client-id of its own`,
    `另一客户端正以 ${name} 连接：请为每个消费者指定不同的 --client-id`,
  );

const sharedOf = ({ group, root }: SourceOptions) => [
  `$share/${group}/${root}/+/event/#`,
  `$share/${group}/${root}/+/media/+`,
];
const topicsOf = (options: SourceOptions) => [
  ...sharedOf(options),
  ...['reply/+', 'presence', 'campus'].map((rest) => `${options.root}/+/${rest}`),
];

function clientOptions(
  { username, password, ca, name, receipts }: SourceOptions,
  clientId: string,
  version: Version,
  isPoisoned: boolean,
): IClientOptions {
  const passing = PASSING_SESSION_S[receipts ? 'receipts' : 'none'];
  const sessionExpiryInterval = name === undefined ? passing : NAMED_SESSION_S;
  return {
    ...{ protocolVersion: version, clientId, keepalive: KEEPALIVE_S, reschedulePings: true },
    ...{ reconnectPeriod: 0, connectTimeout: CONNECT_MS, resubscribe: false },
    // 3.1.1 knows no end of a session but the clean one.
    clean: isPoisoned || (version === 4 && name === undefined),
    ...(version === 5 && { properties: { sessionExpiryInterval, receiveMaximum: RECEIVE_MAXIMUM } }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca: Buffer.from(ca) }),
  };
}

type Hearing = ReturnType<typeof hear>;
interface Connected {
  readonly client: MqttClient;
  readonly hearing: Hearing;
  readonly connack: IConnackPacket;
  readonly version: Version;
}

/** With MQTT 5, or with 3.1.1 where the broker speaks no 5; it says so, or closes without a word. What did is remembered. */
async function connectAs(
  url: string,
  versions: Map<string, Version>,
  optionsOf: (version: Version) => IClientOptions,
  prepare: (client: MqttClient) => Hearing,
): Promise<Connected> {
  const known = versions.get(url);
  const tries: readonly Version[] = known === undefined ? [5, 4] : [known];
  let why: Error | undefined;
  for (const version of tries) {
    const client = connectChecked(url, optionsOf(version), PACKET_MAXIMUM);
    // Before anything comes, which may be with the first answer.
    const hearing = prepare(client);
    const made = await new Promise<IConnackPacket | Error>((resolve) => {
      client.once('connect', resolve);
      client.on('error', resolve);
      client.once('close', () => resolve(new Error(say('it closed the connection', '连接被关闭'))));
    });
    if (!(made instanceof Error)) {
      versions.set(url, version);
      return { client, hearing, connack: made, version };
    }
    await client.endAsync(true);
    why = made;
    const { code } = made as Error & { code?: unknown };
    if (LOGIN.has(code)) throw loginRefused(made.message);
    // A socket's error is no answer.
    if (code !== undefined && !OTHER_VERSION.has(code)) break;
  }
  versions.delete(url);
  throw why ?? new Error(url);
}

type Handler = MqttClient['handleMessage'];
/** `MqttClient` says nothing of it in its types. */
type Sending = (packet: { readonly cmd: 'puback'; readonly messageId: number }) => void;
/** Hands over what comes. */
function hear(client: MqttClient, { root, receipts }: SourceOptions, host: SourceHost, room: Room) {
  const expected = new Map<string, () => void>();
  let isStopped = false;
  const isNote = (topic: string) =>
    /\/(presence|campus|reply\/[^/]+)$/.test(topic) && !/\/(event|media)\//.test(topic.slice(root.length));
  const isLate = (payload: Buffer) => !receipts || isFromMemory(payload);
  const handle: Handler = ({ topic, payload, retain, messageId }, done) => {
    const bytes = payload as Buffer;
    expected.get(topic)?.();
    if (expected.delete(topic)) return done();
    if (isNote(topic)) {
      host.onNote(topic, bytes, retain);
      return done();
    }
    // Neither taken nor acknowledged: the session has it.
    if (isStopped) return;
    room.hand(topic, bytes).then(
      () => {
        if (messageId === undefined || !isLate(bytes) || !client.connected) return;
        (client['_sendPacket'] as Sending).call(client, { cmd: 'puback', messageId });
      },
      // Not stored: where nobody sends it again by itself, the broker does, on another connection.
      (error: Error) => {
        if (isLate(bytes)) client.stream.destroy(error);
      },
    );
    if (room.isFull()) void room.free().then(() => done());
    else done();
  };
  client.handleMessage = handle;
  // Before it is looked at: at QoS 0 nothing is acknowledged for us.
  client.on('packetreceive', (packet) => {
    if (packet.cmd !== 'publish' || packet.qos !== 1 || isNote(packet.topic)) return;
    if (!expected.has(packet.topic) && isLate(packet.payload as Buffer)) packet.qos = 0;
  });
  return {
    stop() {
      isStopped = true;
    },
    expect: (topic: string) => new Promise<void>((resolve) => expected.set(topic, resolve)),
  };
}
