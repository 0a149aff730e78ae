/**
 * The last seconds of the cameras that the config names: ffmpeg writes what each sends into short files, as it is, named
 * by the second in which they begin; the oldest go.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { streamInput, streamList } from '../../drivers/contract/stream.ts';
import type { Part } from '../lifecycle/part.ts';
import { PRIVATE_FOLDER } from '../lifecycle/private-files.ts';
import { burstLog } from '../observe/log.ts';
import { keepFfmpeg } from './ffmpeg.ts';

export interface Segment {
  readonly path: string;
  /** When it begins, epoch ms. */
  readonly at: number;
}

export interface Recording extends Part {
  start(): void;
  /** What is there of a camera, the oldest first; the last one is still being written. */
  segments(camera: string): Promise<readonly Segment[]>;
}

export const SEGMENT_MS = 2000;
const KEPT_MS = 90_000;
const LOOK_MS = 3000;
const AGAIN_MS = 3000;

export function createRecording(options: {
  readonly directory: string;
  readonly cameras: readonly string[];
  /** Where a camera's stream is, with its password. @throws Error with a sentence. */
  readonly streamUrl: (camera: string) => Promise<string>;
  readonly time: Clock;
  readonly log: Log;
}): Recording {
  const { directory, cameras, streamUrl, time, log } = options;
  const bursts = burstLog(log, time);
  const over = new AbortController();
  let running: Promise<void>[] = [];
  let timer: Timer | undefined;
  const folderOf = (camera: string) => join(directory, Buffer.from(camera).toString('hex'));

  const record = async (camera: string) => {
    const folder = folderOf(camera);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
    const args = [
      ...streamInput,
      ...['-an', '-c:v', 'copy', '-f', 'segment'],
      ...['-segment_time', String(SEGMENT_MS / 1000), '-segment_format', 'mpegts', '-strftime', '1'],
      join(folder, '%s.ts'),
    ];
    const run = async () => ({ args, input: streamList(await streamUrl(camera)) });
    const onEnd = ({ message: error }: Error) =>
      bursts.warn(`clips ${camera}`, { camera, error }, 'the last seconds of a camera are not kept');
    await keepFfmpeg(run, { signal: over.signal, againMs: AGAIN_MS, time, onEnd });
  };
  const segments = async (camera: string) =>
    (await readdir(folderOf(camera)).catch(() => []))
      .filter((name) => /^\d+\.ts$/.test(name))
      .map((name) => ({ path: join(folderOf(camera), name), at: Number.parseInt(name, 10) * 1000 }))
      .sort((a, b) => a.at - b.at);
  const removeOld = async () => {
    for (const camera of cameras)
      for (const { path, at } of await segments(camera))
        if (at < time.wall() - KEPT_MS) await rm(path, { force: true });
  };
  return {
    segments,
    start() {
      running = cameras.map((camera) => record(camera).catch(() => {}));
      timer = time.every(LOOK_MS, () => void removeOld().catch(() => {}));
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      timer?.stop();
      await Promise.all(running);
      bursts.close();
    },
  };
}
