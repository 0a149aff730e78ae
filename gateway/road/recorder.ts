/**
 * The step from "a device said" to "it is on disk": observation -> event -> journal, and nothing else.
 * What was known of each thing: states.ts. What the disk refuses, or is slow to take: unsaved.ts.
 */
import { type Event, type EventType, laneOf, type OwnEventType } from '../../config/catalogue/events.ts';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { type Appended, type Condition, type Journal, JournalError } from '../journal/index.ts';
import { createRecent } from '../lifecycle/recent.ts';
import { signal } from '../lifecycle/signal.ts';
import type { WallClock } from '../observe/clock.ts';
import { type BurstLog, burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import {
  type AlarmFacts,
  endsForGood,
  eventAbout,
  eventTypeOf,
  gatewayEvent,
  type MediaAbout,
  mediaEvent,
  toEvent,
} from './event.ts';
import { createStates, type State, type States } from './states.ts';
import { createWaiting, type Item, type Unsaved } from './unsaved.ts';

export { deviceState, type State } from './states.ts';
export type { Unsaved } from './unsaved.ts';

/** Follows events from the side: for the live view, for tests. Times are the clock's `elapsed`. */
export interface Trace {
  seen?(event: Event): void;
  /** It was on disk already: no second event. */
  repeated?(event: Event): void;
  stored?(event: Event, sequence: number, seenAt: number): void;
  delivered?(uplink: string, id: string): void;
}

export interface Recorder {
  /** Resolves when it is on disk, was already, or is no news. Rejects where the disk refuses: no acknowledgement. */
  record(observation: Observation): Promise<Receipt>;
  /** Puts what is said of an alarm later on disk: of each type, once for each alarm. */
  recordFollowUp<T extends keyof AlarmFacts>(alarm: Event, type: T, fact: AlarmFacts[T]): Promise<Receipt>;
  /** Puts an event of the gateway itself on disk; where the disk refuses, as soon as it does not. */
  recordOwn(type: OwnEventType, details: Readonly<Record<string, unknown>>): Promise<void>;
  /** Puts it on disk that there is a picture or a clip. */
  recordMedia(about: Omit<MediaAbout, 'part'>): Promise<Receipt>;
  /** By state key. */
  readonly states: ReadonlyMap<string, State>;
  /** What panels raised and did not restore. */
  readonly standing: States['standing'];
  /** By id. */
  readonly unsaved: ReadonlyMap<string, Unsaved>;
  /** Whether the states were read. */
  isLoaded(): boolean;
  /** Reads the states again, from a journal that was opened late or salvaged. */
  reload(): Promise<void>;
  close(): void;
  /** Calls back after a state changed, until the function it gives is called. */
  onState(listener: (state: State) => void): () => void;
  /** Calls back when there is an alarm to be sent from memory, until the function it gives is called. */
  onUnsaved(listener: (event: Event) => void): () => void;
  /** Calls back after an event was put on disk, until the function it gives is called. */
  onStored(listener: (event: Event, sequence: number) => void): () => void;
}

export interface RecorderOptions {
  readonly campusId: string;
  readonly deviceNames: ReadonlyMap<string, string | undefined>;
  readonly journal: Journal;
  readonly clock: WallClock;
  readonly time?: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly trace?: Trace | undefined;
}

const NO_NEWS: Receipt = { sequence: null, id: null, repeated: true };

export async function createRecorder(options: RecorderOptions): Promise<Recorder> {
  const { campusId, deviceNames, journal, clock, time = systemClock, metrics, log } = options;
  const bursts = burstLog(log, time);
  const states = createStates(journal, log);
  const followers = createFollowers(options);
  const { save, refuse } = createSave({ ...options, time, bursts, saved, refused });
  const isDiskGood = () => journal.condition.good;
  const waiting = createWaiting({ save, isDiskGood, time, metrics, bursts, log });
  const told = createTold(time);
  const types = createTypes();
  // A disk that refuses now is told of by the journal; the states come when it is opened.
  if (journal.condition.good) await states.load();

  function saved(item: Item, appended: Appended, begunAt: number) {
    const { event, entry } = item;
    const { sequence, repeated, id } = appended;
    waiting.noteSaved(item);
    if (item.alarm) told.note(entry.repeat, appended);
    // With its own id it is no repeat: an earlier try, whose fsync failed, is in the file all the same.
    if (repeated && id !== event.id) {
      metrics.repeats.inc();
      followers.repeated.tell(event);
      return;
    }
    metrics.events.inc({ type: entry.type });
    types.note(event.id, entry.type);
    followers.stored.tell(event, sequence, begunAt);
    if (entry.stateKey !== undefined) states.note(entry.stateKey, event, sequence, entry.ends === true);
  }
  function refused(item: Item) {
    if (item.alarm) waiting.keepAlarm(item);
  }

  const context = (device?: string) => ({
    campusId,
    deviceName: device === undefined ? undefined : deviceNames.get(device),
    now: clock.now(),
    synchronised: clock.synchronised(),
  });
  const itemOf = (
    event: Event,
    type: EventType,
    device: string,
    of: Pick<Item['entry'], 'stateKey' | 'ends' | 'repeat'> & { readonly alarm?: boolean } = {},
  ): Item => {
    followers.seen.tell(event);
    const { stateKey, ends, repeat, alarm = false } = of;
    const [id, lane, seenAt, body] = [event.id, laneOf(type), clock.now(), JSON.stringify(event)];
    return { event, alarm, entry: { id, lane, seenAt, type, device, body, stateKey, ends, repeat } };
  };

  /** Of what no one is told twice: a promise of the disk, and no other. */
  const recordNow = (observation: Observation): Promise<Receipt> => {
    const { device, repeat, initial } = observation;
    const stateKey = states.keyOf(observation);
    const again = waiting.findAgain(stateKey, observation);
    if (again !== undefined) return save(again).then((appended) => ({ ...appended, repeated: true }));
    const known = told.find(repeat);
    if (known !== undefined) {
      metrics.repeats.inc();
      return Promise.resolve(known);
    }
    if (initial === true && stateKey !== undefined && !states.isNews(stateKey, observation))
      return Promise.resolve(NO_NEWS);
    const type = eventTypeOf(observation);
    const alarm = laneOf(type) === 'urgent';
    const ends = endsForGood(observation);
    const item = itemOf(toEvent(observation, context(device)), type, device, {
      stateKey,
      ends,
      repeat,
      alarm,
    });
    if (!alarm) return save(item);
    if (waiting.isBehind(stateKey)) return refuse(item);
    waiting.watchAlarm(item);
    return save(item);
  };

  return {
    states: states.byKey,
    standing: states.standing,
    unsaved: waiting.alarms,
    isLoaded: states.isLoaded,
    reload: states.load,
    onState: states.onState,
    onUnsaved: waiting.onAlarm,
    onStored: followers.stored.on,
    record(observation) {
      try {
        return recordNow(observation);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    async recordFollowUp(alarm, type, fact) {
      const { device } = alarm.data as { device: { id: string } };
      const event = eventAbout(alarm, type, fact, context());
      // One alarm is taken once; who says so again hears of the first.
      const repeat = { key: `${type.slice('alarm.'.length)}/${alarm.id}`, within: Number.MAX_SAFE_INTEGER };
      return await save(itemOf(event, type, device.id, { repeat }));
    },
    async recordMedia(about) {
      const event = mediaEvent('media.kept', types.with(about), context(about.device));
      return await save(itemOf(event, 'media.kept', about.device));
    },
    async recordOwn(type, details) {
      const item = itemOf(gatewayEvent(type, details, context()), type, 'gateway');
      // Of the gateway's own words, too, memory keeps so many.
      await save(item).catch(() => waiting.keepOwn(item));
    },
    close() {
      waiting.close();
      bursts.close();
    },
  };
}

/** Events whose types are remembered: a picture of one is told within seconds, a clip within minutes. */
const TYPES_MAX = 10_000;

/** Of the newest events their types, by id: so what is a picture of one says of what it is. */
function createTypes() {
  const types = createRecent<string, EventType>(TYPES_MAX);
  return {
    note: types.set,
    with: (about: Omit<MediaAbout, 'part'>): MediaAbout => ({
      ...about,
      part: 0,
      of: types.get(about.event ?? ''),
    }),
  };
}

/** Alarms that are remembered here. */
const TOLD_MAX = 1000;

/**
 * The newest alarms that are on disk, by repeat key: told again while the disk is slow, one of them would go out from
 * memory as another alarm, with another id, before the disk can say that it knows it.
 */
function createTold(time: Pick<Clock, 'elapsed'>) {
  const receipts = createRecent<string, { readonly receipt: Receipt; readonly at: number }>(TOLD_MAX);
  return {
    find(repeat: Observation['repeat']): Receipt | undefined {
      const known = repeat && receipts.get(repeat.key);
      if (repeat === undefined || known === undefined) return undefined;
      return time.elapsed() - known.at < repeat.within ? known.receipt : undefined;
    },
    note(repeat: Observation['repeat'], { sequence, id }: Appended) {
      if (repeat === undefined) return;
      receipts.set(repeat.key, { receipt: { sequence, id, repeated: true }, at: time.elapsed() });
    },
  };
}

/** Who follows events. Isolated: one that fails refuses no device. */
function createFollowers({ trace, log }: Pick<RecorderOptions, 'trace' | 'log'>) {
  const seen = signal<[Event]>('an event', log);
  const repeated = signal<[Event]>('an event that was on disk already', log);
  const stored = signal<[Event, sequence: number, seenAt: number]>('an event on disk', log);
  if (trace?.seen !== undefined) seen.on((event) => trace.seen?.(event));
  if (trace?.repeated !== undefined) repeated.on((event) => trace.repeated?.(event));
  if (trace?.stored !== undefined) stored.on((...told) => trace.stored?.(...told));
  return { seen, repeated, stored };
}

/** One try to put an item on disk, and what follows from it. The promises reject with the JournalError. */
function createSave({
  journal,
  metrics,
  time,
  bursts,
  saved,
  refused,
}: {
  readonly journal: Pick<Journal, 'append' | 'condition'>;
  readonly metrics: Metrics;
  readonly time: Clock;
  readonly bursts: BurstLog;
  readonly saved: (item: Item, appended: Appended, begunAt: number) => void;
  readonly refused: (item: Item) => void;
}) {
  const fail = (item: Item, error: Error & { code?: string }): never => {
    item.saving = undefined;
    metrics.refused.inc();
    const { code, message } = error;
    const { type, device } = item.entry;
    bursts.warn(
      `journal ${code}`,
      { code, error: message, type, device },
      'an event could not be put on disk; its device gets no acknowledgement',
    );
    refused(item);
    throw error;
  };
  return {
    /** One promise beside the journal's own. */
    save(item: Item): Promise<Appended> {
      if (item.saving !== undefined) return item.saving;
      const begunAt = time.elapsed();
      item.saving = journal.append(item.entry).then(
        (appended) => {
          item.saving = undefined;
          metrics.commitSeconds.observe((time.elapsed() - begunAt) / 1000);
          saved(item, appended, begunAt);
          return appended;
        },
        (error) => fail(item, error),
      );
      return item.saving;
    },
    /** As the disk refuses what came before it. */
    async refuse(item: Item): Promise<never> {
      const { code, reason } = journal.condition as Exclude<Condition, { good: true }>;
      return fail(item, new JournalError(code as JournalError['code'], reason));
    },
  };
}
