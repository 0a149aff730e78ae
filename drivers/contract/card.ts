/**
 * One card, whichever reader and whichever way its number is written. Pure.
 *
 * A card has one number, and readers, printers and lists give it in many forms; of an EM4100 card 01 02 6F 6C 3A:
 *
 *   10H     01026F6C3A       all 40 bits, hex               8H10D  0040856634      the lowest 32 bits, decimal
 *   6H8D    07302202         the lowest 24 bits             4H4D   00623,27706     32 bits as 16 and 16
 *   2H4D    111,27706        the lowest 24 bits as 8 and 16: facility and number of Wiegand 26
 *
 * Cards are compared by keys, never by what stands there: `facility/number` where a list has both, `/number` for a whole
 * number, `low24/number` where a list says 2H4D, which by its nature are the lowest 24 bits. Numbers are decimal in keys,
 * without leading zeros; what is no number (letters beyond F) stays as it is. Events keep what the reader said.
 *
 * Facility and number have 8 and 16 bits, or 16 and 16, as in Wiegand 26 and 34. The same two numbers in a layout of other
 * widths are another card: a list has it by `facility/number/format`. EM4100's first byte is a version, no facility.
 */
import type { Credential } from './observation.ts';

/** How a card is named where it is not shown: in a list, in a command. */
export interface CardName {
  readonly number: string;
  readonly facility?: number | undefined;
  /** It is a card of this format, and of no other. */
  readonly format?: string | undefined;
}
/** A card as a reader gave it; without a format where nobody knows it. */
export type CardReading = Omit<CardName, 'format'> & Partial<Pick<Credential, 'format'>>;

/** What is written: a number, facility and number in 16 bits each, or a text. */
export type Written =
  | { readonly is: 'number'; readonly value: bigint; readonly hex: boolean }
  | { readonly is: 'pair'; readonly facility: number; readonly number: number; readonly bits: 24 | 32 }
  | { readonly is: 'text'; readonly text: string };

const LOW24 = 'low24/';
const MAX16 = 0xffff;
/** Of the forms that have 32 bits at most. */
const OVER32 = 2n ** 32n;

/** Digits of hex texts that are numbers: UIDs of 4, 7, 8 and 10 bytes (ISO 14443-3, 15693), EM4100's 5 bytes. */
const hexDigits: ReadonlySet<number> = new Set([8, 10, 14, 16, 20]);

/** 2H4D and 4H4D: the second always with its five digits, so that no decimal fraction of a spreadsheet looks so. */
const pair = /^(\d{1,5}) ?[,.，] ?(\d{5})$/;

function pairOf(text: string): Written | undefined {
  const [, first = '', second = ''] = pair.exec(text) ?? [];
  if (first === '' || Number(first) > MAX16 || Number(second) > MAX16) return undefined;
  // 00111,27706 has five digits because it has 16 bits.
  const bits = first.length === 5 || Number(first) > 0xff ? 32 : 24;
  return { is: 'pair', facility: Number(first), number: Number(second), bits };
}

const wholeOfPair = (facility: number, number: number): number => facility * 0x1_0000 + number;

/** A card's number in whatever form it is written; undefined: in none. */
export function readCard(text: string): Written | undefined {
  if (/^\d{1,40}$/.test(text)) return { is: 'number', value: BigInt(text), hex: false };
  if (/^0[xX][0-9A-Fa-f]{1,32}$/.test(text)) return { is: 'number', value: BigInt(text), hex: true };
  if (/^[0-9A-Fa-f]{2}([: -])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){1,14}$/.test(text))
    return { is: 'number', value: BigInt(`0x${text.replace(/[: -]/g, '')}`), hex: true };
  if (/^[0-9A-Za-z]{1,40}$/.test(text))
    return hexDigits.has(text.length) && /^[0-9A-Fa-f]+$/.test(text)
      ? { is: 'number', value: BigInt(`0x${text}`), hex: true }
      : { is: 'text', text };
  // As it is printed on many cards: 0007302202 111,27706.
  const [, whole, rest = ''] = /^(\d{8,14}) {1,4}(\d{1,5} ?[,.，] ?\d{5})$/.exec(text) ?? [];
  const own = pairOf(whole === undefined ? text : rest);
  if (whole === undefined || own?.is !== 'pair') return own;
  const value = BigInt(whole);
  return value === BigInt(wholeOfPair(own.facility, own.number))
    ? { is: 'number', value, hex: false }
    : undefined;
}

/** A number as cards are compared by it: decimal, without leading zeros; a text stays as it is. */
export function normalNumber(text: string): string {
  if (/^[1-9]\d{0,39}$/.test(text)) return text;
  const written = readCard(text);
  return written?.is === 'number' ? written.value.toString() : text;
}

/** The Wiegand formats that everybody uses (drivers/bits.ts). */
export const wiegandNames = [
  'wiegand26',
  'wiegand34',
  'wiegand37',
  'wiegand37-facility',
  'corporate1000-35',
  'corporate1000-48',
] as const;
/** Formats that are no Wiegand bits. */
export const isOtherFormat = (name: string): boolean =>
  /^(raw\d+|em4100|ascii|text|keyboard|card)$/.test(name);

/** Formats whose facility and number are meant where no format is named. */
const usual: ReadonlySet<string> = new Set(['', 'wiegand26', 'wiegand34']);

/** By what a card is found that is named so; undefined: it is no card's number. */
export function cardKey(facility: number | undefined, number: string, format = ''): string | undefined {
  const written = readCard(number);
  if (written === undefined) return undefined;
  const only = usual.has(format) ? '' : `/${format}`;
  if (written.is === 'pair') {
    if (facility !== undefined || only !== '') return undefined;
    const whole = wholeOfPair(written.facility, written.number);
    return written.bits === 24 ? `${LOW24}${whole}` : `/${whole}`;
  }
  return `${facility ?? ''}/${written.is === 'text' ? written.text : written.value}${only}`;
}

/** What stands in a key; a format may have slashes, a number has none. */
function partsOf(key: string) {
  const [before = '', number = '', ...format] = key.split('/');
  return { before, number, format: format.length === 0 ? undefined : format.join('/') };
}

/** The key of one of before, when keys were what stood there. */
export function normalKey(key: string): string {
  const { before, number, format } = partsOf(key);
  if (key.startsWith(LOW24)) return key;
  return `${before}/${normalNumber(number)}${format === undefined ? '' : `/${format}`}`;
}

/** What a key stands for, as it can be written again. */
export function cardOfKey(key: string): CardName {
  const { before, number, format } = partsOf(key);
  if (!key.startsWith(LOW24))
    return {
      number,
      facility: before === '' ? undefined : Number(before),
      ...(format !== undefined && { format }),
    };
  const value = Number(number);
  return { number: `${value >>> 16},${String(value & MAX16).padStart(5, '0')}` };
}

/**
 * The number that a key names, where it is one: facility and number in 16 bits each are one of 32 bits. undefined: a text,
 * or of one format, whose bits are nobody else's.
 */
export function wholeOfKey(key: string): { readonly value: bigint; readonly bits?: 24 } | undefined {
  const { facility, number, format } = cardOfKey(key);
  if (format !== undefined) return undefined;
  if (key.startsWith(LOW24)) return { value: BigInt(key.slice(LOW24.length)), bits: 24 };
  if (!/^\d+$/.test(number)) return undefined;
  if (facility === undefined) return { value: BigInt(number) };
  const own = Number(number);
  return facility <= MAX16 && own <= MAX16 ? { value: BigInt(wholeOfPair(facility, own)) } : undefined;
}

/** UIDs have 4, 7 or 10 bytes (ISO 14443-3), or 8 (ISO 15693): the shortest that holds a number. */
export const uidBytes = (value: bigint): number | undefined =>
  [4, 7, 8, 10].find((bytes) => value < 2n ** BigInt(bytes * 8));

/** Some bits of what a key names: the lowest, or the first of a UID. undefined: it has not so many. */
export function partOfKey(key: string, bits: number, first: boolean): bigint | undefined {
  const whole = wholeOfKey(key);
  if (whole === undefined || (whole.bits ?? bits) < bits) return undefined;
  if (!first) return BigInt.asUintN(bits, whole.value);
  const bytes = uidBytes(whole.value);
  return whole.bits !== undefined || bytes === undefined || bytes * 8 < bits
    ? undefined
    : whole.value >> BigInt(bytes * 8 - bits);
}

const pairKey = (whole: bigint) => `${whole >> 16n}/${whole & BigInt(MAX16)}`;

/** All keys under which a list may have the same card: facility and number, or both as one number. */
export function sameKeys(key: string): readonly string[] {
  const whole = wholeOfKey(key);
  if (whole === undefined || whole.value >= OVER32) return [key];
  return [
    `/${whole.value}`,
    pairKey(whole.value),
    ...(whole.value < 2n ** 24n ? [`${LOW24}${whole.value}`] : []),
  ];
}

/** How many bits the number has of a format that has a facility too; undefined: it has none, or nobody knows. */
export const numberBits = (format: string): number | undefined =>
  Object.hasOwn(cardBits, format) ? cardBits[format] : undefined;

/** Formats whose facility stands above so many bits of the card: together they are one number. */
const cardBits: Readonly<Record<string, number>> = {
  wiegand26: 16,
  wiegand34: 16,
  'wiegand37-facility': 19,
  'corporate1000-35': 20,
  'corporate1000-48': 23,
  ascii: 16,
  text: 16,
  keyboard: 16,
  card: 16,
};
/** Formats without a facility whose numbers of 32 bits are also told, by others, as facility and number. */
const plain: ReadonlySet<string> = new Set(['em4100', 'ascii', 'text', 'keyboard', 'card', 'raw24', 'raw32']);

/** 2H4D that came as one text is facility and number. */
function apart(card: CardReading): CardReading {
  if (card.facility !== undefined) return card;
  const written = readCard(card.number);
  return written?.is === 'pair'
    ? { ...card, facility: written.facility, number: String(written.number) }
    : card;
}

/** The whole number of a card, and whether it is one that 16 and 16 bits can say. undefined: a text, or nobody knows. */
export function wholeOfReading(
  card: CardReading,
): { readonly value: bigint; readonly splits: boolean } | undefined {
  const { format = '', facility, number } = apart(card);
  if (facility !== undefined && !(Number.isSafeInteger(facility) && facility >= 0)) return undefined;
  const normal = normalNumber(number);
  if (!/^\d+$/.test(normal)) return undefined;
  const own = BigInt(normal);
  // EM4100's first byte is a version: the number that is printed is below it.
  if (facility === undefined || format === 'em4100')
    return { value: own, splits: plain.has(format) && own < OVER32 };
  const bits = numberBits(format);
  if (bits === undefined || own >= 2n ** BigInt(bits)) return undefined;
  return { value: (BigInt(facility) << BigInt(bits)) | own, splits: bits === 16 };
}

/** Facility and number of a card, where no format must be named for them to be its own. */
function usualPair(card: CardReading): string | undefined {
  const { format, facility, number: told } = apart(card);
  if (facility === undefined || format === 'em4100') return undefined;
  const number = normalNumber(told);
  const isUsual = format === undefined || !/^\d+$/.test(number) || wholeOfReading(card)?.splits === true;
  return isUsual ? `${facility}/${number}` : undefined;
}

/** By what a list has a card of another layout, where it names no format: it may be another one. */
export function keyWithoutFormat(card: CardReading): string | undefined {
  const { facility, number } = apart(card);
  return facility === undefined || usualPair(card) !== undefined
    ? undefined
    : `${facility}/${normalNumber(number)}`;
}

/**
 * The keys under which a list may have the card that a reader gave, what says most of it first. A facility counts: a
 * list that names none means the whole number.
 */
export function keysOfReading(card: CardReading): readonly string[] {
  const { format, facility, number: told } = apart(card);
  const number = normalNumber(told);
  const keys = new Set<string>();
  const isEm = format === 'em4100';
  if (format !== undefined) keys.add(`${isEm ? '' : (facility ?? '')}/${number}/${format}`);
  const pair = usualPair(card);
  if (pair !== undefined) keys.add(pair);
  const whole = wholeOfReading(card);
  // All 40 bits of an EM4100 card, as 10H and 13D print them.
  if (whole !== undefined && isEm && facility !== undefined)
    keys.add(`/${(BigInt(facility) << 32n) | whole.value}`);
  if (whole !== undefined) keys.add(`/${whole.value}`);
  if (whole?.splits === true) {
    keys.add(pairKey(whole.value));
    keys.add(`${LOW24}${whole.value & 0xff_ffffn}`);
  }
  if (facility === undefined || format === undefined) keys.add(`/${number}`);
  return [...keys];
}

/** Whether a card that was shown is the one that is named; without a facility, of any. */
export function isCard(named: CardName, shown: CardReading): boolean {
  const key = cardKey(named.facility, named.number, named.format);
  if (key !== undefined && keysOfReading(shown).includes(key)) return true;
  return (
    normalNumber(named.number) === normalNumber(shown.number) &&
    (named.facility === undefined || named.facility === shown.facility) &&
    (named.format === undefined || named.format === shown.format)
  );
}
