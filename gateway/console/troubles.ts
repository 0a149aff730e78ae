/** What stands at devices and keeps them from telling of an alarm, or tells of one: of the states that are recorded. */
import { isSameAccount, placeOf, zoneKey } from '../../config/zones.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { isAlarmKind } from '../../drivers/contract/observation.ts';
import type { State } from '../road/recorder.ts';
import type { Trouble } from './contract/troubles.ts';

export interface Troubles {
  /** Whether an alarm stands at a zone, by its `zoneKey`. */
  hasAlarm(zone: string): boolean;
  /** Of one zone, by its `zoneKey`. */
  atZone(zone: string): readonly Trouble[];
  /** Of a device as a whole; `account`: and of this panel of it. */
  ofDevice(device: string, account?: string): readonly Trouble[];
}

/** Shown of one device or zone: a panel that has more of them is looked at on its own page. */
const EACH_MAX = 20;
const REASON_MAX = 300;
/** A page asks every two seconds, twenty pages together ten times a second: one look is for all of them. */
const FRESH_MS = 250;
/** A camera that is covered, or has no picture, sees no alarm; it says so as `video`. */
const BLINDING: readonly (string | undefined)[] = ['tampered', 'signal-lost'];

interface Said {
  readonly kind: string;
  readonly cause?: string;
  readonly text?: string;
  readonly zone?: { readonly number: number };
  readonly details?: Readonly<Record<string, unknown>>;
}
const isTrouble = ({ kind, cause }: Said) =>
  ['link', 'fault', 'battery', 'power', 'tamper'].includes(kind) ||
  (kind === 'video' && BLINDING.includes(cause));

function troubleOf({ kind, cause, text, details = {} }: Said, since: string): Trouble {
  const { account, part, reason = text } = details;
  const words = {
    ...(cause !== undefined && { cause }),
    ...(account !== undefined && account !== '' && { account: String(account) }),
    ...(part !== undefined && part !== '' && { part: String(part) }),
    ...(typeof reason === 'string' && reason !== '' && { reason: reason.slice(0, REASON_MAX) }),
  };
  return { kind, ...words, since };
}

/** One look at all states. */
export function lookForTroubles(states: Iterable<State>): Troubles {
  const alarms = new Set<string>();
  const zones = new Map<string, Trouble[]>();
  const devices = new Map<string, Trouble[]>();
  const note = (map: Map<string, Trouble[]>, key: string, trouble: Trouble) => {
    const all = map.get(key) ?? [];
    if (all.length < EACH_MAX) all.push(trouble);
    map.set(key, all);
  };
  for (const { device, raised, event } of states) {
    const said = event.data as unknown as Said;
    if (!raised) continue;
    const place = placeOf({ ...said, device });
    if (place.zone !== undefined && isAlarmKind(said.kind)) alarms.add(zoneKey(place));
    if (!isTrouble(said)) continue;
    const trouble = troubleOf(said, event.time);
    if (place.zone === undefined) note(devices, device, trouble);
    else note(zones, zoneKey(place), trouble);
  }
  const isOfAnother = (account: string, { account: own, part, kind }: Trouble) => {
    const named = own ?? (kind === 'link' ? part : undefined);
    return named !== undefined && !isSameAccount(named, account);
  };
  return {
    hasAlarm: (zone) => alarms.has(zone),
    atZone: (zone) => zones.get(zone) ?? [],
    ofDevice: (device, account) =>
      (devices.get(device) ?? []).filter((one) => account === undefined || !isOfAnother(account, one)),
  };
}

/** Looks anew where the last look is old. */
export function createTroubles(
  states: ReadonlyMap<string, State>,
  time: Pick<Clock, 'elapsed'>,
): () => Troubles {
  let last: { readonly at: number; readonly found: Troubles } | undefined;
  return () => {
    const at = time.elapsed();
    if (last === undefined || at - last.at > FRESH_MS) last = { at, found: lookForTroubles(states.values()) };
    return last.found;
  };
}
