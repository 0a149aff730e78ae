/**
 * MPEG-2 program stream (ISO/IEC 13818-1, 2.5), as GB/T 28181 carries video and sound (2016, annex C). Pure. Each unit is
 * a pack of its own; the system header and the map stand in each pack with a key picture, and where the map changes.
 */
import type { Unit } from '../../../contract/media.ts';

/** stream_type (table 2-34; 2016, annex C: table C.1): H.264, H.265; G.711 A-law is of the standard's own. */
const streamTypes = { h264: 0x1b, h265: 0x24, g711a: 0x90 } as const;
/** stream_id (table 2-22): the first of video, the first of sound. */
const VIDEO = 0xe0;
const AUDIO = 0xc0;

const PACK_BYTES = 14;
/** A PES_packet_length has 16 bits, and counts from behind itself (2.4.3.7). */
const PES_MAX = 65_535;
/** Start code, length, flags, length of the header's rest. */
const PES_HEAD_BYTES = 9;

/** 50 bytes a second each (2.5.3.4): 24 Mbit/s, more than any camera of a campus has. */
const MUX_RATE = 60_000;
/** How long bytes are there before they are to be decoded, ticks: a decoder has them when it needs them (2.5.2.3). */
const DELAY = 9000;
/** 33 bits (2.4.3.7, 2.5.3.4). */
const TIME_END = 2 ** 33;
/** P-STD_buffer_size_bound: video in KiB, sound in units of 128 bytes (2.5.3.6). */
const VIDEO_BUFFER = 4096;
const AUDIO_BUFFER = 64;

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/** CRC_32 of the map (annex A): CRC-32/MPEG-2, not reflected, from all ones, without a last xor. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = ((crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 0xff] as number)) >>> 0;
  return crc;
}

/** 33 bits in three parts, each with a marker bit behind it. */
const partsOf = (time: number): readonly [high: number, middle: number, low: number] => {
  const ticks = ((time % TIME_END) + TIME_END) % TIME_END;
  return [Math.floor(ticks / 2 ** 30), Math.floor(ticks / 2 ** 15) % 2 ** 15, ticks % 2 ** 15];
};

/** 2.5.3.3: table 2-39. SCR_ext is 0: our clock has 90 kHz. */
function writePack(out: Buffer, at: number, scr: number): number {
  const [high, middle, low] = partsOf(scr);
  out.writeUInt32BE(0x1ba, at);
  out[at + 4] = 0x44 | (high << 3) | (middle >> 13);
  out[at + 5] = (middle >> 5) & 0xff;
  out[at + 6] = ((middle & 0x1f) << 3) | 0x04 | (low >> 13);
  out[at + 7] = (low >> 5) & 0xff;
  out[at + 8] = ((low & 0x1f) << 3) | 0x04;
  out[at + 9] = 0x01;
  out.writeUIntBE(MUX_RATE * 4 + 3, at + 10, 3);
  out[at + 13] = 0xf8;
  return at + PACK_BYTES;
}

/** `0010` or so, and a time (2.4.3.6). */
function writeTime(out: Buffer, at: number, mark: number, time: number): void {
  const [high, middle, low] = partsOf(time);
  out[at] = (mark << 4) | (high << 1) | 1;
  out.writeUInt16BE(middle * 2 + 1, at + 1);
  out.writeUInt16BE(low * 2 + 1, at + 3);
}

/** What the stream has; `h264` and `g711a`, for one. */
type Codec = keyof typeof streamTypes;
const idOf = (codec: Codec) => (codec === 'g711a' ? AUDIO : VIDEO);

/** 2.5.3.5: table 2-40. */
function systemHeader(codecs: readonly Codec[]): Buffer {
  const has = (id: number) => (codecs.some((codec) => idOf(codec) === id) ? 1 : 0);
  const streams = codecs.flatMap((codec) => {
    const bound = codec === 'g711a' ? AUDIO_BUFFER : 0x2000 + VIDEO_BUFFER;
    return [idOf(codec), 0xc0 | (bound >> 8), bound & 0xff];
  });
  const rate = Buffer.alloc(3);
  // marker, rate_bound, marker
  rate.writeUIntBE(0x80_0000 + MUX_RATE * 2 + 1, 0, 3);
  // audio_bound, variable rate, no constraints; no locks, marker, video_bound; reserved.
  const bounds = [has(AUDIO) << 2, 0x20 | has(VIDEO), 0x7f];
  const body = [...rate, ...bounds, ...streams];
  return Buffer.from([0, 0, 1, 0xbb, 0, body.length, ...body]);
}

/** 2.5.4.1: table 2-41. */
function streamMap(codecs: readonly Codec[], version: number): Buffer {
  const streams = codecs.flatMap((codec) => [streamTypes[codec], idOf(codec), 0, 0]);
  // current_next_indicator, reserved, version; reserved, marker; no program_stream_info.
  const body = [0xe0 | (version & 0x1f), 0xff, 0, 0, 0, streams.length, ...streams];
  const map = Buffer.alloc(6 + body.length + 4);
  map.set([0, 0, 1, 0xbc, 0, body.length + 4, ...body]);
  map.writeUInt32BE(crc32(map.subarray(0, -4)), map.length - 4);
  return map;
}

/** Writes PES packets: the first has the times, and says that a unit begins there (data_alignment_indicator). */
function writePes(out: Buffer, start: number, unit: Unit): number {
  const { kind, bytes, pts } = unit;
  const dts = kind === 'video' ? unit.dts : pts;
  const times = dts === pts ? 5 : 10;
  let at = start;
  for (let taken = 0, head = times; taken < bytes.length || at === start; head = 0) {
    const length = Math.min(bytes.length - taken, PES_MAX - 3 - head);
    out.writeUInt32BE(0x100 | (kind === 'video' ? VIDEO : AUDIO), at);
    out.writeUInt16BE(3 + head + length, at + 4);
    out[at + 6] = head > 0 ? 0x84 : 0x80;
    out[at + 7] = head === 0 ? 0 : head === 5 ? 0x80 : 0xc0;
    out[at + 8] = head;
    if (head > 0) writeTime(out, at + 9, head === 5 ? 2 : 3, pts + DELAY);
    if (head > 5) writeTime(out, at + 14, 1, dts + DELAY);
    at += PES_HEAD_BYTES + head;
    bytes.copy(out, at, taken, taken + length);
    at += length;
    taken += length;
  }
  return at;
}

/** So many bytes as the PES packets of a unit need at most. */
const roomOf = ({ bytes }: Unit) =>
  bytes.length + 10 + (Math.ceil((bytes.length + 10) / (PES_MAX - 3)) + 1) * PES_HEAD_BYTES;

export interface Pack {
  readonly bytes: Buffer;
  /** When its first byte is due, ticks of 90 kHz: it rises from pack to pack. */
  readonly scr: number;
}

/** @returns what makes a pack of each unit. It holds no unit back. */
export function createMuxer(): (unit: Unit) => Pack {
  let codecs: readonly Codec[] = [];
  let version = -1;
  let last = -1;
  return (unit) => {
    const others = codecs.filter((codec) => idOf(codec) !== idOf(unit.codec));
    const isNew = !codecs.includes(unit.codec);
    if (isNew) {
      codecs = unit.kind === 'video' ? [unit.codec, ...others] : [...others, unit.codec];
      version++;
    }
    const isHeaded = isNew || (unit.kind === 'video' && unit.isKey);
    const heads = isHeaded ? [systemHeader(codecs), streamMap(codecs, version)] : [];
    // Sound may be a little late beside pictures: the clock of a stream does not go back.
    last = Math.max(last + 1, unit.kind === 'video' ? unit.dts : unit.pts);
    const size = heads.reduce((sum, { length }) => sum + length, PACK_BYTES + roomOf(unit));
    const out = Buffer.allocUnsafe(size);
    let at = writePack(out, 0, last);
    for (const head of heads) at += head.copy(out, at);
    return { bytes: out.subarray(0, writePes(out, at, unit)), scr: last };
  };
}
