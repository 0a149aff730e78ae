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
import { isOtherFormat, readCard, uidBytes, type wiegandNames } from './contract/card.ts';
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
  // HID Corporate 1000: two bits of three, each way, then all.
  'corporate1000-35': {
    name: 'corporate1000-35',
    bits: `PP${'F'.repeat(12)}${'C'.repeat(20)}P`,
    parity: [`.E${'XX.'.repeat(11)}`, `.${'XX.'.repeat(11)}O`, `O${'X'.repeat(34)}`],
  },
  'corporate1000-48': {
    name: 'corporate1000-48',
    bits: `PP${'F'.repeat(22)}${'C'.repeat(23)}P`,
    parity: [`.E.${'XX.'.repeat(15)}`, `..${'XX.'.repeat(15)}O`, `O${'X'.repeat(47)}`],
  },
} as const satisfies Record<(typeof wiegandNames)[number], WiegandLayout>;
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
  .superRefine(({ name, bits, parity }, context) => {
    // What a known name says of the bits of its card is what lists are compared by.
    const known = wiegandLayouts[name as WiegandFormat] as WiegandLayout | undefined;
    const fields = (one: string) => one.replace(/[^FC]/g, '');
    if (isOtherFormat(name) || (known !== undefined && fields(known.bits) !== fields(bits)))
      context.addIssue({ code: 'custom', path: ['name'], message: `${name} is the name of another format` });
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

/** A format in a config: the name of a known one, or another as data. */
const wiegandFormat = () =>
  z.union([
    z
      .enum(Object.keys(wiegandLayouts) as [WiegandFormat, ...WiegandFormat[]])
      .transform((name): WiegandLayout => wiegandLayouts[name]),
    custom,
  ]);
export const wiegandFormatList = () => z.array(wiegandFormat());
/** Of `formats`. */
export const FORMATS_SAID =
  'How cards of a number of bits are read; the first that fits. Others of 24 bits or more are told as one number';
export const wiegandFormats = () =>
  wiegandFormatList()
    .default(() => [wiegandLayouts.wiegand26, wiegandLayouts.wiegand34, wiegandLayouts.wiegand37])
    .describe(FORMATS_SAID);

/** How the numbers of a reader are to be understood. */
export const cardOptions = {
  reverse: z
    .boolean()
    .default(false)
    .describe(
      'The reader sends the bytes of a card the wrong way round, the lowest first: they are turned. Formats whose bits are no whole bytes stay as they are',
    ),
  digits: z
    .enum(['auto', 'decimal', 'hex', '2H4D', '4H4D'])
    .default('auto')
    .describe(
      'Of a reader that sends text: what its digits are. `auto`: decimal; hex where letters A to F, `:` or `0x` say so; `111,27706` is facility and number. `2H4D`, `4H4D`: the same without a comma, 3 and 5 or 5 and 5 digits',
    ),
};
export interface CardOptions {
  readonly reverse: boolean;
  readonly digits: 'auto' | 'decimal' | 'hex' | '2H4D' | '4H4D';
}

type Parsed = { readonly frame: Credential } | { readonly reason: string };

/** Bits of whole bytes, the last byte first; others as they are. */
const turned = (bits: string) =>
  bits.length % 8 === 0 ? (bits.match(/.{8}/g) ?? []).reverse().join('') : bits;
const bitsOf = (value: bigint, bytes: number) => value.toString(2).padStart(bytes * 8, '0');
const numberOf = (bits: string) => BigInt(`0b${bits}`);

const NO_CARD = { reason: 'not a card number' } as const;

/** Facility and number in 8 or 16, and 16 bits. */
function pairFrame(format: string, facility: number, number: number, high: 8 | 16, reverse: boolean): Parsed {
  if (facility >= 2 ** high || number > 0xffff) return NO_CARD;
  const bits = bitsOf(BigInt(facility * 0x1_0000 + number), (high + 16) / 8);
  const right = reverse ? turned(bits) : bits;
  const frame = { format, facility: Number(numberOf(right.slice(0, high))) };
  return { frame: { ...frame, number: numberOf(right.slice(high)).toString() } };
}

/** A card that a reader says as text -> a credential. Its number stays as the reader prints it, where that is clear. */
export function cardOfText(line: string, format: string, { reverse, digits }: CardOptions): Parsed {
  const text = line.trim();
  if (digits === '2H4D' || digits === '4H4D') {
    const [high, length] = digits === '2H4D' ? ([8, 8] as const) : ([16, 10] as const);
    if (!new RegExp(`^\\d{${length}}$`).test(text)) return NO_CARD;
    return pairFrame(format, Number(text.slice(0, -5)), Number(text.slice(-5)), high, reverse);
  }
  if (digits === 'hex' && /^[0-9A-Fa-f]{4,32}$/.test(text)) {
    const bytes = Math.ceil(text.length / 2);
    const bits = bitsOf(BigInt(`0x${text}`), bytes);
    return { frame: { format, number: numberOf(reverse ? turned(bits) : bits).toString() } };
  }
  const written = readCard(text);
  if (written === undefined) return NO_CARD;
  if (written.is === 'pair')
    return pairFrame(format, written.facility, written.number, written.bits === 24 ? 8 : 16, reverse);
  if (written.is === 'text') return digits === 'auto' ? { frame: { format, number: text } } : NO_CARD;
  if ((digits === 'hex') !== written.hex && digits !== 'auto') return NO_CARD;
  const bare = text.replace(/^0[xX]|[: -]/g, '');
  const bytes = written.hex ? Math.ceil(bare.length / 2) : uidBytes(written.value);
  if (reverse && bytes !== undefined) {
    const number = numberOf(turned(bitsOf(written.value, bytes))).toString();
    return { frame: { format, number } };
  }
  // 04:11:22:33 without its colons would be a decimal number.
  return {
    frame: {
      format,
      number: /^[0-9A-Za-z]+$/.test(text) && !/^0[xX]/.test(text) ? text : String(written.value),
    },
  };
}

const bitsAt = (bits: string, { bits: letters }: WiegandLayout, letter: 'F' | 'C') =>
  [...bits].filter((_, i) => letters[i] === letter).join('');

/** A string of '0' and '1' -> credential, its parity checked. */
export function parseWiegand(bits: string, format: WiegandLayout, reverse = false): Parsed {
  if (bits.length !== format.bits.length || !/^[01]+$/.test(bits))
    return { reason: `not ${format.bits.length} bits` };
  for (const mask of format.parity) {
    const even = mask.includes('E');
    const ones = [...mask].filter((letter, i) => letter !== '.' && bits[i] === '1').length;
    if (ones % 2 !== (even ? 0 : 1)) return { reason: `wrong ${even ? 'even' : 'odd'} parity` };
  }
  const high = bitsAt(bits, format, 'F');
  const whole = high + bitsAt(bits, format, 'C');
  const right = reverse ? turned(whole) : whole;
  return {
    frame: {
      format: format.name,
      ...(high !== '' && { facility: Number(numberOf(right.slice(0, high.length))) }),
      number: numberOf(right.slice(high.length)).toString(),
    },
  };
}

/** Bits of noise, and of keys, are fewer than a card's: the shortest that is read without its format is Wiegand 26, bare. */
const LEAST_BITS = 24;

/** Bits of a length that one of the formats knows; of any other that a card may have, they are one number. */
export function parseBits(bits: string, formats: readonly WiegandLayout[], reverse = false): Parsed {
  const fitting = formats.filter((format) => format.bits.length === bits.length);
  const parsed = fitting.map((format) => parseWiegand(bits, format, reverse));
  const right = parsed.find((one) => 'frame' in one) ?? parsed[0];
  if (right !== undefined) return right;
  if (bits.length < LEAST_BITS) return { reason: 'too few bits for a card' };
  return {
    frame: { format: `raw${bits.length}`, number: numberOf(reverse ? turned(bits) : bits).toString() },
  };
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
