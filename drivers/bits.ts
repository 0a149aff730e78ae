/**
 * Wiegand bits <-> cards, as readers give them over serial lines and OSDP.
 *
 * A format is data, in the notation of card makers: a letter for each bit, and a mask for each parity bit.
 *
 *   bits    PFFFFFFFFCCCCCCCCCCCCCCCCP    P parity, F facility (site code), C card, - counts for nothing
 *   parity  EXXXXXXXXXXXX.............    E even (or O odd) stands at the parity bit, X at what it is over
 *           .............XXXXXXXXXXXXO
 */
import { z } from 'zod';
import type { Credential } from './contract/observation.ts';

export interface WiegandLayout {
  readonly name: string;
  readonly bits: string;
  readonly parity: readonly string[];
}

const halves = (bits: string, covered: number): WiegandLayout['parity'] => [
  `E${'X'.repeat(covered)}`.padEnd(bits.length, '.'),
  `${'X'.repeat(covered)}O`.padStart(bits.length, '.'),
];
const layout = (name: string, facility: number, card: number, covered: number): WiegandLayout => {
  const bits = `P${'F'.repeat(facility)}${'C'.repeat(card)}P`;
  return { name, bits, parity: halves(bits, covered) };
};

/** Formats that everybody uses. Of 37 bits there are two (HID H10302 without a facility, H10304 with one). */
export const wiegandLayouts = {
  wiegand26: layout('wiegand26', 8, 16, 12),
  wiegand34: layout('wiegand34', 16, 16, 16),
  wiegand37: layout('wiegand37', 0, 35, 18),
  'wiegand37-facility': layout('wiegand37-facility', 16, 19, 18),
} as const;
export type WiegandFormat = keyof typeof wiegandLayouts;

const custom = z
  .strictObject({
    name: z.string().min(1).max(40).describe('As events say it'),
    bits: z
      .string()
      .regex(/^[PFC-]{8,128}$/, 'a letter for each bit: P parity, F facility, C card, - nothing')
      .describe('P parity, F facility, C card, - counts for nothing; the first bit first'),
    parity: z
      .array(z.string().regex(/^[X.]*[EO][X.]*$/, 'one E or O, X for what it is over, . for the rest'))
      .max(8)
      .default([])
      .describe('E even or O odd at the parity bit, X at what it is over, . elsewhere'),
  })
  .superRefine(({ bits, parity }, context) => {
    if (!bits.includes('C'))
      context.addIssue({ code: 'custom', path: ['bits'], message: 'there is no card in it' });
    for (const [i, mask] of parity.entries()) {
      const at = mask.search(/[EO]/);
      if (mask.length !== bits.length)
        context.addIssue({ code: 'custom', path: ['parity', i], message: `is not ${bits.length} long` });
      else if (bits[at] !== 'P')
        context.addIssue({ code: 'custom', path: ['parity', i], message: `bit ${at + 1} is no P in bits` });
    }
  });

/** Formats in a config: names of known ones, and others as data. */
export const wiegandFormats = () =>
  z
    .array(
      z.union([
        z
          .enum(Object.keys(wiegandLayouts) as [WiegandFormat, ...WiegandFormat[]])
          .transform((name) => wiegandLayouts[name]),
        custom,
      ]),
    )
    .default(() => [wiegandLayouts.wiegand26, wiegandLayouts.wiegand34, wiegandLayouts.wiegand37])
    .describe('How cards of a number of bits are read; the first that fits. Others are told as one number');

type Parsed = { readonly frame: Credential } | { readonly reason: string };

const numberAt = (bits: string, { bits: letters }: WiegandLayout, letter: 'F' | 'C') => {
  const own = [...bits].filter((_, i) => letters[i] === letter).join('');
  return own === '' ? undefined : BigInt(`0b${own}`);
};

/** A string of '0' and '1' -> credential, its parity checked. */
export function parseWiegand(bits: string, format: WiegandLayout): Parsed {
  if (bits.length !== format.bits.length || !/^[01]+$/.test(bits))
    return { reason: `not ${format.bits.length} bits` };
  for (const mask of format.parity) {
    const even = mask.includes('E');
    const ones = [...mask].filter((letter, i) => letter !== '.' && bits[i] === '1').length;
    if (ones % 2 !== (even ? 0 : 1)) return { reason: `wrong ${even ? 'even' : 'odd'} parity` };
  }
  const facility = numberAt(bits, format, 'F');
  return {
    frame: {
      format: format.name,
      ...(facility !== undefined && { facility: Number(facility) }),
      number: String(numberAt(bits, format, 'C') ?? 0n),
    },
  };
}

/** Bits of a length that one of the formats knows; of any other, they are one number. */
export function parseBits(bits: string, formats: readonly WiegandLayout[]): Parsed {
  const fitting = formats.filter((format) => format.bits.length === bits.length);
  const parsed = fitting.map((format) => parseWiegand(bits, format));
  const right = parsed.find((one) => 'frame' in one) ?? parsed[0];
  return right ?? { frame: { format: `raw${bits.length}`, number: BigInt(`0b${bits}`).toString() } };
}

/**
 * The key in a frame of a Wiegand keypad, which sends each as it is pressed: 4 bits, or 8 of which the first four are
 * the complement of the others; 10 is *, 11 is #. undefined: it is none, and may be a card.
 */
export function wiegandKeyOf(bits: string): string | undefined {
  if (!/^(?:[01]{4}|[01]{8})$/.test(bits)) return undefined;
  const value = Number.parseInt(bits.slice(-4), 2);
  if (bits.length === 8 && Number.parseInt(bits.slice(0, 4), 2) !== 15 - value) return undefined;
  return '0123456789*#'[value];
}

/** A credential as '0' and '1'. @throws RangeError on a number that the format cannot hold. */
export function encodeWiegand(
  { facility = 0, number }: Pick<Credential, 'facility' | 'number'>,
  format: WiegandLayout,
): string {
  if (!/^\d{1,40}$/.test(number)) throw new RangeError(`${number} is no number`);
  const fields = { F: BigInt(facility), C: BigInt(number) };
  const bits = [...format.bits].map((): string => '0');
  for (const letter of ['F', 'C'] as const) {
    const places = bits.flatMap((_, i) => (format.bits[i] === letter ? [i] : []));
    const text = fields[letter].toString(2).padStart(places.length, '0');
    if (fields[letter] < 0n || text.length > Math.max(places.length, 1))
      throw new RangeError(`${facility}/${number} does not fit ${format.name}`);
    for (const [i, place] of places.entries()) bits[place] = text[i] ?? '0';
  }
  for (const mask of format.parity) {
    const own = mask.search(/[EO]/);
    const ones = [...mask].filter((letter, i) => letter === 'X' && bits[i] === '1').length;
    bits[own] = String((ones + (mask[own] === 'O' ? 1 : 0)) % 2);
  }
  return bits.join('');
}
