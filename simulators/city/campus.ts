/**
 * One campus of a simulated city, at the level of MQTT: events in the product's own format, with its rules of delivery
 * (docs/platform.md): lanes, chains, the same id again, receipts, replay, alarms that are taken and closed. It has no disk
 * and one device, a button: what it made it knows by number and time, and makes the same bytes of it again.
 */
import type { IClientOptions, MqttClient } from 'mqtt';
import type { CampusData } from '../../drivers/contract/campus.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { campusMessageOf } from '../../drivers/platforms/mqtt/campus.ts';
import { createAlarms } from './alarms.ts';
import { answerOver, createCommands } from './commands.ts';
import { type CityLane, cityLanes, journalOf, type Made, messageOf, parsed, type Said } from './events.ts';
import { createLine } from './line.ts';

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
  readonly onMade?: ((event: Made) => void) | undefined;
  readonly onDelivered: (event: Made, afterMs: number) => void;
}

export interface CityCampus {
  readonly id: string;
  /** @returns whether it did: what is dark makes nothing. */
  make(lane: CityLane): boolean;
  /** Its button is let go of, where it is pressed: its alarms end. */
  letGo(): void;
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
    add(lane: CityLane, said?: Said): Made {
      const at = options.time.wall();
      const event = { lane, sequence: ++sequence, previous: last[lane], at, said, sentAt: undefined };
      last[lane] = sequence;
      waiting[lane].push(event);
      return event;
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
  const add = (lane: CityLane, said?: Said) => {
    const event = backlog.add(lane, said);
    options.onMade?.(event);
    pump();
    return event;
  };
  const alarms = createAlarms(time, journal, (said) => add('urgent', said));
  const replay = (lane: string, after: number, upTo: number) => {
    const events = backlog.between(lane, after, upTo);
    const one = line.client();
    if (one !== undefined) for (const event of events) publishEvent(one, event, () => {});
    return events.length;
  };
  const answer = answerOver(prefix, createCommands({ campus: id, journal, alarms, replay, now: time.wall }));
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
    onMessage: (one, topic, text, properties) =>
      topic === `${prefix}/ack` ? onReceipt(text) : answer(one, topic, text, properties),
    isSubscribing: hearing.isAsking,
  });
  const again = time.every(1000, () => {
    if (receipts) backlog.again(lateness.late());
    if (!isDark) alarms.letGo();
    pump();
  });
  return {
    id,
    make(lane) {
      if (isDark) return false;
      const event = add(lane);
      if (lane === 'urgent') alarms.raised(event);
      return true;
    },
    letGo: () => alarms.letGo(true),
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
