/**
 * A device model as data: which bits and registers mean what. Profiles are files in config/profiles/; a model is
 * never code. Vendors' maps differ: a profile is an example until it was checked on the hardware (`verified`).
 */
import { z } from 'zod';
import { type DeviceObservation, deviceKinds } from '../contract/observation.ts';
import { type ZoneOptions, zoneOf } from '../contract/options.ts';
import type { ReadFunction } from './codec.ts';

const meaning = {
  zone: z.int().min(0).optional().describe('The zone 防区 it belongs to; none: the whole device'),
  kind: z
    .enum(deviceKinds.filter((kind) => !['credential', 'visit', 'cancel', 'test'].includes(kind)))
    .optional()
    .describe(
      'What it means when it rises; its fall is the restore. Default: the kind of the zone in the config, else intrusion',
    ),
  cause: z.string().optional().describe('More finely: touched, broken-wire, short, low-voltage...'),
  sia: z.string().length(2).optional(),
  contactId: z
    .string()
    .regex(/^\d{3}$/)
    .optional(),
  when: z.string().optional().describe('Only while the bit of this name is 1'),
};
const at = {
  function: z
    .union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
    .describe('1 coil, 2 discrete input, 3 holding register, 4 input register'),
  address: z.int().min(0).max(65_535).describe('From 0, as on the wire'),
};
const bitPoint = z.strictObject({
  ...at,
  bit: z.int().min(0).max(15).optional().describe('Of a register; coils and inputs have none'),
  inverted: z.boolean().default(false).describe('0 raises it (normally closed contacts)'),
  name: z.string().optional().describe('For `when` of other points'),
  ...meaning,
});
const rangePoint = z.strictObject({
  ...at,
  scale: z.number().default(1).describe('Register times scale is the value'),
  signed: z.boolean().default(false),
  name: z.string().describe('The name of the value in events, with its unit: kilovolts, newtons'),
  below: z.number().optional().describe('Raised while under this'),
  above: z.number().optional().describe('Raised while over this'),
  hysteresis: z.number().min(0).default(0).describe('How far back it must come to be restored'),
  ...meaning,
});

export const profileSchema = z.strictObject({
  title: z.strictObject({ en: z.string(), zh: z.string() }),
  verified: z.boolean().describe('Checked on the hardware, not only from a manual'),
  points: z.array(z.union([bitPoint, rangePoint])).min(1),
});
export type Profile = z.output<typeof profileSchema>;
export type Point = Profile['points'][number];

/** One read transaction that covers neighbouring points. */
export interface Read {
  readonly function: ReadFunction;
  readonly address: number;
  readonly count: number;
}

/** Neighbours closer than this are read together: a turn on the line costs more than the bytes between. */
const GAP = 16;
const MAX_COUNT = 64;

/** The fewest reads that cover all points of a profile. */
export function readsOf(profile: Profile): Read[] {
  const reads: { function: ReadFunction; address: number; count: number }[] = [];
  const points = [...profile.points].sort((a, b) => a.function - b.function || a.address - b.address);
  for (const point of points) {
    const last = reads.at(-1);
    const near =
      last !== undefined &&
      last.function === point.function &&
      point.address - last.address - last.count < GAP;
    if (near && point.address - last.address < MAX_COUNT)
      last.count = Math.max(last.count, point.address - last.address + 1);
    else reads.push({ function: point.function, address: point.address, count: 1 });
  }
  return reads;
}

/** Values by function and address: 0 or 1 for coils and inputs, 0 to 65535 for registers. */
export type Image = ReadonlyMap<string, number>;
export const imageKey = (fn: number, address: number) => `${fn}/${address}`;

const codes = (point: Point, raised: boolean) => ({
  ...(point.sia !== undefined && raised && { sia: point.sia }),
  ...(point.contactId !== undefined && { contactId: `${raised ? 'E' : 'R'}${point.contactId}` }),
});

/**
 * Follows one device: images in, observations out. The first image gives each point's state as found (`initial`);
 * later ones give changes only.
 */
export function follow(
  profile: Profile,
  device: string,
  zones: readonly ZoneOptions[],
): (image: Image) => DeviceObservation[] {
  const states = new Map<Point, boolean>();

  const raw = (image: Image, point: Point) => image.get(imageKey(point.function, point.address)) ?? 0;
  const isOn = (image: Image, point: Point): boolean => {
    const value = raw(image, point);
    if (!('scale' in point)) return (((value >> (point.bit ?? 0)) & 1) === 1) !== point.inverted;
    const scaled = measure(value, point);
    const slack = states.get(point) === true ? point.hysteresis : 0;
    return (
      (point.below !== undefined && scaled < point.below + slack) ||
      (point.above !== undefined && scaled > point.above - slack)
    );
  };

  const named = new Map(profile.points.map((point) => [point.name, point]));

  return (image) => {
    const allowed = (point: Point) => {
      const gate = point.when === undefined ? undefined : named.get(point.when);
      return gate === undefined || isOn(image, gate);
    };
    const observations: DeviceObservation[] = [];
    for (const point of profile.points) {
      const limited = !('scale' in point) || point.below !== undefined || point.above !== undefined;
      if (!limited) continue;
      const on = isOn(image, point) && allowed(point);
      const before = states.get(point);
      if (before === on) continue;
      states.set(point, on);
      const configured = zones.find((zone) => zone.zone === point.zone)?.kind;
      const values = profile.points.filter(
        (other) => 'scale' in other && (other.zone === undefined || other.zone === point.zone),
      );
      const details = Object.fromEntries(
        values.map((other) => [
          other.name ?? '',
          measure(raw(image, other), other as Point & { scale: number }),
        ]),
      );
      observations.push({
        device,
        kind: point.kind ?? configured ?? 'intrusion',
        state: on ? 'raised' : 'restored',
        ...(point.zone !== undefined && { zone: zoneOf(zones, point.zone) }),
        ...(point.cause !== undefined && { cause: point.cause }),
        ...(before === undefined && { initial: true }),
        codes: codes(point, on),
        ...(values.length > 0 && { details }),
      });
    }
    return observations;
  };
}

/** A register as its value; rounded, so that 3 * 0.1 is 0.3. */
function measure(value: number, point: { scale: number; signed?: boolean }): number {
  const number = point.signed === true && value > 0x7fff ? value - 0x10000 : value;
  return Number((number * point.scale).toPrecision(6));
}
