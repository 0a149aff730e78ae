/**
 * A camera's stream for a platform's media server, on its command: as it is, for a limited time that can be renewed, at
 * most so many at once, and only to servers that the config names.
 */
import type { Asked, Registry, Result } from '../../config/catalogue/actions.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { isWithin } from '../../drivers/contract/places.ts';
import { streamInput, streamList } from '../../drivers/contract/stream.ts';
import type { Part } from '../lifecycle/part.ts';
import { burstLog } from '../observe/log.ts';
import { keepFfmpeg, OPTIONS_FILE } from './ffmpeg.ts';
import { placeOf, type Target, targetOf } from './target.ts';

/** Serves `push-stream` and `stop-stream`. */
export interface Pushes extends Part {
  /** `url`: without what is secret in it. */
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

interface Push {
  readonly camera: string;
  readonly url: string;
  /** Epoch ms. */
  until: number;
  ending: Timer;
  readonly stop: AbortController;
  readonly running: Promise<void>;
}

function readTarget(url: string): Target | { readonly reason: string } {
  try {
    return targetOf(url);
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

export function createPushes(options: PushOptions): Pushes {
  const { streamUrl, cameras, allowed, max, registry, time, log } = options;
  const bursts = burstLog(log, time);
  /** By camera and URL. */
  const pushes = new Map<string, Push>();

  const run = (camera: string, { url, format, options: secret }: Target, signal: AbortSignal) => {
    const preset = secret === '' ? [] : ['-fpre', OPTIONS_FILE];
    const args = [...streamInput, '-an', '-c:v', 'copy', ...format, ...preset, url];
    const about = { camera, to: placeOf(url) };
    const onEnd = ({ message }: Error) => {
      const error = message.replaceAll(url, placeOf(url));
      bursts.warn(`push ${camera}`, { ...about, error }, 'a stream for a platform broke off');
    };
    const once = async () => ({
      args,
      input: streamList(await streamUrl(camera)),
      ...(secret !== '' && { options: secret }),
    });
    return keepFfmpeg(once, { signal, againMs: AGAIN_MS, time, onEnd });
  };
  const end = async (key: string) => {
    const push = pushes.get(key);
    if (push === undefined) return;
    pushes.delete(key);
    push.ending.stop();
    push.stop.abort();
    await push.running;
    log.info({ camera: push.camera, to: placeOf(push.url) }, 'a stream for a platform ended');
  };

  /** Begins, or goes on for longer. */
  const begin = async ({ target: camera, arguments: wanted }: Asked<'push-stream'>): Promise<Result> => {
    const { url } = wanted;
    if (!cameras.includes(camera)) return { done: false, reason: `there is no camera ${camera}` };
    if (!allowed.some((one) => isWithin(url, one)))
      return { done: false, reason: `media.pushTo does not allow ${placeOf(url)}` };
    const target = readTarget(url);
    if ('reason' in target) return { done: false, ...target };
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
    pushes.set(key, { camera, url, until, ending, stop, running: run(camera, target, stop.signal) });
    log.info({ camera, to: placeOf(url), ...result }, 'a stream for a platform begins');
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
        url: placeOf(url),
        until: new Date(until).toISOString(),
      })),
    async [Symbol.asyncDispose]() {
      await Promise.all([...pushes.keys()].map(end));
      bursts.close();
    },
  };
}
