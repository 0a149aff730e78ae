/**
 * A city of campuses over MQTT, for who builds the platform behind the broker: so many campuses, so many events a second,
 * alarms in a burst, a tenth of it without power, all of them back at once.
 */
import type { IClientOptions } from 'mqtt';
import type { Clock } from '../drivers/contract/clock.ts';
import { type CityCampus, createCampus } from './city/campus.ts';
import { isAlarm, type Made } from './city/events.ts';
import { startObserver } from './city/observer.ts';
import { schoolOf } from './city/places.ts';
import { versionOf } from './city/version.ts';

export interface CityOptions {
  /** Of one platform; a campus tries them in turn. */
  readonly urls: readonly string[];
  /** Without `protocolVersion`: 5, or 4 where no broker takes 5. */
  readonly mqtt: IClientOptions;
  readonly campuses: number;
  /** Events a second of each campus. */
  readonly rate: number;
  /** In all, spread over `withinMs`, from a third of the time on. */
  readonly alarms: number;
  readonly withinMs: number;
  /** From when all of them are there, or could not be for two minutes. */
  readonly forMs: number;
  /** Afterwards its campuses stay there for desks, until these have closed all alarms, at most so long. Default: not at all. */
  readonly deskMs?: number | undefined;
  readonly receipts: boolean;
  /** Whether it subscribes to its own events, and says what of them came. */
  readonly observe: boolean;
  /** `power`: a tenth of the campuses is dark for a while; `storm`: all lose their connection at once. */
  readonly faults: readonly CityFault[];
  readonly seed: number;
  readonly time: Clock;
  readonly signal: AbortSignal;
  /** No more is made, before the time is over; what was made is waited for. */
  readonly enough?: AbortSignal | undefined;
  /** Each second. */
  readonly tell?: ((progress: CityProgress) => void) | undefined;
}
export const cityFaults = ['power', 'storm'] as const;
export type CityFault = (typeof cityFaults)[number];

export interface CityProgress {
  readonly made: number;
  readonly delivered: number;
  readonly seen: number | undefined;
  readonly connected: number;
  /** Alarms that no desk has closed. */
  readonly open: number;
}

/** ms from the event to that. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}
export interface CityReport {
  readonly made: number;
  /** PUBACK, or a receipt. */
  readonly delivered: number;
  /** Made, and not delivered when all waiting was over. */
  readonly undelivered: number;
  /** By the observer: never came. undefined: nobody looked. */
  readonly lost: number | undefined;
  readonly twice: number | undefined;
  readonly delivery: Latency;
  readonly alarms: Latency;
  /** Alarms that were raised, and what desks did with them. */
  readonly desk: { readonly raised: number; readonly taken: number; readonly closed: number };
  /** From the end of `storm`, or of `power`, until all were connected, ms. */
  readonly backAfterMs: number | undefined;
  /** All has come, or nothing came any more for so long that nothing will: what is lost is lost. */
  readonly isSettled: boolean;
  /** ms by which this process was late for its own timers. */
  readonly lateness: Latency;
}

/** Events are made so often, in shares: fine enough for a rate, and not a timer a campus. */
const TICK_MS = 50;
const DARK_SHARE = 0.1;
/** Of the whole time. */
const ALARMS_AT = 1 / 3;
const FAULT_AT = 1 / 2;
const DARK_MS = 10_000;
const READY_MAX_MS = 120_000;
/** At the end: nothing came for so long, so nothing will. */
const GRACE_MS = 90_000;
/** Who stops it early waits so long for the last words. */
const LAST_WORDS_MS = 3000;

/** mulberry32: a small generator of public domain, by which a seed makes the same city again. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function latencyOf(times: readonly number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? 0 };
}

const idOfCampus = (index: number) => String(4_503_000_001 + index);

/** How late this process itself is: so much of what it measures is not the broker's. */
function watchItself(time: Clock) {
  const lateness: number[] = [];
  let last = time.elapsed();
  const timer = time.every(TICK_MS, () => {
    const now = time.elapsed();
    lateness.push(Math.max(0, now - last - TICK_MS));
    last = now;
  });
  return { stop: () => timer.stop(), lateness: () => latencyOf(lateness) };
}

/** Lives for its time, or until the signal aborts; then waits for what is on its way. @throws Error where no broker is. */
export async function runCity(options: CityOptions): Promise<CityReport> {
  const { time, signal, forMs } = options;
  const random = seeded(options.seed);
  // Of its own: where the schools are changes nothing of what they do.
  const places = seeded(options.seed + 1);
  const times = { delivery: [] as number[], alarms: [] as number[] };
  let made = 0;
  let delivered = 0;
  const desk = { raised: 0, taken: 0, closed: 0 };
  const note = (ofAlarm: boolean, ms: number) => {
    times.delivery.push(ms);
    if (ofAlarm) times.alarms.push(ms);
  };
  const mqtt = {
    ...options.mqtt,
    protocolVersion: options.mqtt.protocolVersion ?? (await versionOf(options.urls, options.mqtt)),
  };
  const observer = options.observe ? await startObserver(options.urls, mqtt, time, note) : undefined;
  const campuses = Array.from({ length: options.campuses }, (_, index) =>
    createCampus({
      ...{ urls: options.urls, mqtt, receipts: options.receipts, time, random },
      id: idOfCampus(index),
      school: schoolOf(idOfCampus(index), index, places),
      onMade(event) {
        made++;
        noteOfDesk(desk, event);
      },
      onDelivered(event, ms) {
        delivered++;
        // What somebody saw says more than what the broker took.
        if (observer === undefined) note(isAlarm(event), ms);
      },
    }),
  );
  const counts = () => ({
    ...{ made, delivered, seen: observer?.seen() },
    connected: campuses.filter((one) => one.isConnected()).length,
    open: desk.raised - desk.closed,
  });
  const itself = watchItself(time);
  const progress = time.every(1000, () => options.tell?.(counts()));
  try {
    await untilReady(campuses, options);
    const stopMaking = makeEvents(campuses, options, random);
    const back = doFaults(campuses, options);
    const { enough } = options;
    const over = enough === undefined ? signal : AbortSignal.any([signal, enough]);
    await time.wait(forMs, over);
    stopMaking();
    for (const campus of campuses) campus.restore();
    await untilClosed(() => counts().open, options, over);
    for (const campus of campuses) campus.letGo();
    const isSettled = await untilSettled(campuses, counts, options);
    const undelivered = campuses.reduce((sum, campus) => sum + campus.waiting(), 0);
    return {
      ...{ made, delivered, undelivered },
      lost: observer && made - observer.seen(),
      twice: observer?.twice(),
      delivery: latencyOf(times.delivery),
      alarms: latencyOf(times.alarms),
      desk,
      backAfterMs: back(),
      ...{ isSettled, lateness: itself.lateness() },
    };
  } finally {
    itself.stop();
    progress.stop();
    await Promise.all([...campuses.map((campus) => campus.close()), observer?.close()]);
  }
}

/** Until all are there: a storm of so many that connect is a trial of its own. */
async function untilReady(
  campuses: readonly CityCampus[],
  { time, signal, enough = signal }: CityOptions,
): Promise<void> {
  const from = time.elapsed();
  const isOver = () => signal.aborted || enough.aborted || time.elapsed() - from > READY_MAX_MS;
  while (!isOver() && !campuses.every((campus) => campus.isReady())) await time.wait(TICK_MS, signal);
}

/** @returns what ends it. */
function makeEvents(
  campuses: readonly CityCampus[],
  { rate, alarms, withinMs, forMs, time }: CityOptions,
  random: () => number,
): () => void {
  const make = (lane: 'urgent' | 'normal') => {
    const first = Math.floor(random() * campuses.length);
    // Where it is dark, the next one makes it.
    for (let i = 0; i < campuses.length; i++)
      if (campuses[(first + i) % campuses.length]?.make(lane) === true) return;
  };
  const from = time.elapsed();
  let ofRate = 0;
  let ofAlarms = 0;
  const timer = time.every(TICK_MS, () => {
    const since = time.elapsed() - from;
    for (const due = (since / 1000) * rate * campuses.length; ofRate < due; ofRate++) make('normal');
    const share = Math.min(1, Math.max(0, (since - forMs * ALARMS_AT) / Math.max(1, withinMs)));
    for (; ofAlarms < Math.round(share * alarms); ofAlarms++) make('urgent');
  });
  return () => timer.stop();
}

/** @returns how long they took to be back, once they are. */
function doFaults(
  campuses: readonly CityCampus[],
  { faults, forMs, time }: CityOptions,
): () => number | undefined {
  let from: number | undefined;
  let backAfter: number | undefined;
  const watch = time.every(TICK_MS, () => {
    if (from === undefined || !campuses.every((campus) => campus.isConnected())) return;
    backAfter = time.elapsed() - from;
    watch.stop();
  });
  const begin = () => {
    // They are connected still, in this very turn.
    for (const campus of campuses) campus.cut();
    from = time.elapsed();
  };
  if (faults.includes('storm')) time.after(forMs * FAULT_AT, begin);
  if (faults.includes('power')) {
    const dark = campuses.slice(0, Math.max(1, Math.round(campuses.length * DARK_SHARE)));
    time.after(forMs * FAULT_AT, () => {
      for (const campus of dark) campus.lose();
      time.after(Math.min(DARK_MS, forMs / 4), () => {
        for (const campus of dark) campus.restore();
        from ??= time.elapsed();
      });
    });
  }
  return () => {
    watch.stop();
    return backAfter;
  };
}

function noteOfDesk(desk: { raised: number; taken: number; closed: number }, event: Made): void {
  if (isAlarm(event)) desk.raised++;
  else if (event.said?.type === 'alarm.acknowledged') desk.taken++;
  else if (event.said?.type === 'alarm.closed') desk.closed++;
}

/** Until desks have closed all, or their time is over. */
async function untilClosed(
  open: () => number,
  { time, deskMs = 0 }: CityOptions,
  over: AbortSignal,
): Promise<void> {
  const from = time.elapsed();
  while (!over.aborted && open() > 0 && time.elapsed() - from < deskMs) await time.wait(TICK_MS, over);
}

/** Until all is delivered and seen, or nothing comes any more. @returns whether that was waited for. */
async function untilSettled(
  campuses: readonly CityCampus[],
  counts: () => CityProgress,
  { time, signal }: CityOptions,
): Promise<boolean> {
  let came = -1;
  let since = time.elapsed();
  const least = since + LAST_WORDS_MS;
  while (!signal.aborted || time.elapsed() < least) {
    const { made, delivered, seen = made } = counts();
    if (seen >= made && campuses.every((campus) => campus.waiting() === 0)) return true;
    if (delivered + seen !== came) since = time.elapsed();
    came = delivered + seen;
    if (time.elapsed() - since > GRACE_MS) return true;
    await time.wait(TICK_MS);
  }
  return false;
}
