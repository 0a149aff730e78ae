/**
 * The board of alarms: what somebody has to look after, from before the start too. It follows what is recorded, with
 * what the disk has not taken yet; what was there before is read by a thread apart (alarm-history.ts), meanwhile what
 * happens is on the board already. Nothing of it is on the road of an alarm.
 */
import { type Event, readEvent } from '../../config/catalogue/events.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { isAlarmKind } from '../../drivers/contract/observation.ts';
import type { Campus } from '../campus.ts';
import { createIsolated } from '../lifecycle/isolated.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Recorder, State } from '../road/recorder.ts';
import {
  type AlarmBook,
  concernsAlarms,
  createAlarmBook,
  type Finished,
  isPressing,
  type KeptThing,
} from './alarm-book.ts';
import type { History, HistoryQuestion, readAlarmHistory } from './alarm-history.ts';
import type { Alarm, Alarms, FinishedAlarm } from './contract/alarms.ts';
import type { OpenAlarm } from './places.ts';

type Named = Alarm['device'];
type Listed = Omit<Alarms, 'sirens'>;

export interface BoardOptions {
  readonly dataDir: string;
  readonly recorder: Pick<Recorder, 'states' | 'unsaved' | 'onStored' | 'onUnsaved'>;
  readonly places: BoardPlaces;
  readonly time: Clock;
  readonly log: Log;
  /** Reads what stands from before; by default in a thread of its own. */
  readonly readHistory?: (question: HistoryQuestion) => Promise<History>;
}
/** What the config says of where alarms are. */
export interface BoardPlaces {
  /** Whether there is such a device or area still. */
  isKnown(device: string): boolean;
  areaOf(device: string, zone: number | undefined, account: unknown): Named | undefined;
  /** That see it: of the area, and the device itself where it is one. */
  camerasOf(device: string, area: string | undefined): readonly Named[];
}

/** @returns the places of a config. */
export function boardPlacesOf(
  { areas }: Pick<Config, 'areas'>,
  { cameras, kindOf, areaOf }: Pick<Campus, 'cameras' | 'kindOf' | 'areaOf'>,
): BoardPlaces {
  const byId = new Map(areas.map((area) => [area.id, area]));
  const named = ({ id, name }: { readonly id: string; readonly name?: string | undefined }): Named => ({
    id,
    ...(name !== undefined && { name }),
  });
  return {
    isKnown: (device) => kindOf(device) !== undefined,
    areaOf(device, zone, account) {
      const area = byId.get(areaOf(device, zone, account) ?? '');
      return area && named(area);
    },
    camerasOf: (device, area) =>
      cameras
        .filter(({ id }) => id === device || byId.get(area ?? '')?.cameras.includes(id) === true)
        .map(named),
  };
}

export interface Board extends Part {
  start(): void;
  /** All that stands, as far as it is listed; the same object while nothing changes. */
  list(): Listed;
  /** Whether a list is still what `list` gives. */
  isNewest(list: object): boolean;
  /** For a glance: things that stand, those that nobody took, and the most urgent of them; tests aside. */
  glance(): { readonly standing: number; readonly unacknowledged: number; readonly first: Alarm | undefined };
  /** What somebody has to look after, on a plan of the place: tests aside. */
  open(): readonly OpenAlarm[];
  /** The journal was opened anew: numbers are not what they were. */
  reload(): void;
}

/** What is restored and was not closed for so long is history: a school where nobody closes alarms has a board all the same. */
const KEPT_MS = 30 * 86_400_000;
const SHOWN_MAX = 200;
const AGAIN_MS = 30_000;
const SWEEP_MS = 600_000;
/** Of what happens while history is read; where more does, it is read again. */
const PENDING_MAX = 20_000;
/** A year of a busy campus on a slow disk. */
const HISTORY_MS = 120_000;

const readApart =
  (time: Clock, over: AbortSignal) =>
  async (input: HistoryQuestion): Promise<History> => {
    const isolated = createIsolated({ time, deadlineMs: HISTORY_MS });
    const end = () => void isolated.close();
    over.addEventListener('abort', end);
    const module = new URL('./alarm-history.ts', import.meta.url).href;
    const name = 'readAlarmHistory' satisfies (typeof readAlarmHistory)['name'];
    try {
      return (await isolated.run({ module, name, input })) as History;
    } finally {
      over.removeEventListener('abort', end);
      // The thread gives its memory back at once.
      await isolated.close();
    }
  };

const isAlarmState = ({ event }: State) => {
  const kind = String(event.data['kind']);
  return isAlarmKind(kind) || kind === 'forced';
};

export function createBoard(options: BoardOptions): Board {
  const { dataDir, recorder, places, time, log } = options;
  const over = new AbortController();
  const { readHistory = readApart(time, over.signal) } = options;
  const { states, unsaved } = recorder;
  const isRaised = (key: string) => {
    const state = states.get(key);
    return state?.raised === true && places.isKnown(state.device);
  };
  let book = createAlarmBook(isRaised);
  let listed: Listed | undefined;
  /** Something on the list may be from memory. */
  let early = false;
  let loaded = false;
  /** Since history was read. */
  let mostHeld = 0;
  /** What happens while history is read. */
  let pending: [Event, number | undefined][] | undefined;
  let again = false;
  const timers = new Set<Timer>();

  const follow = (event: Event, sequence: number | undefined) => {
    if (!concernsAlarms(event)) return;
    listed = undefined;
    book.apply(event, sequence);
    pending?.push([event, sequence]);
    if (pending !== undefined && pending.length > PENDING_MAX) {
      pending = [];
      again = true;
    }
    // There is room for what was let go.
    mostHeld = Math.max(mostHeld, book.size);
    if (loaded && book.size < mostHeld / 2 && book.content.more > 0) load();
  };
  const raisedNow = () =>
    [...states].filter(([key, state]) => state.raised && isAlarmState(state) && isRaised(key));
  const takeUp = ({ content, upTo }: History, meanwhile: readonly [Event, number | undefined][]) => {
    book = createAlarmBook(isRaised, content);
    for (const { body } of unsaved.values()) {
      const event = readEvent(body);
      if (event !== undefined && concernsAlarms(event)) book.apply(event, undefined);
    }
    const known = new Set(meanwhile.filter(([, at = Infinity]) => at <= upTo).map(([{ id }]) => id));
    for (const [event, sequence] of meanwhile) if (!known.has(event.id)) book.apply(event, sequence);
  };
  const load = () => {
    if (over.signal.aborted) return;
    again = pending !== undefined;
    if (again) return;
    pending = [];
    const raised = raisedNow().map(([key, { sequence }]) => [key, sequence] as const);
    readHistory({ dataDir, since: time.wall() - KEPT_MS, raised })
      .then(
        (history) => {
          takeUp(history, pending ?? []);
          loaded = true;
          mostHeld = book.size;
        },
        ({ message: error }: Error) => {
          if (over.signal.aborted) return;
          log.warn({ error }, 'the alarms from before could not be read; it is tried again');
          timers.add(time.after(AGAIN_MS, load));
        },
      )
      .finally(() => {
        pending = undefined;
        listed = undefined;
        if (again) load();
      });
  };
  recorder.onStored(follow);
  recorder.onUnsaved((event) => {
    early = true;
    follow(event, undefined);
  });

  const show = shower(places);
  const current = () => {
    // One that came from memory may turn out to be on disk already, as another: nothing tells of that.
    if (early) {
      book.forgetUnsaved((id) => unsaved.has(id));
      listed = undefined;
    }
    listed ??= { loading: !loaded, ...show(book) };
    early = unsaved.size > 0;
    return listed;
  };
  return {
    list: current,
    isNewest: (list) => !early && listed === list,
    glance() {
      const listed = current();
      const real = listed.alarms.filter((alarm) => !isTest(alarm));
      return {
        standing: real.length + listed.more,
        unacknowledged: listed.unacknowledged,
        first: real[0],
      };
    },
    open: () => openIn(book),
    reload: load,
    start() {
      load();
      const sweep = () => {
        listed = undefined;
        book.forgetBefore(time.wall() - KEPT_MS);
      };
      timers.add(time.every(SWEEP_MS, sweep));
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      for (const timer of timers) timer.stop();
    },
  };
}

function openIn({ content }: AlarmBook): readonly OpenAlarm[] {
  return content.things.flatMap(({ kind, cause, device, zone, account, raisings }) => {
    const since = raisings.find(({ test }) => test === undefined)?.time;
    return since === undefined
      ? []
      : [{ kind, cause, device: device.id, zone: zone?.number, account, since }];
  });
}

const isTest = ({ raisings }: Alarm) => raisings.every(({ test }) => test !== undefined);
const isUntaken = (alarm: Alarm) =>
  !isTest(alarm) &&
  alarm.raisings.some(({ acknowledged, closed }) => acknowledged === undefined && closed === undefined);

const rankOf = (alarm: Alarm) => (isTest(alarm) ? 0 : 2) + (isUntaken(alarm) ? 1 : 0);
/** What nobody took first, tests last; then the newest first. */
function byUrgency(one: Alarm, other: Alarm): number {
  const newest = ({ raisings: [first] }: Alarm) => first?.seenAt ?? '';
  const [a, b] = [newest(one), newest(other)];
  return rankOf(other) - rankOf(one) || (b < a ? -1 : b > a ? 1 : 0);
}

/** As many as are listed, in their order; of too many, those that nobody may overlook and nobody took first. */
function listedOf(alarms: readonly Alarm[]): readonly Alarm[] {
  if (alarms.length <= SHOWN_MAX) return alarms;
  const rank = (alarm: Alarm) => rankOf(alarm) * 2 + (isPressing(alarm) ? 1 : 0);
  const kept = new Set([...alarms].sort((one, other) => rank(other) - rank(one)).slice(0, SHOWN_MAX));
  return alarms.filter((alarm) => kept.has(alarm));
}

/** Of what is kept, what a page is told. */
function shower(places: BoardPlaces) {
  const show = showerOfOne(places);
  return ({ content, isActive }: AlarmBook): Omit<Listed, 'loading'> => {
    const { things, finished, more } = content;
    const alarms = things
      .map((thing) => show.alarm(thing, isActive))
      .filter(({ closes, active }) => closes || active)
      // Sorting is stable: of what came at once, the last one first.
      .reverse()
      .sort(byUrgency);
    const shown = listedOf(alarms);
    const count = (of: readonly Alarm[]) => of.reduce((sum, { raisings }) => sum + raisings.length, 0);
    return {
      alarms: [...shown],
      more: more + count(alarms) - count(shown),
      unacknowledged: alarms.filter(isUntaken).length,
      finished: finished.map(show.finished),
    };
  };
}

function showerOfOne(places: BoardPlaces) {
  const placed = <T extends Omit<KeptThing, 'raisings'>>({
    key,
    kind,
    cause,
    device,
    zone,
    account,
    part,
  }: T) => {
    const area = places.areaOf(device.id, zone?.number, account);
    return {
      ...{ key, kind, cause, device, zone, account, part, area },
      cameras: [...places.camerasOf(device.id, area?.id)],
    };
  };
  const raising = ({ sequence, ...rest }: KeptThing['raisings'][number]) => ({
    ...rest,
    sequence: sequence === undefined ? null : String(sequence),
  });
  return {
    alarm: (thing: KeptThing, isActive: AlarmBook['isActive']): Alarm => ({
      ...placed(thing),
      active: thing.raisings.some((one) => isActive(thing, one)),
      closes: thing.kind !== 'forced',
      raisings: thing.raisings.map(raising).reverse(),
    }),
    finished: (one: Finished): FinishedAlarm => ({
      ...placed(one),
      raising: raising(one.raising),
    }),
  };
}
