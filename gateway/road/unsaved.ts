/**
 * What the disk refused, or is slow to take. An alarm goes out from memory then, unacknowledged, and is tried again
 * until it is on disk, with the same id; what the gateway says of itself is tried again too. All else is refused: its
 * device tries again.
 */
import type { Event, EventType } from '../../config/catalogue/events.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import type { Appended, AppendRequest } from '../journal/index.ts';
import { signal } from '../lifecycle/signal.ts';
import type { BurstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

/** What is to be put on disk. */
export interface Item {
  readonly event: Event;
  readonly entry: AppendRequest & { readonly type: EventType };
  /** An alarm that a device raised: it does not wait for the disk. */
  readonly alarm: boolean;
  /** While a try is under way; nobody else may try. */
  saving?: Promise<Appended> | undefined;
  /** Of an alarm: the disk has answered, it needs not be watched. */
  inTime?: () => void;
}

/** An alarm that the disk has not taken: it goes out from memory meanwhile. */
export interface Unsaved {
  readonly id: string;
  readonly type: EventType;
  readonly device: string;
  readonly body: string;
}

export interface Waiting {
  /** Alarms that go out from memory, by id. */
  readonly alarms: ReadonlyMap<string, Unsaved>;
  /** The disk has an alarm to write: it goes out from memory, too, when that takes long. */
  watchAlarm(item: Item): void;
  /** Lets an alarm that the disk refused go out from memory, and tries it again until it is on disk. */
  keepAlarm(item: Item): void;
  /** Tries again until it is on disk, as far as memory holds it. */
  keepOwn(item: Item): void;
  noteSaved(item: Item): void;
  /** What waits of the same, told again by a device that got no acknowledgement: one event, one id. */
  findAgain(stateKey: string | undefined, observation: Observation): Item | undefined;
  /**
   * Whether a word on a state must wait behind older ones, so that the disk has the last word last. Where the disk takes
   * events, the older ones are tried at once instead.
   */
  isBehind(stateKey: string | undefined): boolean;
  /** Calls back when there is an alarm to be sent from memory. */
  onAlarm(listener: (event: Event) => void): () => void;
  /** Tries nothing any more. */
  close(): void;
}

/** An alarm waits this long for the disk before it goes out from memory, and a siren before it sounds. */
const SLOW_DISK_MS = 300;
const RETRY_EVERY_MS = 1000;
/** Alarms in memory: more are refused, which their devices hear by getting no acknowledgement. */
const MAX_UNSAVED = 10_000;

export function createWaiting(options: {
  /** One try. */
  readonly save: (item: Item) => Promise<Appended>;
  readonly isDiskGood: () => boolean;
  readonly time: Clock;
  readonly metrics: Pick<Metrics, 'unsaved'>;
  readonly bursts: BurstLog;
  readonly log: Log;
}): Waiting {
  const { save, isDiskGood, time, metrics, bursts, log } = options;
  const alarms = new Map<string, Unsaved>();
  /** What we try again, by id. */
  const items = new Map<string, Item>();
  /** Those, and alarms that the disk has to write, by what a device says that tells them again. */
  const byRepeat = new Map<string, Item>();
  const unsaved = signal<[Event]>('an alarm from memory', log);
  let retries: Timer | undefined;
  let closed = false;

  const waitingOf = (stateKey: string | undefined) =>
    stateKey === undefined ? [] : [...items.values()].filter(({ entry }) => entry.stateKey === stateKey);
  const tryAgain = (item: Item) => {
    if (item.saving === undefined) save(item).catch(() => {});
  };
  const retry = () => {
    if (items.size === 0) {
      retries?.stop();
      retries = undefined;
    }
    for (const item of items.values()) tryAgain(item);
  };
  const keep = (item: Item) => {
    // The journal is closed too: trying again would only hold the process up.
    if (closed) return;
    items.set(item.event.id, item);
    retries ??= time.every(RETRY_EVERY_MS, retry);
  };
  const remember = (item: Item) => {
    const { repeat } = item.entry;
    if (repeat !== undefined) byRepeat.set(repeat.key, item);
  };
  const forget = (item: Item) => {
    const { repeat } = item.entry;
    if (repeat !== undefined && byRepeat.get(repeat.key) === item) byRepeat.delete(repeat.key);
  };
  const keepAlarm = (item: Item) => {
    const { event, entry } = item;
    if (alarms.has(event.id)) return;
    if (alarms.size >= MAX_UNSAVED) {
      const { device } = entry;
      bursts.warn('too many unsaved', { device }, 'too many alarms wait for the disk; one more was refused');
      return;
    }
    alarms.set(event.id, entry);
    metrics.unsaved.set(alarms.size);
    keep(item);
    unsaved.tell(event);
  };
  const slow = createPatience(SLOW_DISK_MS, time, keepAlarm);

  return {
    alarms,
    watchAlarm(item) {
      if (closed) return;
      item.inTime = slow.add(item);
      remember(item);
    },
    keepAlarm(item) {
      item.inTime?.();
      keepAlarm(item);
      // There may be no more room.
      if (items.has(item.event.id)) remember(item);
      else forget(item);
    },
    keepOwn(item) {
      if (items.size < MAX_UNSAVED) keep(item);
    },
    noteSaved(item) {
      const { id } = item.event;
      item.inTime?.();
      forget(item);
      if (items.size === 0) return;
      items.delete(id);
      if (alarms.delete(id)) metrics.unsaved.set(alarms.size);
    },
    findAgain(stateKey, { repeat, state }) {
      if (repeat !== undefined) return byRepeat.get(repeat.key);
      if (items.size === 0) return undefined;
      // Of a state, only the last word counts.
      const last = waitingOf(stateKey).at(-1);
      return last?.event.data['state'] === state ? last : undefined;
    },
    isBehind(stateKey) {
      if (items.size === 0) return false;
      const older = waitingOf(stateKey);
      if (!isDiskGood()) return older.length > 0;
      for (const item of older) tryAgain(item);
      return false;
    },
    onAlarm: unsaved.on,
    close() {
      closed = true;
      retries?.stop();
      slow.close();
    },
  };
}

/**
 * Calls `late` with what waits for longer than `ms` and was not let go: one timer for all. What was let go is not held:
 * an alarm that is garbage at once costs 3.8 µs, one that lives for 300 ms costs 7.
 */
function createPatience<T extends object>(ms: number, time: Clock, late: (one: T) => void) {
  /** In the order in which they came. */
  let queue: { one: T | undefined; readonly since: number }[] = [];
  let open = 0;
  let timer: Timer | undefined;
  const letGo = (place: { one: T | undefined }) => {
    if (place.one === undefined) return;
    place.one = undefined;
    open--;
    if (open === 0) queue = [];
  };
  const look = () => {
    timer = undefined;
    const now = time.elapsed();
    const due = queue.findIndex(({ one, since }) => one !== undefined && since + ms > now);
    const passed = queue.splice(0, due < 0 ? queue.length : due);
    const [next] = queue;
    if (next !== undefined) timer = time.after(next.since + ms - now, look);
    for (const place of passed) {
      const { one } = place;
      letGo(place);
      if (one !== undefined) late(one);
    }
  };
  return {
    /** Gives what lets it go. */
    add(one: T): () => void {
      const place = { one, since: time.elapsed() };
      queue.push(place);
      open++;
      timer ??= time.after(ms, look);
      return () => letGo(place);
    },
    close: () => timer?.stop(),
  };
}
