/** A clip on disk: its pictures one by one. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Unit } from '../../drivers/contract/media.ts';
import { type Place, placesIn } from './table.ts';
import { tracksOf } from './tracks.ts';
import { unitMaker } from './units.ts';

export interface ClipFile {
  /** Its pictures in their order; `ms` is when each comes after the first. */
  readonly pictures: readonly (Place & { readonly ms: number })[];
  /** How long it is. */
  readonly ms: number;
  /** Picture `i`. @throws Error where the file has less. */
  read(i: number): Promise<Unit>;
  close(): Promise<void>;
}

/** The table of a clip is shorter, bytes. */
const MOOV_MAX = 4_000_000;
/** A picture is. */
const PICTURE_MAX = 16_000_000;

/** @throws Error with a sentence where it is no clip that can be played. */
export async function openClip(path: string): Promise<ClipFile> {
  const file = await open(path, 'r');
  try {
    const track = tracksOf(await loadMoov(file)).find(({ kind }) => kind === 'video');
    if (track === undefined) throw new Error('its pictures are neither H.264 nor H.265');
    const places = placesIn(track.table);
    const msOf = (ticks: number) => (ticks * 1000) / track.timescale;
    const pictures = places.map((place) => ({ ...place, ms: msOf(place.dts) }));
    const [last, before] = [pictures.at(-1)?.ms ?? 0, pictures.at(-2)?.ms ?? 0];
    const make = unitMaker(track);
    return {
      pictures,
      // The last picture stays as long as the one before it.
      ms: last + (last - before),
      async read(i) {
        const place = pictures[i];
        if (place === undefined) throw new Error('there is no such picture');
        return make({ ...place, bytes: await readExactly(file, place.at, place.bytes, PICTURE_MAX) });
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The content of its `moov`. */
async function loadMoov(file: FileHandle): Promise<Buffer> {
  for (let at = 0; ; ) {
    const head = await readExactly(file, at, 8, 8);
    const length = head.readUInt32BE(0);
    if (head.toString('latin1', 4) === 'moov') return await readExactly(file, at + 8, length - 8, MOOV_MAX);
    // A clip is shorter than the lengths that need more than 4 bytes.
    if (length < 8) throw new Error('the clip is no MP4');
    at += length;
  }
}

async function readExactly(file: FileHandle, at: number, length: number, most: number): Promise<Buffer> {
  if (length < 0 || length > most) throw new Error('the clip is no MP4');
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead < length) throw new Error('the clip ends early');
  return bytes;
}
