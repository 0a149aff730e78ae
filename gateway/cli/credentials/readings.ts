/** What a card may be of which a reader says this: as the config has it, and as it would be with other options. Pure. */
import {
  type CardOptions,
  cardOfText,
  parseBits,
  type WiegandLayout,
  wiegandLayouts,
} from '../../../drivers/bits.ts';
import { type CardReading, readCard } from '../../../drivers/contract/card.ts';
import { cardDecoder } from '../../../drivers/wiegand/codec.ts';

/** How a reader of the config gives its cards; without one, what is tried first. */
export interface ReaderForm extends CardOptions {
  readonly is: 'bits' | 'text' | 'em4100' | 'any';
  readonly format: string;
  readonly layouts: readonly WiegandLayout[];
}
export interface Reading {
  /** The option that makes it so; undefined: as the reader is set. */
  readonly option?: string;
  /** As who reads it off the card, or another reader, has it: it says nothing of this reader. */
  readonly printed?: true;
  readonly card: CardReading;
}

const known: readonly WiegandLayout[] = Object.values(wiegandLayouts);
export const anyReader: ReaderForm = {
  is: 'any',
  format: 'ascii',
  layouts: known,
  reverse: false,
  digits: 'auto',
};

/** The form of a device of the config; a string: it shows no cards, or says them in its own way. */
export function formOf(driver: string, options: Readonly<Record<string, unknown>>): ReaderForm | undefined {
  const {
    reverse = false,
    digits = 'auto',
    formats,
  } = options as Partial<CardOptions> & {
    readonly formats?: readonly WiegandLayout[];
  };
  const common = { reverse, digits };
  if (driver === 'osdp') return { ...common, is: 'any', format: 'text', layouts: formats ?? known };
  if (driver !== 'wiegand') return undefined;
  const { connection, format } = options as { readonly connection: object; readonly format: string };
  if ('keyboard' in connection) return { ...common, is: 'text', format: 'keyboard', layouts: [] };
  if (format === 'rdm6300') return { ...common, is: 'em4100', format: 'em4100', layouts: [] };
  if (format === 'ascii' && formats === undefined) return { ...common, is: 'text', format, layouts: [] };
  const named = known.filter(({ name }) => name === format);
  return {
    ...common,
    is: 'bits',
    format,
    layouts: [...named, ...(formats ?? (named.length > 0 ? [] : known))],
  };
}

/** The frames of RDM6300 and ID-12LA: their ten hex digits, with the two of the check or without, or all as hex. */
function emOf(said: string, reverse: boolean): CardReading | undefined {
  const bytes = /^02(?:[0-9a-f]{2}){13,15}$/i.test(said)
    ? Buffer.from(said, 'hex').toString('latin1')
    : undefined;
  const digits = bytes?.replace(/[^0-9A-Fa-f]/g, '') ?? said;
  if (!/^[0-9A-Fa-f]{10}(?:[0-9A-Fa-f]{2})?$/.test(digits)) return undefined;
  const own = Buffer.from(digits.slice(0, 10), 'hex');
  const xor = own.reduce((sum, byte) => sum ^ byte, 0);
  const check = Buffer.of(xor).toString('hex');
  const frame = `\x02${digits.length === 12 ? digits : digits + check}\x03`;
  const [first] = cardDecoder('rdm6300', { reverse, digits: 'auto' }).push(Buffer.from(frame, 'latin1'));
  return first !== undefined && 'frame' in first && 'number' in first.frame ? first.frame : undefined;
}

/** What a reader of one format sends of a card with this number: as many of its lowest bits as go in. */
function sentOf(said: string, [layout, ...others]: readonly WiegandLayout[]): CardReading | undefined {
  const written = readCard(said);
  if (written?.is !== 'number' || layout === undefined || others.length > 0) return undefined;
  const places = (letter: 'F' | 'C') => [...layout.bits].filter((one) => one === letter).length;
  const low = BigInt.asUintN(places('F') + places('C'), written.value);
  const above = BigInt(places('C'));
  return {
    format: layout.name,
    ...(places('F') > 0 && { facility: Number(low >> above) }),
    number: BigInt.asUintN(places('C'), low).toString(),
  };
}

const isBitText = (said: string) => /^[01]{20,128}$/.test(said);
/** The digits of an RDM6300's frame with those of its check, or its bytes in hex: on no card. */
const isFrame = (said: string) => /^[0-9A-Fa-f]{12}$|^02(?:[0-9A-Fa-f]{2}){13,15}$/.test(said);

function read(said: string, form: ReaderForm): CardReading | undefined {
  const { is, format, layouts, reverse } = form;
  const isBits = isBitText(said);
  // As events show it: facility and number.
  if (is === 'bits' && /^\d{1,5}[,.]\d{5}$/.test(said)) {
    const parsed = cardOfText(said, format, { reverse, digits: 'auto' });
    return 'frame' in parsed ? parsed.frame : undefined;
  }
  if (is === 'bits' || (is === 'any' && isBits)) {
    if (!/^[01]{8,128}$/.test(said)) return is === 'bits' ? sentOf(said, layouts) : undefined;
    const parsed = parseBits(said, layouts, reverse);
    return 'frame' in parsed ? parsed.frame : undefined;
  }
  if (is === 'em4100') return emOf(said, reverse);
  const parsed = cardOfText(said, format, form);
  return 'frame' in parsed ? parsed.frame : undefined;
}

const digitsTried = ['auto', 'hex', '2H4D', '4H4D', 'decimal'] as const;

/** The first is the reader's own, where it can read this at all. Each card once. */
export function readingsOf(said: string, form: ReaderForm): readonly Reading[] {
  const tried: Reading[] = [];
  const seen = new Set<string>();
  const add = (option: string | undefined, one: Partial<ReaderForm>, printed = false) => {
    const card = read(said, { ...form, ...one });
    const key = JSON.stringify(card);
    if (card === undefined || seen.has(key)) return;
    seen.add(key);
    tried.push({ card, ...(option !== undefined && { option }), ...(printed && { printed }) });
  };
  add(undefined, {});
  const turned = { reverse: !form.reverse };
  add(`reverse: ${turned.reverse}`, turned);
  // Who typed it has it from print, or from another reader: only what is never printed tells the reader's own form.
  if (form.is === 'text' || form.is === 'em4100') {
    if (isBitText(said)) add('format: wiegand', { is: 'bits', layouts: known });
    if (form.is === 'text' && isFrame(said)) add('format: rdm6300', { is: 'em4100' });
  }
  if (form.is !== 'text')
    add(undefined, { is: 'text', format: 'card', reverse: false, digits: 'auto' }, true);
  if (form.is !== 'em4100') add(undefined, { is: 'em4100', reverse: false }, true);
  for (const digits of digitsTried) {
    if (digits === form.digits) continue;
    add(`digits: ${digits}`, { digits });
    add(`digits: ${digits}, reverse: ${turned.reverse}`, { digits, ...turned });
  }
  return tried;
}
