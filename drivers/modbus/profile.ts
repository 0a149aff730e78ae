/**
 * A device model as data: which bits and registers mean what. Profiles are files in config/profiles/; a model is
 * never code. Vendors' maps differ: a profile is an example until it was checked on the hardware (`verified`).
 */
import { z } from 'zod';
import { deviceKinds } from '../contract/observation.ts';
import { duration } from '../contract/options.ts';
import type { ModbusRequest, ReadFunction } from './codec.ts';

const word = () => z.int().min(0).max(0xffff);
const code = {
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
};
const resetSchema = z.union([
  z.strictObject({
    coil: word().describe('Its address, from 0'),
    value: z.boolean().default(true),
    after: duration({ most: '1h' }).prefault('0ms').describe('So long after the rise was recorded'),
  }),
  z.strictObject({
    register: word().describe('Its address, from 0'),
    value: word(),
    function: z.union([z.literal(6), z.literal(16)]).default(6),
    after: duration({ most: '1h' }).prefault('0ms').describe('So long after the rise was recorded'),
  }),
]);
const meaning = {
  zone: z.int().min(0).optional().describe('The zone 防区 it belongs to; none: the whole device'),
  ...code,
  when: z
    .union([z.string(), z.record(z.string(), z.union([z.boolean(), z.int(), z.array(z.int())]))])
    .optional()
    .describe(
      'Only while the point of this name is on; `{ armed: true, service: false, mode: [1, 2] }`: all of it',
    ),
  debounce: duration({ most: '1h' }).optional().describe('It must be so for so long before it counts'),
  reset: resetSchema
    .optional()
    .describe('Written when its rise is recorded: inputs that the device holds until they are reset'),
};
const at = {
  function: z
    .union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
    .describe('1 coil, 2 discrete input, 3 holding register, 4 input register'),
  address: word().describe('From 0, as on the wire'),
};
const mask = z
  .int()
  .min(1)
  .max(0xffff_ffff)
  .optional()
  .describe('Only these bits, moved down: 0x00FF is the low byte of a register, 0xFF00 the high one');
const invalid = z
  .array(z.int())
  .default([])
  .describe('What the device says where it knows no value, as unsigned: nothing follows from it');
const name = z.string().describe('For `when` of other points');

const bitPoint = z.strictObject({
  ...at,
  bit: z.int().min(0).max(15).optional().describe('Of a register; coils and inputs have none'),
  mask,
  equals: z
    .union([z.int(), z.array(z.int()).min(1)])
    .optional()
    .describe('On while the register is this, or one of these; otherwise while it is not 0'),
  invalid,
  inverted: z.boolean().default(false).describe('Off raises it (normally closed contacts)'),
  name: name.optional(),
  ...meaning,
});
const statesPoint = z.strictObject({
  ...at,
  mask,
  values: z
    .record(z.string().regex(/^\d{1,10}$/, 'a number'), z.strictObject(code))
    .describe('What each value of the register means: `{ 1: { cause: touched }, 2: { cause: short } }`'),
  normal: z.array(z.int()).default([0]).describe('Values that mean nothing; any other is counted as strange'),
  invalid,
  name: name.optional(),
  ...meaning,
});
/** Registers, and how the bytes of a number lie in them: A is the highest. */
const types = { uint16: 1, int16: 1, uint32: 2, int32: 2, float32: 2 } as const;
const rangePoint = z.strictObject({
  ...at,
  type: z.enum(['uint16', 'int16', 'uint32', 'int32', 'float32']).default('uint16'),
  order: z
    .enum(['ABCD', 'CDAB', 'BADC', 'DCBA'])
    .default('ABCD')
    .describe('Where the bytes are, A the highest: CDAB has the low register first'),
  mask,
  invalid,
  scale: z.number().default(1).describe('Register times scale, plus offset, is the value'),
  offset: z.number().default(0),
  signed: z.boolean().default(false).describe('The same as `type: int16`'),
  name: z.string().describe('The name of the value in events, with its unit: kilovolts, newtons'),
  below: z.number().optional().describe('Raised while under this'),
  above: z.number().optional().describe('Raised while over this'),
  hysteresis: z.number().min(0).default(0).describe('How far back it must come to be restored'),
  ...meaning,
});
const point = z.union([bitPoint, rangePoint, statesPoint]);
export type Point = z.output<typeof point>;

export const profileSchema = z
  .strictObject({
    title: z.strictObject({ en: z.string(), zh: z.string() }),
    verified: z.boolean().describe('Checked on the hardware, not only from a manual'),
    maxGap: z
      .int()
      .min(0)
      .max(1000)
      .default(0)
      .describe('Points that lie so far apart are read together; many devices refuse what lies between'),
    maxRegisters: z
      .int()
      .min(1)
      .max(125)
      .default(64)
      .describe('In one request; registers, or coils and inputs'),
    points: z.array(point).min(1),
  })
  .superRefine(({ points }, context) => {
    for (const [i, one] of points.entries())
      for (const { path, en, zh } of mistakesOf(one, points))
        context.addIssue({ code: 'custom', path: ['points', i, ...path], message: en, params: { zh } });
  });
export type Profile = z.output<typeof profileSchema>;

interface Mistake {
  readonly path: readonly string[];
  readonly en: string;
  readonly zh: string;
}

/** What the shape of a point alone does not show. */
function mistakesOf(one: Point, points: readonly Point[]): Mistake[] {
  const mistakes: Mistake[] = [];
  const names = points.map((other) => other.name);
  const asked =
    typeof one.when === 'string' ? [[one.when, []]] : Object.keys(one.when ?? {}).map((key) => [key, [key]]);
  for (const [key, inside] of asked as [string, string[]][]) {
    const path = ['when', ...inside];
    const count = names.filter((known) => known === key).length;
    const there = names.filter((known) => known !== undefined).join(', ') || '-';
    if (count === 0)
      mistakes.push({
        path,
        en: `no point is named "${key}"; there are: ${there}`,
        zh: `没有名为 "${key}" 的点；可用：${there}`,
      });
    if (count > 1)
      mistakes.push({ path, en: `${count} points are named "${key}"`, zh: `有 ${count} 个点名为 "${key}"` });
  }
  const isBits = one.function <= 2;
  for (const key of ['bit', 'mask'] as const)
    if (isBits && key in one && (one as Record<string, unknown>)[key] !== undefined)
      mistakes.push({ path: [key], en: 'coils and inputs are one bit', zh: '线圈和输入只有一位' });
  if (isBits && widthOf(one) > 1)
    mistakes.push({ path: ['type'], en: 'is of registers', zh: '仅用于寄存器' });
  return mistakes;
}

/** How many registers it is. */
export const widthOf = (one: Point): 1 | 2 => ('type' in one ? types[one.type] : 1);

/** The request that resets what the device holds. */
export function resetRequest(reset: z.output<typeof resetSchema>): ModbusRequest {
  if ('coil' in reset) return { function: 5, address: reset.coil, value: reset.value };
  return reset.function === 16
    ? { function: 16, address: reset.register, values: [reset.value] }
    : { function: 6, address: reset.register, value: reset.value };
}

/** One read transaction that covers neighbouring points. */
export interface Read {
  readonly function: ReadFunction;
  readonly address: number;
  readonly count: number;
  readonly points: readonly Point[];
}

/** The fewest reads that cover all points of a profile. */
export function readsOf({
  points,
  maxGap,
  maxRegisters,
}: Pick<Profile, 'points' | 'maxGap' | 'maxRegisters'>): Read[] {
  const reads: { function: ReadFunction; address: number; count: number; points: Point[] }[] = [];
  const sorted = [...points].sort((a, b) => a.function - b.function || a.address - b.address);
  for (const one of sorted) {
    const last = reads.at(-1);
    const end = one.address + widthOf(one);
    const isNear =
      last !== undefined &&
      last.function === one.function &&
      one.address - last.address - last.count <= maxGap &&
      end - last.address <= maxRegisters;
    if (isNear) {
      last.count = Math.max(last.count, end - last.address);
      last.points.push(one);
    } else reads.push({ function: one.function, address: one.address, count: widthOf(one), points: [one] });
  }
  return reads;
}

/** Values by function and address: 0 or 1 for coils and inputs, 0 to 65535 for registers. What was not read is not there. */
export type Image = ReadonlyMap<string, number>;
export const imageKey = (fn: number, address: number) => `${fn}/${address}`;
