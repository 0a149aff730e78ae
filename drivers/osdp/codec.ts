/**
 * OSDP frames (IEC 60839-11-5): bytes <-> frames, for both ends.
 *
 *   [FF] 53 address lengthL lengthH control [security block] code data [MAC 4] check
 *
 * Bit 7 of the address marks a reply. Control: bits 0-1 sequence, bit 2 CRC instead of checksum, bit 3 security block.
 * The length counts all from 53 to the check.
 */
import type { Decoded, Decoder } from '../contract/codec.ts';

export interface OsdpFrame {
  /** 0 to 126; 127 is everybody. */
  readonly address: number;
  readonly reply: boolean;
  /** 0 to 3; 0 restarts. */
  readonly sequence: number;
  /** CRC-16, else a checksum. */
  readonly crc: boolean;
  /** The security block without its length: its type, then its data. */
  readonly security?: Uint8Array;
  readonly code: number;
  /** Encrypted under security blocks of type 17 and 18. */
  readonly data: Uint8Array;
  /** Under security blocks of type 15 to 18, the first four bytes of the MAC. */
  readonly mac?: Uint8Array;
}

const SOM = 0x53;
const MARK = 0xff;
const REPLY = 0x80;
const USES_CRC = 0x04;
const HAS_SECURITY = 0x08;
const MAC_BYTES = 4;
/** Longer packets are for file transfer, which nobody asks of a reader here (6.2: at least 128, at most 1440). */
const LONGEST = 1440;

export const commands = {
  POLL: 0x60,
  ID: 0x61,
  CAP: 0x62,
  LSTAT: 0x64,
  ISTAT: 0x65,
  OSTAT: 0x66,
  RSTAT: 0x67,
  OUT: 0x68,
  LED: 0x69,
  BUZ: 0x6a,
  TEXT: 0x6b,
  COMSET: 0x6e,
  KEYSET: 0x75,
  CHLNG: 0x76,
  SCRYPT: 0x77,
} as const;
export const replies = {
  ACK: 0x40,
  NAK: 0x41,
  PDID: 0x45,
  PDCAP: 0x46,
  LSTATR: 0x48,
  ISTATR: 0x49,
  OSTATR: 0x4a,
  RSTATR: 0x4b,
  RAW: 0x50,
  FMT: 0x51,
  KEYPAD: 0x53,
  COM: 0x54,
  CCRYPT: 0x76,
  RMAC_I: 0x78,
  BUSY: 0x79,
} as const;

const crcTable = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  return crc;
});

/** CRC-16, polynomial 0x1021, init 0x1D0F, not reflected. By table: noise may be full of what looks like a frame. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0x1d0f;
  for (let i = 0; i < bytes.length; i++)
    crc = ((crc << 8) & 0xffff) ^ (crcTable[(crc >> 8) ^ (bytes[i] as number)] as number);
  return crc;
}

/** The two's complement of the sum. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += bytes[i] as number;
  return -sum & 0xff;
}

const hasMac = (security: Uint8Array | undefined) =>
  security !== undefined && (security[0] ?? 0) >= 0x15 && (security[0] ?? 0) <= 0x18;

/** A frame up to its MAC: what the MAC is over. */
export function encodeHead(frame: OsdpFrame): Buffer {
  const { address, reply, sequence, crc, security, code, data } = frame;
  const block = security === undefined ? [] : [security.length + 1, ...security];
  const length = 5 + block.length + 1 + data.length + (hasMac(security) ? MAC_BYTES : 0) + (crc ? 2 : 1);
  const control = (sequence & 3) | (crc ? USES_CRC : 0) | (security === undefined ? 0 : HAS_SECURITY);
  return Buffer.from([
    SOM,
    (address & 0x7f) | (reply ? REPLY : 0),
    length & 0xff,
    length >> 8,
    control,
    ...block,
    code,
    ...data,
  ]);
}

/** A frame as bytes, without the mark before it. */
export function encodeOsdp(frame: OsdpFrame): Buffer {
  const body = Buffer.concat([encodeHead(frame), frame.mac ?? Buffer.alloc(0)]);
  if (!frame.crc) return Buffer.concat([body, Buffer.from([checksum(body)])]);
  const crc = crc16(body);
  return Buffer.concat([body, Buffer.from([crc & 0xff, crc >> 8])]);
}

/** One whole packet, from SOM to check. A string: why it is none. */
function parse(packet: Buffer): OsdpFrame | string {
  const control = packet[4] ?? 0;
  const crc = (control & USES_CRC) !== 0;
  const check = crc ? 2 : 1;
  const body = packet.subarray(0, packet.length - check);
  const right = crc ? packet.readUInt16LE(body.length) === crc16(body) : packet.at(-1) === checksum(body);
  if (!right) return crc ? 'wrong CRC' : 'wrong checksum';
  let at = 5;
  let security: Buffer | undefined;
  if ((control & HAS_SECURITY) !== 0) {
    const length = body[at] ?? 0;
    if (length < 2 || at + length >= body.length) return 'a security block that does not fit';
    security = body.subarray(at + 1, at + length);
    at += length;
  }
  const end = body.length - (hasMac(security) ? MAC_BYTES : 0);
  if (at >= end) return 'no code';
  return {
    address: (packet[1] ?? 0) & 0x7f,
    reply: ((packet[1] ?? 0) & REPLY) !== 0,
    sequence: control & 3,
    crc,
    ...(security !== undefined && { security }),
    code: body[at] ?? 0,
    data: body.subarray(at + 1, end),
    ...(hasMac(security) && { mac: body.subarray(end) }),
  };
}

export interface OsdpDecoder extends Decoder<OsdpFrame> {
  /** How many bytes, at least, are still to come of an answer of this address that has begun; 0: none has. */
  missing(address: number): number;
}

/** The shortest frame: five bytes of head, a code, a checksum. */
const SHORTEST = 7;

export function osdpDecoder(): OsdpDecoder {
  let pending = Buffer.alloc(0);
  const step = (out: Decoded<OsdpFrame>[]): boolean => {
    const start = pending.indexOf(SOM);
    const before = pending.subarray(0, start === -1 ? pending.length : start);
    const noise = before.filter((byte) => byte !== MARK).length;
    if (noise > 0) out.push({ discarded: noise, reason: 'bytes between frames' });
    pending = pending.subarray(before.length);
    if (pending.length < 4) return false;
    const length = pending.readUInt16LE(2);
    if (length < SHORTEST || length > LONGEST) return skip(out, 'an impossible length');
    if (pending.length < length) return false;
    const parsed = parse(pending.subarray(0, length));
    // The 53 may have stood in the middle of something: look again behind it.
    if (typeof parsed === 'string') return skip(out, parsed);
    out.push({ frame: parsed });
    pending = pending.subarray(length);
    return true;
  };
  const skip = (out: Decoded<OsdpFrame>[], reason: string): boolean => {
    const last = out.at(-1);
    // Many in a row are told as one.
    if (last !== undefined && 'discarded' in last && last.reason === reason)
      out[out.length - 1] = { discarded: last.discarded + 1, reason };
    else out.push({ discarded: 1, reason });
    pending = pending.subarray(1);
    return true;
  };
  return {
    missing(address) {
      const [, from] = pending;
      // 127 is everybody: whoever answers then may do so under its own address.
      const begun =
        pending.length === 1 || from === (address | REPLY) || (address === 127 && (from ?? 0) >= REPLY);
      if (pending.length === 0 || !begun) return 0;
      return (pending.length < 4 ? SHORTEST : pending.readUInt16LE(2)) - pending.length;
    },
    push(chunk) {
      pending = Buffer.concat([pending, chunk]);
      const out: Decoded<OsdpFrame>[] = [];
      while (step(out));
      return out;
    },
    silence() {
      const out: Decoded<OsdpFrame>[] = [];
      while (pending.length > 0) {
        skip(out, 'a torn frame');
        while (step(out));
      }
      return out;
    },
  };
}
