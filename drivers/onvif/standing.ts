/**
 * What stands at a camera. Topic, Source and Key together name one property (ONVIF Core 9.5.1), and several of them may
 * hold one state: the objects in a zone, the inputs of a zone of ours, the same motion on two topics. It is raised with
 * the first that begins, and ends with the last.
 */
import type { Clock, Timer } from '../contract/clock.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import { type Meant, nameOf } from './mapping.ts';
import type { Notification } from './notifications.ts';

/** What only happens, without an end, is over after this. */
const PASSING_MS = 3000;
/** States of one address at once whose end is waited for: each rule of each channel of the largest recorder has one. */
const STATES_MAX = 2000;
/** Objects at once of one state: more than a picture shows. */
const HOLDERS_MAX = 200;

interface Holder {
  /** Its topic and source: without its key. */
  readonly of: string;
  /** Of the last subscription: whether it is still there was not said in this one. */
  isStale: boolean;
}

interface Standing {
  readonly observation: DeviceObservation;
  /** The source that it is of; undefined: nobody joins it. */
  readonly source: string | undefined;
  /** What of the source, by a name; undefined: the source as a whole. */
  name: string | undefined;
  end: Timer;
  readonly holders: Map<string, Holder>;
}

/** Holds what stood before we began: which property it was is not known. */
const BEFORE = '';
/** What stood before we began is said anew in this time by a camera that does. */
const ANEW_MS = 30_000;

interface Of {
  readonly clearAfter: number;
  readonly source: string | undefined;
}

/** What the gateway tells states apart by. */
const keyOf = ({ device, kind, cause, zone, details }: DeviceObservation) =>
  JSON.stringify([
    device,
    kind,
    cause,
    ...(zone === undefined ? [details?.['part'], details?.['source']] : [zone.number]),
  ]);

const isOfPart = (one: DeviceObservation, other: DeviceObservation) =>
  one.details?.['part'] === other.details?.['part'];

const itemsKey = (items: Readonly<Record<string, string>>) =>
  Object.entries(items).toSorted(([one], [other]) => (one < other ? -1 : 1));
/** A property, whatever it means. */
const propertyOf = ({ topic, source }: Notification) => JSON.stringify([topic, itemsKey(source)]);

type Store = ReturnType<typeof createStore>;

function createStore(clock: Clock, assume: (observation: DeviceObservation) => void) {
  const standing = new Map<string, Standing>();
  /** Which state a holder holds. */
  const heldBy = new Map<string, string>();
  const endLater = (key: string, observation: DeviceObservation, ms: number): Timer =>
    clock.after(ms, () => {
      remove(key);
      assume(observation);
    });
  function remove(key: string) {
    const found = standing.get(key);
    found?.end.stop();
    for (const holder of found?.holders.keys() ?? []) heldBy.delete(holder);
    standing.delete(key);
  }
  function release(found: Standing, holder: string) {
    found.holders.delete(holder);
    heldBy.delete(holder);
  }
  return { standing, heldBy, endLater, remove, release };
}

/**
 * A camera tells the same motion by its detector (`RuleEngine/CellMotionDetector`, a rule) and by its source
 * (`VideoSource/MotionAlarm`; ONVIF Imaging 6.3): the second is the first.
 */
function joinedBy(
  standing: Store['standing'],
  { observation }: Meant,
  name: string | undefined,
  source: string | undefined,
) {
  const { device, kind, cause } = observation;
  if (source === undefined || kind !== 'video') return undefined;
  for (const [key, one] of standing) {
    const { observation: other } = one;
    const isSame = other.device === device && other.kind === kind && other.cause === cause;
    if (!isSame || one.source !== source) continue;
    if (name !== undefined && one.name !== undefined) continue;
    return key;
  }
  return undefined;
}

function raise(
  { standing, heldBy, endLater, release }: Store,
  holder: string,
  of: string,
  meant: Meant,
  name: string | undefined,
  more: Of,
) {
  const { observation, passing } = meant;
  const own = keyOf(observation);
  const joined = standing.has(own)
    ? undefined
    : passing
      ? undefined
      : joinedBy(standing, meant, name, more.source);
  const key = heldBy.get(holder) ?? joined ?? own;
  const before = standing.get(key);
  const held = before?.holders.get(holder);
  const holders = before?.holders ?? new Map<string, Holder>();
  const first = before?.observation ?? observation;
  before?.end.stop();
  if (!passing) {
    // Of one source those are there that it says anew.
    if (observation.initial === true && before !== undefined)
      for (const [other, one] of holders)
        if (one.isStale && one.of === of && other !== holder) release(before, other);
    holders.delete(holder);
    holders.set(holder, { of, isStale: false });
    heldBy.set(holder, key);
    const [oldest] = holders.keys();
    if (holders.size > HOLDERS_MAX && oldest !== undefined) {
      holders.delete(oldest);
      heldBy.delete(oldest);
    }
  }
  const end = endLater(key, first, holders.size === 0 ? PASSING_MS : more.clearAfter);
  standing.set(key, {
    ...{ observation: first, source: before?.source ?? more.source, end, holders },
    name: before?.name ?? name,
  });
  // `Changed` is a change: who says the same again says nothing. After a break it may have ended and begun again.
  const isSaid = held !== undefined && !held.isStale && observation.initial !== true;
  return isSaid || (key !== own && before !== undefined) ? undefined : observation;
}

function lower(
  { standing, heldBy, endLater, remove, release }: Store,
  holder: string,
  of: string,
  { observation, object }: Meant,
  clearAfter: number,
) {
  const key = heldBy.get(holder) ?? keyOf(observation);
  const found = standing.get(key);
  // It may have been told before we began: an event where the gateway knows it so.
  if (found === undefined)
    return observation.kind === 'contact' ? observation : { ...observation, initial: true };
  // One that tells no objects apart ends them all, and is ended by any.
  for (const [other, one] of found.holders)
    if (
      other === holder ||
      (other === BEFORE && isOfPart(found.observation, observation)) ||
      (one.of === of && (object === undefined || other === of))
    )
      release(found, other);
  if (found.holders.size > 0) {
    found.end.stop();
    found.end = endLater(key, found.observation, clearAfter);
    return undefined;
  }
  remove(key);
  const { initial: _initial, ...first } = found.observation;
  return key === keyOf(observation) ? observation : { ...first, state: 'restored' as const };
}

/** A property is no more: @returns the ends of what it held, whatever it meant; undefined: it held nothing. */
function drop(
  { standing, heldBy, remove, release }: Store,
  device: string,
  notification: Notification,
): readonly DeviceObservation[] | undefined {
  const start = JSON.stringify([propertyOf(notification), device]).slice(0, -1);
  const object = notification.key === undefined ? undefined : Object.values(notification.key).join('/');
  const held = [...heldBy].filter(
    ([holder]) => holder.startsWith(start) && (object === undefined || holder.endsWith(`]${object}`)),
  );
  if (held.length === 0) return undefined;
  return held.flatMap(([holder, key]) => {
    const found = standing.get(key);
    if (found === undefined) return [];
    release(found, holder);
    if (found.holders.size > 0) return [];
    remove(key);
    const { initial: _initial, ...first } = found.observation;
    return [{ ...first, state: 'restored' as const }];
  });
}

export function createStanding(clock: Clock, assume: (observation: DeviceObservation) => void) {
  const store = createStore(clock, assume);
  const { standing, remove } = store;
  return {
    has: (observation: DeviceObservation) => standing.has(keyOf(observation)),
    isFull: (observation: DeviceObservation) =>
      standing.size >= STATES_MAX && observation.state === 'raised' && !standing.has(keyOf(observation)),
    /** What of it is to be told. */
    note(notification: Notification, meant: Meant, more: Of): DeviceObservation | undefined {
      const { kind, cause, zone, device, state } = meant.observation;
      const of = JSON.stringify([propertyOf(notification), device, kind, cause, zone?.number]);
      const holder = meant.object === undefined ? of : `${of}${meant.object}`;
      if (state === 'raised') return raise(store, holder, of, meant, nameOf(notification), more);
      return lower(store, holder, of, meant, more.clearAfter);
    },
    drop: (device: string, notification: Notification) => drop(store, device, notification),
    /** It stood before we began, and ends as all do. */
    recall(raised: DeviceObservation, clearAfter: number) {
      const { seen = 0, ...observation } = raised;
      const key = keyOf(observation);
      if (standing.has(key) || standing.size >= STATES_MAX) return;
      const left = Math.min(clearAfter, Math.max(ANEW_MS, seen + clearAfter - clock.wall()));
      standing.set(key, {
        ...{ observation, source: undefined, name: undefined },
        end: store.endLater(key, observation, left),
        holders: new Map([[BEFORE, { of: BEFORE, isStale: true }]]),
      });
    },
    forget: (observation: DeviceObservation) => remove(keyOf(observation)),
    begin() {
      for (const { holders } of standing.values()) for (const one of holders.values()) one.isStale = true;
    },
    close() {
      for (const { end } of standing.values()) end.stop();
    },
  };
}
