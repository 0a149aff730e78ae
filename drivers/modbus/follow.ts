/**
 * Follows one device by its profile: images in, observations out. The first image that has a point gives its state as
 * found (`initial`); later ones give changes only. What was not read, or is no value, changes nothing.
 */
import type { DeviceObservation } from '../contract/observation.ts';
import { type ZoneOptions, zoneOf } from '../contract/options.ts';
import { type Point, widthOf } from './point.ts';
import { type Image, imageKey, type Profile } from './profile.ts';

export interface Told {
  readonly observation: DeviceObservation;
  readonly point: Point;
}
/** `first`: what would end is kept for the `second` image, read anew, and ends where that says so too. */
export type Reading = 'only' | 'first' | 'second';
export interface Follower {
  /** `now`: elapsed ms. */
  take(image: Image, now: number, reading?: Reading): Told[];
  /** Something would have ended by the `first` image. */
  readonly isEnding: boolean;
  /** The points that stand. */
  standing(): ReadonlySet<Point>;
  /** Values that no rule knows, since it was last asked; one that stays is told once. */
  strange(): { readonly address: number; readonly value: number }[];
}

/** The bytes of a number, the highest first. `order` names them as they lie in the registers. */
function bytesOf(words: readonly number[], order: string): number[] {
  const lie = words.flatMap((one) => [one >> 8, one & 0xff]);
  if (lie.length === 2) return order === 'BADC' || order === 'DCBA' ? lie.reverse() : lie;
  return [...'ABCD'].map((letter) => lie[order.indexOf(letter)] ?? 0);
}

/** What stands there, as an unsigned number; undefined: it was not read, or the device says that it is no value. */
export function rawOf(image: Image, point: Point): number | undefined {
  const words = Array.from({ length: widthOf(point) }, (_, i) =>
    image.get(imageKey(point.function, point.address + i)),
  );
  if (words.includes(undefined)) return undefined;
  const bytes = bytesOf(words as number[], 'order' in point ? point.order : 'ABCD');
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return point.invalid.includes(value) ? undefined : value;
}

function masked(value: number, mask: number | undefined): number {
  return mask === undefined ? value : (value & mask) >>> (31 - Math.clz32(mask & -mask));
}

/** What a float of 32 bits knows (IEEE 754), and what one register or two can say. */
const FLOAT_DIGITS = 7;
const DIGITS = 12;

/** The value with its unit; rounded, so that 3 * 0.1 is 0.3. */
export function measure(image: Image, point: Extract<Point, { scale: number }>): number | undefined {
  const raw = rawOf(image, point);
  if (raw === undefined) return undefined;
  const number = numberOf(masked(raw, point.mask), point);
  const value = number * point.scale + point.offset;
  const digits = point.type === 'float32' ? FLOAT_DIGITS : DIGITS;
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : undefined;
}

function numberOf(raw: number, { type, signed }: Extract<Point, { scale: number }>): number {
  if (type === 'float32') {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, raw);
    return view.getFloat32(0);
  }
  if (type === 'int32') return raw | 0;
  return type === 'int16' || signed ? (raw << 16) >> 16 : raw;
}

/** A point, or one value of one that has a meaning for each. */
interface Track {
  readonly point: Point;
  readonly code: Pick<Point, 'kind' | 'cause' | 'sia' | 'contactId'>;
  readonly values?: number[];
  state?: boolean;
  /** What it would be, were it not for its debounce; since when. */
  turning?: { readonly to: boolean; readonly since: number } | undefined;
  /** It was off when it was read first. */
  isEnding?: boolean;
}

function tracksOf(point: Point): Track[] {
  if ('values' in point) {
    // Values of one meaning are one alarm: from one to the other nothing ends.
    const byMeaning = new Map<string, Track & { readonly values: number[] }>();
    for (const [value, own] of Object.entries(point.values)) {
      const code = { ...point, ...own };
      const key = `${code.kind} ${code.cause}`;
      const track = byMeaning.get(key) ?? { point, code, values: [] };
      track.values.push(Number(value));
      byMeaning.set(key, track);
    }
    return [...byMeaning.values()];
  }
  const isLimited = !('scale' in point) || point.below !== undefined || point.above !== undefined;
  return isLimited ? [{ point, code: point }] : [];
}

/** What a point that is no number reads, behind its mask; of a bit 0 or 1. */
function bitsOf(image: Image, point: Exclude<Point, { scale: number }>): number | undefined {
  const raw = rawOf(image, point);
  if (raw === undefined) return undefined;
  const found = masked(raw, point.mask);
  return 'bit' in point && point.bit !== undefined ? (found >>> point.bit) & 1 : found;
}

/** Whether a point is on; undefined: not known. `was`: for hysteresis. */
function isOn(image: Image, point: Point, was: boolean, values?: readonly number[]): boolean | undefined {
  if ('scale' in point) {
    const measured = measure(image, point);
    if (measured === undefined) return undefined;
    const slack = was ? point.hysteresis : 0;
    return (
      (point.below !== undefined && measured < point.below + slack) ||
      (point.above !== undefined && measured > point.above - slack)
    );
  }
  const found = bitsOf(image, point);
  if (found === undefined) return undefined;
  if ('values' in point) {
    if (!(found in point.values)) return point.normal.includes(found) ? false : undefined;
    return values === undefined || values.includes(found);
  }
  const wanted = point.equals;
  const on = wanted === undefined ? found !== 0 : [wanted].flat().includes(found);
  return on !== point.inverted;
}

/** Whether all that a point depends on is so; undefined: not known. */
function conditions({
  points,
}: {
  readonly points: readonly Point[];
}): (image: Image, point: Point) => boolean | undefined {
  const named = new Map(points.map((point) => [point.name, point]));
  const holds = (image: Image, name: string, wanted: boolean | number | readonly number[]) => {
    const gate = named.get(name);
    if (gate === undefined) return undefined;
    if (typeof wanted === 'boolean') {
      const on = isOn(image, gate, false);
      return on === undefined ? undefined : on === wanted;
    }
    const found = 'scale' in gate ? measure(image, gate) : bitsOf(image, gate);
    return found === undefined ? undefined : [wanted].flat().includes(found);
  };
  return (image, { when }) => {
    if (when === undefined) return true;
    const all = typeof when === 'string' ? { [when]: true } : when;
    const held = Object.entries(all).map(([name, wanted]) => holds(image, name, wanted));
    return held.includes(false) ? false : held.includes(undefined) ? undefined : true;
  };
}

/** What a point says now, for people: `on`, `6.5`, `touched`, `?`; `(on)`: its conditions are not met. */
export function pointState(image: Image, points: readonly Point[], point: Point): string {
  if ('scale' in point) return String(measure(image, point) ?? '?');
  const raw = rawOf(image, point);
  if (raw === undefined) return '?';
  const found = masked(raw, point.mask);
  const on = isOn(image, point, false);
  const words =
    'values' in point
      ? (point.values[found]?.cause ??
        point.values[found]?.kind ??
        (on === undefined ? `${found}?` : 'normal'))
      : on === true
        ? 'on'
        : 'off';
  return conditions({ points })(image, point) === true ? words : `(${words})`;
}

const codesOf = ({ sia, contactId }: Track['code'], raised: boolean) => ({
  ...(sia !== undefined && raised && { sia }),
  ...(contactId !== undefined && { contactId: `${raised ? 'E' : 'R'}${contactId}` }),
});

/** Lets a state count when it has stood for the debounce; the first one at once. @returns whether it changed. */
function turn(track: Track, to: boolean, now: number, reading: Reading): boolean {
  const wasEnding = track.isEnding === true;
  track.isEnding = false;
  if (track.state === to) {
    track.turning = undefined;
    return false;
  }
  const debounce = track.point.debounce ?? 0;
  if (track.state !== undefined && debounce > 0) {
    if (track.turning?.to !== to) track.turning = { to, since: now };
    if (now - track.turning.since < debounce) return false;
  }
  if (track.state === true && reading !== 'only' && !(reading === 'second' && wasEnding)) {
    track.isEnding = reading === 'first';
    return false;
  }
  track.turning = undefined;
  track.state = to;
  return true;
}

export function follow(profile: Profile, device: string, zones: readonly ZoneOptions[]): Follower {
  const tracks = profile.points.flatMap(tracksOf);
  const isAllowed = conditions(profile);
  const odd = new Map<Point, number>();
  const strange: { address: number; value: number }[] = [];

  const kindOf = ({ point, code }: Track) =>
    code.kind ?? zones.find((one) => one.zone === point.zone)?.kind ?? 'intrusion';
  /** What its states are told apart by. */
  const thingOf = (track: Track) => {
    const kind = kindOf(track);
    return `${track.point.zone} ${kind} ${kind === 'arming' ? '' : track.code.cause}`;
  };
  const noteStrange = (image: Image) => {
    for (const point of profile.points) {
      if (!('values' in point)) continue;
      const raw = rawOf(image, point);
      const value = raw === undefined ? undefined : masked(raw, point.mask);
      if (value === undefined || value in point.values || point.normal.includes(value)) odd.delete(point);
      else if (odd.get(point) !== value) {
        odd.set(point, value);
        strange.push({ address: point.address, value });
      }
    }
  };
  const detailsOf = (image: Image, zone: number | undefined) =>
    Object.fromEntries(
      profile.points.flatMap((other) => {
        if (!('scale' in other) || (other.zone !== undefined && other.zone !== zone)) return [];
        const value = measure(image, other);
        return value === undefined ? [] : [[other.name, value]];
      }),
    );
  const told = (image: Image, track: Track, on: boolean, initial: boolean): Told => {
    const { point, code } = track;
    const { zone } = point;
    const details = detailsOf(image, zone);
    return {
      point,
      observation: {
        device,
        kind: kindOf(track),
        state: on ? 'raised' : 'restored',
        ...(zone !== undefined && { zone: zoneOf(zones, zone) }),
        ...(code.cause !== undefined && { cause: code.cause }),
        ...(initial && { initial: true }),
        codes: codesOf(code, on),
        ...(Object.keys(details).length > 0 && { details }),
      },
    };
  };
  return {
    take(image, now, reading = 'only') {
      noteStrange(image);
      if (reading === 'first') for (const track of tracks) track.isEnding = false;
      return tracks.flatMap((track) => {
        const { point, state } = track;
        const found = isOn(image, point, state === true, track.values);
        const allowed = isAllowed(image, point);
        const on = allowed === true ? found : allowed;
        if (on === undefined || !turn(track, on, now, reading)) return [];
        // Of one meaning in one zone there is one alarm: it ends when none of its points stands any more.
        if (!on && tracks.some((other) => other.state === true && thingOf(other) === thingOf(track)))
          return [];
        return [told(image, track, on, state === undefined)];
      });
    },
    get isEnding() {
      return tracks.some(({ isEnding }) => isEnding === true);
    },
    standing: () => new Set(tracks.filter(({ state }) => state === true).map(({ point }) => point)),
    strange() {
      return strange.splice(0);
    },
  };
}
