/** The tracks of an MP4 that units are made of: what its `moov` says of each (ISO/IEC 14496-12 and -15). Pure. */
import { boxesIn, findBox, versionOf } from './boxes.ts';

export interface VideoTrack {
  readonly kind: 'video';
  readonly codec: 'h264' | 'h265';
  /** Bytes of the length before each NAL unit. */
  readonly lengthSize: number;
  /** NAL units. */
  readonly parameterSets: readonly Buffer[];
}
interface AudioTrack {
  readonly kind: 'audio';
  readonly codec: 'g711a';
}

export type Track = (VideoTrack | AudioTrack) & {
  readonly id: number;
  /** Ticks of its times in a second. */
  readonly timescale: number;
  /** `stbl`: where its samples are, in a file that is not in fragments. */
  readonly table: Buffer;
};

/** What comes before the boxes in a sample entry of video (8.5.2, 12.1.3). */
const VIDEO_ENTRY = 78;

/** `moov`: its content. Tracks of other codecs are left out. @throws RangeError where a box ends early. */
export function tracksOf(moov: Buffer): readonly Track[] {
  const found: Track[] = [];
  for (const { type, content } of boxesIn(moov)) {
    if (type !== 'trak') continue;
    const tkhd = findBox(content, 'tkhd');
    const mdhd = findBox(content, 'mdia', 'mdhd');
    const table = findBox(content, 'mdia', 'minf', 'stbl');
    const stsd = table && findBox(table, 'stsd');
    if (tkhd === undefined || mdhd === undefined || table === undefined || stsd === undefined) continue;
    const coded = codedAs(stsd.subarray(8));
    // The times before them have 4 bytes each, or 8 in version 1 (8.3.2, 8.4.2).
    const id = tkhd.readUInt32BE(versionOf(tkhd) === 1 ? 20 : 12);
    const timescale = mdhd.readUInt32BE(versionOf(mdhd) === 1 ? 20 : 12);
    if (coded !== undefined && timescale > 0) found.push({ ...coded, id, timescale, table });
  }
  return found;
}

function codedAs(entries: Buffer): VideoTrack | AudioTrack | undefined {
  for (const { type, content } of boxesIn(entries)) {
    // QuickTime's name of A-law.
    if (type === 'alaw') return { kind: 'audio', codec: 'g711a' };
    const boxes = content.subarray(VIDEO_ENTRY);
    const avc = type === 'avc1' || type === 'avc3' ? findBox(boxes, 'avcC') : undefined;
    if (avc !== undefined) return { kind: 'video', codec: 'h264', ...avcConfiguration(avc) };
    const hevc = type === 'hvc1' || type === 'hev1' ? findBox(boxes, 'hvcC') : undefined;
    if (hevc !== undefined) return { kind: 'video', codec: 'h265', ...hevcConfiguration(hevc) };
  }
  return undefined;
}

/** So many NAL units from `at` on, each after its length of 2 bytes. */
function unitsAt(box: Buffer, at: number, count: number): { units: Buffer[]; end: number } {
  const units: Buffer[] = [];
  let end = at;
  for (let i = 0; i < count; i++) {
    const length = box.readUInt16BE(end);
    end += 2;
    if (end + length > box.length) throw new RangeError('a parameter set ends early');
    units.push(box.subarray(end, end + length));
    end += length;
  }
  return { units, end };
}

/** ISO/IEC 14496-15, 5.3.3.1. */
function avcConfiguration(box: Buffer) {
  const sequence = unitsAt(box, 6, box.readUInt8(5) & 0x1f);
  const picture = unitsAt(box, sequence.end + 1, box.readUInt8(sequence.end));
  return { lengthSize: (box.readUInt8(4) & 3) + 1, parameterSets: [...sequence.units, ...picture.units] };
}

/** ISO/IEC 14496-15, 8.3.3.1: sets in arrays, one of each type. */
function hevcConfiguration(box: Buffer) {
  const parameterSets: Buffer[] = [];
  let at = 23;
  for (let arrays = box.readUInt8(22); arrays > 0; arrays--) {
    const { units, end } = unitsAt(box, at + 3, box.readUInt16BE(at + 1));
    parameterSets.push(...units);
    at = end;
  }
  return { lengthSize: (box.readUInt8(21) & 3) + 1, parameterSets };
}
