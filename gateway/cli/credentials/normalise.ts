/** Shows which row of a list a card is, in all the ways in which readers may say it, and which option is missing. */
import { say } from '../../../config/language.ts';
import type { Config } from '../../../config/schema.ts';
import {
  type CardReading,
  keysOfReading,
  keyWithoutFormat,
  normalNumber,
  partOfKey,
  wholeOfKey,
  wholeOfReading,
} from '../../../drivers/contract/card.ts';
import { printable } from '../../printable.ts';
import { type Terminal, UsageError } from '../command.ts';
import { anyReader, formOf, type ReaderForm, type Reading, readingsOf } from './readings.ts';

type Lines = ReadonlyMap<string, number>;
type Part = Pick<Config['access']['lowBits'][number], 'bits' | 'first'>;

const OVER24 = 2n ** 24n;
const OVER32 = 2n ** 32n;
const hexOf = (value: bigint, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0');
const padded = (value: bigint, digits: number) => value.toString().padStart(digits, '0');
const pairOf = (value: bigint, digits: number) =>
  `${padded(value >> 16n, digits)},${padded(value & 0xffffn, 5)}`;

interface Form {
  readonly name: string;
  readonly text: string;
  /** What a reader gives that says it so. */
  readonly card: CardReading;
}
const split = (format: string, value: bigint): CardReading => ({
  format,
  facility: Number(value >> 16n),
  number: (value & 0xffffn).toString(),
});
const whole = (value: bigint): CardReading => ({ format: 'ascii', number: value.toString() });

/** All that a number is printed as, and read as. */
export function formsOf(value: bigint): readonly Form[] {
  const bytes = [4, 5, 7, 8, 10].find((one) => value < 2n ** BigInt(one * 8)) ?? 16;
  const hex = { name: say('hex', '十六进制'), text: hexOf(value, bytes * 2), card: whole(value) };
  if (value >= OVER32)
    return [{ name: say('decimal', '十进制'), text: value.toString(), card: whole(value) }, hex];
  const low = value % OVER24;
  const only = value < OVER24 ? '' : say(', its lowest 24 bits only', '，仅低 24 位');
  return [
    { name: '8H10D', text: padded(value, 10), card: whole(value) },
    hex,
    {
      name: say('4H4D, Wiegand 34', '4H4D、韦根 34'),
      text: pairOf(value, 5),
      card: split('wiegand34', value),
    },
    { name: `6H8D${only}`, text: padded(low, 8), card: whole(low) },
    {
      name: say(`2H4D, Wiegand 26${only}`, `2H4D、韦根 26${only}`),
      text: pairOf(low, 3),
      card: split('wiegand26', low),
    },
  ];
}

const shown = ({ format, facility, number }: CardReading) =>
  `${format ?? ''} ${facility === undefined ? '' : `${facility},`}${number}`.trim();

const linesOf = (card: CardReading, lines: Lines): readonly number[] =>
  keysOfReading(card)
    .flatMap((key) => lines.get(key) ?? [])
    .slice(0, 1);

/** Rows that have these bits of the card. */
function partLines(card: CardReading, { bits, first }: Part, lines: Lines): readonly number[] {
  const own = wholeOfReading(card)?.value;
  if (own === undefined) return [];
  const value = BigInt.asUintN(bits, own);
  return [...lines].flatMap(([key, line]) => (partOfKey(key, bits, first) === value ? [line] : []));
}

const where = (lines: readonly number[]) =>
  lines.length === 0
    ? say('in no row', '名单中没有')
    : say(`line ${lines.join(', ')}`, `第 ${lines.join('、')} 行`);

export interface Wanted {
  readonly said: readonly string[];
  readonly reader?: string | undefined;
}

/** @returns the exit status: 1 where something that was said is in no row, as the reader is set. */
export function normalise(
  lines: Lines,
  { said, reader }: Wanted,
  config: Config,
  { stdout }: Terminal,
): number {
  const write = (text: string) => stdout.write(`${printable(text)}\n`);
  const form = formFor(reader, config);
  if (said.length === 0) {
    for (const [key, line] of lines) {
      const listed = wholeOfKey(key);
      const forms = (listed === undefined ? [] : formsOf(listed.value)).map(
        ({ name, text }) => `${name} ${text}`,
      );
      write(`${where([line])}: ${forms.join(' · ') || key.replace(/^\//, '')}`);
    }
    return 0;
  }
  const part = config.access.lowBits.find((one) => one.reader === reader);
  const found = said.map((one) => showSaid(one, form, { lines, reader, part, write }));
  return found.every((one) => one) ? 0 : 1;
}

function formFor(reader: string | undefined, { devices }: Config): ReaderForm {
  if (reader === undefined) return anyReader;
  const device = devices.find(({ id }) => id === reader);
  const form = device && formOf(device.driver, device.options as Readonly<Record<string, unknown>>);
  if (form !== undefined) return form;
  throw new UsageError(say(`${reader} is no card reader of the config`, `${reader} 不是配置中的读卡器`));
}

interface Place {
  readonly lines: Lines;
  readonly reader: string | undefined;
  readonly part: Part | undefined;
  readonly write: (text: string) => void;
}

/** @returns whether a row is it as the reader is set. */
function showSaid(said: string, form: ReaderForm, place: Place): boolean {
  const { lines, reader, part, write } = place;
  write(`${said}:`);
  const readings = readingsOf(said, form);
  if (readings.length === 0) {
    write(say('  no card, whatever the options', '  任何选项下都不是卡号'));
    return false;
  }
  const finds = (card: CardReading) =>
    part === undefined ? linesOf(card, lines) : partLines(card, part, lines);
  const asItIs = reader === undefined ? say('as it stands', '按原样') : say('as it is set', '按当前配置');
  for (const { option, printed, card } of readings) {
    const found = finds(card);
    const isTried = printed || (option !== undefined && !/^reverse/.test(option));
    if (isTried && found.length === 0) continue;
    write(
      `  ${printed ? say('printed, or of another reader', '卡面印刷或其他读卡器的读数') : (option ?? asItIs)}: ${shown(card)} → ${where(found)}`,
    );
    const value = wholeOfReading(card)?.value;
    for (const form of value === undefined ? [] : formsOf(value))
      write(`      ${form.name}: ${form.text} → ${where(linesOf(form.card, lines))}`);
  }
  const own = readings.find(({ option, printed }) => option === undefined && !printed);
  const ownLines = own === undefined ? [] : finds(own.card);
  if (ownLines.length === 1) return true;
  write(`  ${adviceFor(own, ownLines, readings, place)}`);
  return false;
}

/** How the row of a card is to be written whose facility and number alone may be another's. */
const howNamed = ({ format, number }: CardReading) =>
  format === 'em4100'
    ? say(`number ${number}, without a facility`, `号码 ${number}，不写 facility`)
    : say(`format ${format}`, `format 写 ${format}`);

function adviceFor(
  own: Reading | undefined,
  ownLines: readonly number[],
  readings: readonly Reading[],
  { lines, reader = 'READER', part }: Place,
): string {
  if (ownLines.length > 1)
    return say(
      `→ several rows have the same ${part?.bits} bits: where they are of different holders, none opens anything here`,
      `→ 多行的 ${part?.bits} 位相同：持卡人不同时，此处均不能开门`,
    );
  const other = readings.find(
    ({ option, card }) => option !== undefined && linesOf(card, lines).length === 1,
  );
  if (other !== undefined)
    return say(
      `→ set at the reader: ${other.option} (if this is the card of ${where(linesOf(other.card, lines))})`,
      `→ 在读卡器上设置：${other.option}（如果这是${where(linesOf(other.card, lines))}的卡）`,
    );
  const pair = own === undefined ? undefined : keyWithoutFormat(own.card);
  const pairLine = pair === undefined ? undefined : lines.get(pair);
  if (own !== undefined && pairLine !== undefined)
    return say(
      `→ line ${pairLine} has its facility and number, which of ${own.card.format} may be another card; if it is this one: ${howNamed(own.card)}`,
      `→ 第 ${pairLine} 行有相同的 facility 和号码，但 ${own.card.format} 可能是另一张卡；如果是同一张卡：${howNamed(own.card)}`,
    );
  const printed = readings.find((one) => one.printed && linesOf(one.card, lines).length === 1);
  const value = own === undefined || printed !== undefined ? undefined : wholeOfReading(own.card)?.value;
  const asHex = value === undefined ? undefined : lines.get(`/${normalNumber(hexOf(value, 8))}`);
  if (value !== undefined && asHex !== undefined && /^\d+$/.test(hexOf(value, 8)))
    return say(
      `→ line ${asHex} has it in hex, without a letter: write 0x${hexOf(value, 8)} there`,
      `→ 第 ${asHex} 行是没有字母的十六进制：请写成 0x${hexOf(value, 8)}`,
    );
  for (const bits of [24, 16]) {
    for (const { option, card } of readings) {
      const first = option?.startsWith('reverse') === true;
      const found = first || card === own?.card ? partLines(card, { bits, first }, lines) : [];
      if (found.length !== 1) continue;
      const set = `access.lowBits: [{ reader: ${reader}, bits: ${bits}${first ? ', first: true' : ''} }]`;
      const all = first ? `${option}, ${set}` : set;
      return say(
        `→ ${where(found)} has the same ${first ? 'first' : 'lowest'} ${bits} bits; if it is this card: ${all}`,
        `→ ${where(found)}的${first ? '前' : '低'} ${bits} 位相同；如果是同一张卡：${all}`,
      );
    }
  }
  if (printed !== undefined)
    return say(
      `→ the card of ${where(linesOf(printed.card, lines))}, if this is printed on it; what ${reader} says of it is in its events (access.unknown, access.denied): show the card there, and give that`,
      `→ 如果卡面印有此号，则是${where(linesOf(printed.card, lines))}的卡；请在 ${reader} 上刷卡，再输入其事件中的读数`,
    );
  return say('→ in no row, whatever the options', '→ 任何选项下名单中都没有');
}
