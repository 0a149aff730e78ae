/**
 * The step from "a device said" to "it is on disk": observation -> event -> journal, and nothing else.
 * It also knows the state of each device, zone and kind, because a state found on connecting is an event only
 * where it differs from what was known.
 */

import {
  type Event,
  type EventType,
  laneOf,
  type OwnEventType,
  readEvent,
  typePrefix,
} from '../../config/catalogue/events.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { Appended, Journal } from '../journal/index.ts';
import { signal } from '../lifecycle/signal.ts';
import type { WallClock } from '../observe/clock.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import {
  type AlarmFacts,
  endsForGood,
  eventAbout,
  eventTypeOf,
  gatewayEvent,
  type MediaAbout,
  mediaEvent,
  stateKeyOf,
  toEvent,
} from './event.ts';

/** Follows events from the side: for the live view, for tests. Times are `performance.now()`. */
export interface Trace {
  seen?(event: Event): void;
  /** It was on disk already: no second event. */
  repeated?(event: Event): void;
  stored?(event: Event, sequence: number, seenAt: number): void;
  delivered?(uplink: string, id: string): void;
}

/** The latest word on one thing. */
export interface State {
  readonly device: string;
  readonly raised: boolean;
  readonly event: Event;
  readonly sequence: number;
}

/** An alarm that the disk has not taken: it goes out from memory meanwhile. */
export interface Unsaved {
  readonly id: string;
  readonly type: EventType;
  readonly device: string;
  readonly body: string;
}

export interface Recorder {
  record(observation: Observation): Promise<Receipt>;
  /** Puts what is said of an alarm later on disk: of each type, once for each alarm. */
  recordAbout<T extends keyof AlarmFacts>(alarm: Event, type: T, fact: AlarmFacts[T]): Promise<Receipt>;
  /** Puts an event of the gateway itself on disk; where the disk refuses, as soon as it does not. */
  recordOwn(type: OwnEventType, details: Readonly<Record<string, unknown>>): Promise<void>;
  /** Puts it on disk that there is a picture or a clip. */
  recordMedia(about: Omit<MediaAbout, 'part'>): Promise<Receipt>;
  /** By state key. */
  readonly states: ReadonlyMap<string, State>;
  /** By id. */
  readonly unsaved: ReadonlyMap<string, Unsaved>;
  /** Whether the states were read. */
  isLoaded(): boolean;
  /** Reads the states again, from a journal that was opened late or salvaged. */
  reload(): Promise<void>;
  close(): void;
  /** Calls back after a state changed, until the function it gives is called. */
  onState(listener: (state: State) => void): () => void;
  /** Calls back when there is an alarm to be sent from memory. */
  onUnsaved(listener: (event: Event) => void): void;
  /** Calls back after an event was put on disk. */
  onStored(listener: (event: Event, sequence: number) => void): void;
}

/** An alarm waits this long for the disk before it goes out from memory, and a siren before it sounds. */
const SLOW_DISK_MS = 300;
const RETRY_EVERY_MS = 1000;
/** Alarms in memory: more are refused, which their devices hear by getting no acknowledgement. */
const MAX_UNSAVED = 10_000;

/** What is to be put on disk. */
interface Item {
  readonly event: Event;
  readonly type: EventType;
  readonly device: string;
  readonly stateKey: string | undefined;
  readonly ends?: boolean;
  readonly repeat: Observation['repeat'];
  readonly seenAt: number;
  /** While a try is under way; nobody else may try. */
  saving?: Promise<Appended> | undefined;
}

export async function createRecorder(options: {
  readonly campusId: string;
  readonly deviceNames: ReadonlyMap<string, string | undefined>;
  readonly journal: Journal;
  readonly clock: WallClock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly trace?: Trace | undefined;
}): Promise<Recorder> {
  const { campusId, deviceNames, journal, clock, metrics, log, trace } = options;
  const failures = burstLog(log);
  const states = new Map<string, State>();
  // Isolated: an event is on disk, and its device acknowledged, whatever becomes of who listens.
  const stateChanged = signal<[State]>('a state', log);
  const alarmUnsaved = signal<[Event]>('an alarm from memory', log);
  const eventStored = signal<[Event, number]>('an event on disk', log);
  const unsaved = new Map<string, Unsaved>();
  /** What the disk refused and we try again: alarms, and events of the gateway itself. */
  const waiting = new Map<string, Item>();
  let retries: NodeJS.Timeout | undefined;
  let closed = false;

  let loaded = false;
  const reload = async () => {
    for (const { key, sequence, body } of await journal.states()) {
      const event = readEvent(body);
      if (event === undefined) log.error({ key, sequence }, 'the state of something cannot be read any more');
      else if ((states.get(key)?.sequence ?? 0) <= sequence) states.set(key, stateOf(event, sequence));
    }
    loaded = true;
  };
  // A disk that refuses now is told of by the journal; the states come when it is opened.
  if (journal.condition.good) await reload();

  const context = (device?: string) => ({
    campusId,
    deviceName: device === undefined ? undefined : deviceNames.get(device),
    now: clock.now(),
    synchronised: clock.synchronised(),
  });

  /** One try. @throws JournalError */
  const save = (item: Item): Promise<Appended> => {
    item.saving ??= append(item).finally(() => {
      item.saving = undefined;
    });
    return item.saving;
  };
  const append = async (item: Item): Promise<Appended> => {
    const { event, type, device, stateKey, ends, repeat, seenAt } = item;
    const started = performance.now();
    try {
      const appended = await journal.append({
        id: event.id,
        lane: laneOf(type),
        seenAt,
        type,
        device,
        body: JSON.stringify(event),
        stateKey,
        ends,
        repeat,
      });
      metrics.commitSeconds.observe((performance.now() - started) / 1000);
      waiting.delete(event.id);
      if (unsaved.delete(event.id)) metrics.unsaved.set(unsaved.size);
      // With its own id it is no repeat: an earlier try, whose fsync failed, is in the file all the same.
      if (appended.repeated && appended.id !== event.id) {
        metrics.repeats.inc();
        trace?.repeated?.(event);
        return appended;
      }
      metrics.events.inc({ type });
      trace?.stored?.(event, appended.sequence, started);
      eventStored.tell(event, appended.sequence);
      if (stateKey !== undefined) {
        const state = stateOf(event, appended.sequence);
        if (ends === true) states.delete(stateKey);
        else states.set(stateKey, state);
        stateChanged.tell(state);
      }
      return appended;
    } catch (error) {
      metrics.refused.inc();
      const { code, message } = error as Error & { code?: string };
      failures.warn(
        `journal ${code}`,
        { code, error: message, type, device },
        'an event could not be put on disk; its device gets no acknowledgement',
      );
      throw error;
    }
  };

  const retry = () => {
    if (waiting.size === 0) {
      clearInterval(retries);
      retries = undefined;
    }
    for (const item of waiting.values()) if (item.saving === undefined) save(item).catch(() => {});
  };
  const saveLater = (item: Item) => {
    // The journal is closed too: trying again would only hold the process up.
    if (closed) return;
    waiting.set(item.event.id, item);
    retries ??= setInterval(retry, RETRY_EVERY_MS);
  };
  /** Lets an alarm go out from memory, and keeps trying to put it on disk. */
  const goAhead = (item: Item) => {
    const { event, type, device } = item;
    if (unsaved.has(event.id)) return;
    if (unsaved.size >= MAX_UNSAVED) {
      failures.warn(
        'too many unsaved',
        { device },
        'too many alarms wait for the disk; one more was refused',
      );
      return;
    }
    unsaved.set(event.id, { id: event.id, type, device, body: JSON.stringify(event) });
    metrics.unsaved.set(unsaved.size);
    saveLater(item);
    alarmUnsaved.tell(event);
  };
  const saveAlarm = async (item: Item): Promise<Appended> => {
    const slow = setTimeout(() => goAhead(item), SLOW_DISK_MS);
    try {
      return await save(item);
    } catch (error) {
      goAhead(item);
      throw error;
    } finally {
      clearTimeout(slow);
    }
  };
  /** The same alarm, told again by a device that got no acknowledgement: one event, one id. */
  const findWaiting = (stateKey: string | undefined, observation: Observation) => {
    const { repeat, state } = observation;
    const items = [...waiting.values()];
    if (repeat !== undefined) return items.find((item) => item.repeat?.key === repeat.key);
    // Of a state, only the last word counts.
    const last = items.findLast((item) => stateKey !== undefined && item.stateKey === stateKey);
    return last?.event.data['state'] === state ? last : undefined;
  };

  return {
    states,
    unsaved,
    isLoaded: () => loaded,
    reload,
    onState: stateChanged.on,
    onUnsaved: (listener) => void alarmUnsaved.on(listener),
    onStored: (listener) => void eventStored.on(listener),
    async record(observation) {
      const stateKey = stateKeyOf(observation);
      const type = eventTypeOf(observation);
      const again = waiting.size > 0 ? findWaiting(stateKey, observation) : undefined;
      if (again !== undefined) return { ...(await save(again)), repeated: true };
      if (observation.initial === true && stateKey !== undefined) {
        const known = states.get(stateKey);
        const raised = observation.state === 'raised';
        // Of what was never heard of, quiet is no news; that a device answers is.
        const same = known === undefined ? !raised && observation.kind !== 'link' : known.raised === raised;
        if (same) return { sequence: null, id: null, repeated: true };
      }
      const event = toEvent(observation, context(observation.device));
      trace?.seen?.(event);
      const { device, repeat } = observation;
      const ends = endsForGood(observation);
      const item: Item = { event, type, device, stateKey, ends, repeat, seenAt: clock.now() };
      return await (laneOf(type) === 'urgent' ? saveAlarm(item) : save(item));
    },
    async recordAbout(alarm, type, fact) {
      const event = eventAbout(alarm, type, fact, context());
      const { device } = alarm.data as { device: { id: string } };
      trace?.seen?.(event);
      return await save({
        event,
        type,
        device: device.id,
        stateKey: undefined,
        // One alarm is taken once; who says so again hears of the first.
        repeat: { key: `${type.slice('alarm.'.length)}/${alarm.id}`, within: Number.MAX_SAFE_INTEGER },
        seenAt: clock.now(),
      });
    },
    async recordMedia(about) {
      const type = 'media.kept';
      const event = mediaEvent(type, { ...about, part: 0 }, context(about.device));
      trace?.seen?.(event);
      const { device } = about;
      return await save({ event, type, device, stateKey: undefined, repeat: undefined, seenAt: clock.now() });
    },
    close() {
      closed = true;
      clearInterval(retries);
      failures.close();
    },
    async recordOwn(type, details) {
      const event = gatewayEvent(type, details, context());
      trace?.seen?.(event);
      const item: Item = {
        event,
        type,
        device: 'gateway',
        stateKey: undefined,
        repeat: undefined,
        seenAt: clock.now(),
      };
      await save(item).catch(() => {
        // Of the gateway's own words, too, memory keeps so many.
        if (waiting.size < MAX_UNSAVED) saveLater(item);
      });
    },
  };
}

function stateOf(event: Event, sequence: number): State {
  const { device, state } = event.data as { device: { id: string }; state: string };
  return { device: device.id, raised: state === 'raised', event, sequence };
}

/** The retained state of one device: whether it answers, and what is active (alarms, faults, armed areas). */
export function deviceState(device: string, states: Iterable<State>) {
  const own = [...states].filter((state) => state.device === device);
  const links = own.filter(({ event }) => event.data['kind'] === 'link');
  const active = own.filter(({ raised, event }) => raised && event.data['kind'] !== 'link');
  return {
    device,
    state: links.length === 0 ? 'unknown' : links.some((link) => link.raised) ? 'offline' : 'online',
    active: active.map(({ event, sequence }) => ({
      type: event.type.slice(typePrefix.length),
      kind: event.data['kind'],
      ...(event.subject !== undefined && { subject: event.subject }),
      ...(event.data['cause'] !== undefined && { cause: event.data['cause'] }),
      since: event.time,
      id: event.id,
      sequence: String(sequence),
    })),
  };
}
