/**
 * Events from a quorum queue of RabbitMQ, which its MQTT plugin fills: it writes topics as routing keys of `amq.topic`, with
 * `.` for `/` (tried on 3.10: any other character stays as it is, and a `.` in a topic becomes a level as well).
 *
 *  queue          of      what
 *  GROUP          group   events: quorum, durable; acknowledged when they are committed
 *  GROUP.alarms   group   those of them that are of alarms, once more: behind others they would wait for a long time
 *  GROUP.media    group   pieces of pictures, so that they hold no alarm up
 *  GROUP.notes    group   presence and master data: heard by one consumer of the group, kept while none is there, because
 *                         AMQP knows no retained messages: what was said before the queue was made is not heard
 *  (no name)      own     replies
 *
 * A queue whose node is lost has another leader within seconds; RabbitMQ goes on, or cancels the consumer, which connects
 * anew. What was not acknowledged comes again.
 */
import { type Channel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib';
import { say } from '../../../config/language.ts';
import { within } from '../../../drivers/contract/clock.ts';
import type { OpenSource, SourceHost, SourceOptions } from '../contract.ts';
import { createUnanswered, keepConnected, type Line, SourceError, urlsOf } from './connection.ts';
import { createRoom, isAlarm, type Room } from './room.ts';

const EXCHANGE = 'amq.topic';
const PREFETCH = { events: 4000, alarms: 500, media: 64, notes: 500 } as const;
/** Twice what may come unasked: after a connection that ended, what it brought may wait still. */
const ROOM = { messages: PREFETCH.events + PREFETCH.alarms + PREFETCH.media, bytes: 64 * 1_048_576 };
const NOTES_MAX = 100_000;
const CONNECT_MS = 10_000;
const HEARTBEAT_S = 10;
const GOODBYE_MS = 2000;

/** A topic of MQTT as RabbitMQ's routing key. */
export const keyOf = (topic: string): string => topic.replaceAll('/', '.');
/** And back: a level that had a `.` in it has become two. */
export const topicOf = (key: string): string => key.replaceAll('.', '/');

export const openAmqp: OpenSource = async (options, host) => {
  const room = createRoom(host, ROOM);
  const dial = (url: string) => dialAmqp(url, options, host, room);
  return await keepConnected({ urls: urlsOf(options.url), dial, settled: room.settled }, host);
};

/** The address with the login and the heartbeat in it. */
function addressOf(text: string, { username, password }: SourceOptions): string {
  const url = new URL(text);
  if (username !== undefined) url.username = encodeURIComponent(username);
  if (password !== undefined) url.password = encodeURIComponent(password);
  if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(HEARTBEAT_S));
  return url.href;
}

async function dialAmqp(url: string, options: SourceOptions, host: SourceHost, room: Room): Promise<Line> {
  const { ca } = options;
  const tls = ca === undefined ? {} : { ca: [Buffer.from(ca)] };
  const connection = await connect(addressOf(url, options), {
    ...{ noDelay: true, timeout: CONNECT_MS, ...tls },
    clientProperties: { connection_name: `campus-gateway platform ${options.group}` },
  }).catch((error: Error) => {
    throw /ACCESS_REFUSED|403|handshake/i.test(error.message) ? loginRefused(error.message) : error;
  });
  const unanswered = createUnanswered();
  const ended = Promise.withResolvers<string>();
  let why = say('the connection was closed', '连接已关闭');
  let isOver = false;
  const end = (reason: string) => {
    if (isOver) return;
    isOver = true;
    unanswered.end(reason);
    ended.resolve(reason);
    connection.close().catch(() => {});
  };
  connection.on('error', ({ message }: Error) => {
    why = message.includes('INTERNAL') ? brokenOff(message) : message;
  });
  connection.on('close', () => end(why));
  const watch = <C extends Channel>(channel: C): C => {
    channel.on('error', ({ message }: Error) => {
      why = message;
    });
    channel.on('close', () => end(why));
    return channel;
  };
  // What the connection before brought is settled first: else what waits would grow with each one.
  await room.settled();
  const stops: (() => Promise<void>)[] = [];
  let publishing: ConfirmChannel;
  try {
    publishing = watch(await connection.createConfirmChannel());
    const context = { options, host, room, end };
    for (const open of [openReplies, openNotes, openMedia, openAlarms, openEvents])
      stops.push(await open(watch(await connection.createChannel()), context));
  } catch (error) {
    connection.close().catch(() => {});
    throw queueRefused(error as Error);
  }
  return {
    publish: (topic, payload) =>
      unanswered.ask((done) =>
        publishing.publish(EXCHANGE, keyOf(topic), Buffer.from(payload), { deliveryMode: 2 }, done),
      ),
    ended: ended.promise,
    stop: async () => void (await Promise.all(stops.map((stop) => stop()))),
    async close() {
      // Answers that are on their way arrive first.
      const left = connection.close();
      await within(left, GOODBYE_MS, host.time, () => new Error()).catch(() => {});
      end(why);
    },
  };
}

/** RabbitMQ 3.10 ends so each connection to which it would hand a message whose topic is longer than AMQP knows. */
const brokenOff = (message: string) =>
  say(
    `${message}: where it comes again and again, an event with a topic of more than 255 bytes is in the queue; docs/city.md, RabbitMQ, says how it goes`,
    `${message}：若反复出现，说明队列中有主题超过 255 字节的事件；处理方法见 docs/city.md 的 RabbitMQ 一节`,
  );

const loginRefused = (message: string) =>
  new SourceError(
    say(
      `the broker refuses the login (${message}): look at --username, MQTT_PASSWORD and the virtual host in --events`,
      `消息平台拒绝登录（${message}）：请检查 --username、MQTT_PASSWORD 和 --events 中的虚拟主机`,
    ),
  );

function queueRefused(error: Error): Error {
  if (/PRECONDITION_FAILED/.test(error.message))
    return new SourceError(
      say(
        `a queue of this name is there and is another kind (${error.message}): choose another --group, or delete it`,
        `同名队列已存在且类型不同（${error.message}）：请换一个 --group，或删除该队列`,
      ),
    );
  if (/ACCESS_REFUSED/.test(error.message))
    return new SourceError(
      say(
        `${error.message}: let the user configure, write and read its queues, and read and write amq.topic`,
        `${error.message}：请授予该用户队列的配置、写、读权限，以及 amq.topic 的读写权限`,
      ),
    );
  return error;
}

interface Context {
  readonly options: SourceOptions;
  readonly host: SourceHost;
  readonly room: Room;
  readonly end: (reason: string) => void;
}
/** @returns what ends the consuming. */
type Open = (channel: Channel, context: Context) => Promise<() => Promise<void>>;

const bindAll = async (channel: Channel, queue: string, root: string, patterns: readonly string[]) => {
  for (const pattern of patterns) await channel.bindQueue(queue, EXCHANGE, `${keyOf(root)}.*.${pattern}`);
};

async function consume(
  channel: Channel,
  queue: string,
  { end }: Context,
  onMessage: (message: ConsumeMessage) => void,
  noAck = false,
): Promise<() => Promise<void>> {
  const { consumerTag } = await channel.consume(
    queue,
    (message) => {
      if (message === null) end(say(`the queue ${queue} was cancelled`, `队列 ${queue} 被取消`));
      else onMessage(message);
    },
    { noAck },
  );
  return async () => void (await channel.cancel(consumerTag).catch(() => {}));
}

const openReplies: Open = async (channel, context) => {
  const { host, options } = context;
  const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true });
  await bindAll(channel, queue, options.root, ['reply.*']);
  // It goes on to the end: answers to what is asked last are welcome.
  await consume(
    channel,
    queue,
    context,
    (one) => host.onNote(topicOf(one.fields.routingKey), one.content, false),
    true,
  );
  return async () => {};
};

const openNotes: Open = async (channel, context) => {
  const { host, options } = context;
  const queue = `${options.group}.notes`;
  await channel.assertQueue(queue, {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-max-length': NOTES_MAX },
  });
  await bindAll(channel, queue, options.root, ['presence', 'campus']);
  await channel.prefetch(PREFETCH.notes);
  return await consume(channel, queue, context, (one) => {
    host.onNote(topicOf(one.fields.routingKey), one.content, false);
    channel.ack(one);
  });
};

const openEvents: Open = (channel, context) =>
  openStored(channel, context, {
    queue: context.options.group,
    pattern: 'event.#',
    prefetch: PREFETCH.events,
  });

const openAlarms: Open = (channel, context) =>
  openStored(channel, context, {
    queue: `${context.options.group}.alarms`,
    pattern: 'event.alarm.#',
    prefetch: PREFETCH.alarms,
  });

const openMedia: Open = (channel, context) =>
  openStored(channel, context, {
    queue: `${context.options.group}.media`,
    pattern: 'media.#',
    prefetch: PREFETCH.media,
  });

async function openStored(
  channel: Channel,
  context: Context,
  {
    queue,
    pattern,
    prefetch,
  }: { readonly queue: string; readonly pattern: string; readonly prefetch: number },
): Promise<() => Promise<void>> {
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await bindAll(channel, queue, context.options.root, [pattern]);
  await channel.prefetch(prefetch);
  const acks = createAcks(channel);
  return await consume(channel, queue, context, (one) => {
    const topic = topicOf(one.fields.routingKey);
    const isCopy = queue === context.options.group && isAlarm(topic);
    acks.await(one, context.room.hand(topic, one.content, isCopy));
  });
}

/** Acknowledges in the order of the delivery, as many as are settled with one frame. */
export function createAcks(channel: Pick<Channel, 'ack' | 'nack'>) {
  const open: { readonly message: ConsumeMessage; state: 'open' | 'stored' | 'refused' }[] = [];
  let isDue = false;
  const settle = () => {
    isDue = false;
    let last: ConsumeMessage | undefined;
    const ackUpTo = () => {
      if (last !== undefined) channel.ack(last, true);
      last = undefined;
    };
    let count = 0;
    try {
      for (const { message, state } of open) {
        if (state === 'open') break;
        count++;
        if (state === 'stored') last = message;
        else {
          // All up to it that are stored, and then it alone.
          ackUpTo();
          channel.nack(message, false, true);
        }
      }
      ackUpTo();
    } catch {
      // The channel is closed: all of it comes again.
    }
    open.splice(0, count);
  };
  return {
    await(message: ConsumeMessage, stored: Promise<void>): void {
      const one: (typeof open)[number] = { message, state: 'open' };
      open.push(one);
      const done = (state: 'stored' | 'refused') => {
        one.state = state;
        if (isDue) return;
        isDue = true;
        setImmediate(settle);
      };
      stored.then(
        () => done('stored'),
        () => done('refused'),
      );
    },
  };
}
