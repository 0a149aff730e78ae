/**
 * Events from the stream in which NATS keeps what MQTT publishes at QoS 1. Tried on 2.9.10:
 *
 * - The stream `$MQTT_msgs` has subjects `$MQTT.msgs.{topic, with . for /}`; payloads are as they were published, with a header
 *   `Nmqtt-Pub`. NATS makes it when the first MQTT client connects, unless it is there; who comes first here makes it as NATS
 *   would, or the events until its durables are there would be acknowledged and dropped.
 * - It keeps by interest: what no consumer wants is acknowledged (PUBACK) to the gateway and dropped. A durable is such an
 *   interest, while no consumer runs, too. Whoever gives a group up deletes its durables, or the stream grows for ever.
 * - A consumer has one filter: events, pieces of pictures, and alarms once more, which would wait behind others for a long time,
 *   have a durable each, GROUP-event, GROUP-media and GROUP-alarm.
 * - MQTT refuses a topic with `.` or a space in it, by closing the connection.
 * - What is published here reaches MQTT subscribers at QoS 0, and is not retained.
 * - Retained messages are in `$MQTT_rmsgs`, as JSON with the payload in base64; they are read once a connection.
 */
import {
  type ConsumerInfo,
  type ConsumerMessages,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { say } from '../../../config/language.ts';
import { within } from '../../../drivers/contract/clock.ts';
import type { OpenSource, SourceHost, SourceOptions } from '../contract.ts';
import { createUnanswered, keepConnected, type Line, SourceError, urlsOf } from './connection.ts';
import { createRoom, isAlarm, type Room } from './room.ts';

const MESSAGES = '$MQTT_msgs';
const RETAINED = '$MQTT_rmsgs';
const ROOM = { messages: 4000, bytes: 64 * 1_048_576 };
/** Asked for at once, and kept here until there is room. */
const PULL = { alarm: 500, event: 2000, media: 64 } as const;
/**
 * A leader that is lost takes with it what was asked for; that is noticed by two signs of life that do not come, and asked for
 * again so often. The client's own are 15 and 30 s.
 */
const PULLING = { idle_heartbeat: 1000, expires: 3000, abort_on_missing_resource: true } as const;
/** Not committed for so long: it comes again. */
const ACK_WAIT_MS = 60_000;
/** Of all consumers of the group together. */
const ACK_PENDING_MAX = 50_000;
const LOOK_EVERY_MS = 1000;
const CONNECT_MS = 10_000;
/** Whether a durable has a leader again is asked so briefly. */
const API_MS = 2000;
const PING_MS = 5000;
const RETAINED_MS = 5000;
const GOODBYE_MS = 2000;
const NANOSECONDS = 1_000_000;

/** A topic of MQTT as NATS's subject. */
export const subjectOf = (topic: string): string => topic.replaceAll('/', '.');
export const topicOf = (subject: string): string => subject.replaceAll('.', '/');

export const openJetStream: OpenSource = async (options, host) => {
  const room = createRoom(host, ROOM);
  const known: Known = new Map();
  const dial = (url: string) => dialNats(url, options, host, room, known);
  return await keepConnected({ urls: urlsOf(options.url), dial, settled: room.settled }, host);
};

async function connectTo(
  text: string,
  { username, password, ca, group }: SourceOptions,
): Promise<NatsConnection> {
  const url = new URL(text);
  const user = username ?? decodeURIComponent(url.username);
  const pass = password ?? decodeURIComponent(url.password);
  try {
    return await connect({
      servers: [url.port === '' ? url.hostname : url.host],
      name: `campus-gateway platform ${group}`,
      ...{ reconnect: false, timeout: CONNECT_MS, pingInterval: PING_MS, maxPingOut: 2, noAsyncTraces: true },
      ...(user !== '' && { user }),
      ...(pass !== '' && { pass }),
      ...((url.protocol === 'tls:' || ca !== undefined) && {
        tls: ca === undefined ? {} : { ca: Buffer.from(ca).toString() },
      }),
    });
  } catch (error) {
    const { name, message } = error as Error;
    if (!/Authorization/i.test(`${name} ${message}`)) throw error;
    throw new SourceError(
      say(
        `the broker refuses the login (${message}): look at --username and MQTT_PASSWORD`,
        `消息平台拒绝登录（${message}）：请检查 --username 和 MQTT_PASSWORD`,
      ),
    );
  }
}

async function dialNats(
  url: string,
  options: SourceOptions,
  host: SourceHost,
  room: Room,
  known: Known,
): Promise<Line> {
  const connection = await connectTo(url, options);
  const { root } = options;
  const unanswered = createUnanswered();
  const ended = Promise.withResolvers<string>();
  const over = new AbortController();
  const end = (reason: string) => {
    over.abort();
    unanswered.end(reason);
    ended.resolve(reason);
    connection.close().catch(() => {});
  };
  void connection
    .closed()
    .then((error) => end(error?.message ?? say('the connection was closed', '连接已关闭')));
  // What it says of itself, such as a refused permission, is in what is asked too; unread, it would be kept for ever.
  void (async () => {
    for await (const status of connection.status()) host.log.debug({ status: status.type }, 'NATS says');
  })();

  const context = { options, host, room, connection, known, signal: over.signal, end };
  let pulls: readonly (() => Promise<void>)[] = [];
  try {
    // While a cluster elects leaders, nothing that is asked is answered: what is known is not asked for again.
    const isKnown = kinds.every((kind) => known.has(kind));
    const manager = await jetstreamManager(connection, { checkAPI: !isKnown }).catch((error: Error) => {
      throw withoutJetStream(error);
    });
    for (const rest of ['presence', 'campus', 'reply.*'])
      hearNotes(connection.subscribe(`${subjectOf(root)}.*.${rest}`), host);
    await connection.flush();
    let isThere = isKnown || (await hasStream(manager));
    if (!isThere) isThere = await makeStream(manager, context);
    else {
      const reading = readRetained(context).catch((error: Error) => noteUnread(host, error));
      if (!isKnown) await reading;
    }
    const ready = isKnown
      ? Promise.resolve()
      : isThere
        ? makeDurables(manager, options)
        : waitForStream(manager, context);
    pulls = kinds.map((kind) => pullEvents(manager, kind, ready, context));
    if (isThere) await ready;
  } catch (error) {
    await connection.close().catch(() => {});
    throw error;
  }
  const flushed = createFlush(connection);
  return {
    publish: (topic, payload) =>
      unanswered.ask((done) => {
        connection.publish(subjectOf(topic), payload);
        flushed().then(() => done(), done);
      }),
    ended: ended.promise,
    stop: async () => void (await Promise.all(pulls.map((stop) => stop()))),
    async close() {
      await within(connection.drain(), GOODBYE_MS, host.time, () => new Error()).catch(() => {});
      end(say('the connection was closed', '连接已关闭'));
    },
  };
}

const withoutJetStream = (error: Error) =>
  /JetStream|503|no responders/i.test(`${error.name} ${error.message}`)
    ? new SourceError(
        say(
          `JetStream does not answer (${error.message}): MQTT of NATS needs it, switch it on for this account`,
          `JetStream 无应答（${error.message}）：NATS 的 MQTT 需要它，请为该账户启用`,
        ),
      )
    : error;

/** One round trip for all that is published in one turn. */
function createFlush(connection: NatsConnection): () => Promise<void> {
  let next: Promise<void> | undefined;
  return () => {
    next ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      // What is published from now on may come after this one.
      next = undefined;
      return connection.flush();
    });
    return next;
  };
}

function hearNotes(subscription: Subscription, host: SourceHost): void {
  void (async () => {
    for await (const { subject, data } of subscription) host.onNote(topicOf(subject), data, false);
  })();
}

async function hasStream(manager: JetStreamManager): Promise<boolean> {
  try {
    await manager.streams.info(MESSAGES);
    return true;
  } catch (error) {
    if (/not found/i.test((error as Error).message)) return false;
    throw error;
  }
}

/** In a cluster with three replicas, as NATS has it, or not at all: one that began with one would keep to it. */
async function makeStream(manager: JetStreamManager, { connection, host }: Context): Promise<boolean> {
  const isCluster = (connection.info as { cluster?: string } | undefined)?.cluster !== undefined;
  const as = { storage: 'file', retention: 'interest', num_replicas: isCluster ? 3 : 1 } as const;
  try {
    await manager.streams.add({ name: MESSAGES, subjects: ['$MQTT.msgs.>'], ...as });
    return true;
  } catch (error) {
    host.log.warn(
      { reason: (error as Error).message },
      'no gateway has connected to this NATS by MQTT yet, and its stream cannot be made: it is waited for',
    );
    return false;
  }
}

/** Until a gateway has come, and with it the stream. Rejects where the connection ends first. */
async function waitForStream(manager: JetStreamManager, { options, host, signal }: Context): Promise<void> {
  while (!(await hasStream(manager)))
    if ((await host.time.wait(LOOK_EVERY_MS, signal)) === 'stopped') throw new Error('it ended');
  await makeDurables(manager, options);
}

const noteUnread = (host: SourceHost, { message }: Error) =>
  host.log.warn(
    { reason: message },
    'what campuses show, retained, could not be read; it is heard when it changes',
  );

interface Context {
  readonly options: SourceOptions;
  readonly host: SourceHost;
  readonly room: Room;
  readonly connection: NatsConnection;
  readonly known: Known;
  readonly signal: AbortSignal;
  readonly end: (reason: string) => void;
}

/** Durables that a connection before had. */
type Known = Map<Kind, ConsumerInfo>;

/** Presence and master data as they are retained now. */
async function readRetained({ connection, options, host }: Context): Promise<void> {
  const consumer = await jetstream(connection).consumers.get(RETAINED);
  const { num_pending: count } = await consumer.info();
  if (count === 0) return;
  const isNote = (topic: string) =>
    topic.startsWith(`${options.root}/`) && /\/(presence|campus)$/.test(topic);
  let left = count;
  const messages = await consumer.consume({ max_messages: 500 });
  const late = () => new Error(say('they do not come', '未收到'));
  const reading = (async () => {
    for await (const message of messages) {
      const { topic, msg } = retainedOf(message.data);
      if (isNote(topic)) host.onNote(topic, Buffer.from(msg, 'base64'), true);
      if (--left <= 0) return;
    }
  })();
  try {
    await within(reading, RETAINED_MS + count, host.time, late);
  } finally {
    await messages.close();
  }
}

function retainedOf(data: Uint8Array): { topic: string; msg: string } {
  try {
    const { topic, msg } = JSON.parse(Buffer.from(data).toString()) as Record<string, unknown>;
    if (typeof topic === 'string' && typeof msg === 'string') return { topic, msg };
  } catch {
    // Of another version of NATS: it is heard when it changes.
  }
  return { topic: '', msg: '' };
}

const kinds = ['alarm', 'event', 'media'] as const;
type Kind = (typeof kinds)[number];
const filters = { alarm: 'event.alarm.>', event: 'event.>', media: 'media.*' } as const;
const durableOf = ({ group }: SourceOptions, kind: Kind) => `${group}-${kind}`;

/** Makes the durables that are not there. */
async function makeDurables(manager: JetStreamManager, options: SourceOptions): Promise<void> {
  for (const kind of kinds) {
    const durable_name = durableOf(options, kind);
    const isThere = await manager.consumers.info(MESSAGES, durable_name).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    await manager.consumers.add(MESSAGES, {
      durable_name,
      filter_subject: `$MQTT.msgs.${subjectOf(options.root)}.*.${filters[kind]}`,
      ack_policy: 'explicit',
      ack_wait: ACK_WAIT_MS * NANOSECONDS,
      max_ack_pending: ACK_PENDING_MAX,
    });
  }
}

/** Hands over what a durable has. @returns what ends it. */
function pullEvents(
  manager: JetStreamManager,
  kind: Kind,
  ready: Promise<void>,
  { options, room, connection, known, end }: Context,
): () => Promise<void> {
  const name = durableOf(options, kind);
  let messages: ConsumerMessages | undefined;
  let isStopped = false;
  const run = async () => {
    await ready;
    const info = known.get(kind) ?? (await manager.consumers.info(MESSAGES, name));
    known.set(kind, info);
    const consumer = jetstream(connection, { timeout: API_MS }).consumers.getConsumerFromInfo(info);
    messages = await consumer.consume({ ...PULLING, max_messages: PULL[kind] });
    if (isStopped) return void (await messages.close());
    for await (const message of messages) {
      if (isStopped) {
        message.nak();
        continue;
      }
      const topic = topicOf(message.subject).slice('$MQTT/msgs/'.length);
      room
        .hand(topic, message.data, kind === 'event' && isAlarm(topic))
        .then(
          () => message.ack(),
          () => message.nak(),
        )
        // The connection is gone: it comes again.
        .catch(() => {});
      if (room.isFull() && kind !== 'alarm') await room.free();
    }
    if (!isStopped) throw new Error(say(`${name} was deleted`, `${name} 已被删除`));
  };
  run().catch((error: Error) => {
    // What is gone is made anew.
    if (!connection.isClosed()) known.delete(kind);
    end(error.message);
  });
  return async () => {
    isStopped = true;
    messages?.stop();
  };
}
