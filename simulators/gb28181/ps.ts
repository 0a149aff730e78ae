/**
 * A program stream as it comes (ISO/IEC 13818-1, 2.5; GB/T 28181-2016, annex C): its codecs, its pictures, which of them
 * are key pictures. It looks at what a stream is made of, and decodes nothing. Pure; each byte is looked at a fixed number
 * of times.
 */
export interface Picture {
  readonly isKey: boolean;
  /** Of its elementary stream. */
  readonly bytes: number;
  /** Presentation time, of 90 kHz. */
  readonly pts: number | undefined;
  /** Nothing of it was lost. */
  readonly isWhole: boolean;
}

export interface PsReader {
  push(bytes: Buffer): void;
  /** The picture that is being read ends here: RTP said so. */
  endPicture(): void;
  /** Something between what came and what comes is missing. */
  lost(): void;
  readonly seen: {
    readonly pictures: number;
    readonly keys: number;
    /** Stretches of sound. */
    readonly sounds: number;
    /** `H.264`; undefined: no map said it yet, and no picture showed it. */
    readonly video: string | undefined;
    readonly audio: string | undefined;
    /** Bytes that are of no program stream. */
    readonly strange: number;
  };
}

/** ISO/IEC 13818-1, table 2-34; GB/T 28181-2016, annex C.1 (0x80 to 0x9B). */
const videos: Readonly<Record<number, string>> = { 16: 'MPEG-4', 27: 'H.264', 36: 'H.265', 128: 'SVAC' };
const audios: Readonly<Record<number, string>> = {
  ...{ 15: 'AAC', 144: 'G.711A', 145: 'G.711U', 146: 'G.722.1', 147: 'G.723.1', 153: 'G.729' },
  155: 'SVAC audio',
};

const START = Buffer.of(0, 0, 1);
const END = 0xb9;
const PACK = 0xba;
const MAP = 0xbc;
const isVideo = (id: number) => id >= 0xe0 && id <= 0xef;
const isAudio = (id: number) => id >= 0xc0 && id <= 0xdf;
const isPart = (id: number) => id >= END;

interface Growing {
  pts: number | undefined;
  bytes: number;
  isKey: boolean;
  isWhole: boolean;
  /** The last bytes, where a start code may stand across two packets. */
  tail: Buffer;
}

/** Bytes of the part at the beginning; 0: more are needed; undefined: it is none. */
function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < 4) return START.subarray(0, bytes.length).equals(bytes.subarray(0, 3)) ? 0 : undefined;
  const id = bytes[3] ?? 0;
  if (bytes.indexOf(START) !== 0 || !isPart(id)) return undefined;
  if (id === END) return 4;
  // Its stuffing: the last three bits (2.5.3.3).
  if (id === PACK) return bytes.length < 14 ? 0 : 14 + ((bytes[13] ?? 0) & 7);
  return bytes.length < 6 ? 0 : 6 + bytes.readUInt16BE(4);
}

/** Presentation time of a PES packet (2.4.3.7). */
function ptsOf(pes: Buffer): number | undefined {
  if (pes.length < 14 || ((pes[7] ?? 0) & 0x80) === 0) return undefined;
  const of = (at: number) => pes[at] ?? 0;
  return (
    ((of(9) >> 1) & 7) * 2 ** 30 + (of(10) << 22) + ((of(11) >> 1) << 15) + (of(12) << 7) + (of(13) >> 1)
  );
}

/** Stream types of a program stream map (2.5.4). */
function typesOf(map: Buffer): readonly number[] {
  const types: number[] = [];
  if (map.length < 16) return types;
  let at = 10 + map.readUInt16BE(8);
  if (at + 2 > map.length) return types;
  const end = Math.min(map.length - 4, at + 2 + map.readUInt16BE(at));
  for (at += 2; at + 4 <= end; at += 4 + map.readUInt16BE(at + 2)) types.push(map[at] ?? 0);
  return types;
}

/** What the units that begin in these bytes say of codec and key picture. */
function unitsIn(bytes: Buffer, codec: string | undefined) {
  let found = codec;
  let isKey = false;
  for (let at = bytes.indexOf(START); at >= 0 && at + 4 < bytes.length; at = bytes.indexOf(START, at + 3)) {
    const head = bytes[at + 3] ?? 0;
    // ITU-T H.264, table 7-1: 7 and 8 are parameter sets; H.265, table 7-1: 32 to 34, of layer 0.
    const [avc, hevc] = [head & 0x1f, (head >> 1) & 0x3f];
    if (found === undefined && [0x67, 0x27, 0x47].includes(head)) found = 'H.264';
    if (found === undefined && head === 0x40 && bytes[at + 4] === 1) found = 'H.265';
    if (found === 'H.264') isKey ||= avc === 5;
    if (found === 'H.265') isKey ||= hevc >= 16 && hevc <= 21;
  }
  return { codec: found, isKey };
}

export function psReader(took: (picture: Picture) => void): PsReader {
  const seen = {
    ...{ pictures: 0, keys: 0, sounds: 0, strange: 0 },
    video: undefined as string | undefined,
    audio: undefined as string | undefined,
  };
  let held: Buffer[] = [];
  let size = 0;
  let wanted = 4;
  let picture: Growing | undefined;
  /** After a loss: nothing makes sense before the next pack. */
  let isAstray = false;
  const endPicture = () => {
    if (picture === undefined) return;
    const { tail: _tail, ...whole } = picture;
    picture = undefined;
    seen.pictures++;
    if (whole.isKey) seen.keys++;
    took(whole);
  };
  const takeVideo = (pes: Buffer) => {
    const pts = ptsOf(pes);
    if (picture !== undefined && pts !== undefined && pts !== picture.pts) endPicture();
    // The rest of a picture whose beginning was lost.
    if (picture === undefined && pts === undefined) return;
    picture ??= { pts, bytes: 0, isKey: false, isWhole: true, tail: Buffer.alloc(0) };
    const data = pes.subarray(9 + (pes[8] ?? 0));
    const looked = Buffer.concat([picture.tail, data]);
    const { codec, isKey } = unitsIn(looked, seen.video);
    seen.video = codec;
    picture.isKey ||= isKey;
    picture.bytes += data.length;
    picture.tail = Buffer.from(looked.subarray(-4));
  };
  const take = (part: Buffer) => {
    const id = part[3] ?? 0;
    if (isVideo(id)) return takeVideo(part);
    if (isAudio(id)) seen.sounds++;
    if (id !== MAP) return;
    for (const type of typesOf(part)) {
      seen.video = videos[type] ?? seen.video;
      seen.audio = audios[type] ?? seen.audio;
    }
  };
  /** Where the next part may begin, and with what. */
  const resume = (bytes: Buffer, from: number): number => {
    for (let at = bytes.indexOf(START, from); at >= 0; at = bytes.indexOf(START, at + 1)) {
      if (at + 3 >= bytes.length) return at;
      const id = bytes[at + 3] ?? 0;
      if (isAstray ? id === PACK : isPart(id)) return at;
    }
    return Math.max(from, bytes.length - 2);
  };
  return {
    seen,
    endPicture,
    lost() {
      if (picture !== undefined) picture.isWhole = false;
      held = [];
      size = 0;
      wanted = 4;
      isAstray = true;
    },
    push(chunk) {
      held.push(chunk);
      size += chunk.length;
      if (size < wanted) return;
      const all = held.length === 1 ? chunk : Buffer.concat(held);
      let at = 0;
      wanted = 4;
      while (at < all.length) {
        const length = isAstray && all[at + 3] !== PACK ? undefined : lengthOf(all.subarray(at, at + 14));
        if (length === undefined) {
          const next = resume(all, at + 1);
          seen.strange += next - at;
          if (picture !== undefined && !isAstray) picture.isWhole = false;
          at = next;
          if (all.length - at < 4) break;
          continue;
        }
        wanted = length === 0 ? 14 : length;
        if (length === 0 || all.length - at < length) break;
        isAstray = false;
        take(all.subarray(at, at + length));
        at += length;
        wanted = 4;
      }
      held = at >= all.length ? [] : [Buffer.from(all.subarray(at))];
      size = Math.max(0, all.length - at);
    },
  };
}
