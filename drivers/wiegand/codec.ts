/**
 * Card readers that speak over a serial line.
 *
 * RDM6300 / EM4100:   02  v v d d d d d d d d  c c  03     ten hex digits as ASCII (version, then 32 bits of card
 *                                                          number), two hex digits: xor of those five bytes
 * ascii:              line CR LF                           the card number as the reader prints it
 * wiegand26, 34, 37:  the frame's bits as '0' and '1', CR LF, as Wiegand-to-serial converters send them; a key of a
 *                     reader with keys as a frame of 4 or 8 bits
 */
import { encodeWiegand, parseWiegand, wiegandKeyOf, wiegandLayouts } from '../bits.ts';
import type { Decoded, Decoder } from '../contract/codec.ts';
import type { Credential } from '../contract/observation.ts';

const STX = 0x02;
const ETX = 0x03;
const CR = 0x0d;
const LF = 0x0a;
const RDM_FRAME = 14;
const MAX_LINE = 128;

export const formats = [
  'rdm6300',
  'ascii',
  'wiegand26',
  'wiegand34',
  'wiegand37',
  'wiegand37-facility',
] as const;
export type Format = (typeof formats)[number];

/** What a reader says: a card, or a key that was pressed. */
export type Shown = Credential | { readonly key: string };

type Parsed<Frame = Credential> = { frame: Frame } | { reason: string };

/** Fourteen bytes, STX to ETX. */
function parseRdm6300(frame: Uint8Array): Parsed {
  const text = Buffer.from(frame.subarray(1, RDM_FRAME - 1)).toString('latin1');
  if (frame[RDM_FRAME - 1] !== ETX || !/^[0-9A-Fa-f]{12}$/.test(text))
    return { reason: 'not an RDM6300 frame' };
  const bytes = Buffer.from(text, 'hex');
  const xor = bytes.subarray(0, 5).reduce((sum, byte) => sum ^ byte, 0);
  if (xor !== bytes[5]) return { reason: 'wrong checksum' };
  return {
    frame: { format: 'em4100', number: String(bytes.readUInt32BE(1)), facility: bytes[0] ?? 0 },
  };
}

function parseLine(line: string, format: Exclude<Format, 'rdm6300'>): Parsed<Shown> {
  if (format !== 'ascii') {
    const key = wiegandKeyOf(line);
    return key === undefined ? parseWiegand(line, wiegandLayouts[format]) : { frame: { key } };
  }
  return /^[0-9A-Za-z]{4,40}$/.test(line)
    ? { frame: { format: 'ascii', number: line } }
    : { reason: 'not a card number' };
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

function rdm6300Decoder(): Decoder<Credential> {
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
      if (held.length < RDM_FRAME && !last) return;
      const parsed =
        held.length < RDM_FRAME
          ? { reason: 'torn' }
          : parseRdm6300(Uint8Array.from(held.slice(0, RDM_FRAME)));
      if ('frame' in parsed) {
        held = held.slice(RDM_FRAME);
        into.push(parsed);
        continue;
      }
      // Not a frame: a real one may start at the next STX.
      const next = held.indexOf(STX, 1);
      const length = next === -1 ? Math.min(held.length, RDM_FRAME) : Math.min(next, RDM_FRAME);
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

function lineDecoder(format: Exclude<Format, 'rdm6300'>): Decoder<Shown> {
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
          const parsed = parseLine(line, format);
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
export function cardDecoder(format: Format): Decoder<Shown> {
  return format === 'rdm6300' ? rdm6300Decoder() : lineDecoder(format);
}
