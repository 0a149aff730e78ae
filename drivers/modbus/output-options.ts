/** What a device switches, as the config says it, and the requests that do it. */
import { z } from 'zod';
import type { DeviceCommand } from '../contract/driver.ts';
import { duration, identifier } from '../contract/options.ts';
import type { ModbusRequest } from './codec.ts';

const word = () => z.int().min(0).max(65_535);
const id = identifier().describe('Its name in commands and rules');

export const registerOptions = z.strictObject({
  address: word().describe('From 0'),
  on: word().default(1).describe('Written to switch it on'),
  off: word().default(0).describe('Written to switch it off'),
  function: z
    .union([z.literal(6), z.literal(16)])
    .default(6)
    .describe('6 write one register, 16 write several: some devices know only that'),
});
export const pulseOptions = z.strictObject({
  address: word().describe('Where the time is written, from 0'),
  function: z.union([z.literal(5), z.literal(6), z.literal(16)]).default(6),
  unit: duration({ least: '1ms', most: '1h' }).prefault('100ms').describe('What it counts in'),
  before: z
    .array(word())
    .max(8)
    .default([])
    .describe('With function 16: what is written in front of the time, such as the command "on for a time"'),
});
const target = {
  coil: word().optional().describe('Its address, from 0; or `register`'),
  register: registerOptions.optional().describe('Where it is switched by a register'),
};
const pulse = pulseOptions
  .optional()
  .describe('The device times it and switches off by itself, also when it hears no more of us');
const switched = (kind: 'siren' | 'lamp', words: string) =>
  z.strictObject({
    id,
    kind: z.literal(kind).describe(words),
    ...target,
    limit: duration({ least: '10ms', most: '1d' })
      .prefault('3m')
      .describe('Off after so long, whatever was asked'),
    pulse,
  });
const move = (words: string) =>
  z.union([word().describe(`${words}: a coil, from 0`), registerOptions.describe(words)]);

export const outputOptions = z.discriminatedUnion('kind', [
  switched('siren', 'Told `activate` and `deactivate`'),
  switched('lamp', 'Told `activate` and `deactivate`'),
  z.strictObject({
    id,
    kind: z.literal('door').describe('Told `unlock` for a moment, `hold` open, `lock`'),
    ...target,
    moment: duration({ least: '10ms', most: '1h' }).prefault('5s').describe('How long `unlock` lasts'),
    pulse,
  }),
  z.strictObject({
    id,
    kind: z
      .literal('fence')
      .describe('Arms it: told `activate` and `deactivate`; it stays as it was told, whatever else happens'),
    ...target,
  }),
  z.strictObject({
    id,
    kind: z.literal('bollard').describe('Told `raise` and `lower`'),
    raise: move('What raises it'),
    lower: move('What lowers it'),
    travel: duration({ least: '10ms', most: '1h' })
      .prefault('8s')
      .describe('How long it takes; its coils are off afterwards'),
    interlock: z
      .strictObject({
        input: word().describe('A discrete input, from 0'),
        normal: z
          .enum(['open', 'closed'])
          .default('open')
          .describe('How its contact is while nothing stands there; closed: a cut wire blocks too'),
      })
      .describe('On while something stands there: it does not move then, and a rise stops'),
  }),
]);
export type OutputOptions = z.output<typeof outputOptions>;
export type Bollard = Extract<OutputOptions, { kind: 'bollard' }>;

export const actionsOf = {
  siren: ['activate', 'deactivate'],
  lamp: ['activate', 'deactivate'],
  door: ['unlock', 'lock', 'hold'],
  fence: ['activate', 'deactivate'],
  bollard: ['raise', 'lower'],
} as const;

/** What the outputs of a device can be told. */
export const outputCommands = (outputs: readonly OutputOptions[]): DeviceCommand[] =>
  outputs.flatMap(({ id: output, kind }) => actionsOf[kind].map((action) => ({ action, output })));

/** One thing that is on or off, and how the device is told. */
export interface Target {
  /** For people: `coil 3`. */
  readonly name: string;
  readonly on: ModbusRequest;
  readonly off: ModbusRequest;
  /** On for `ms`, and off by itself. */
  readonly pulse?: (ms: number) => ModbusRequest;
}

const writeRegister = (address: number, value: number, fn: 6 | 16): ModbusRequest =>
  fn === 6 ? { function: 6, address, value } : { function: 16, address, values: [value] };

function targetOf(
  switchedBy: number | z.output<typeof registerOptions>,
  timed?: z.output<typeof pulseOptions>,
): Target {
  const way =
    typeof switchedBy === 'number'
      ? {
          name: `coil ${switchedBy}`,
          on: { function: 5, address: switchedBy, value: true } as const,
          off: { function: 5, address: switchedBy, value: false } as const,
        }
      : {
          name: `register ${switchedBy.address}`,
          on: writeRegister(switchedBy.address, switchedBy.on, switchedBy.function),
          off: writeRegister(switchedBy.address, switchedBy.off, switchedBy.function),
        };
  if (timed === undefined) return way;
  const pulseFor = (ms: number): ModbusRequest => {
    const { address, function: fn, unit, before } = timed;
    const value = Math.min(Math.max(1, Math.ceil(ms / unit)), 0xffff);
    return fn === 16
      ? { function: 16, address, values: [...before, value] }
      : { function: fn, address, value };
  };
  return { ...way, pulse: pulseFor };
}

/** The same object for the same output, as long as the config lives. */
const targets = new WeakMap<OutputOptions, readonly Target[]>();

/** One; of a bollard two, what raises it and what lowers it. */
export function targetsOf(output: OutputOptions): readonly Target[] {
  const known = targets.get(output);
  if (known !== undefined) return known;
  const made =
    output.kind === 'bollard'
      ? [targetOf(output.raise), targetOf(output.lower)]
      : [targetOf(output.coil ?? output.register ?? 0, 'pulse' in output ? output.pulse : undefined)];
  targets.set(output, made);
  return made;
}
