/**
 * A camera's stream for a platform's media server, on its command: as it is, for a limited time that can be renewed, at
 * most so many at once, and only to servers that the config names.
 */
import { z } from 'zod';
import type { Result } from '../../config/catalogue/actions.ts';
import { type Log, wrongArgument } from '../../drivers/contract/driver.ts';
import type { Task } from '../commands/registry.ts';
import { burstLog } from '../observe/log.ts';
import { keepFfmpeg, withoutSecrets } from './ffmpeg.ts';

export interface Pushes {
  /** `push-stream`, `stop-stream`; undefined: it is something else. */
  execute(task: Task): Promise<Result> | undefined;
  list(): readonly { readonly camera: string; readonly url: string; readonly until: string }[];
  close(): Promise<void>;
}

const pushSchema = z.strictObject({
  url: z
    .string()
    .regex(/^(rtmps?|srt|rtsp):\/\/[^\s]+$/, 'rtmp://, rtmps://, srt:// or rtsp://')
    .describe('Where to'),
  for: z.number().positive().max(3600).default(300).describe('Seconds; the same again renews it'),
});
const stopSchema = z.strictObject({ url: z.string().optional() });
const AGAIN_MS = 2000;

const formats: Readonly<Record<string, readonly string[]>> = {
  rtmp: ['-f', 'flv'],
  rtmps: ['-f', 'flv'],
  srt: ['-f', 'mpegts'],
  rtsp: ['-rtsp_transport', 'tcp', '-f', 'rtsp'],
};

interface Push {
  readonly camera: string;
  readonly url: string;
  /** `performance.now()`, and epoch ms for people. */
  endsAt: number;
  until: number;
  readonly stop: AbortController;
  running: Promise<void>;
}

/** The same scheme, host and port, and a path below: `rtmp://a.b` does not allow `rtmp://a.b.example`. */
function isWithin(text: string, allowed: string): boolean {
  if (!URL.canParse(text)) return false;
  const [url, place] = [new URL(text), new URL(allowed)];
  const path = place.pathname.replace(/\/$/, '');
  return (
    url.protocol === place.protocol &&
    url.host === place.host &&
    (url.pathname === path || url.pathname === '' || url.pathname.startsWith(`${path}/`)) &&
    (path === '' || url.pathname !== '')
  );
}

export function createPushes(options: {
  readonly streamUrl: (camera: string) => Promise<string>;
  readonly cameras: readonly string[];
  /** Where destinations must lie: URLs of servers, or of folders there. */
  readonly allowed: readonly string[];
  readonly max: number;
  readonly log: Log;
}): Pushes {
  const { streamUrl, cameras, allowed, max, log } = options;
  const bursts = burstLog(log);
  const pushes = new Map<string, Push>();

  const run = ({ camera, url, stop }: Push) => {
    const scheme = url.slice(0, url.indexOf(':'));
    const args = async () => [
      ...['-rtsp_transport', 'tcp', '-i', await streamUrl(camera), '-an', '-c:v', 'copy'],
      ...(formats[scheme] ?? []),
      url,
    ];
    return keepFfmpeg(args, stop.signal, AGAIN_MS, ({ message: error }) =>
      bursts.warn(
        `push ${camera}`,
        { camera, to: withoutSecrets(url), error },
        'a stream for a platform broke off',
      ),
    );
  };
  const end = async (key: string) => {
    const push = pushes.get(key);
    if (push === undefined) return;
    pushes.delete(key);
    push.stop.abort();
    await push.running;
    log.info({ camera: push.camera, to: withoutSecrets(push.url) }, 'a stream for a platform ended');
  };
  const timer = setInterval(() => {
    for (const [key, { endsAt }] of pushes) if (performance.now() >= endsAt) void end(key);
  }, 500).unref();

  const start = async ({ target: camera, arguments: given }: Task): Promise<Result> => {
    const parsed = pushSchema.safeParse(given);
    if (!parsed.success) return { done: false, reason: wrongArgument(parsed.error) };
    const { url, for: seconds } = parsed.data;
    if (!cameras.includes(camera)) return { done: false, reason: `there is no camera ${camera}` };
    if (!allowed.some((one) => isWithin(url, one)))
      return { done: false, reason: `media.pushTo does not allow ${withoutSecrets(url)}` };
    const key = `${camera} ${url}`;
    const until = Date.now() + seconds * 1000;
    const result = { until: new Date(until).toISOString() };
    const known = pushes.get(key);
    if (known !== undefined) {
      Object.assign(known, { endsAt: performance.now() + seconds * 1000, until });
      return { done: true, result };
    }
    if (pushes.size >= max) return { done: false, reason: `${max} streams are on their way already` };
    const push: Push = {
      camera,
      url,
      endsAt: performance.now() + seconds * 1000,
      until,
      stop: new AbortController(),
      running: Promise.resolve(),
    };
    pushes.set(key, push);
    push.running = run(push);
    log.info({ camera, to: withoutSecrets(url), ...result }, 'a stream for a platform begins');
    return { done: true, result };
  };
  const stop = async ({ target: camera, arguments: given }: Task): Promise<Result> => {
    const parsed = stopSchema.safeParse(given);
    if (!parsed.success) return { done: false, reason: wrongArgument(parsed.error) };
    const keys = [...pushes].flatMap(([key, push]) =>
      push.camera === camera && (parsed.data.url ?? push.url) === push.url ? [key] : [],
    );
    await Promise.all(keys.map(end));
    return keys.length > 0 ? { done: true } : { done: false, reason: 'there is no such stream' };
  };

  return {
    execute(task) {
      if (task.action === 'push-stream') return start(task);
      if (task.action === 'stop-stream') return stop(task);
      return undefined;
    },
    list: () =>
      [...pushes.values()].map(({ camera, url, until }) => ({
        camera,
        url: withoutSecrets(url),
        until: new Date(until).toISOString(),
      })),
    async close() {
      clearInterval(timer);
      await Promise.all([...pushes.keys()].map(end));
      bursts.close();
    },
  };
}
