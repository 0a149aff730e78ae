/**
 * Fragmented MP4 (ISO/IEC 14496-12) as ffmpeg writes it: bytes -> the head, then a fragment at a time, each with whether it
 * begins with a key frame; and the codec as Media Source Extensions want to hear it (RFC 6381). Pure.
 */
import { boxesIn, findBox, flagsOf, NON_SYNC } from './boxes.ts';

export interface Fragment {
  readonly bytes: Buffer;
  readonly isKey: boolean;
}

export interface Head {
  readonly bytes: Buffer;
  /** `avc1.42C01F`, `hvc1...`; undefined: none that a browser could play. */
  readonly codec: string | undefined;
}

/** Longer is no live picture. */
const LONGEST = 16_000_000;
const NO_MP4 = 'what ffmpeg gives is no MP4';

/** @throws Error on what is no MP4, from `push`. */
export function fragmentReader(on: { head(head: Head): void; fragment(fragment: Fragment): void }) {
  let chunks: Buffer[] = [];
  let size = 0;
  let head: Buffer[] = [];
  let moof: Buffer | undefined;
  const take = (type: string, box: Buffer) => {
    if (type === 'ftyp' || type === 'moov') {
      head.push(box);
      if (type === 'moov') {
        on.head({ bytes: Buffer.concat(head), codec: codecOf(box) });
        head = [];
      }
    } else if (type === 'moof') moof = box;
    else if (type === 'mdat' && moof !== undefined) {
      on.fragment({ bytes: Buffer.concat([moof, box]), isKey: beginsWithKey(moof) });
      moof = undefined;
    }
  };
  return {
    push(chunk: Buffer) {
      chunks.push(chunk);
      size += chunk.length;
      while (size >= 8) {
        // The length of a box may come in pieces.
        if ((chunks[0] as Buffer).length < 8) chunks = [Buffer.concat(chunks)];
        const first = chunks[0] as Buffer;
        const length = first.readUInt32BE(0);
        if (length < 8 || length > LONGEST) throw new Error(NO_MP4);
        if (size < length) return;
        const all = chunks.length === 1 ? first : Buffer.concat(chunks);
        try {
          take(all.toString('latin1', 4, 8), all.subarray(0, length));
        } catch (error) {
          // A box that ends before what should be in it.
          if (error instanceof RangeError) throw new Error(NO_MP4, { cause: error });
          throw error;
        }
        const rest = all.subarray(length);
        chunks = rest.length > 0 ? [rest] : [];
        size = rest.length;
      }
    },
  };
}

const TFHD_FLAGS = 0x20;
const TRUN_FIRST_FLAGS = 0x04;
const TRUN_SAMPLE_FLAGS = 0x400;

/** The first sample is one that depends on no other: sample_is_non_sync_sample (8.8.3.1) is not set. */
function beginsWithKey(moof: Buffer): boolean {
  const traf = findBox(moof.subarray(8), 'traf');
  const tfhd = traf && findBox(traf, 'tfhd');
  const trun = traf && findBox(traf, 'trun');
  if (tfhd === undefined || trun === undefined) return false;
  let at = 8 + (flagsOf(trun) & 0x01 ? 4 : 0);
  let own: number | undefined;
  if ((flagsOf(trun) & TRUN_FIRST_FLAGS) !== 0) own = trun.readUInt32BE(at);
  else if ((flagsOf(trun) & TRUN_SAMPLE_FLAGS) !== 0) {
    at += (flagsOf(trun) & 0x100 ? 4 : 0) + (flagsOf(trun) & 0x200 ? 4 : 0);
    own = trun.readUInt32BE(at);
  } else if ((flagsOf(tfhd) & TFHD_FLAGS) !== 0) own = tfhd.readUInt32BE(tfhd.length - 4);
  return own !== undefined && (own & NON_SYNC) === 0;
}

const SAMPLE_ENTRY = 78;
const hex = (byte: number | undefined) => (byte ?? 0).toString(16).padStart(2, '0').toUpperCase();

function codecOf(moov: Buffer): string | undefined {
  for (const { type, content } of boxesIn(moov.subarray(8))) {
    if (type !== 'trak') continue;
    const stsd = findBox(content, 'mdia', 'minf', 'stbl', 'stsd');
    if (stsd === undefined) continue;
    for (const entry of boxesIn(stsd.subarray(8))) {
      const inner = entry.content.subarray(SAMPLE_ENTRY);
      const avc = entry.type === 'avc1' ? findBox(inner, 'avcC') : undefined;
      if (avc !== undefined) return `avc1.${hex(avc[1])}${hex(avc[2])}${hex(avc[3])}`;
      const hevc = entry.type === 'hvc1' || entry.type === 'hev1' ? findBox(inner, 'hvcC') : undefined;
      if (hevc !== undefined) return `${entry.type}.${hevcParameters(hevc)}`;
    }
  }
  return undefined;
}

/** ISO/IEC 14496-15, E.3: profile, compatibility (bits reversed), tier and level, constraints. */
function hevcParameters(box: Buffer): string {
  const [, first = 0] = box;
  const space = ['', 'A', 'B', 'C'][first >> 6] ?? '';
  const compatibility = box.readUInt32BE(2);
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) if (compatibility & (1 << bit)) reversed += 2 ** (31 - bit);
  const constraints = [...box.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop();
  return [
    `${space}${first & 0x1f}`,
    reversed.toString(16).toUpperCase(),
    `${first & 0x20 ? 'H' : 'L'}${box[12] ?? 0}`,
    ...constraints.map(hex),
  ].join('.');
}
