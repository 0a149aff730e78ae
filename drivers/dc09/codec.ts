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
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Decoded, Decoder } from '../contract/codec.ts';

const LF = 0x0a;
const CR = 0x0d;
/** 4 crc + 4 length before the body. */
const HEADER = 8;
/** The length field is "0" and three hex digits. */
export const MAX_BODY = 0xfff;
const MAX_FRAME = HEADER + MAX_BODY;
const AES_BLOCK = 16;

export interface Dc09Message {
  /** `SIA-DCS`, `ADM-CID`, `NULL`, `ACK`, `NAK`, `DUH`, or what else stood there; without the `*`. */
  readonly id: string;
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

export interface Dc09Frame extends Dc09Message {
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

/** CRC-16/ARC: initial value 0, no final xor. */
export function crc16arc(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0);
  return crc;
}

/** AES-128, 192 and 256. */
const KEY_BYTES = [16, 24, 32];

/**
 * The content of a key file -> the key: 16, 24 or 32 raw bytes, or twice as many hex digits; white space around
 * either (an editor's newline) is no part of it. undefined: it is none.
 */
export function parseKey(content: Buffer): Buffer | undefined {
  const text = content.toString('latin1').trim();
  const readings = [
    /^([0-9A-Fa-f]{2})+$/.test(text) ? Buffer.from(text, 'hex') : content,
    content,
    Buffer.from(text, 'latin1'),
  ];
  return readings.find((key) => KEY_BYTES.includes(key.length));
}

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

/** `HH:MM:SS,MM-DD-YYYY` (GMT) -> epoch ms, or undefined for what is no time. */
export function parseTimestamp(text: string): number | undefined {
  const match = /^(\d\d):(\d\d):(\d\d),(\d\d)-(\d\d)-(\d{4})$/.exec(text);
  if (match === null) return undefined;
  const [hour, minute, second, month, day, year] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC rolls the 31st of February over; a time that does not come back as written is none.
  return formatTimestamp(ms) === text ? ms : undefined;
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
export function frameBody(body: string): Buffer {
  const bytes = Buffer.from(body, 'latin1');
  const header = `\n${hex4(crc16arc(bytes))}0${bytes.length.toString(16).toUpperCase().padStart(3, '0')}`;
  return Buffer.concat([Buffer.from(header, 'latin1'), bytes, Buffer.from([CR])]);
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
  if (key === undefined) return frameBody(`${head(message, false)}[${message.data ?? ''}${tail(message)}`);
  const plain = `|${message.data ?? ''}${tail(message)}`;
  const bytes = Buffer.byteLength(plain, 'latin1');
  const text = `${pad(AES_BLOCK - (bytes % AES_BLOCK))}${plain}`;
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, Buffer.alloc(AES_BLOCK)).setAutoPadding(
    false,
  );
  const hex = Buffer.concat([cipher.update(text, 'latin1'), cipher.final()])
    .toString('hex')
    .toUpperCase();
  return frameBody(`${head(message, true)}[${hex}`);
}

const pads = (length: number) => 'x'.repeat(length);

const bodyPattern =
  /^"(\*?)([A-Z0-9-]{1,16})"(\d{4})(?:R([0-9A-Fa-f]{1,6}))?(?:L([0-9A-Fa-f]{1,6}))?(?:#([0-9A-Za-z]{1,16})|A0)?\[/;

/** Splits `data][extended][...]_timestamp`; an absent time stays absent. */
function parseContent(content: string): Pick<Dc09Message, 'data' | 'extended' | 'timestamp'> | undefined {
  const match = /^([^\]]*)\]((?:\[[^\]]*\])*)(?:_(.*))?$/s.exec(content);
  if (match === null) return undefined;
  const extended = [...(match[2] ?? '').matchAll(/\[([^\]]*)\]/g)].map((block) => block[1] ?? '');
  const timestamp = match[3] === undefined ? undefined : parseTimestamp(match[3]);
  return {
    data: match[1] ?? '',
    ...(extended.length > 0 && { extended }),
    ...(timestamp !== undefined && { timestamp }),
  };
}

/** What stands between LF and CR -> frame, or the reason why it is none. */
function parseFrame(line: Buffer): { frame: Dc09Frame } | { reason: string } {
  if (line.length < HEADER + 2) return { reason: 'too short' };
  if (line.length > MAX_FRAME) return { reason: 'too long' };
  const given = line.toString('latin1', 0, 4);
  const bytes = line.subarray(HEADER);
  if (!/^[0-9A-Fa-f]{4}$/.test(given) || Number.parseInt(given, 16) !== crc16arc(bytes))
    return { reason: 'wrong crc' };
  const body = bytes.toString('latin1');
  const match = bodyPattern.exec(body);
  if (match === null) return { reason: 'not a DC-09 body' };
  const content = body.slice(match[0].length);
  const encrypted = match[1] === '*';
  const parsed = encrypted ? undefined : parseContent(content);
  if (!encrypted && parsed === undefined) return { reason: 'not a DC-09 body' };
  return {
    frame: {
      id: match[2] ?? '',
      sequence: Number(match[3]),
      ...(match[4] !== undefined && { receiver: match[4] }),
      ...(match[5] !== undefined && { prefix: match[5] }),
      ...(match[6] !== undefined && { account: match[6] }),
      ...parsed,
      ...(encrypted && { cipherText: content }),
      lengthIsWrong: line.toString('latin1', 4, HEADER).toUpperCase() !== hex4(bytes.length),
      body,
    },
  };
}

/** The plain message of an encrypted frame, or undefined where the key does not open it. */
export function decryptDc09(frame: Dc09Frame, key: Uint8Array): Dc09Message | undefined {
  const hex = frame.cipherText ?? '';
  if (hex.length === 0 || hex.length % (2 * AES_BLOCK) !== 0 || !/^[0-9A-Fa-f]+$/.test(hex)) return undefined;
  const decipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, Buffer.alloc(AES_BLOCK)).setAutoPadding(
    false,
  );
  const plain = Buffer.concat([decipher.update(hex, 'hex'), decipher.final()]).toString('latin1');
  // The pad ends at the first "|", or, where there is no data at all, at the "]".
  const padded = /^[^|[\]]*(?:\||(?=\]))/.exec(plain);
  const content = padded === null ? undefined : parseContent(plain.slice(padded[0].length));
  if (content === undefined) return undefined;
  const { cipherText: _cipherText, lengthIsWrong: _lengthIsWrong, body: _body, ...message } = frame;
  return { ...message, ...content };
}

export interface Dc09Decoder extends Decoder<Dc09Frame> {
  /** Whether a frame was begun, or noise gathered, that is not ended. */
  pending(): boolean;
}

/** Bytes of a TCP stream or a datagram -> frames. Holds at most one frame's length. */
export function dc09Decoder(): Dc09Decoder {
  let line: Buffer[] = [];
  let length = 0;
  let inFrame = false;

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

  return {
    push(chunk) {
      const out: Decoded<Dc09Frame>[] = [];
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let from = 0;
      for (let i = 0; i < bytes.length; i++) {
        const byte = bytes[i];
        if (byte === LF) {
          gather(bytes.subarray(from, i), out);
          drop(inFrame ? 'torn' : 'noise', out);
          inFrame = true;
          from = i + 1;
        } else if (byte === CR && inFrame) {
          gather(bytes.subarray(from, i), out);
          from = i + 1;
          // A line that grew too long left the frame inside gather().
          if (!inFrame) continue;
          const whole = Buffer.concat(line);
          const parsed = parseFrame(whole);
          line = [];
          length = 0;
          inFrame = false;
          out.push('frame' in parsed ? parsed : { discarded: whole.length, reason: parsed.reason });
        }
      }
      gather(bytes.subarray(from), out);
      return out;
    },
    pending: () => inFrame || length > 0,
    silence() {
      const out: Decoded<Dc09Frame>[] = [];
      drop(inFrame ? 'torn' : 'noise', out);
      inFrame = false;
      return out;
    },
  };
}
