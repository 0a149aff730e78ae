/** The samples of a track of an MP4 that is not in fragments: where each is, and when (ISO/IEC 14496-12, 8.6 and 8.7). Pure. */
import { findBox } from './boxes.ts';

/** Times in ticks of the track. */
export interface Place {
  /** From the beginning of the file. */
  readonly at: number;
  readonly bytes: number;
  readonly dts: number;
  readonly pts: number;
  readonly isKey: boolean;
}

/** A clip has 90 s of pictures at most, as many as are kept. */
const MOST_SAMPLES = 100_000;
const NO_TABLE = 'the clip does not say where its pictures are';

/** `stbl`: its content. @throws Error where it makes no sense. */
export function placesIn(stbl: Buffer): readonly Place[] {
  try {
    return readPlaces(stbl);
  } catch (error) {
    if (error instanceof RangeError) throw new Error(NO_TABLE, { cause: error });
    throw error;
  }
}

function readPlaces(stbl: Buffer): Place[] {
  const box = (type: string) => findBox(stbl, type);
  const sizes = sizesIn(need(box('stsz')));
  const durations = runs(need(box('stts')), sizes.length);
  const ctts = box('ctts');
  const offsets = ctts && runs(ctts, sizes.length);
  const stss = box('stss');
  const keys = stss && new Set(entries(stss, 4).map((at) => stss.readUInt32BE(at) - 1));
  const chunks = chunksIn(stbl);
  const perChunk = chunkSizes(need(box('stsc')), chunks.length);
  const places: Place[] = [];
  let dts = 0;
  for (const [i, chunk] of chunks.entries()) {
    let at = chunk;
    for (let k = perChunk[i] ?? 0; k > 0 && places.length < sizes.length; k--) {
      const n = places.length;
      const bytes = sizes[n] as number;
      const pts = dts + ((offsets?.[n] ?? 0) | 0);
      places.push({ at, bytes, dts, pts, isKey: keys?.has(n) ?? true });
      at += bytes;
      dts += durations[n] ?? 0;
    }
  }
  if (places.length < sizes.length) throw new RangeError('samples in no chunk');
  return places;
}

function need(box: Buffer | undefined): Buffer {
  if (box === undefined) throw new RangeError('a box is missing');
  return box;
}

/** Where the entries of a full box begin, each of `size` bytes, after their count. @throws RangeError: it has fewer. */
function entries(box: Buffer, size: number, first = 8): number[] {
  const count = box.readUInt32BE(first - 4);
  if (first + count * size > box.length) throw new RangeError('a table ends early');
  return Array.from({ length: count }, (_, i) => first + i * size);
}

/** 8.7.3: all alike, or each its own. */
function sizesIn(stsz: Buffer): readonly number[] {
  const [all, count] = [stsz.readUInt32BE(4), stsz.readUInt32BE(8)];
  if (count > MOST_SAMPLES) throw new RangeError('more samples than a clip has');
  return all > 0 ? Array<number>(count).fill(all) : entries(stsz, 4, 12).map((at) => stsz.readUInt32BE(at));
}

/** 8.6.1: pairs of how many, and what each of them has; for `most` samples at most. */
function runs(box: Buffer, most: number): readonly number[] {
  const found: number[] = [];
  for (const at of entries(box, 8)) {
    const value = box.readUInt32BE(at + 4);
    for (let n = Math.min(box.readUInt32BE(at), most - found.length); n > 0; n--) found.push(value);
  }
  return found;
}

/** 8.7.5: where each chunk begins. */
function chunksIn(stbl: Buffer): readonly number[] {
  const stco = findBox(stbl, 'stco');
  if (stco !== undefined) return entries(stco, 4).map((at) => stco.readUInt32BE(at));
  const co64 = need(findBox(stbl, 'co64'));
  return entries(co64, 8).map((at) => Number(co64.readBigUInt64BE(at)));
}

/** 8.7.4: how many samples each chunk has; an entry is of all chunks up to the next entry's first. */
function chunkSizes(stsc: Buffer, chunks: number): readonly number[] {
  const sizes: number[] = [];
  const all = entries(stsc, 12);
  for (const [i, at] of all.entries()) {
    const next = all[i + 1];
    const end = next === undefined ? chunks : Math.min(chunks, stsc.readUInt32BE(next) - 1);
    const count = stsc.readUInt32BE(at + 4);
    while (sizes.length < end) sizes.push(count);
  }
  return sizes;
}
