/**
 * What stands in OSDP commands and replies (IEC 60839-11-5): orders to a reader as bytes, its words as values.
 * Pure.
 */
import { z } from 'zod';
import { type CardOptions, cardOfText, parseBits, type WiegandLayout, wiegandKeyOf } from '../bits.ts';
import { type Command, wrongArgument } from '../contract/driver.ts';
import type { Credential } from '../contract/observation.ts';
import { duration, identifier } from '../contract/options.ts';
import { commands } from './codec.ts';
import { charactersOf } from './text-card.ts';

/** A command and its data. */
export interface Order {
  readonly code: number;
  readonly data: Uint8Array;
}

const output = z.int().min(0).max(255).describe('Its number in the reader, from 0');
export const outputOptions = z.discriminatedUnion('kind', [
  z.strictObject({
    id: identifier().describe('Its name in commands and rules'),
    kind: z.literal('door').describe('Told `unlock` for a moment, `hold` open, `lock`'),
    output,
    moment: duration({ least: '10ms', most: '1h' }).prefault('5s').describe('How long `unlock` lasts'),
  }),
  z.strictObject({
    id: identifier().describe('Its name in commands and rules'),
    kind: z.enum(['siren', 'lamp']).describe('Told `activate` and `deactivate`'),
    output,
    limit: duration({ least: '10ms', most: '1d' })
      .prefault('3m')
      .describe('Off after so long, whatever was asked'),
  }),
]);
export type OutputOptions = z.output<typeof outputOptions>;

/** What a reader with these outputs can be told. */
export const readerCommands = (outputs: readonly OutputOptions[]) => [
  ...['show', 'clear', 'indicate'].map((action) => ({ action })),
  ...outputs.flatMap(({ id, kind }) =>
    (kind === 'door' ? ['unlock', 'lock', 'hold'] : ['activate', 'deactivate']).map((action) => ({
      action,
      output: id,
    })),
  ),
];

const textSchema = z.strictObject({ text: z.string().min(1), for: z.number().positive().optional() });
const outputSchema = z.strictObject({
  output: z.string(),
  for: z.number().positive().max(86_400).optional().describe('Seconds'),
});
const indicateSchema = z.strictObject({ granted: z.boolean() });
const keySchema = z.strictObject({ key: z.string().regex(/^[0-9a-f]{32}$/i, '32 hex digits') });
const lineSchema = z.strictObject({
  address: z.int().min(0).max(126),
  baudRate: z.union([9600, 19_200, 38_400, 57_600, 115_200, 230_400].map((rate) => z.literal(rate))),
});

/** TEXT: reader 0, permanent (1) or for a time (3), from row and column 1. */
function text(words: string, seconds: number | undefined): Order {
  const clean = Buffer.from(words.replace(/[^\x20-\x7e]/g, '?').slice(0, 32), 'ascii');
  const time = seconds === undefined ? 0 : Math.min(255, Math.ceil(seconds));
  return {
    code: commands.TEXT,
    data: Buffer.from([0, time > 0 ? 3 : 1, time, 1, 1, clean.length, ...clean]),
  };
}

/** Colours of lights, by their number. */
const colours = ['off', 'red', 'green', 'amber', 'blue', 'magenta', 'cyan', 'white'] as const;
export type Colour = (typeof colours)[number];
export const colourOption = z.enum(colours);
const RED = colours.indexOf('red');
const GREEN = colours.indexOf('green');
const INDICATE_S = 2;
/** LED: reader 0, LED 0, temporary; on all the time in a colour, then as before. BUZ: one long or three short. */
const indicate = (granted: boolean): Order[] => [
  {
    code: commands.LED,
    data: Buffer.from([0, 0, 2, 1, 0, granted ? GREEN : RED, 0, INDICATE_S * 10, 0, 0, 0, 0, 0, 0]),
  },
  { code: commands.BUZ, data: Buffer.from(granted ? [0, 2, 4, 0, 1] : [0, 2, 1, 1, 3]) },
];

/** LED: reader 0, LED 0, nothing for a time; set for good: on and off in one colour. */
export const rest = (colour: Colour): Order => {
  const one = colours.indexOf(colour);
  return { code: commands.LED, data: Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, one, one]) };
};

/** The text that stays, after an order: one for a time leaves it, an empty one ends it. */
export function shownAfter(order: Order, shown: Order | undefined): Order | undefined {
  const [, control, , , , length] = order.data;
  if (order.code !== commands.TEXT || control !== 1) return shown;
  return length === 0 ? undefined : order;
}

/** OUT: 1 off, 2 on, 5 on for a time in tenths of a second. `ms` undefined: for ever; 0: off. */
export function switchOutput({ output: number }: OutputOptions, ms: number | undefined): Order {
  const tenths = Math.min(65_535, Math.ceil((ms ?? 0) / 100));
  const control = ms === undefined ? 2 : ms <= 0 ? 1 : 5;
  const timer = control === 5 ? tenths : 0;
  return { code: commands.OUT, data: Buffer.from([number, control, timer & 0xff, timer >> 8]) };
}

/** What a command asks of an output: for how long it is on; undefined: for ever. */
function lengthOf(
  action: string,
  output: OutputOptions,
  seconds: number | undefined,
): { readonly ms: number | undefined } | undefined {
  if (output.kind === 'door')
    return { unlock: { ms: output.moment }, hold: { ms: undefined }, lock: { ms: 0 } }[action];
  if (action === 'deactivate') return { ms: 0 };
  const asked = seconds === undefined ? output.limit : seconds * 1000;
  return action === 'activate' ? { ms: Math.min(asked, output.limit) } : undefined;
}

export type Wanted =
  | { readonly orders: readonly Order[] }
  | { readonly output: OutputOptions; readonly ms: number | undefined };

/** What a command means; a string says what is wrong with it. */
export function wantedOf(
  { action, arguments: given }: Command,
  outputs: readonly OutputOptions[],
): Wanted | string {
  const read = <T>(schema: z.ZodType<T>, then: (value: T) => Wanted | string): Wanted | string => {
    const parsed = schema.safeParse(given);
    return parsed.success ? then(parsed.data) : wrongArgument(parsed.error);
  };
  switch (action) {
    case 'show':
      return read(textSchema, (wanted) => ({ orders: [text(wanted.text, wanted.for)] }));
    case 'clear':
      return { orders: [text('', undefined)] };
    case 'indicate':
      return read(indicateSchema, ({ granted }) => ({ orders: indicate(granted) }));
    // KEYSET: a key of type 1 (SCBK), 16 bytes.
    case 'set-key':
      return read(keySchema, ({ key }) => ({
        orders: [{ code: commands.KEYSET, data: Buffer.from([1, 16, ...Buffer.from(key, 'hex')]) }],
      }));
    // COMSET.
    case 'set-line':
      return read(lineSchema, ({ address, baudRate }) => {
        const data = Buffer.alloc(5);
        data[0] = address;
        data.writeUInt32LE(baudRate, 1);
        return { orders: [{ code: commands.COMSET, data }] };
      });
    default:
      return read(outputSchema, (wanted) => {
        const found = outputs.find(({ id }) => id === wanted.output);
        if (found === undefined) return `there is no output ${wanted.output}`;
        const length = lengthOf(action, found, wanted.for);
        return length === undefined
          ? `a ${found.kind} does not know ${action}`
          : { output: found, ...length };
      });
  }
}

// --- what readers say ---

type Card = { readonly frame: Credential } | { readonly reason: string };

/**
 * RAW: reader, format, number of bits (LSB first), bits from the top of the first byte: a card, or a key of a Wiegand
 * keypad behind a converter.
 */
export function rawOf(
  data: Uint8Array,
  formats: readonly WiegandLayout[],
  reverse = false,
): Card | { readonly key: string } {
  const count = (data[2] ?? 0) | ((data[3] ?? 0) << 8);
  const bytes = data.subarray(4);
  if (data.length < 4 || count === 0 || bytes.length !== Math.ceil(count / 8))
    return { reason: 'a card that does not fit' };
  const bits = [...bytes]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, count);
  const key = wiegandKeyOf(bits);
  if (key !== undefined) return { key };
  return parseBits(bits, formats, reverse);
}

/** FMT: a card as characters. */
export function textCardOf(
  data: Uint8Array,
  options: CardOptions = { reverse: false, digits: 'auto' },
): Card {
  const text = charactersOf(data);
  return text === undefined ? { reason: 'a card that does not fit' } : cardOfText(text, 'text', options);
}

/** KEYPAD: reader, number of keys, keys; 7F is *, 0D is #. undefined: it does not fit. */
export function keysOf(data: Uint8Array): string | undefined {
  const keys = [...data.subarray(2)].map((key) => ({ 127: '*', 13: '#' })[key] ?? String.fromCharCode(key));
  return data[1] === keys.length && keys.every((key) => /[0-9*#A-D]/.test(key)) ? keys.join('') : undefined;
}

export interface ReaderId {
  readonly vendor: string;
  readonly model: string;
  readonly serial: string;
  readonly firmware: string;
}

/** PDID: maker (3), model, version, serial number (4), firmware (3). undefined: it does not fit. */
export function idOf(data: Uint8Array): ReaderId | undefined {
  if (data.length !== 12) return undefined;
  const hex = (from: number, to: number) => Buffer.from(data.subarray(from, to)).toString('hex');
  return {
    vendor: hex(0, 3),
    model: `${data[3]}.${data[4]}`,
    serial: hex(5, 9),
    firmware: [...data.subarray(9)].join('.'),
  };
}

/** PDCAP, function codes: what a reader has. */
const functions = { 4: commands.LED, 5: commands.BUZ, 6: commands.TEXT } as const;

/** Which checks a reader says that it knows (function 8): 0 the checksum alone, 1 the CRC too. undefined: it does not say. */
export function checksOf(data: Uint8Array): number | undefined {
  for (let i = 0; i + 2 < data.length; i += 3) if (data[i] === 8) return data[i + 1];
  return undefined;
}

/** Whether a reader says that it knows the secure channel (function 9: AES-128). */
export function knowsSecureChannel(data: Uint8Array): boolean {
  for (let i = 0; i + 2 < data.length; i += 3) if (data[i] === 9) return ((data[i + 1] ?? 0) & 1) === 1;
  return false;
}

/** The commands for lights, sound and text that a reader says it has not. */
export function lacksOf(data: Uint8Array): ReadonlySet<number> {
  const has = new Set<number>();
  for (let i = 0; i + 2 < data.length; i += 3) if ((data[i + 1] ?? 0) > 0) has.add(data[i] ?? 0);
  // One that tells nothing at all is believed to have everything.
  if (has.size === 0) return new Set();
  return new Set(
    Object.entries(functions).flatMap(([code, command]) => (has.has(Number(code)) ? [] : [command])),
  );
}
