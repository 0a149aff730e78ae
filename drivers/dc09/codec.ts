/**
 * SIA DC-09: alarm panels over IP.
 *
 *   LF crc length "id" sequence [Rreceiver] Lprefix [#account] [data] [extended]... [_timestamp] CR
 *   0A 4 hex 4     "SIA-DCS" 0042    R1        L0      #1234    [#1234|Nri1/BA1]      _HH:MM:SS,MM-DD-YYYY  0D
 *           └ "0" + 3 hex   └──────────────── body: what crc and length cover ─────────────────────────┘
 *
 * CRC-16/ARC over the body (ANSI/SIA DC-09, 5.5.1.2). Lengths in the field are hex, decimal or neither: the CRC decides, a
 * wrong length is only noted. A `*` before the id means encrypted: AES-CBC with a zero IV, as hex, of
 * `pad|data]_timestamp`, running from after `[` to before CR; the pad holds no `|`, `[` or `]`, and makes a
 * multiple of 16 bytes. Panels are seen that leave out the `|` where there is no data.
 *
 * Also in use: the CRC as two bytes instead of four digits (any byte, LF and CR too); CRC and length that count the CR;
 * heads without sequence, receiver, line or account. What is answered has the form of what was sent.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Decoded, Decoder } from '../contract/codec.ts';
import { decodeText } from '../text.ts';

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
/** Before the body: the crc in four digits or two bytes, and 4 of length. */
const HEADER = 8;
const SHORT_HEADER = 6;
const CRC_BYTES = 2;
/** The length field is "0" and three hex digits. */
export const MAX_BODY = 0xfff;
const MAX_FRAME = HEADER + MAX_BODY;
const AES_BLOCK = 16;

export interface Dc09Message {
  /** `SIA-DCS`, `ADM-CID`, `NULL`, `ACK`, `NAK`, `DUH`, or what else stood there; without the `*`. */
  readonly id: string;
  /** 0 too where there is none. */
  readonly sequence: number;
  readonly receiver?: string;
  readonly prefix?: string;
  readonly account?: string;
  /** What stands between the first brackets; absent while still encrypted. */
  readonly data?: string;
  /** Further bracketed blocks, as they stand. */
  readonly extended?: readonly string[];
  /** Epoch ms; the wire carries GMT to the second. */
  readonly timestamp?: number;
}

/** How a frame is put together, where not as the standard says. */
export interface Dc09Form {
  /** The CRC is two bytes, the high one first: Climax and its brands (Lupus, Egardia), Trikdis. */
  readonly crcInBytes?: true;
  /** CRC and length count the CR at the end: Eldes. */
  readonly overCr?: true;
}

export interface Dc09Frame extends Dc09Message {
  readonly form: Dc09Form;
  /** What stands between the id and the data, to be echoed: `0042R1L0#1234`. */
  readonly head: string;
  /** Present: the frame is encrypted, and this is its hex. */
  readonly cipherText?: string;
  readonly lengthIsWrong: boolean;
  /** The body as it came, each byte a character (latin1). */
  readonly body: string;
}

/** The remainders of each byte: CRC-16/ARC, polynomial 0x8005 reflected. */
const crcTable = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** CRC-16/ARC: initial value 0, no final xor. `before`: of what stands before. */
export function crc16arc(bytes: Uint8Array, before = 0): number {
  let crc = before;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0);
  return crc;
}

const overCr = (crc: number) => crc16arc(Uint8Array.of(CR), crc);
/** AES-128, 192 and 256. */
const KEY_BYTES: readonly number[] = [16, 24, 32];

export interface KeyReading {
  readonly key: Buffer;
  /** How the file was read. */
  readonly as: 'hex' | 'text' | 'bytes';
}

/**
 * The content of a key file -> the keys that it may mean, the likelier first: hex digits, a text, raw bytes. White space
 * around digits or text (an editor's newline) is no part of it.
 */
export function keyReadings(content: Buffer): KeyReading[] {
  // As Notepad writes it: with a BOM (EF BB BF), which is no part of the key.
  const text = content
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trim();
  const readings: KeyReading[] = [
    ...(/^([0-9A-Fa-f]{2})+$/.test(text) ? [{ key: Buffer.from(text, 'hex'), as: 'hex' } as const] : []),
    { key: Buffer.from(text, 'latin1'), as: 'text' },
    { key: content, as: 'bytes' },
  ];
  return readings.filter(
    ({ key }, at) =>
      KEY_BYTES.includes(key.length) && readings.findIndex((one) => one.key.equals(key)) === at,
  );
}

/** The first reading. undefined: it is no key. */
export const parseKey = (content: Buffer): Buffer | undefined => keyReadings(content)[0]?.key;

const hex4 = (value: number) => value.toString(16).toUpperCase().padStart(4, '0');
const two = (value: number) => String(value).padStart(2, '0');

/** Epoch ms -> `HH:MM:SS,MM-DD-YYYY`, GMT. */
export function formatTimestamp(ms: number): string {
  const t = new Date(ms);
  return (
    `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())},` +
    `${two(t.getUTCMonth() + 1)}-${two(t.getUTCDate())}-${String(t.getUTCFullYear()).padStart(4, '0')}`
  );
}

/** `HH:MM:SS,MM-DD-YYYY` (GMT) -> epoch ms, or undefined for what is no time. Some panels write `8:5:3,1-2-2026`. */
export function parseTimestamp(text: string): number | undefined {
  const match = /^(\d\d?):(\d\d?):(\d\d?),(\d\d?)-(\d\d?)-(\d{4})$/.exec(text);
  if (match === null) return undefined;
  const given = match.slice(1).map(Number);
  const [hour, minute, second, month, day, year] = given as [number, number, number, number, number, number];
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC rolls the 31st of February over; a time that does not come back as written is none.
  const written = `${two(hour)}:${two(minute)}:${two(second)},${two(month)}-${two(day)}-${match[6]}`;
  return formatTimestamp(ms) === written ? ms : undefined;
}

function head(message: Dc09Message, encrypted: boolean): string {
  const receiver = message.receiver === undefined ? '' : `R${message.receiver}`;
  const prefix = message.prefix === undefined ? '' : `L${message.prefix}`;
  const account = message.account === undefined ? '' : `#${message.account}`;
  const sequence = String(message.sequence).padStart(4, '0');
  return `"${encrypted ? '*' : ''}${message.id}"${sequence}${receiver}${prefix}${account}`;
}

function tail(message: Dc09Message): string {
  const extended = (message.extended ?? []).map((block) => `[${block}]`).join('');
  const time = message.timestamp === undefined ? '' : `_${formatTimestamp(message.timestamp)}`;
  return `]${extended}${time}`;
}

/** Puts LF, CRC, length and CR around a body of latin1 characters. */
export function frameBody(body: string, form: Dc09Form = {}): Buffer {
  const bytes = Buffer.from(body, 'latin1');
  const crc = form.overCr ? overCr(crc16arc(bytes)) : crc16arc(bytes);
  const length = hex4(bytes.length + (form.overCr ? 1 : 0));
  const check = form.crcInBytes ? Uint8Array.of(crc >> 8, crc & 0xff) : Buffer.from(hex4(crc), 'latin1');
  return Buffer.concat([Uint8Array.of(LF), check, Buffer.from(length, 'latin1'), bytes, Uint8Array.of(CR)]);
}

/** AES-CBC with a zero IV of `pad|...`, as hex. */
function seal(content: string, key: Uint8Array, pad: (length: number) => string): string {
  const plain = `|${content}`;
  const bytes = Buffer.byteLength(plain, 'latin1');
  const text = `${pad(AES_BLOCK - (bytes % AES_BLOCK))}${plain}`;
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, Buffer.alloc(AES_BLOCK)).setAutoPadding(
    false,
  );
  return Buffer.concat([cipher.update(text, 'latin1'), cipher.final()])
    .toString('hex')
    .toUpperCase();
}

/**
 * A message as bytes on the wire; with a key of 16, 24 or 32 bytes, encrypted.
 * `pad` gives the letters of the pad; they may not be `|`, `[`, `]`, LF or CR.
 */
export function encodeDc09(
  message: Dc09Message,
  key?: Uint8Array,
  pad: (length: number) => string = pads,
): Buffer {
  const content = `${message.data ?? ''}${tail(message)}`;
  return frameBody(
    key === undefined
      ? `${head(message, false)}[${content}`
      : `${head(message, true)}[${seal(content, key, pad)}`,
  );
}

/**
 * The answer to a frame: in its form, with its head as it stood (DC-09, 5.5.3). `sealed`: encrypted, with a time as the
 * wire has it.
 */
export function encodeAnswer(
  id: 'ACK' | 'DUH',
  { head, form }: Pick<Dc09Frame, 'head' | 'form'>,
  sealed?: { readonly key: Uint8Array; readonly time: string },
): Buffer {
  return frameBody(
    sealed === undefined
      ? `"${id}"${head}[]`
      : `"*${id}"${head}[${seal(`]_${sealed.time}`, sealed.key, pads)}`,
    form,
  );
}

/** NAK carries the time, so that the panel sets its clock (DC-09, 5.5.3.4). */
export const encodeNak = ({ form }: Pick<Dc09Frame, 'form'>, time: string): Buffer =>
  frameBody(`"NAK"0000R0L0A0[]_${time}`, form);

const pads = (length: number) => 'x'.repeat(length);

/** `"id"`, then what may be there of the head, then `[`. An answer of NAK has `A0` where others have their account. */
const bodyPattern =
  /^"(\*?)([A-Za-z0-9-]{1,16})"((\d{0,4})(?:R([0-9A-Fa-f]{0,6}))?(?:L([0-9A-Fa-f]{0,6}))?(?:#([0-9A-Za-z]{0,16})|A0)?)\[/;

/**
 * Splits `data][extended][...]_timestamp`; an absent time stays absent. The last `]` ends it: there may be others in a
 * text, and only `][` begins the next block.
 */
function parseContent(bytes: Buffer): Pick<Dc09Message, 'data' | 'extended' | 'timestamp'> | undefined {
  const content = decodeText(bytes);
  const end = content.lastIndexOf(']');
  const after = content.slice(end + 1);
  // Some pad the end of what they encrypt too, with bytes below a space (PKCS 7, zeros).
  if (end === -1 || !/^(_|[\0-\x20]*$)/.test(after)) return undefined;
  const [data = '', ...extended] = content.slice(0, end).split('][');
  const timestamp = parseTimestamp(/^_([\d:,-]{0,24})/.exec(after)?.[1] ?? '');
  return {
    data,
    ...(extended.length > 0 && { extended }),
    ...(timestamp !== undefined && { timestamp }),
  };
}

const isHex4 = (text: string) => /^[0-9A-Fa-f]{4}$/.test(text);

/** Where the body of a line begins, and the crc that stands before it. undefined: there is no such line. */
function readHeader(line: Buffer): { readonly at: number; readonly crc: number } | undefined {
  if (line[SHORT_HEADER] === QUOTE) return { at: SHORT_HEADER, crc: line.readUInt16BE(0) };
  const digits = line.toString('latin1', 0, 4);
  return isHex4(digits) ? { at: HEADER, crc: Number.parseInt(digits, 16) } : undefined;
}

/** The form of a frame whose crc is right. */
function formOf(
  bytes: Buffer,
  { at, crc }: { readonly at: number; readonly crc: number },
): Dc09Form | undefined {
  const own = crc16arc(bytes);
  if (own !== crc && overCr(own) !== crc) return undefined;
  return { ...(at === SHORT_HEADER && { crcInBytes: true }), ...(own !== crc && { overCr: true }) };
}

/** What stands between LF and CR -> frame, or the reason why it is none. */
function parseFrame(line: Buffer): { frame: Dc09Frame } | { reason: string } {
  if (line.length < HEADER + 2) return { reason: 'too short' };
  if (line.length > MAX_FRAME) return { reason: 'too long' };
  const header = readHeader(line);
  const bytes = line.subarray(header?.at);
  const form = header === undefined ? undefined : formOf(bytes, header);
  if (header === undefined || form === undefined) return { reason: 'wrong crc' };
  const body = bytes.toString('latin1');
  const match = bodyPattern.exec(body);
  if (match === null) return { reason: 'not a DC-09 body' };
  const [begin, star, id = '', head = '', sequence, receiver, prefix, account] = match;
  const encrypted = star === '*';
  const parsed = encrypted ? undefined : parseContent(bytes.subarray(begin.length));
  if (!encrypted && parsed === undefined) return { reason: 'not a DC-09 body' };
  const length = hex4(bytes.length + (form.overCr ? 1 : 0));
  return {
    frame: {
      id: id.toUpperCase(),
      sequence: Number(sequence),
      ...(receiver !== undefined && { receiver }),
      ...(prefix !== undefined && { prefix }),
      ...(account !== undefined && account !== '' && { account }),
      ...parsed,
      ...(encrypted && { cipherText: body.slice(begin.length) }),
      form,
      head,
      lengthIsWrong: line.toString('latin1', header.at - 4, header.at).toUpperCase() !== length,
      body,
    },
  };
}

/** What no text holds: a sign that a key did not open what it was tried on. */
const unprintable = /[\x00-\x1f\x7f-\x9f\ufffd]/;

/** The plain message of an encrypted frame, or undefined where the key does not open it. */
export function decryptDc09(frame: Dc09Frame, key: Uint8Array): Dc09Message | undefined {
  const hex = frame.cipherText ?? '';
  if (hex.length === 0 || hex.length % (2 * AES_BLOCK) !== 0 || !/^[0-9A-Fa-f]+$/.test(hex)) return undefined;
  const decipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, Buffer.alloc(AES_BLOCK)).setAutoPadding(
    false,
  );
  const plain = Buffer.concat([decipher.update(hex, 'hex'), decipher.final()]);
  // The pad ends at the first "|", or, where there is no data at all, at the "]".
  const padded = /^[^|[\]]*(?:\||(?=\]))/.exec(plain.toString('latin1'));
  const content = padded === null ? undefined : parseContent(plain.subarray(padded[0].length));
  if (content === undefined) return undefined;
  // A time proves the key. Without one, what no text holds is what a wrong key leaves behind, or a pad that ends at
  // nothing but a "]" where an event is due: of some hundreds of wrong keys one puts it last.
  const isOdd = content.data === '' && padded?.[0].endsWith('|') !== true && frame.id !== 'NULL';
  if (content.timestamp === undefined && (isOdd || unprintable.test(content.data ?? ''))) return undefined;
  const { cipherText: _, form: _form, head: _head, lengthIsWrong: _length, body: _body, ...message } = frame;
  return { ...message, ...content };
}

export interface Dc09Decoder extends Decoder<Dc09Frame> {
  /** Whether a frame was begun, or noise gathered, that is not ended. */
  pending(): boolean;
}

/** As far as the quote before the id: what shows whether a line begins with two bytes of crc. */
const LOOKAHEAD = SHORT_HEADER + 1;

/** Whether two bytes of crc stand here, whatever they are, and not digits or the end of a line. */
function beginsInBytes(bytes: Buffer, at: number): boolean {
  return (
    bytes[at + SHORT_HEADER] === QUOTE && isHex4(bytes.toString('latin1', at + CRC_BYTES, at + SHORT_HEADER))
  );
}

/** Bytes of a TCP stream or a datagram -> frames. Holds at most one frame's length. */
export function dc09Decoder(): Dc09Decoder {
  let line: Buffer[] = [];
  let length = 0;
  let inFrame = false;
  /** An LF and what came after it, too little to see how the line begins. */
  let held: Buffer = Buffer.alloc(0);

  /** Ends what was gathered, as bytes that are no frame. */
  const drop = (reason: string, into: Decoded<Dc09Frame>[]) => {
    if (length > 0) into.push({ discarded: length, reason });
    line = [];
    length = 0;
  };
  const gather = (bytes: Buffer, into: Decoded<Dc09Frame>[]) => {
    if (bytes.length === 0) return;
    if (length + bytes.length > MAX_FRAME) {
      length += bytes.length;
      drop(inFrame ? 'too long' : 'noise', into);
      inFrame = false;
      return;
    }
    if (inFrame) line.push(Buffer.from(bytes));
    length += bytes.length;
  };
  /** Ends a line at its CR. One that grew too long left the frame inside gather(). */
  const finish = (into: Decoded<Dc09Frame>[]) => {
    if (!inFrame) return;
    const whole = Buffer.concat(line);
    const parsed = parseFrame(whole);
    line = [];
    length = 0;
    inFrame = false;
    into.push('frame' in parsed ? parsed : { discarded: whole.length, reason: parsed.reason });
  };
  const read = (bytes: Buffer, isAll: boolean): Decoded<Dc09Frame>[] => {
    const out: Decoded<Dc09Frame>[] = [];
    let from = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === LF) {
        gather(bytes.subarray(from, i), out);
        from = i + 1;
        if (!isAll && bytes.length - from < LOOKAHEAD) {
          held = Buffer.from(bytes.subarray(i));
          return out;
        }
        drop(inFrame ? 'torn' : 'noise', out);
        inFrame = true;
        if (beginsInBytes(bytes, from)) i += CRC_BYTES;
      } else if (byte === CR && inFrame) {
        gather(bytes.subarray(from, i), out);
        from = i + 1;
        finish(out);
      }
    }
    gather(bytes.subarray(from), out);
    return out;
  };

  return {
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      if (held.length === 0) return read(bytes, false);
      const all = Buffer.concat([held, bytes]);
      held = Buffer.alloc(0);
      return read(all, false);
    },
    pending: () => inFrame || length > 0 || held.length > 0,
    silence() {
      const rest = held;
      held = Buffer.alloc(0);
      const out = read(rest, true);
      drop(inFrame ? 'torn' : 'noise', out);
      inFrame = false;
      return out;
    },
  };
}
