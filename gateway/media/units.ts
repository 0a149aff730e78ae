/** Fragments of MP4 (ISO/IEC 14496-12, 8.8) -> units: pictures in Annex B, and sound. Pure. */
import type { Unit } from '../../drivers/contract/media.ts';
import { createAnnexB } from './annexb.ts';
import { boxesIn, findBox, flagsOf, NON_SYNC, versionOf } from './boxes.ts';
import { type Track, tracksOf } from './tracks.ts';

/** What a sample has where its fragment does not say it (8.8.3, 8.8.7). */
interface Defaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

/** Times in ticks of the track. */
export interface Sample {
  readonly bytes: Buffer;
  readonly dts: number;
  readonly pts: number;
  readonly isKey: boolean;
}

const TICKS = 90_000;

/** Makes units of the samples of one track, in their order. It throws RangeError where a NAL unit ends early. */
export function unitMaker(track: Track): (sample: Sample) => Unit {
  const ticks = (time: number) => Math.round((time * TICKS) / track.timescale);
  if (track.kind === 'audio')
    return ({ bytes, pts }) => ({ kind: 'audio', codec: track.codec, bytes, pts: ticks(pts) });
  const annexB = createAnnexB(track);
  return ({ bytes, dts, pts, isKey }) => {
    const times = { dts: ticks(dts), pts: ticks(pts), isKey };
    return { kind: 'video', codec: track.codec, bytes: annexB(bytes, isKey), ...times };
  };
}

export interface UnitReader {
  /** Whether it has a track of H.264 or H.265. */
  readonly hasPictures: boolean;
  /**
   * Of a `moof` with its `mdat`, whose data stand as the tracks say from the beginning of the `moof` (default-base-is-moof).
   * @throws Error on what is no MP4.
   */
  units(fragment: Buffer): Unit[];
}

/** `head`: what comes before the fragments. @throws Error on what is no MP4. */
export function unitReader(head: Buffer): UnitReader {
  return readable(() => {
    const moov = findBox(head, 'moov') ?? Buffer.alloc(0);
    const defaults = defaultsOf(moov);
    const tracks = tracksOf(moov);
    const makers = new Map(tracks.map((track) => [track.id, unitMaker(track)]));
    const unitsOf = (fragment: Buffer) =>
      readable(() => {
        const units: Unit[] = [];
        let taken = 0;
        for (const { type, content } of boxesIn(findBox(fragment, 'moof') ?? fragment.subarray(0, 0))) {
          const tfhd = type === 'traf' ? findBox(content, 'tfhd') : undefined;
          const id = tfhd?.readUInt32BE(4);
          const make = id === undefined ? undefined : makers.get(id);
          if (tfhd === undefined || id === undefined || make === undefined) continue;
          for (const sample of samplesOf(fragment, content, inFragment(tfhd, defaults.get(id)))) {
            taken += sample.bytes.length;
            // The same bytes for sample after sample could be as much as a box says.
            if (taken > fragment.length) throw new RangeError('more samples than bytes');
            units.push(make(sample));
          }
        }
        return units;
      });
    return { hasPictures: tracks.some(({ kind }) => kind === 'video'), units: unitsOf };
  });
}

/** A box that ends before what should be in it is no MP4. */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw new Error('what ffmpeg gives is no MP4', { cause: error });
    throw error;
  }
}

/** By track: 8.8.3. */
function defaultsOf(moov: Buffer): Map<number, Defaults> {
  const found = new Map<number, Defaults>();
  for (const { type, content } of boxesIn(findBox(moov, 'mvex') ?? Buffer.alloc(0))) {
    if (type !== 'trex') continue;
    const [duration, size] = [content.readUInt32BE(12), content.readUInt32BE(16)];
    found.set(content.readUInt32BE(4), { duration, size, flags: content.readUInt32BE(20) });
  }
  return found;
}

/** The members of a full box that its flags name, each of 4 bytes, in their order; a bit that is 0 skips nothing. */
function optional(box: Buffer, at: number, flags: number) {
  let next = at;
  return {
    read(bit: number): number | undefined {
      if ((flags & bit) === 0) return undefined;
      next += 4;
      return box.readUInt32BE(next - 4);
    },
    skip(bit: number, bytes: number) {
      if ((flags & bit) !== 0) next += bytes;
    },
    get at() {
      return next;
    },
  };
}

/** 8.8.7. */
function inFragment(tfhd: Buffer, defaults: Defaults = { duration: 0, size: 0, flags: NON_SYNC }): Defaults {
  const members = optional(tfhd, 8, flagsOf(tfhd));
  members.skip(0x01, 8);
  members.skip(0x02, 4);
  return {
    duration: members.read(0x08) ?? defaults.duration,
    size: members.read(0x10) ?? defaults.size,
    flags: members.read(0x20) ?? defaults.flags,
  };
}

/** 8.8.8 and 8.8.12. */
function* samplesOf(fragment: Buffer, traf: Buffer, defaults: Defaults): Generator<Sample> {
  const tfdt = findBox(traf, 'tfdt');
  let dts = 0;
  if (tfdt !== undefined) dts = versionOf(tfdt) === 1 ? Number(tfdt.readBigInt64BE(4)) : tfdt.readUInt32BE(4);
  let end = 0;
  for (const { type, content: trun } of boxesIn(traf)) {
    if (type !== 'trun') continue;
    const flags = flagsOf(trun);
    const head = optional(trun, 8, flags);
    let from = (head.read(0x01) ?? end) | 0;
    const first = head.read(0x04);
    const members = optional(trun, head.at, flags);
    const count = trun.readUInt32BE(4);
    for (let i = 0; i < count; i++) {
      const duration = members.read(0x100) ?? defaults.duration;
      const size = members.read(0x200) ?? defaults.size;
      const own = members.read(0x400) ?? (i === 0 ? first : undefined) ?? defaults.flags;
      // Signed in version 1, and as ffmpeg writes it in version 0.
      const offset = (members.read(0x800) ?? 0) | 0;
      // A sample of nothing could be as many as a box says, and it never ends.
      if (size === 0 || from < 0 || from + size > fragment.length)
        throw new RangeError('a sample ends early');
      const bytes = fragment.subarray(from, from + size);
      yield { bytes, dts, pts: dts + offset, isKey: (own & NON_SYNC) === 0 };
      dts += duration;
      from += size;
    }
    end = from;
  }
}
