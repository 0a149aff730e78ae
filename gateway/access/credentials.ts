/**
 * Who has which card: a CSV file of the school's, read whole, checked row by row.
 *
 *   number,facility,holder,groups,validFrom,validUntil,blocked,children,pin
 *   34567,1,t-017,teachers;night,2026-09-01,2027-07-15,,,2580
 *   34568,1,g-233,guardians,,,,c-0412;c-0413,
 *   ,,cleaners-1,cleaners,,,,,947302
 *
 * `number` and `holder` are needed, the others may be empty or left out. `holder` is the school's own id of a person,
 * `children` are those of the children whom a guardian may take away: no names, which have no business here.
 *
 * A number may be written as readers say it and as cards are printed (drivers/contract/card.ts): decimal with or without
 * leading zeros, hex (a UID), 2H4D such as 111,27706. Without a facility it is the whole number of the card. Facility and
 * number are those of Wiegand 26 and 34; a card of another layout has its name in the column `format`.
 *
 * `pin`, beside a number: what is typed after this card at doors that want both; it opens nothing by itself. Without a
 * number: a code that opens alone, at doors where a code is enough. A number is never a code, and no code is a card.
 */
import { parse as parseAll } from 'csv-parse/sync';
import { textProblem } from '../../config/text.ts';
import { cardKey, isOtherFormat, normalNumber, numberBits } from '../../drivers/contract/card.ts';
import { CARD_FILE_MAX, loadBytesOf } from '../../drivers/files.ts';
import { CSV_ROW_MAX, csvRows, NotUtf8Error } from '../csv.ts';
import { readSecret, type Secret } from './secrets.ts';
import { createTwins, type RowError } from './twins.ts';

export interface Holding {
  readonly holder: string;
  readonly groups: readonly string[];
  /** The first and the last day, as in the calendar of the school. */
  readonly validFrom?: string | undefined;
  readonly validUntil?: string | undefined;
  readonly blocked: boolean;
  /** Whom a guardian may take away. */
  readonly children?: readonly string[] | undefined;
}

/** A code that opens alone, and for whom. */
export interface CodeHolding extends Holding {
  readonly secret: Secret;
}

/** By `cardKey`. */
export type Credentials = Pick<ReadonlyMap<string, Holding>, 'get'>;

const columns = [
  'number',
  'facility',
  'holder',
  'groups',
  'validFrom',
  'validUntil',
  'blocked',
  'children',
  'pin',
  'format',
] as const;
export type Row = Readonly<Partial<Record<(typeof columns)[number], string | undefined>>>;

/** Of the digits of a PIN, and of a code that opens by itself: a thousand codes are then a thousandth of all. */
const LEAST_WITH_CARD = 4;
const LEAST_ALONE = 6;

const isDay = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));

export interface CardList {
  readonly credentials: ReadonlyMap<string, Holding>;
  /** By `cardKey`: what is typed after the card. */
  readonly pins: ReadonlyMap<string, Secret>;
  readonly codes: readonly CodeHolding[];
  /** What is not wrong, and may not be meant so. */
  readonly warnings: readonly RowError[];
  /** By `cardKey`: where it stands. */
  readonly lines: ReadonlyMap<string, number>;
}
type Result = CardList | { readonly errors: readonly RowError[] };

const listOf = (text = '') =>
  text
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** Why a number of a list is none. */
function numberProblem(number: string, facility: string, format: string): string {
  const told = `number "${number}"`;
  if (/^[\d.,]+E\+?\d+$/i.test(number)) return `${told}: a spreadsheet made this; let its column be text`;
  if (/^\d{8,14} +\d{1,5} ?[,.，]/.test(number))
    return `${told}: two numbers, and not the same; write one of them`;
  if (!/^\d{1,5} ?[,.，] ?\d*$/.test(number)) return `${told}: letters and digits`;
  if (cardKey(undefined, number) !== undefined && facility !== '')
    return `${told} has its facility in it; leave the column facility empty`;
  if (cardKey(undefined, number) !== undefined && format !== '')
    return `${told}: beside a format, facility and number stand in their own columns`;
  return `${told}: facility and number are at most 65535, the second with five digits, such as 111,05432`;
}

/** Why a card of such a format cannot be. */
function formatProblem({ number = '', facility = '', format = '' }: Row): string | undefined {
  if (format === '') return undefined;
  const told = `format "${format}"`;
  if (number === '') return `${told} stands beside no number`;
  if (format.length > FORMAT_MAX) return `${told}: at most ${FORMAT_MAX} letters`;
  if (format === 'em4100' && facility !== '') return `${told} has no facility; leave that column empty`;
  const bits = isOtherFormat(format) ? undefined : numberBits(format);
  if (bits === undefined || format === 'wiegand26' || format === 'wiegand34') return undefined;
  if (facility === '') return `${told} has a facility; write it beside the number`;
  const normal = normalNumber(number);
  return /^\d+$/.test(normal) && BigInt(normal) >= 2n ** BigInt(bits)
    ? `${told}: its numbers have ${bits} bits`
    : undefined;
}

/** One row -> a card and who has it; `wrong` hears all that is not right with it. */
export function readRow(
  row: Row,
  groups: readonly string[],
  wrong: (message: string) => void,
): readonly [key: string, holding: Holding] {
  const { number = '', facility = '', holder = '', format = '' } = row;
  const { validFrom = '', validUntil = '', blocked = '' } = row;
  const own = listOf(row.groups);
  const children = listOf(row.children);
  // Of a row without a number the code is all there is.
  const isCode = number === '' && row.pin !== undefined && row.pin !== '';
  if (isCode && facility !== '') wrong('facility stands beside no number');
  const key = cardKey(facility === '' ? undefined : Number(facility), number, format);
  if (!isCode && key === undefined) wrong(numberProblem(number, facility, format));
  const problem = formatProblem(row);
  if (problem !== undefined) wrong(problem);
  if (!/^\d{0,5}$/.test(facility)) wrong(`facility "${facility}": a number, or nothing`);
  if (holder === '') wrong('holder is missing');
  for (const group of own)
    if (!groups.includes(group))
      wrong(`there is no group ${group}; there are: ${groups.join(', ') || 'none'}`);
  for (const [name, day] of [
    ['validFrom', validFrom],
    ['validUntil', validUntil],
  ] as const)
    if (day !== '' && !isDay(day)) wrong(`${name} "${day}": a day such as 2026-09-01`);
  if (!['', '0', '1', 'no', 'yes'].includes(blocked)) wrong(`blocked "${blocked}": yes, no, or nothing`);
  return [
    key ?? `${facility}/${number}`,
    {
      holder,
      groups: own,
      validFrom: validFrom === '' ? undefined : validFrom,
      validUntil: validUntil === '' ? undefined : validUntil,
      blocked: blocked === '1' || blocked === 'yes',
      ...(children.length > 0 && { children }),
    },
  ];
}

/** As long as names of formats are in a config. */
const FORMAT_MAX = 40;

/** So many mistakes are told; a file of another kind is wrong in each row. */
const ERRORS_MAX = 1000;
/** Characters of one. */
const MESSAGE_MAX = 300;

/** Collects rows, and all that is wrong with them. `groups`: those that the config knows. */
function collector(groups: readonly string[]) {
  const errors: RowError[] = [];
  const tell = (line: number, message: string) => {
    if (errors.length < ERRORS_MAX) errors.push({ line, message: message.slice(0, MESSAGE_MAX) });
  };
  const credentials = new Map<string, Holding>();
  const pins = new Map<string, Secret>();
  const codes: CodeHolding[] = [];
  const codeLines = new Map<string, number>();
  const twins = createTwins({ credentials, pins });
  return {
    options: {
      bom: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
      max_record_size: CSV_ROW_MAX,
      columns: (names: string[]) => {
        const unknown = names.filter((name) => !columns.some((one) => one === name));
        if (unknown.length > 0)
          tell(1, `unknown column ${unknown.join(', ').slice(0, 100)}; allowed: ${columns.join(', ')}`);
        for (const name of ['number', 'holder'])
          if (!names.includes(name)) tell(1, `the column ${name} is missing`);
        return names;
      },
    },
    /** Whether it is of use to go on. */
    row({ record, info: { lines: line } }: ParsedRow): boolean {
      // Without its columns no row makes sense.
      if (errors[0]?.line === 1 || errors.length === ERRORS_MAX) return false;
      const wrong = (message: string) => tell(line, message);
      const [key, holding] = readRow(record, groups, wrong);
      const { number = '', pin = '' } = record;
      const secret = pin === '' ? undefined : readSecret(pin, number === '' ? LEAST_ALONE : LEAST_WITH_CARD);
      if (typeof secret === 'string') {
        wrong(secret);
        return true;
      }
      if (number !== '') {
        const { wrong: problem } = twins.add(key, { ...record, number }, line, holding, secret !== undefined);
        if (problem !== undefined) wrong(problem);
        credentials.set(key, holding);
        if (secret !== undefined) pins.set(key, secret);
      } else if (secret !== undefined) {
        const own = `${secret.way} ${secret.hash.toString('hex')}`;
        const before = codeLines.get(own);
        if (before !== undefined) wrong(`the same code as in line ${before}`);
        codeLines.set(own, line);
        codes.push({ ...holding, secret });
      }
      return true;
    },
    /** No CSV at all from here on. */
    broken({ lines: line = 1, message }: Error & { lines?: number }) {
      // Without what stands there: it may be a code.
      const told = message.replace(/,? value is .*$/s, '');
      tell(line, /record length/i.test(told) ? `${told}; a number such as 111,27706 stands in quotes` : told);
    },
    result(): Result {
      for (const { line, message } of twins.end()) tell(line, message);
      const { warnings, lines } = twins;
      return errors.length > 0 ? { errors } : { credentials, pins, codes, warnings, lines };
    },
  };
}

interface ParsedRow {
  readonly record: Row;
  readonly info: { readonly lines: number };
}

/** Reads the text of a file at once: no more than `CARD_FILE_MAX`. */
export function readCredentials(text: string, groups: readonly string[]): Result {
  const { options, row, broken, result } = collector(groups);
  try {
    for (const one of parseAll(text, options) as unknown as ParsedRow[]) if (!row(one)) break;
  } catch (error) {
    broken(error as Error);
  }
  return result();
}

/** The same, a little at a time; `read` hears how many rows there were so far. @throws what reading the file throws. */
export async function loadCredentials(
  file: string,
  groups: readonly string[],
  read: (rows: number) => void = () => {},
): Promise<Result> {
  const { options, row, broken, result } = collector(groups);
  try {
    let rows = 0;
    for await (const one of csvRows(file, CARD_FILE_MAX, options)) {
      if (!row(one as ParsedRow)) break;
      read(++rows);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    if (error instanceof NotUtf8Error) {
      const place = textProblem(await loadBytesOf(file, CARD_FILE_MAX));
      if (place !== undefined) return { errors: [place] };
    }
    broken(error as Error);
  }
  return result();
}
