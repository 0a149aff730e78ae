/**
 * What alarm receivers say to the computer behind them: a line an event, acknowledged by one byte without a number.
 *
 *   Sur-Gard (MLR2, MLR2E, System I to 5, and what speaks like them)                       ends with DC4, 14
 *     1RRL           @                 heartbeat
 *     5RRL 18AAAAQXYZGGCCC             Contact ID: account, E event, R restore, P previous; code, group, zone or user
 *     SRRL[#AAAA|Nri1/BA01]            SIA DC-03, as the panel sent it; with texts `*'text'NM`
 *     3RRL    AAAAAAXXZZZZ             SIA, one event, in fixed columns
 *     8RRLAAAA CCCC CCCC C             Ademco High Speed: a digit a channel
 *     1RRL      AAAA X  YY             pulse formats: a letter and a zone or user
 *     0RRL[#0000|NYC01]                the receiver's own; account 0000
 *   Radionics, Bosch D6500:  aRRL AAAA18QXYZGGCCC, fRRLAAAAAA CCCC CCCC C, S as above                ends with DC4
 *   Ademco 685:  RL AAAA 18 QXYZ GG FCCC  and  RL AAAA CCCC CCCC C  and  00 OKAY @         LF ... CR, or ESC for CR
 *
 * RR is the receiver, L its line card; newer ones have three characters of it (RRLLL). Columns: the installation manuals
 * of Sur-Gard MLR2-DG (pages 42 to 47), MLR2-E (page 38) and VisorALARM Plus (appendix IV), Honeywell MX8000 (8.5), Ademco
 * 685, Bosch Conettix D6600 (computer interface, 3.1.22 and 3.2.30).
 */
import type { Decoded, Decoder } from '../contract/codec.ts';
import { decodeText } from '../text.ts';

/** "Taken" and "say it again"; neither has a number, so each answers what was said last. */
export const ACK = Uint8Array.of(0x06);
export const NAK = Uint8Array.of(0x15);
/** Asks an Ademco 685 whether it is there: `00 OKAY @` within 5 s. */
export const ASK_685 = Uint8Array.of(0x53);

const DC4 = 0x14;
const CR = 0x0d;
const LF = 0x0a;
/** A 685 can be set to end with it instead of CR. */
const ESC = 0x1b;
const ENDS: ReadonlySet<number> = new Set([DC4, CR, LF, ESC]);

/** SIA lines of many events with their texts; the longest seen has 600. */
export const MAX_LINE = 2048;

/** Of what a receiver says, before its line is read. */
export interface RawLine {
  /** A character a byte (latin1), without its end and the spaces around it. */
  readonly text: string;
  /** With its end. */
  readonly length: number;
}

/** Which receiver, and which of its lines: as the line says it. */
export interface Port {
  readonly receiver: string;
  readonly line: string;
}

export type ReceiverLine =
  | { readonly is: 'heartbeat'; readonly port?: Port }
  | {
      readonly is: 'contact-id';
      readonly port: Port;
      readonly account: string;
      /** As DC-05 has it: 1 event or opening, 3 restore or closing, 6 said before and still so. */
      readonly qualifier: '1' | '3' | '6';
      readonly code: string;
      readonly partition: string;
      readonly number: string;
    }
  | {
      readonly is: 'sia';
      readonly port: Port;
      readonly account: string;
      /** As a DC-09 panel would send it: `#1234|Nri1/BA1`, a text as `BA1^Hall^`. */
      readonly data: string;
    }
  | {
      readonly is: 'channels';
      readonly port: Port;
      /** Not digits: what the receiver says of itself. */
      readonly account: string;
      /** Of the channels 1, 2, ... */
      readonly states: string;
    }
  | {
      /** Of a pulse format (3/1, 4/2), by the letter that Sur-Gard's library gives it. */
      readonly is: 'pulse';
      readonly port: Port;
      readonly account: string;
      readonly event: string;
      readonly number: string;
    }
  /** Its account can be read, and what it says cannot. */
  | { readonly is: 'other'; readonly port: Port; readonly account: string; readonly rest: string };

/** Bytes of a line -> what stands between its ends. Holds at most one line's length. */
export function receiverDecoder(): Decoder<RawLine> & { pending(): boolean } {
  let line: Buffer[] = [];
  let length = 0;
  /** Bytes of a line that is too long, up to its end. */
  let lost = 0;

  const end = (ending: number): Decoded<RawLine>[] => {
    const whole = Buffer.concat(line).toString('latin1');
    const [size, tooLong] = [length + ending, lost];
    line = [];
    length = 0;
    lost = 0;
    if (tooLong > 0) return [{ discarded: tooLong + ending, reason: 'a line that is too long' }];
    const text = whole.trim();
    // LF begins a line of a 685 and ends some of others: alone it is neither.
    if (text === '') return [];
    return [{ frame: { text, length: size } }];
  };
  const gather = (bytes: Buffer) => {
    if (bytes.length === 0) return;
    if (lost > 0 || length + bytes.length > MAX_LINE) {
      lost += length + bytes.length;
      line = [];
      length = 0;
      return;
    }
    line.push(Buffer.from(bytes));
    length += bytes.length;
  };

  return {
    push(chunk) {
      const out: Decoded<RawLine>[] = [];
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let from = 0;
      for (let i = 0; i < bytes.length; i++) {
        if (!ENDS.has(bytes[i] as number)) continue;
        gather(bytes.subarray(from, i));
        out.push(...end(1));
        from = i + 1;
      }
      gather(bytes.subarray(from));
      return out;
    },
    pending: () => length > 0 || lost > 0,
    /** Some are set to send no end: a line that is whole is taken when nothing follows. */
    silence() {
      const whole = Buffer.concat(line).toString('latin1').trim();
      if (lost === 0 && isWhole(whole)) return end(0);
      const torn = length + lost;
      line = [];
      length = 0;
      lost = 0;
      return torn === 0 ? [] : [{ discarded: torn, reason: 'torn' }];
    },
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
function isUtf8(bytes: Uint8Array): boolean {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether it can be what somebody meant to say: of a wrong speed or parity, a line has bytes that cannot be printed. */
export const isText = (text: string): boolean =>
  /^[ -~\x80-\xff]+$/.test(text) && (/^[ -~]+$/.test(text) || isUtf8(Buffer.from(text, 'latin1')));

const hasEvenParity = (byte: number) => {
  let ones = byte;
  for (let bit = 1; bit < 8; bit++) ones ^= byte >> bit;
  return (ones & 1) === 0;
};

/** A line of 7 bits and even parity (most Sur-Gards' default) that was read as 8 bits, without the parity. */
function withoutParity(text: string): string | undefined {
  const bytes = Buffer.from(text, 'latin1');
  if (isText(text) || !bytes.every(hasEvenParity)) return undefined;
  return Buffer.from(bytes.map((byte) => byte & 0x7f))
    .toString('latin1')
    .trim();
}

/** What a line says, be it with parity bits in it. */
export function understand(
  text: string,
): { readonly line: ReceiverLine; readonly sevenBits: boolean } | undefined {
  const line = readLine(text);
  if (line !== undefined) return { line, sevenBits: false };
  const stripped = withoutParity(text);
  const again = stripped === undefined ? undefined : readLine(stripped);
  return again && { line: again, sevenBits: true };
}

/** Protocol, receiver, and one or three characters of the line card. */
const HEAD = '(\\d\\d)([0-9A-Z]{3}|[0-9A-Z])';

/** Whether nothing can be missing at its end. */
function isWhole(text: string): boolean {
  const line = understand(text)?.line;
  return (
    line?.is === 'heartbeat' || line?.is === 'contact-id' || (line?.is === 'sia' && /[\]\xdd]$/.test(text))
  );
}

/** What a line says; undefined: it is of no shape that is known. */
export function readLine(text: string): ReceiverLine | undefined {
  if (text.length > MAX_LINE) return undefined;
  for (const read of [heartbeat, contactId, sia, columns, highSpeed, pulse, other]) {
    const line = read(text);
    if (line !== undefined) return line;
  }
  return undefined;
}

function heartbeat(text: string): ReceiverLine | undefined {
  if (!text.endsWith('@')) return undefined;
  if (/^00 OKAY {0,4}@$/.test(text)) return { is: 'heartbeat' };
  const match = /^[01](\d\d)([0-9A-Z]{1,3}) {1,20}@$/.exec(text);
  return match === null ? undefined : { is: 'heartbeat', port: portOf(match[1], match[2]) };
}

const portOf = (receiver = '', line = ''): Port => ({ receiver, line });

const qualifiers: Readonly<Record<string, '1' | '3' | '6'>> = {
  E: '1',
  R: '3',
  P: '6',
  1: '1',
  3: '3',
  6: '6',
};

/**
 * Columns from the right, because accounts have 3 to 16 digits, of which B to F may look like a qualifier. Letters before
 * digits as qualifier, and three digits of a zone before four.
 */
const tails = [
  /^([0-9A-F]{3,16})([ERP])([0-9A-F]{3})(\d\d)(\d{3})$/i,
  /^([0-9A-F]{3,16})([ERP])([0-9A-F]{3})(\d\d)(\d{4})$/i,
  /^([0-9A-F]{3,16})([136])([0-9A-F]{3})(\d\d)(\d{3})$/i,
];

const surGardContactId = new RegExp(`^[5Q]${HEAD} {0,2}(?:18|58|98) {0,4}([0-9A-Za-z ]{12,36})$`);
const radionicsContactId = new RegExp(`^a${HEAD} {1,6}([0-9A-Fa-f]{3,16})18([ERP136]\\d{3}\\d\\d\\d{3})$`);
const ademcoContactId =
  /^([0-9A-F])([0-9A-F]) ([0-9A-F]{3,16}) {1,4}18 ([ERP])([0-9A-F]{3}) (\d\d) ([CU]?)(\d{2,4})$/i;

/** Copies of a line that stand together because nobody answered the first ones: no end stands between them. */
const copies = /^((5\d{3}(?:\d\d)? 18[0-9A-F]{4}[ERP]\d{8}))\1+$/;

function contactId(text: string): ReceiverLine | undefined {
  const ademco = ademcoContactId.exec(text);
  if (ademco !== null) {
    const [, receiver, line, account = '', qualifier = '', code = '', partition = '', , number = ''] = ademco;
    return contactIdOf(portOf(receiver, line), account, qualifier, code, partition, number);
  }
  const once = copies.exec(text)?.[1] ?? text;
  const match = radionicsContactId.exec(once);
  const [, receiver, line, rest = ''] =
    match === null
      ? (surGardContactId.exec(once) ?? [])
      : [match[0], match[1], match[2], `${match[3]}${match[4]}`];
  const packed = rest.replaceAll(' ', '');
  for (const tail of tails) {
    const found = tail.exec(packed);
    if (found === null) continue;
    const [, account = '', qualifier = '', code = '', partition = '', number = ''] = found;
    return contactIdOf(portOf(receiver, line), account, qualifier, code, partition, number);
  }
  return undefined;
}

const contactIdOf = (
  port: Port,
  account: string,
  qualifier: string,
  code: string,
  partition: string,
  number: string,
): ReceiverLine => ({
  is: 'contact-id',
  port,
  account: account.toUpperCase(),
  qualifier: qualifiers[qualifier.toUpperCase()] ?? '1',
  code: code.toUpperCase(),
  partition,
  number,
});

const siaLine = new RegExp(`^[S0]${HEAD} {0,4}\\[#([0-9A-Fa-f]{1,16})(?:\\||(?=/))(.*)\\]$`, 's');
/** A text beside an event, in Sur-Gard's and Bosch's form: `*'text'NM`, `*"text"`, `*text*`. */
const texts = /\*(?:'([^']{0,512})'|"([^"]{0,512})"|([^*'"][^*]{0,511})\*)(?:NM)?/g;

function sia(text: string): ReceiverLine | undefined {
  const match = siaLine.exec(text);
  if (match === null) return undefined;
  const [, receiver, line, account = '', rest = ''] = match;
  const blocks = decodeText(Buffer.from(rest, 'latin1')).replace(
    texts,
    (_, a?: string, b?: string, c?: string) => `^${(a ?? b ?? c ?? '').replaceAll('^', '')}^`,
  );
  // Seen without the block's letter: `[#C710/HA0001]`.
  const data = `#${account}|${blocks.startsWith('/') ? `N${blocks.slice(1)}` : blocks}`;
  return { is: 'sia', port: portOf(receiver, line), account: account.toUpperCase(), data };
}

const siaColumns = new RegExp(
  `^3${HEAD} {1,9}([0-9A-Fa-f]{3,6}) {0,2}(?:r([0-9A-Fa-f]))?([A-Z]{2}) {0,4}([0-9A-Fa-f]{0,4})$`,
);

/** `3RRL    AAAAAAXXZZZZ`: the account fills its six columns from the right. */
function columns(text: string): ReceiverLine | undefined {
  const match = siaColumns.exec(text);
  if (match === null) return undefined;
  const [, receiver, line, account = '', area, code = '', number = ''] = match;
  const data = `#${account}|N${area === undefined ? '' : `ri${area}/`}${code}${number}`;
  return { is: 'sia', port: portOf(receiver, line), account: account.toUpperCase(), data };
}

/** No space stands between line and account: one character of a line, and four or six digits, before three. */
const surGardHighSpeed = [
  /^[8f](\d\d)([0-9A-Z]) {0,6}([0-9A-Fa-f]{3,6}) ([0-9 ]{5,22})$/,
  /^[8f](\d\d)([0-9A-Z]{3}) {0,6}([0-9A-Fa-f]{3,6}) ([0-9 ]{5,22})$/,
];
const ademcoHighSpeed = /^([0-9A-F])([0-9A-F]) ([0-9A-Z]{3,6}) {1,4}(\d{4}(?: \d{4}){0,3} \d)$/;

/** The last digit is of the whole: 7 that the zones are as said, 8 a low battery, 9 a test. */
function highSpeed(text: string): ReceiverLine | undefined {
  const [one, three] = surGardHighSpeed;
  const match = ademcoHighSpeed.exec(text) ?? one?.exec(text) ?? three?.exec(text) ?? null;
  if (match === null) return undefined;
  const [, receiver, line, account = '', states = ''] = match;
  return {
    is: 'channels',
    port: portOf(receiver, line),
    account: account.toUpperCase(),
    states: states.replaceAll(' ', ''),
  };
}

const pulseLine = new RegExp(`^1${HEAD} {1,9}([0-9A-Fa-f]{3,6}) ([!-~]) {1,4}([0-9A-Fa-f]{1,4})$`);

function pulse(text: string): ReceiverLine | undefined {
  const match = pulseLine.exec(text);
  if (match === null) return undefined;
  const [, receiver, line, account = '', event = '', number = ''] = match;
  return { is: 'pulse', port: portOf(receiver, line), account: account.toUpperCase(), event, number };
}

const otherSurGard = new RegExp(`^[0-9A-Za-z]${HEAD} {1,12}([0-9A-F]{3,10}) {1,4}([!-~][ -~]{0,40})$`);
const otherAdemco = /^([0-9A-F])([0-9A-F]) ([0-9A-Z]{3,6}) {1,4}([0-9A-Z](?: [0-9A-F])?)$/;

/** Of a protocol that is not read here: pulse formats without letters, and those of one maker. */
function other(text: string): ReceiverLine | undefined {
  const match = otherAdemco.exec(text) ?? otherSurGard.exec(text);
  if (match === null) return undefined;
  const [, receiver, line, account = '', rest = ''] = match;
  return { is: 'other', port: portOf(receiver, line), account: account.toUpperCase(), rest };
}
