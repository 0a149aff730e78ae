/**
 * Clips around an alarm, from before it began: joined from the last seconds that are kept of a camera, without
 * transcoding, and kept like a picture.
 */
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArgumentsOf, Registry } from '../../config/catalogue/actions.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { loadBytesOf } from '../../drivers/files.ts';
import type { Part } from '../lifecycle/part.ts';
import { PRIVATE_FILE } from '../lifecycle/private-files.ts';
import { runFfmpeg } from './ffmpeg.ts';
import { MEDIA_MAX } from './files.ts';
import { createRecording, SEGMENT_MS, type Segment } from './recording.ts';
import type { MediaStore } from './store.ts';

export interface ClipsOptions {
  readonly directory: string;
  readonly cameras: readonly string[];
  /** Where a camera's stream is, with its password. @throws Error with a sentence. */
  readonly streamUrl: (camera: string) => Promise<string>;
  readonly keep: MediaStore['keep'];
  readonly registry: Registry;
  readonly time: Clock;
  readonly log: Log;
}

const JOIN_TIMEOUT_MS = 20_000;

/** Serves `clip`. */
export function createClips(options: ClipsOptions): Part {
  const { directory, cameras, keep, time, log } = options;
  const recording = createRecording(options);
  const over = new AbortController();
  const { signal } = over;

  /** Its answer does not wait for what is still to happen. */
  const keepLater = async (camera: string, { before, after, event }: ArgumentsOf<'clip'>) => {
    const at = time.wall();
    // What happens last must be in a file that is written.
    if ((await time.wait(after * 1000 + 2 * SEGMENT_MS + 1000, signal)) === 'stopped') return;
    const all = await recording.segments(camera);
    const wanted = segmentsBetween(all, at - before * 1000, at + after * 1000);
    const bytes = await joinSegments(directory, wanted, time);
    const span = { from: wanted[0]?.at ?? at, to: endOf(wanted, all) };
    await keep(camera, { contentType: 'video/mp4', bytes }, { event, span });
  };
  options.registry.serve({
    async clip({ target: camera, arguments: wanted }) {
      if (!cameras.includes(camera))
        return { done: false, reason: `${camera} is not in media.clips: nothing of before is kept` };
      const ready = time.wall() + wanted.after * 1000 + 2 * SEGMENT_MS + 2000;
      keepLater(camera, wanted).catch(({ message: error }: Error) => {
        if (!signal.aborted) log.warn({ camera, event: wanted.event, error }, 'there will be no clip');
      });
      return { done: true, result: { ready: new Date(ready).toISOString() } };
    },
  });
  return {
    start: recording.start,
    async [Symbol.asyncDispose]() {
      over.abort();
      await recording[Symbol.asyncDispose]();
    },
  };
}

/** Those that have something of that time, epoch ms, and are written. @throws Error where there is none. */
export function segmentsBetween(all: readonly Segment[], from: number, to: number): readonly Segment[] {
  const wanted = all.filter(({ at }, i) => {
    const next = all[i + 1];
    // The last one is still being written.
    return next !== undefined && at <= to && next.at >= from;
  });
  if (wanted.length === 0) throw new Error('nothing of that time is there');
  return wanted;
}

/** When the last of some ends, epoch ms: the next one begins then. */
function endOf(some: readonly Segment[], all: readonly Segment[]): number {
  const last = some.at(-1)?.at ?? 0;
  return all.find(({ at }) => at > last)?.at ?? last + SEGMENT_MS;
}

/** The sample entries of H.265 in MP4 (ISO/IEC 14496-15, 8.4.1): with its parameters among the pictures, and before them. */
const [AMONG, BEFORE] = ['hev1', 'hvc1'] as const;
/** The head of a clip is at its beginning, and shorter. */
const HEAD_MAX = 1_000_000;

/** As one MP4. @throws Error with a sentence. */
async function joinSegments(directory: string, segments: readonly Segment[], time: Clock): Promise<Buffer> {
  const stem = join(directory, randomUUID());
  const [list, joined] = [`${stem}.txt`, `${stem}.mp4`];
  const mux = async (...tag: string[]) => {
    const input = ['-f', 'concat', '-safe', '0', '-i', list];
    const args = [...input, '-c', 'copy', ...tag, '-movflags', '+faststart', '-y', joined];
    if ((await runFfmpeg(args, JOIN_TIMEOUT_MS, time)) !== 0) throw new Error('ffmpeg could not join it');
    return await loadBytesOf(joined, MEDIA_MAX);
  };
  try {
    await writeFile(list, segments.map(({ path }) => `file '${path}'`).join('\n'), { mode: PRIVATE_FILE });
    const clip = await mux();
    // Apple plays H.265 of the second kind only (HLS authoring specification, 1.10); ffmpeg makes the first by itself.
    return clip.subarray(0, HEAD_MAX).includes(AMONG) ? await mux('-tag:v', BEFORE) : clip;
  } finally {
    await rm(list, { force: true });
    await rm(joined, { force: true });
  }
}
