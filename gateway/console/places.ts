/** What can stand on the plan, from the config; and how each of it is, from the latest words of devices. */
import type { Config } from '../../config/schema.ts';
import { camerasIn, listThings } from '../../config/things.ts';
import { listZones, placeOf, type ZonePlace, zoneKey } from '../../config/zones.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { inputName, type Things } from '../../drivers/contract/inventory.ts';
import { isAlarmKind } from '../../drivers/contract/observation.ts';
import type { Recorder, State } from '../road/recorder.ts';
import type { How, PlaceKind, PlaceLevel, Thing } from './contract/plan.ts';

/** An alarm that nobody closed, though its device may say no more of it. */
export interface OpenAlarm extends ZonePlace {
  readonly kind: string;
  readonly cause?: string | undefined;
  /** RFC 3339. */
  readonly since: string;
}

export interface PlacesOptions {
  readonly things: Pick<Things, 'list'>;
  readonly recorder: Pick<Recorder, 'states' | 'onStored' | 'onUnsaved'>;
  readonly devices: { online(device: string): boolean | undefined };
  readonly access: { doors(): readonly { readonly id: string; readonly state: string }[] };
  /** The alarms on the board, beside those of which devices say that they stand. */
  readonly openAlarms: () => Iterable<OpenAlarm>;
  readonly time: Clock;
}

export interface Places {
  /** All that may be placed: cameras and zones in the order of the config, then doors, readers, the other devices. */
  readonly things: readonly Thing[];
  /** By `keyOf`. */
  readonly byKey: ReadonlyMap<string, Thing>;
  /** How things are now. However many ask, and whatever happens, all states are looked at ten times a second at most. */
  look(): Promise<(thing: Thing) => How>;
}

export const keyOf = ({ kind, id }: { readonly kind: PlaceKind; readonly id: string }) => `${kind} ${id}`;

/** A look at 10,000 states takes some milliseconds; who asks does not see this wait. */
const LOOK_EVERY_MS = 100;
/** Where nothing happened: an exit delay ends without one, and a door that was unlocked is closed. */
const LOOK_AGAIN_MS = 500;

/** Of what stands at one thing so many are told. */
const STANDING_MAX = 10;

type Standing = How['standing'][number];
interface Said {
  readonly kind: string;
  readonly cause?: string;
  readonly zone?: { readonly number: number; readonly id?: string };
  readonly details?: Readonly<Record<string, unknown>>;
}

/** All that may be placed. */
export function listPlaceable(config: Pick<Config, 'devices' | 'areas' | 'access'>): readonly Thing[] {
  const { devices, access } = config;
  const nameOf = new Map(devices.map(({ id, name = id }) => [id, name]));
  const readers = new Set(access.doors.flatMap(({ reader }) => reader));
  for (const { id, commands = [] } of devices)
    if (commands.some(({ action }) => action === 'indicate')) readers.add(id);
  const cameras = new Set(camerasIn(config).map(({ id }) => id));
  const listed = listThings(config).flatMap((one): Thing[] => {
    const { kind, id, device, name, area } = one;
    const of = { id, name, device, ...(area && { area: { id: area.id, name: area.name } }) };
    if (kind === 'camera') return [{ kind, ...of }];
    // The whole device is one of the devices below.
    return id === device ? [] : [{ kind: 'zone', ...of }];
  });
  const device = (kind: 'reader' | 'device', id: string): Thing => ({
    ...{ kind, id, device: id },
    name: nameOf.get(id) ?? id,
  });
  return [
    ...listed,
    ...access.doors.map(
      ({ id, name = id, reader }): Thing => ({ kind: 'door', id, name, device: reader[0] ?? id }),
    ),
    ...devices.filter(({ id }) => readers.has(id)).map(({ id }) => device('reader', id)),
    ...devices.filter(({ id }) => !readers.has(id) && !cameras.has(id)).map(({ id }) => device('device', id)),
  ];
}

const saidIn = ({ event }: State) => event.data as unknown as Said;
const standingOf = ({ kind, cause }: Said, since: string): Standing => ({
  kind,
  ...(cause !== undefined && { cause }),
  since,
});

/** What a camera says of itself: it sees nothing. */
const BLIND = new Set(['tampered', 'signal-lost']);
const isTrouble = ({ kind, cause }: Standing) =>
  kind === 'fault' || kind === 'battery' || kind === 'power' || (kind === 'video' && BLIND.has(cause ?? ''));
const isSeen = ({ kind, cause }: Standing) => kind === 'video' && !BLIND.has(cause ?? '');

/** What stands, by zone and by device, and the zones that are bypassed; zones by `zoneKey`. */
function standingNow(states: Iterable<State>, alarms: Iterable<OpenAlarm>) {
  const byZone = new Map<string, Standing[]>();
  const byDevice = new Map<string, Standing[]>();
  const bypassed = new Set<string>();
  const add = (place: ZonePlace, one: Standing) => {
    const isSame = ({ kind, cause }: Standing) => kind === one.kind && cause === one.cause;
    const zone = zoneKey(place);
    if (byZone.get(zone)?.some(isSame)) return;
    byZone.set(zone, [...(byZone.get(zone) ?? []), one]);
    byDevice.set(place.device, [...(byDevice.get(place.device) ?? []), one]);
  };
  for (const state of states) {
    if (!state.raised) continue;
    const said = saidIn(state);
    // An area says of a zone that it is bypassed; the cause is the zone's device (arming/known.ts).
    if (said.kind === 'bypass') bypassed.add(zoneKey(placeOf({ ...said, device: said.cause ?? '' })));
    const one = standingOf(said, state.event.time);
    if (isAlarmKind(said.kind) || isTrouble(one) || isSeen(one))
      add(placeOf({ ...said, device: state.device }), one);
  }
  for (const { kind, cause, since, ...place } of alarms)
    add(place, standingOf({ kind, ...(cause !== undefined && { cause }) }, since));
  return { byZone, byDevice, bypassed };
}

function howOf(standing: readonly Standing[] = [], state: How['state'], otherwise: PlaceLevel): How {
  const newest = [...standing].sort((a, b) => (a.since < b.since ? 1 : -1));
  const shown = { state, standing: newest.slice(0, STANDING_MAX) };
  if (standing.some(({ kind }) => isAlarmKind(kind) || kind === 'forced'))
    return { level: 'alarm', ...shown };
  if (state === 'offline' || standing.some(isTrouble)) return { level: 'trouble', ...shown };
  if (otherwise === 'good' && standing.some(isSeen)) return { level: 'active', ...shown };
  return { level: otherwise, ...shown };
}

const doorLevels: Readonly<Record<string, PlaceLevel>> = {
  closed: 'good',
  unlocked: 'active',
  open: 'active',
  held: 'trouble',
  forced: 'alarm',
};

export function createPlaces(
  config: Pick<Config, 'devices' | 'areas' | 'access'>,
  { things, recorder, devices, access, openAlarms, time }: PlacesOptions,
): Places {
  const placeable = listPlaceable(config);
  const zoneKeys = zoneKeysOf(config);
  const withContact = new Set(config.access.doors.flatMap(({ id, contact }) => (contact ? [id] : [])));
  const look = () => {
    const { byZone, byDevice, bypassed } = standingNow(recorder.states.values(), openAlarms());
    const inputs = new Map(things.list().map((one) => [one.id, one]));
    const doors = new Map(access.doors().map(({ id, state }) => [id, state]));
    const ofDevice = ({ device }: Thing): How => {
      const online = devices.online(device);
      const standing = byDevice.get(device);
      if (online === undefined) return howOf(standing, 'unknown', 'unknown');
      return howOf(standing, online ? 'online' : 'offline', 'good');
    };
    const ofZone = ({ id, device }: Thing): How => {
      const { online, guard } = inputs.get(id) ?? { online: false };
      const key = zoneKeys.get(id) ?? '';
      const standing = byZone.get(key);
      // That it was well before the start is no word of now.
      if (devices.online(device) === undefined) return howOf(standing, 'unknown', 'unknown');
      if (!online) return howOf(standing, 'offline', 'trouble');
      if (bypassed.has(key)) return howOf(standing, 'bypassed', 'off');
      return guard === 'disarmed' ? howOf(standing, 'disarmed', 'off') : howOf(standing, 'armed', 'good');
    };
    const ofDoor = ({ id, device }: Thing): How => {
      const said = (doors.get(id) ?? 'unknown') as How['state'];
      // A door that nothing watches is not known to be closed.
      const state = said === 'closed' && !withContact.has(id) ? 'unknown' : said;
      const level = doorLevels[state] ?? 'unknown';
      // Nobody knows more of a door whose reader is silent than what its contact said last.
      if (level !== 'alarm' && devices.online(device) === false) return howOf([], 'offline', 'trouble');
      return { level, state, standing: [] };
    };
    return (thing: Thing): How => {
      if (thing.kind === 'door') return ofDoor(thing);
      return thing.kind === 'zone' ? ofZone(thing) : ofDevice(thing);
    };
  };
  return {
    things: placeable,
    byKey: new Map(placeable.map((one) => [keyOf(one), one])),
    look: shared(look, recorder, time),
  };
}

/** All who ask while one waits for its turn get the same; what happened before they asked is in it. */
function shared<T>(
  look: () => T,
  { onStored, onUnsaved }: Pick<Recorder, 'onStored' | 'onUnsaved'>,
  time: Clock,
) {
  let latest: { readonly at: number; readonly seen: T } | undefined;
  let changed = false;
  let next: Promise<T> | undefined;
  const change = () => {
    changed = true;
  };
  onStored(change);
  onUnsaved(change);
  const lookNow = () => {
    next = undefined;
    changed = false;
    const seen = look();
    latest = { at: time.elapsed(), seen };
    return seen;
  };
  return async (): Promise<T> => {
    const age = latest === undefined ? Number.POSITIVE_INFINITY : time.elapsed() - latest.at;
    if (latest !== undefined && !changed && age < LOOK_AGAIN_MS) return latest.seen;
    if (age >= LOOK_EVERY_MS) return lookNow();
    next ??= time.wait(LOOK_EVERY_MS - age).then(lookNow);
    return await next;
  };
}

/** The `zoneKey` of each zone of the config, by its name as an input. */
function zoneKeysOf({ devices }: Pick<Config, 'devices'>): ReadonlyMap<string, string> {
  return new Map(
    devices.flatMap((one) =>
      listZones(one).map(({ account, zone, id }) => [
        inputName(one.id, account, { number: zone, id }),
        zoneKey({ device: one.id, account, zone }),
      ]),
    ),
  );
}
