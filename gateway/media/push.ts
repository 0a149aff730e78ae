/**
 * A camera's stream for a platform's media server, on its command: as it is, for a limited time that can be renewed, at
 * most so many at once, and only to servers that the config names.
 */
import type { Asked, Registry, Result } from '../../config/catalogue/actions.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Part } from '../lifecycle/part.ts';
import { burstLog } from '../observe/log.ts';
import { keepFfmpeg, withoutSecrets } from './ffmpeg.ts';

/** Serves `push-stream` and `stop-stream`. */
export interface Pushes extends Part {
  list(): readonly { readonly camera: string; readonly url: string; readonly until: string }[];
}

export interface PushOptions {
  /** Where a camera's stream is, with its password. @throws Error with a sentence. */
  readonly streamUrl: (camera: string) => Promise<string>;
  readonly cameras: readonly string[];
  /** Where destinations must lie: URLs of servers, or of folders there. */
  readonly allowed: readonly string[];
  readonly max: number;
  readonly registry: Registry;
  readonly time: Clock;
  readonly log: Log;
}

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
  /** Epoch ms. */
  until: number;
  ending: Timer;
  readonly stop: AbortController;
  readonly running: Promise<void>;
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

export function createPushes(options: PushOptions): Pushes {
  const { streamUrl, cameras, allowed, max, registry, time, log } = options;
  const bursts = burstLog(log, time);
  /** By camera and URL. */
  const pushes = new Map<string, Push>();

  const run = (camera: string, url: string, signal: AbortSignal) => {
    const scheme = url.slice(0, url.indexOf(':'));
    const args = async () => [
      ...['-rtsp_transport', 'tcp', '-i', await streamUrl(camera), '-an', '-c:v', 'copy'],
      ...(formats[scheme] ?? []),
      url,
    ];
    const about = { camera, to: withoutSecrets(url) };
    const onEnd = ({ message: error }: Error) =>
      bursts.warn(`push ${camera}`, { ...about, error }, 'a stream for a platform broke off');
    return keepFfmpeg(args, { signal, againMs: AGAIN_MS, time, onEnd });
  };
  const end = async (key: string) => {
    const push = pushes.get(key);
    if (push === undefined) return;
    pushes.delete(key);
    push.ending.stop();
    push.stop.abort();
    await push.running;
    log.info({ camera: push.camera, to: withoutSecrets(push.url) }, 'a stream for a platform ended');
  };

  /** Begins, or goes on for longer. */
  const begin = async ({ target: camera, arguments: wanted }: Asked<'push-stream'>): Promise<Result> => {
    const { url } = wanted;
    if (!cameras.includes(camera)) return { done: false, reason: `there is no camera ${camera}` };
    if (!allowed.some((one) => isWithin(url, one)))
      return { done: false, reason: `media.pushTo does not allow ${withoutSecrets(url)}` };
    const key = `${camera} ${url}`;
    const known = pushes.get(key);
    if (known === undefined && pushes.size >= max)
      return { done: false, reason: `${max} streams are on their way already` };
    const until = time.wall() + wanted.for * 1000;
    const ending = time.after(wanted.for * 1000, () => void end(key));
    const result = { until: new Date(until).toISOString() };
    if (known !== undefined) {
      known.ending.stop();
      known.ending = ending;
      known.until = until;
      return { done: true, result };
    }
    const stop = new AbortController();
    pushes.set(key, { camera, url, until, ending, stop, running: run(camera, url, stop.signal) });
    log.info({ camera, to: withoutSecrets(url), ...result }, 'a stream for a platform begins');
    return { done: true, result };
  };
  registry.serve({
    'push-stream': begin,
    async 'stop-stream'({ target: camera, arguments: { url } }) {
      const keys = [...pushes].flatMap(([key, push]) =>
        push.camera === camera && (url ?? push.url) === push.url ? [key] : [],
      );
      await Promise.all(keys.map(end));
      return keys.length > 0 ? { done: true } : { done: false, reason: 'there is no such stream' };
    },
  });

  return {
    list: () =>
      [...pushes.values()].map(({ camera, url, until }) => ({
        camera,
        url: withoutSecrets(url),
        until: new Date(until).toISOString(),
      })),
    async [Symbol.asyncDispose]() {
      await Promise.all([...pushes.keys()].map(end));
      bursts.close();
    },
  };
}
