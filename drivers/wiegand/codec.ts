/**
 * Card readers that speak over a serial line.
 *
 * RDM6300 / EM4100:   02  v v d d d d d d d d  c c  03     ten hex digits as ASCII (version, then 32 bits of card
 *                                                          number), two hex digits: xor of those five bytes
 * ID-12LA, ID-20LA:   the same, with 0D 0A before the 03
 * ascii:              line CR LF                           the card number as the reader prints it
 * wiegand26, 34, 37:  the frame's bits as '0' and '1', CR LF, as Wiegand-to-serial converters send them; a key of a
 *                     reader with keys as a frame of 4 or 8 bits
 * wiegand:            the same, of any number of bits, as a config describes them
 */
import {
  type CardOptions,
  cardOfText,
  encodeWiegand,
  parseBits,
  parseWiegand,
  type WiegandLayout,
  wiegandKeyOf,
  wiegandLayouts,
} from '../bits.ts';
import type { Decoded, Decoder } from '../contract/codec.ts';
import type { Credential } from '../contract/observation.ts';

const STX = 0x02;
const ETX = 0x03;
const CR = 0x0d;
const LF = 0x0a;
const RDM_FRAME = 14;
const ID12_FRAME = 16;
const MAX_LINE = 128;
/** Shorter lines are noise of a line. */
const LEAST_TEXT = 4;

export const formats = [
  'rdm6300',
  'ascii',
  'wiegand26',
  'wiegand34',
  'wiegand37',
  'wiegand37-facility',
] as const;
export type Format = (typeof formats)[number];
/** `wiegand`: bits of any number. */
export type LineFormat = Format | 'wiegand';

/** What the config says of how a reader gives its cards. `formats`: of its bits, where there are several, or others. */
export interface Reading extends CardOptions {
  readonly formats?: readonly WiegandLayout[] | undefined;
}
const usualLayouts = [wiegandLayouts.wiegand26, wiegandLayouts.wiegand34, wiegandLayouts.wiegand37];
const asItComes: Reading = { reverse: false, digits: 'auto' };

/** What a reader says: a card, or a key that was pressed. */
export type Shown = Credential | { readonly key: string };

type Parsed<Frame = Credential> = { frame: Frame } | { reason: string };

/** From STX to ETX, fourteen bytes, or sixteen with CR LF. */
function parseRdm6300(frame: Uint8Array, reverse: boolean): Parsed {
  const text = Buffer.from(frame.subarray(1, RDM_FRAME - 1)).toString('latin1');
  if (frame.at(-1) !== ETX || !/^[0-9A-Fa-f]{12}$/.test(text)) return { reason: 'not an RDM6300 frame' };
  const bytes = Buffer.from(text, 'hex');
  const xor = bytes.subarray(0, 5).reduce((sum, byte) => sum ^ byte, 0);
  if (xor !== bytes[5]) return { reason: 'wrong checksum' };
  const number = String(reverse ? bytes.readUInt32LE(1) : bytes.readUInt32BE(1));
  return { frame: { format: 'em4100', number, facility: bytes[0] ?? 0 } };
}

/** How long the frame is that begins here: CR and LF may stand before its end. undefined: more must come first. */
function frameLength(held: readonly number[]): number | undefined {
  let end = RDM_FRAME - 1;
  while (end < ID12_FRAME - 1 && (held[end] === CR || held[end] === LF)) end++;
  return held.length > end ? end + 1 : undefined;
}

function parseLine(line: string, format: Exclude<LineFormat, 'rdm6300'>, reading: Reading): Parsed<Shown> {
  const { formats: layouts = format === 'wiegand' ? usualLayouts : undefined, reverse } = reading;
  if (format === 'ascii' && layouts === undefined)
    return line.length < LEAST_TEXT ? { reason: 'not a card number' } : cardOfText(line, 'ascii', reading);
  const key = wiegandKeyOf(line);
  if (key !== undefined) return { frame: { key } };
  const named = format === 'ascii' || format === 'wiegand' ? undefined : wiegandLayouts[format];
  if (named !== undefined && layouts === undefined) return parseWiegand(line, named, reverse);
  if (!/^[01]+$/.test(line)) return { reason: 'not the bits of a card' };
  return parseBits(line, [...(named === undefined ? [] : [named]), ...(layouts ?? [])], reverse);
}

/** A credential as its reader sends it. Throws RangeError on a number that the format cannot hold. */
export function encodeCard(credential: Credential, format: Format): Buffer {
  if (format === 'ascii') return Buffer.from(`${credential.number}\r\n`, 'latin1');
  if (format === 'rdm6300') {
    const bytes = Buffer.alloc(6);
    bytes.writeUInt8(credential.facility ?? 0, 0);
    bytes.writeUInt32BE(Number(credential.number), 1);
    bytes[5] = bytes.subarray(0, 5).reduce((sum, byte) => sum ^ byte, 0);
    return Buffer.concat([
      Buffer.of(STX),
      Buffer.from(bytes.toString('hex').toUpperCase(), 'latin1'),
      Buffer.of(ETX),
    ]);
  }
  return Buffer.from(`${encodeWiegand(credential, wiegandLayouts[format])}\r\n`, 'latin1');
}

function rdm6300Decoder(reverse: boolean): Decoder<Credential> {
  let held: number[] = [];
  const take = (into: Decoded<Credential>[], last: boolean) => {
    let noise = 0;
    const flush = (reason: string) => {
      if (noise > 0) into.push({ discarded: noise, reason });
      noise = 0;
    };
    while (held.length > 0) {
      if (held[0] !== STX) {
        held.shift();
        noise++;
        continue;
      }
      flush('noise');
      const whole = frameLength(held);
      if (whole === undefined && !last) return;
      const parsed =
        whole === undefined
          ? { reason: 'torn' }
          : parseRdm6300(Uint8Array.from(held.slice(0, whole)), reverse);
      if ('frame' in parsed) {
        held = held.slice(whole);
        into.push(parsed);
        continue;
      }
      // Not a frame: a real one may start at the next STX.
      const next = held.indexOf(STX, 1);
      const most = Math.min(held.length, whole ?? RDM_FRAME);
      const length = next === -1 ? most : Math.min(next, most);
      into.push({ discarded: length, reason: parsed.reason });
      held = held.slice(length);
    }
    flush('noise');
  };
  return {
    push(chunk) {
      const out: Decoded<Credential>[] = [];
      // In slices, so that a large chunk is never held whole as an array of numbers.
      for (let at = 0; at < chunk.length; at += 256) {
        held.push(...chunk.subarray(at, at + 256));
        take(out, false);
      }
      return out;
    },
    silence() {
      const out: Decoded<Credential>[] = [];
      take(out, true);
      return out;
    },
  };
}

function lineDecoder(format: Exclude<LineFormat, 'rdm6300'>, reading: Reading): Decoder<Shown> {
  let line = '';
  let overflow = 0;
  return {
    push(chunk) {
      const out: Decoded<Shown>[] = [];
      for (const byte of chunk) {
        if (byte !== CR && byte !== LF) {
          if (overflow === 0 && line.length < MAX_LINE) line += String.fromCharCode(byte);
          else overflow++;
          continue;
        }
        if (overflow > 0) out.push({ discarded: line.length + overflow, reason: 'line too long' });
        else if (line !== '') {
          const parsed = parseLine(line, format, reading);
          out.push('frame' in parsed ? parsed : { discarded: line.length, reason: parsed.reason });
        }
        line = '';
        overflow = 0;
      }
      return out;
    },
    silence() {
      const length = line.length + overflow;
      line = '';
      overflow = 0;
      return length > 0 ? [{ discarded: length, reason: 'torn' }] : [];
    },
  };
}

/** Bytes of a reader's line -> cards and keys. */
export function cardDecoder(format: LineFormat, reading: Reading = asItComes): Decoder<Shown> {
  return format === 'rdm6300' ? rdm6300Decoder(reading.reverse) : lineDecoder(format, reading);
}
