/**
 * Clips around an alarm, from before it began: for each camera that the config names, ffmpeg writes what the camera sends
 * into short files, as it is; the oldest go. A clip is joined from them without transcoding, and kept like a picture.
 */
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Result } from '../../config/catalogue/actions.ts';
import { type Log, wrongArgument } from '../../drivers/contract/driver.ts';
import type { Task } from '../commands/registry.ts';
import { burstLog } from '../observe/log.ts';
import { FFMPEG, keepFfmpeg } from './ffmpeg.ts';
import type { MediaStore } from './store.ts';

export interface Clips {
  /** `clip`; undefined: it is something else. */
  execute(task: Task): Promise<Result> | undefined;
  close(): Promise<void>;
}

const SEGMENT_S = 2;
const KEPT_S = 90;
const LOOK_MS = 3000;
const AGAIN_MS = 3000;
const JOIN_TIMEOUT_MS = 20_000;

const clipSchema = z.strictObject({
  before: z.number().min(0).max(60).default(10).describe('Seconds'),
  after: z.number().min(0).max(60).default(20).describe('Seconds'),
  event: z.string().max(64).optional(),
});

export function createClips(options: {
  readonly directory: string;
  readonly cameras: readonly string[];
  readonly streamUrl: (camera: string) => Promise<string>;
  readonly keep: MediaStore['keep'];
  readonly log: Log;
}): Clips {
  const { directory, cameras, streamUrl, keep, log } = options;
  const bursts = burstLog(log);
  const over = new AbortController();
  const { signal } = over;
  const folderOf = (camera: string) => join(directory, Buffer.from(camera).toString('hex'));

  const record = async (camera: string) => {
    const folder = folderOf(camera);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const args = async () => [
      ...['-rtsp_transport', 'tcp', '-i', await streamUrl(camera), '-an', '-c:v', 'copy', '-f', 'segment'],
      ...['-segment_time', String(SEGMENT_S), '-segment_format', 'mpegts', '-strftime', '1'],
      join(folder, '%s.ts'),
    ];
    await keepFfmpeg(args, signal, AGAIN_MS, ({ message: error }) =>
      bursts.warn(`clips ${camera}`, { camera, error }, 'the last seconds of a camera are not kept'),
    );
  };
  const segments = async (camera: string) =>
    (await readdir(folderOf(camera)).catch(() => []))
      .filter((name) => /^\d+\.ts$/.test(name))
      .map((name) => ({ path: join(folderOf(camera), name), at: Number.parseInt(name, 10) * 1000 }))
      .sort((a, b) => a.at - b.at);
  const prune = async () => {
    for (const camera of cameras)
      for (const { path, at } of await segments(camera))
        if (at < Date.now() - KEPT_S * 1000) await rm(path, { force: true });
  };
  const running = cameras.map((camera) => record(camera).catch(() => {}));
  const timer = setInterval(() => void prune().catch(() => {}), LOOK_MS).unref();

  const cut = async (camera: string, from: number, to: number): Promise<Buffer> => {
    const all = await segments(camera);
    const wanted = all.filter(({ at }, i) => at <= to && (all[i + 1]?.at ?? at + SEGMENT_S * 1000) >= from);
    // The last one is still being written.
    const whole = wanted.filter((one) => one !== all.at(-1));
    if (whole.length === 0) throw new Error('nothing of that time is there');
    const stem = join(directory, `${camera.replace(/\W/g, '_')}-${process.pid}-${performance.now()}`);
    try {
      await writeFile(`${stem}.txt`, whole.map(({ path }) => `file '${path}'`).join('\n'));
      const child = spawn(
        'ffmpeg',
        [
          ...FFMPEG,
          '-f',
          'concat',
          '-safe',
          '0',
          '-i',
          `${stem}.txt`,
          '-c',
          'copy',
          '-movflags',
          '+faststart',
          '-y',
          `${stem}.mp4`,
        ],
        { stdio: 'ignore', timeout: JOIN_TIMEOUT_MS, killSignal: 'SIGKILL' },
      );
      const status = await new Promise<number | null>((resolve, reject) => {
        child.on('error', reject);
        child.on('close', resolve);
      });
      if (status !== 0) throw new Error('ffmpeg could not join it');
      return await readFile(`${stem}.mp4`);
    } finally {
      await rm(`${stem}.txt`, { force: true });
      await rm(`${stem}.mp4`, { force: true });
    }
  };

  return {
    execute({ target, action, arguments: given }) {
      if (action !== 'clip') return undefined;
      return (async (): Promise<Result> => {
        const parsed = clipSchema.safeParse(given);
        if (!parsed.success) return { done: false, reason: wrongArgument(parsed.error) };
        if (!cameras.includes(target))
          return { done: false, reason: `${target} is not in media.clips: nothing of before is kept` };
        const { before, after, event } = parsed.data;
        const at = Date.now();
        // Its answer does not wait for what is still to happen.
        void (async () => {
          await delay((after + 2 * SEGMENT_S + 1) * 1000, undefined, { signal });
          const bytes = await cut(target, at - before * 1000, at + after * 1000);
          await keep(target, { contentType: 'video/mp4', bytes }, { event });
        })().catch((error: Error) => {
          if (!signal.aborted)
            log.warn({ camera: target, event, error: error.message }, 'there will be no clip');
        });
        return {
          done: true,
          result: { ready: new Date(at + (after + 2 * SEGMENT_S + 2) * 1000).toISOString() },
        };
      })();
    },
    async close() {
      over.abort();
      clearInterval(timer);
      await Promise.all(running);
      bursts.close();
    },
  };
}
