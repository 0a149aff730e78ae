/** One point of a device model: a bit, a code with several meanings, or a number; where it lies, and what it means. */
import { z } from 'zod';
import { deviceKinds } from '../contract/observation.ts';
import { duration } from '../contract/options.ts';
import type { ModbusRequest } from './codec.ts';

/** As zones of the config are numbered. */
const MOST_ZONE = 9999;
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
  zone: z
    .int()
    .min(0)
    .max(MOST_ZONE)
    .optional()
    .describe('The zone 防区 it belongs to; none: the whole device'),
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
export const pointSchema = z.union([bitPoint, rangePoint, statesPoint]);
export type Point = z.output<typeof pointSchema>;

/** How many registers it is. */
export const widthOf = (one: Point): 1 | 2 => ('type' in one ? types[one.type] : 1);

/** The request that resets what the device holds. */
export function resetRequest(reset: z.output<typeof resetSchema>): ModbusRequest {
  if ('coil' in reset) return { function: 5, address: reset.coil, value: reset.value };
  return reset.function === 16
    ? { function: 16, address: reset.register, values: [reset.value] }
    : { function: 6, address: reset.register, value: reset.value };
}
