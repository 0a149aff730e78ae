/**
 * A small, complete platform: subscribes, keeps each event once, finds gaps and has them filled, and sends receipts.
 * An example to build a real one by (docs/platform.md), and the consumer that the tests trust.
 *
 *  - A message is acknowledged (PUBACK) at once and stored in groups; what is lost between the two the gateway sends
 *    again, because it has no receipt for it.
 *  - A receipt leaves after the commit that holds everything before it; again where something comes again, and where the
 *    gateway comes back: one that was lost is no trouble for long.
 *  - Without receipts each message is stored before its PUBACK, one commit a message.
 */
import { randomUUID } from 'node:crypto';
import type { IClientOptions, IPublishPacket, MqttClient } from 'mqtt';
import { connectChecked } from '../drivers/platforms/mqtt/checked.ts';
import {
  type Gap,
  openPlatformStore,
  type PlatformStore,
  type Receipt,
  type Received,
} from './platform-store.ts';

export interface PlatformOptions {
  readonly url: string;
  readonly file: string;
  /** Default `campus/v1/+/event/#`; a receipt goes to the same prefix, `.../ack`. */
  readonly filter?: string | undefined;
  /** Consumers of one group share the events (`$share`). */
  readonly group?: string | undefined;
  /** Its session with the broker: keep it, and what comes while it is away waits. */
  readonly clientId?: string | undefined;
  readonly receipts?: boolean | undefined;
  /** Default: 5, or 3.1.1 (4) with a broker that speaks no 5. */
  readonly protocol?: 5 | 4 | undefined;
  readonly mqtt?: IClientOptions | undefined;
  /** Where the broker does not answer at the beginning, it fails; else it tries for ever. */
  readonly mustAnswer?: boolean | undefined;
  readonly taken?: ((event: Received) => void) | undefined;
  readonly tell?: ((sentence: string) => void) | undefined;
}

export interface Platform {
  readonly store: PlatformStore;
  /** Bad messages: no JSON, no event. */
  readonly discarded: () => number;
  /** Sends a command to a campus's gateway; its answer. */
  command(prefix: string, action: string, args: object): Promise<Reply>;
  close(): Promise<void>;
}

export interface Reply {
  readonly id: string;
  readonly done: boolean;
  readonly reason?: string;
  readonly result?: Readonly<Record<string, unknown>>;
}

const DEFAULT_FILTER = 'campus/v1/+/event/#';
const STORE_EVERY_MS = 20;
const BATCH = 2000;
const GAPS_EVERY_MS = 1000;
const REPLY_TIMEOUT_MS = 60_000;
/** Of an event, with a picture's piece in it, many times its size. */
const PACKET_MAXIMUM = 1_048_576;
const AGAIN_MS = 1000;
const GOODBYE_MS = 2000;
/** The broker keeps the session of an absent consumer for so long, seconds. */
const SESSION_EXPIRY = 7 * 86_400;

/** undefined: it is no event of this contract. */
export function parseEvent(topic: string, payload: Buffer): Received | undefined {
  const body = payload.toString();
  const at = topic.search(/\/(event|media)\//);
  if (at < 0) return undefined;
  try {
    const { id, type, time, journal, lane, sequence, previous } = JSON.parse(body) as Record<string, unknown>;
    const texts = [id, type, time, journal, lane, sequence, previous];
    if (!texts.every((text) => typeof text === 'string')) return undefined;
    const numbers = { sequence: Number(sequence), previous: Number(previous) };
    if (!Object.values(numbers).every((n) => Number.isSafeInteger(n) && n >= 0)) return undefined;
    const named = { id, type, time, journal, lane } as Record<
      'id' | 'type' | 'time' | 'journal' | 'lane',
      string
    >;
    return { prefix: topic.slice(0, at), ...named, ...numbers, body };
  } catch {
    return undefined;
  }
}

/** Resolves when it is subscribed. @throws what the broker says. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { file, filter = DEFAULT_FILTER, group, receipts = true, tell = () => {} } = options;
  const clientId = options.clientId ?? `platform-${randomUUID().slice(0, 8)}`;
  const store = openPlatformStore(file);
  let discarded = 0;
  let waiting: Received[] = [];
  let timer: NodeJS.Timeout | undefined;
  let client: MqttClient;

  let isOver = false;
  const confirm = (list: readonly Receipt[]) => {
    if (!receipts || isOver) return;
    for (const [prefix, due] of Map.groupBy(list, (one) => one.prefix)) {
      const journals = new Set(due.map(({ journal }) => journal));
      const all = store.positions(prefix).filter(({ journal }) => journals.has(journal));
      for (const [journal, lanes] of Map.groupBy(all, (one) => one.journal)) {
        // All lanes in each: retained, only the last one stays for a gateway that comes back.
        const upTo = Object.fromEntries(lanes.map((one) => [one.lane, String(one.upTo)]));
        client.publish(`${prefix}/ack`, JSON.stringify({ journal, ...upTo }), { qos: 1, retain: true });
      }
    }
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const { fresh, receipts: due } = store.take(batch);
    confirm(due);
    for (const event of fresh) options.taken?.(event);
  };
  const take: MqttClient['handleMessage'] = (packet, done) => {
    const back = campusThatCame(packet);
    if (back !== undefined) confirm(store.positions(back));
    const event = parseEvent(packet.topic, packet.payload as Buffer);
    if (event === undefined) {
      if (packet.topic.includes('/event/')) discarded++;
      return done();
    }
    waiting.push(event);
    try {
      if (!receipts || waiting.length >= BATCH) flush();
      else timer ??= setTimeout(flush, STORE_EVERY_MS);
      done();
    } catch (error) {
      // Not stored: no PUBACK, and the connection ends, so that the broker sends it again.
      done(error as Error);
      client.stream.destroy(error as Error);
    }
  };

  try {
    client = await connectAs(options, clientId, (made) => {
      client = made;
      made.handleMessage = take;
    });
  } catch (error) {
    store.close();
    throw error;
  }
  const command = createCommands(client, () => {
    discarded++;
  });
  const fill = (gap: Gap) => {
    const { prefix, journal, lane, after, upTo } = gap;
    tell(`${prefix}: ${lane} events are missing after ${after}, up to ${upTo}; asking for them`);
    command(prefix, 'replay', { journal, lane, after: String(after), upTo: String(upTo) }).then(
      (reply) => {
        if (!reply.done) return tell(`${prefix}: ${reply.reason}`);
        if (reply.result?.['events'] !== 0) return;
        tell(`${prefix}: the campus has nothing of it any more; going on after it`);
        confirm(store.pass(gap));
      },
      (error: Error) => tell(error.message),
    );
  };
  const gaps = setInterval(() => {
    const { ask, receipts: due } = store.gaps();
    confirm(due);
    ask.forEach(fill);
  }, GAPS_EVERY_MS);

  const shared = group === undefined ? filter : `$share/${group}/${filter}`;
  // Who takes all events takes the pieces of pictures too, or the lane `bulk` is never confirmed.
  const pieces = filter.endsWith('/event/#')
    ? { [shared.replace(/event\/#$/, 'media/+')]: { qos: 1 } as const }
    : {};
  const beside = [replyFilter(filter), presenceFilter(filter)].map((one) => [one, { qos: 1 }] as const);
  const subscribe = () =>
    client.subscribeAsync({ [shared]: { qos: 1 }, ...Object.fromEntries(beside), ...pieces });
  await subscribe();
  // What was stored before, and whose receipt may be lost.
  confirm(store.positions());

  return {
    store,
    discarded: () => discarded,
    command,
    async close() {
      clearInterval(gaps);
      // The receipts of what is stored leave before the goodbye; what comes in between goes without.
      flush();
      // MQTT.js waits for PUBACKs first, and for one that does not come for ever.
      const late = setTimeout(() => client.stream.destroy(), GOODBYE_MS);
      await client.endAsync();
      clearTimeout(late);
      isOver = true;
      flush();
      store.close();
    },
  };
}

/**
 * Resolves when it is connected: with MQTT 5, or with 3.1.1 where the broker speaks no 5; it says so, or closes without a
 * word. `prepare`: before anything comes, which may be with the first answer.
 */
async function connectAs(
  { url, protocol, mqtt, mustAnswer = false, tell = () => {} }: PlatformOptions,
  clientId: string,
  prepare: (client: MqttClient) => void,
): Promise<MqttClient> {
  const connect = (version: 5 | 4) =>
    connectChecked(
      url,
      {
        ...mqtt,
        protocolVersion: version,
        clientId,
        clean: false,
        ...(version === 5 && { properties: { sessionExpiryInterval: SESSION_EXPIRY, receiveMaximum: 1000 } }),
        reconnectPeriod: AGAIN_MS,
      },
      PACKET_MAXIMUM,
    );
  for (let version = protocol ?? 5; ; version = protocol ?? (version === 5 ? 4 : 5)) {
    const client = connect(version);
    prepare(client);
    let why = 'it closed the connection';
    let isIn = false;
    client.on('error', ({ message }) => {
      why = message;
      if (isIn || !mustAnswer) tell(`${url}: ${message}`);
    });
    isIn = await new Promise<boolean>((resolve) => {
      client.once('connect', () => resolve(true));
      client.once('close', () => resolve(false));
    });
    if (isIn) return client;
    await client.endAsync(true);
    if (mustAnswer && (protocol !== undefined || version === 4)) throw new Error(why);
    if (protocol !== undefined || version === 4)
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** Sends commands to gateways, and waits for their replies. `discarded`: what is no reply. */
function createCommands(client: MqttClient, discarded: () => void): Platform['command'] {
  const replies = new Map<string, (reply: Reply) => void>();
  client.on('message', (topic, payload) => {
    if (!topic.includes('/reply/')) return;
    try {
      const reply = JSON.parse(payload.toString()) as Reply;
      replies.get(reply.id)?.(reply);
      replies.delete(reply.id);
    } catch {
      discarded();
    }
  });
  return (prefix, action, args) =>
    new Promise<Reply>((resolve, reject) => {
      const id = randomUUID();
      const late = setTimeout(() => {
        replies.delete(id);
        reject(new Error(`${prefix}: no answer to ${action}`));
      }, REPLY_TIMEOUT_MS).unref();
      replies.set(id, (reply) => {
        clearTimeout(late);
        resolve(reply);
      });
      client.publish(`${prefix}/command/gateway`, JSON.stringify({ id, action, arguments: args }), {
        qos: 1,
      });
    });
}

const presenceFilter = (filter: string) => filter.replace(/\/event\/.*$/, '/presence');
/** The prefix of a gateway that says now that it is there: it may lack what we sent meanwhile. */
function campusThatCame({ topic, payload, retain }: IPublishPacket): string | undefined {
  if (retain || !topic.endsWith('/presence')) return undefined;
  return payload.includes('"online"') ? topic.slice(0, -'/presence'.length) : undefined;
}
const replyFilter = (filter: string) => filter.replace(/\/event\/.*$/, '/reply/+');
