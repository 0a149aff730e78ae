/** A campus that is played to a platform's own consumer, move by move: what was sent, and what was answered. */
import { randomUUID } from 'node:crypto';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { v7 } from 'uuid';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Lane } from '../../drivers/contract/lane.ts';

/** An event as it goes over the wire. */
export interface Played {
  readonly lane: Lane;
  /** 0: from memory, the disk has not taken it. */
  readonly sequence: number;
  readonly previous: number;
  readonly journal: string;
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Below the campus's prefix. */
  readonly topic: string;
  readonly time: string;
}

/** What the consumer said on `ack`. */
export interface Said {
  readonly journal: string;
  readonly upTo: Readonly<Partial<Record<Lane, number>>>;
}
/** A replay that it asks for. */
export interface Asked {
  readonly id: string;
  readonly lane: string;
  readonly journal: string;
  readonly after: number;
  readonly upTo: number;
}

export interface StageOptions {
  readonly url: string;
  readonly campus: string;
  readonly mqtt: IClientOptions;
  readonly time: Clock;
  /** How long an answer is waited for, ms. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

const POLL_MS = 20;
const lanesOfReceipts = ['urgent', 'normal', 'bulk'] as const;

const wordsOf: Readonly<Record<Lane, { topic: string; type: string; data: object }>> = {
  urgent: {
    topic: 'event/alarm/conform-panel',
    type: 'alarm.raised',
    data: { kind: 'panic', state: 'raised', zone: { number: 9 }, device: { id: 'conform-panel' } },
  },
  normal: {
    topic: 'event/video/conform-camera',
    type: 'video.motion',
    data: { kind: 'video', cause: 'motion', state: 'raised', device: { id: 'conform-camera' } },
  },
  bulk: {
    topic: 'media/conform-camera',
    type: 'media.piece',
    data: { device: { id: 'conform-camera' } },
  },
};

const numberOf = (value: unknown) =>
  typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : undefined;

/** What the consumer says: receipts, and what it asks for again. */
function hear(
  client: MqttClient,
  { receipts, asked, odd }: { readonly receipts: Said[]; readonly asked: Asked[]; readonly odd: string[] },
): void {
  client.on('message', (topic, payload) => {
    const message = parsed(payload.toString());
    if (topic.endsWith('/ack')) {
      if (typeof message?.['journal'] !== 'string') odd.push(`${topic}: ${payload.toString().slice(0, 200)}`);
      else
        receipts.push({
          journal: message['journal'],
          upTo: Object.fromEntries(lanesOfReceipts.map((lane) => [lane, numberOf(message[lane])])),
        });
      return;
    }
    const { lane, after, upTo, journal: of } = (message?.['arguments'] ?? {}) as Record<string, unknown>;
    if (message?.['action'] !== 'replay' || typeof message['id'] !== 'string') return;
    asked.push({
      ...{ id: message['id'], lane: String(lane), journal: String(of) },
      ...{ after: numberOf(after) ?? -1, upTo: numberOf(upTo) ?? -1 },
    });
  });
}

/** Resolves when it is connected, subscribed and said to be online. @throws Error where the broker refuses. */
export async function openStage(options: StageOptions) {
  const { url, campus, mqtt, time, patienceMs, signal } = options;
  const prefix = `campus/v1/${campus}`;
  const receipts: Said[] = [];
  const asked: Asked[] = [];
  const odd: string[] = [];
  let journal: string = randomUUID();
  let sequence = 0;
  let last: Record<Lane, number> = { urgent: 0, normal: 0, bulk: 0 };

  const client: MqttClient = connect(url, {
    ...{ protocolVersion: 5, ...mqtt, clientId: `campus-${campus}`, clean: true, reconnectPeriod: 0 },
    will: { topic: `${prefix}/presence`, payload: Buffer.from('{"state":"offline"}'), qos: 1, retain: true },
  });
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error(`${url}: the broker closed the connection`)));
  });
  client.on('error', () => {});
  hear(client, { receipts, asked, odd });
  await client.subscribeAsync([`${prefix}/ack`, `${prefix}/command/+`], { qos: 1 });

  const until = async <T>(find: () => T | undefined): Promise<T | undefined> => {
    const from = time.elapsed();
    for (;;) {
      const found = find();
      if (found !== undefined || time.elapsed() - from > patienceMs || signal.aborted) return found;
      await time.wait(POLL_MS, signal);
    }
  };
  /** By their ids: ended and closed when it is over, or a duty list would keep them for ever. */
  const raised = new Set<string>();
  const publish = (event: Played) => {
    if (event.type === 'alarm.raised') raised.add(event.id);
    return client.publishAsync(`${prefix}/${event.topic}`, textOf(event, campus), { qos: 1 });
  };
  /** Below the prefix, what was retained last: withdrawn at the end. */
  const retained = new Set<string>();
  const show = (topic: string, text: string) => {
    if (text === '') retained.delete(topic);
    else retained.add(topic);
    return client.publishAsync(`${prefix}/${topic}`, text, { qos: 1, retain: true });
  };
  const online = (more: object = {}) =>
    show('presence', JSON.stringify({ campus, state: 'online', journal, ...more }));
  const make = (lane: Lane, data: object = {}, type = wordsOf[lane].type): Played => {
    const event = {
      ...{ lane, sequence: ++sequence, previous: last[lane], journal, id: v7(), type },
      ...{ data: { ...wordsOf[lane].data, ...data }, topic: wordsOf[lane].topic },
      time: new Date(time.wall()).toISOString(),
    };
    last[lane] = sequence;
    return event;
  };
  /** The highest number that it confirmed of a lane of this numbering. */
  const confirmed = (lane: Lane, of = journal): number =>
    Math.max(0, ...receipts.filter((one) => one.journal === of).map(({ upTo }) => upTo[lane] ?? 0));
  await online();
  return {
    campus,
    make,
    publish,
    show,
    online,
    confirmed,
    until,
    receipts: receipts as readonly Said[],
    asked: asked as readonly Asked[],
    odd: odd as readonly string[],
    journal: () => journal,
    highest: () => sequence,
    async send(lane: Lane, count = 1): Promise<readonly Played[]> {
      const events = Array.from({ length: count }, () => make(lane));
      for (const event of events) await publish(event);
      return events;
    },
    publishText: (topic: string, text: string) => client.publishAsync(`${prefix}/${topic}`, text, { qos: 1 }),
    /** Another campus: its number ends otherwise. */
    another: () =>
      openStage({ ...options, campus: campus.replace(/.$/, (last) => (last === '8' ? '7' : '8')) }),
    /** Whether it is confirmed, in time. */
    isConfirmed: async ({ lane, sequence: number, journal: of }: Played): Promise<boolean> =>
      (await until(() => (confirmed(lane, of) >= number ? true : undefined))) === true,
    /** The events, and the answer. */
    async answer({ id }: Asked, events: readonly Played[]): Promise<void> {
      for (const event of events) await publish(event);
      const reply = { id, done: true, result: { events: events.length } };
      await client.publishAsync(`${prefix}/reply/${id}`, JSON.stringify(reply), { qos: 1 });
    },
    /** A new disk: numbers begin where they like, chains at "0". */
    renumber(first: number) {
      journal = randomUUID();
      sequence = first - 1;
      last = { urgent: 0, normal: 0, bulk: 0 };
    },
    async close(): Promise<void> {
      const ends = endsOf(raised).map(([type, data]) => make('urgent', data, type));
      for (const one of ends) await publish(one).catch(() => {});
      for (const topic of retained) await show(topic, '').catch(() => {});
      await client.endAsync().catch(() => {});
    },
  };
}

/** What is said of alarms when all is over: one end for all, for they are of one thing, and of each that it was a test. */
const endsOf = (raised: ReadonlySet<string>): readonly (readonly [type: string, data: object])[] =>
  raised.size === 0
    ? []
    : [
        ['alarm.restored', { state: 'restored' }],
        ...[...raised].map((event) => {
          const closed = { event, reason: 'test', by: 'conform', uplink: 'conform' };
          return ['alarm.closed', { closed }] as const;
        }),
      ];

function textOf({ topic: _topic, ...event }: Played, campus: string): string {
  const { lane, sequence, previous, journal, id, type, data, time } = event;
  return JSON.stringify({
    ...{
      specversion: '1.0',
      id,
      source: `/campus/${campus}/device/conform`,
      type: `cn.campus.${type}`,
      time,
    },
    datacontenttype: 'application/json',
    data: { clock: { source: 'gateway', seenAt: time, synchronised: true }, ...data },
    ...{ sequence: String(sequence), previous: String(previous), lane, journal },
  });
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
