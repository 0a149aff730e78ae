/**
 * One campus of a simulated city, at the level of MQTT: events in the product's own format, with its rules of delivery
 * (docs/platform.md): lanes, chains, the same id again, receipts, replay. It has no disk and no devices: what it made it
 * knows by number and time, and makes the same bytes of it again.
 */
import { createHash } from 'node:crypto';
import type { IClientOptions, MqttClient } from 'mqtt';
import type { CampusData } from '../../drivers/contract/campus.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { campusMessageOf } from '../../drivers/platforms/mqtt/campus.ts';
import { createLine } from './line.ts';

export type CityLane = 'urgent' | 'normal';
const cityLanes: readonly CityLane[] = ['urgent', 'normal'];

/** An event that was made: all that its bytes follow from. */
export interface Made {
  readonly lane: CityLane;
  readonly sequence: number;
  /** The one before it in its lane. */
  readonly previous: number;
  /** Epoch ms. */
  readonly at: number;
}
interface Waiting extends Made {
  /** By the monotonic clock; undefined: it is still to be sent on this connection. */
  sentAt: number | undefined;
}

export interface CampusOptions {
  /** Of one platform: tried in turn, the last good one first. */
  readonly urls: readonly string[];
  /** Ten digits. */
  readonly id: string;
  /** What it says of itself. */
  readonly school: CampusData;
  /** Delivered is what has a receipt, not what has a PUBACK. */
  readonly receipts: boolean;
  readonly mqtt: IClientOptions;
  readonly time: Clock;
  /** In [0, 1): the same seed makes the same city. */
  readonly random: () => number;
  readonly onDelivered: (event: Made, afterMs: number) => void;
}

export interface CityCampus {
  readonly id: string;
  /** @returns whether it did: what is dark makes nothing. */
  make(lane: CityLane): boolean;
  /** The cable is pulled: the broker tells of it by the will. */
  cut(): void;
  /** Power is lost: cut, and nothing is made or sent until `restore`. */
  lose(): void;
  restore(): void;
  isConnected(): boolean;
  /** Connected, and it would hear what it is told. */
  isReady(): boolean;
  /** Made, and not delivered. */
  waiting(): number;
  close(): Promise<void>;
}

/** On their way at once; the gateway's own (docs/platform.md, "What comes"). */
const IN_FLIGHT = 64;
/** Sent and without a receipt: so many wait, the rest is not sent. */
const UNCONFIRMED_MAX = 1024;
/** Doubled each time in vain. */
const RECEIPT_TIMEOUT_MS = 30_000;
const RECEIPT_TIMEOUT_MAX_MS = 600_000;
/** Known by number after it was delivered, for a replay. */
const KEPT = 512;
const AGAIN_MS = 1000;
/**
 * A broker that was late to let us in is subscribed to somewhat later: the gateway's own
 * (drivers/platforms/mqtt/subscribing.ts).
 */
const LATE_MS = 1000;
const SPREAD_FACTOR = 8;
const SPREAD_MAX_MS = 20_000;

/** RFC 9562, version 7: its time, and of the rest what always is the same for this event. */
export function idOf(journal: string, { sequence, at }: Made): string {
  const time = at.toString(16).padStart(12, '0');
  const rest = createHash('sha256').update(`${journal}/${sequence}`).digest('hex');
  const variant = ((Number.parseInt(rest[3] ?? '0', 16) & 3) | 8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-${variant}${rest.slice(4, 7)}-${rest.slice(7, 19)}`;
}

const wordsOf = {
  urgent: {
    type: 'alarm.raised',
    device: { id: 'perimeter-panel', name: '周界报警主机' },
    data: {
      kind: 'panic',
      state: 'raised',
      zone: { number: 9, id: 'gatehouse-button', name: '门卫室一键报警' },
    },
  },
  normal: {
    type: 'video.motion',
    device: { id: 'yard', name: '操场' },
    data: { kind: 'video', cause: 'motion', state: 'raised', zone: { number: 1 } },
  },
} as const;

/** The topic below `campus/v1/{campusId}`, and the payload. */
export function messageOf(campus: string, journal: string, event: Made): { topic: string; payload: string } {
  const { lane, sequence, previous, at } = event;
  const { type, device, data } = wordsOf[lane];
  const time = new Date(at).toISOString();
  const payload = JSON.stringify({
    specversion: '1.0',
    id: idOf(journal, event),
    source: `/campus/${campus}/device/${device.id}`,
    type: `cn.campus.${type}`,
    time,
    datacontenttype: 'application/json',
    data: { ...data, device, clock: { source: 'gateway', seenAt: time, synchronised: true } },
    sequence: String(sequence),
    previous: String(previous),
    lane,
    journal,
  });
  return { topic: `event/${type.split('.')[0]}/${device.id}`, payload };
}

/** A journal's id: the same for the same seed. */
function journalOf(random: () => number): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** What waits, in the order of its lanes. */
function createBacklog(options: Pick<CampusOptions, 'time' | 'onDelivered'>) {
  const waiting: Record<CityLane, Waiting[]> = { urgent: [], normal: [] };
  const kept: Made[] = [];
  const last = { urgent: 0, normal: 0 };
  let sequence = 0;
  const deliver = (event: Waiting) => {
    kept.push(event);
    if (kept.length > KEPT) kept.shift();
    options.onDelivered(event, options.time.wall() - event.at);
  };
  return {
    add(lane: CityLane) {
      const event = { lane, sequence: ++sequence, previous: last[lane], at: options.time.wall() };
      last[lane] = sequence;
      waiting[lane].push({ ...event, sentAt: undefined });
    },
    next: (): Waiting | undefined => {
      for (const lane of cityLanes) {
        const found = waiting[lane].find(({ sentAt }) => sentAt === undefined);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    /** All up to it. @returns whether there was any. */
    confirm(lane: CityLane, upTo: number): boolean {
      const of = waiting[lane];
      const before = of.length;
      while (of[0] !== undefined && of[0].sequence <= upTo) deliver(of.shift() as Waiting);
      return of.length < before;
    },
    /** It alone, by a PUBACK. */
    acknowledge(event: Waiting) {
      const of = waiting[event.lane];
      const at = of.indexOf(event);
      if (at < 0) return;
      of.splice(at, 1);
      deliver(event);
    },
    /** They are sent anew. */
    again(lanes = cityLanes) {
      for (const lane of lanes) for (const event of waiting[lane]) event.sentAt = undefined;
    },
    isSent: (lane: CityLane) => waiting[lane][0]?.sentAt !== undefined,
    unconfirmed: () =>
      cityLanes.reduce(
        (sum, lane) => sum + waiting[lane].filter(({ sentAt }) => sentAt !== undefined).length,
        0,
      ),
    count: () => waiting.urgent.length + waiting.normal.length,
    between: (lane: string, after: number, upTo: number): Made[] =>
      [...kept, ...waiting.urgent, ...waiting.normal]
        .filter((one) => one.lane === lane && one.sequence > after && one.sequence <= upTo)
        .sort((a, b) => a.sequence - b.sequence),
  };
}

/** What it does with a command: a replay is done, all else is refused. */
function createAnswers(
  prefix: string,
  journal: string,
  backlog: ReturnType<typeof createBacklog>,
  publishEvent: (one: MqttClient, event: Made, done: () => void) => void,
) {
  return (one: MqttClient, text: string): void => {
    const command = parsed(text);
    const commandId = command?.['id'];
    if (typeof commandId !== 'string') return;
    const { lane, after, upTo, journal: of } = (command?.['arguments'] ?? {}) as Record<string, unknown>;
    const isReplay = command?.['action'] === 'replay' && of === journal;
    const events = isReplay ? backlog.between(String(lane), Number(after), Number(upTo)) : [];
    for (const event of events) publishEvent(one, event, () => {});
    const reply = isReplay
      ? { id: commandId, done: true, result: { events: events.length } }
      : { id: commandId, done: false, reason: 'a simulated campus knows replay alone' };
    one.publish(`${prefix}/reply/${commandId}`, JSON.stringify(reply), { qos: 1 }, () => {});
  };
}

/** Lanes whose receipt is late: each waits for twice as long after a time in vain. */
function createLateness(time: Clock, isSent: (lane: CityLane) => boolean) {
  const lanes = new Map<CityLane, { since: number; ms: number }>();
  return {
    /** It begins anew. */
    reset: (lane: CityLane) => void lanes.delete(lane),
    late: (): readonly CityLane[] =>
      cityLanes.filter((lane) => {
        if (!isSent(lane)) {
          lanes.delete(lane);
          return false;
        }
        const { since, ms } = lanes.get(lane) ?? { since: time.elapsed(), ms: RECEIPT_TIMEOUT_MS };
        const isLate = time.elapsed() - since > ms;
        lanes.set(
          lane,
          isLate ? { since: time.elapsed(), ms: Math.min(RECEIPT_TIMEOUT_MAX_MS, ms * 2) } : { since, ms },
        );
        return isLate;
      }),
  };
}

/** Its subscriptions, with QoS 0 as the gateway's own: asked for at each connection, and until they are granted. */
function createHearing(
  { time, random }: Pick<CampusOptions, 'time' | 'random'>,
  prefix: string,
  isCurrent: (one: MqttClient) => boolean,
  onHeardLate: (one: MqttClient) => void,
) {
  let is: 'silent' | 'asking' | 'hearing' = 'silent';
  const hear = (one: MqttClient, isLate: boolean) => {
    if (!isCurrent(one)) return;
    is = 'asking';
    one.subscribe([`${prefix}/ack`, `${prefix}/command/+`], { qos: 0 }, (error, granted = []) => {
      if (!isCurrent(one) || !one.connected) return;
      if (!error && !granted.some((of) => of.qos > 2)) {
        is = 'hearing';
        // Receipts of before were not heard; they are repeated for who says that it is there.
        if (isLate) onHeardLate(one);
        return;
      }
      is = 'silent';
      time.after(AGAIN_MS * (1 + random()), () => hear(one, true));
    });
  };
  return {
    begin(one: MqttClient, afterMs: number) {
      if (afterMs < LATE_MS) hear(one, false);
      else time.after(random() * Math.min(SPREAD_MAX_MS, SPREAD_FACTOR * afterMs), () => hear(one, true));
    },
    end() {
      is = 'silent';
    },
    isAsking: () => is === 'asking',
    isHearing: () => is === 'hearing',
  };
}

/** It connects by itself, again and again, until it is closed. */
export function createCampus(options: CampusOptions): CityCampus {
  const { id, time, receipts } = options;
  const prefix = `campus/v1/${id}`;
  const journal = journalOf(options.random);
  const backlog = createBacklog(options);
  const lateness = createLateness(time, backlog.isSent);
  let isDark = false;
  let inFlight = 0;

  const publishEvent = (one: MqttClient, event: Made, done: (error?: Error) => void) => {
    const { topic, payload } = messageOf(id, journal, event);
    one.publish(`${prefix}/${topic}`, payload, { qos: 1 }, (error) => done(error ?? undefined));
  };
  const pump = () => {
    const one = line.client();
    while (
      one !== undefined &&
      inFlight < IN_FLIGHT &&
      (!receipts || backlog.unconfirmed() < UNCONFIRMED_MAX)
    ) {
      const event = backlog.next();
      if (event === undefined) return;
      event.sentAt = time.elapsed();
      inFlight++;
      publishEvent(one, event, (error) => {
        if (one !== line.client()) return;
        inFlight--;
        if (error === undefined && !receipts) backlog.acknowledge(event);
        pump();
      });
    }
  };
  const onReceipt = (text: string) => {
    const receipt = parsed(text);
    if (receipt?.['journal'] !== journal) return;
    for (const lane of cityLanes) {
      const upTo = Number(receipt[lane]);
      if (Number.isSafeInteger(upTo) && backlog.confirm(lane, upTo)) lateness.reset(lane);
    }
    pump();
  };
  const answer = createAnswers(prefix, journal, backlog, publishEvent);
  const show = (one: MqttClient, topic: string, what: object) =>
    one.publish(`${prefix}/${topic}`, JSON.stringify(what), { qos: 1, retain: true }, () => {});
  const sayThere = (one: MqttClient) => show(one, 'presence', { state: 'online', journal });
  const hearing = createHearing(options, prefix, (one) => one === line.client(), sayThere);
  const begin = (one: MqttClient, afterMs: number) => {
    // Delivery never waits for a subscription to be possible.
    hearing.begin(one, afterMs);
    sayThere(one);
    show(one, 'campus', campusMessageOf(options.school));
    inFlight = 0;
    for (const lane of cityLanes) lateness.reset(lane);
    backlog.again();
    pump();
  };
  const line = createLine(options, prefix, {
    onConnected: begin,
    onClosed: hearing.end,
    onMessage: (one, topic, text) => (topic.endsWith('/ack') ? onReceipt(text) : answer(one, text)),
    isSubscribing: hearing.isAsking,
  });
  const again = time.every(1000, () => {
    if (receipts) backlog.again(lateness.late());
    pump();
  });
  return {
    id,
    make(lane) {
      if (isDark) return false;
      backlog.add(lane);
      pump();
      return true;
    },
    cut: line.cut,
    lose() {
      isDark = true;
      line.want(false);
      line.cut();
    },
    restore() {
      if (isDark) line.want(true);
      isDark = false;
    },
    isConnected: () => line.client() !== undefined,
    isReady: hearing.isHearing,
    waiting: backlog.count,
    async close() {
      again.stop();
      line.want(false);
      await line.end();
    },
  };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
