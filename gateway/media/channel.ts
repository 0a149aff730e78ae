/** One camera in one form: its ffmpeg runs from the first who looks until a moment after the last. */
import type { WebSocket } from 'ws';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Watching } from '../../drivers/contract/media.ts';
import type { BurstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type Audience, createAudience } from './audience.ts';
import { createPatience, withoutSecrets } from './ffmpeg.ts';
import { createPictures, SoundFault } from './pictures.ts';
import { transcode } from './producer.ts';
import { createWatchers, type Sink, type Watchers } from './watchers.ts';

export type Form = 'mse' | 'jsmpeg';

export interface ChannelOptions {
  /** Where a camera's stream is, with its password. @throws Error with a sentence. */
  readonly streamUrl: (camera: string) => Promise<string>;
  /** How many browsers may look at a camera, and how many streams of it may go to platforms: neither takes from the other. */
  readonly maxViewers: number;
  /** Whether any platform may have the sound of cameras. */
  readonly sound: boolean;
  readonly bursts: BurstLog;
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface Channel {
  add(socket: WebSocket): void;
  /** In the form `mse`. */
  watch(sink: Sink, wants: { readonly audio: boolean }): Watching;
  close(): Promise<void>;
}

const LINGER_MS = 1500;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 10_000;
/** WebSocket close codes (RFC 6455, 7.4): try again later; policy. */
const TRY_LATER = 1013;
const TOO_MANY = 1008;

export function createChannel(camera: string, form: Form, options: ChannelOptions): Channel {
  const { maxViewers, time, log, metrics } = options;
  const audience = createAudience();
  const watchers = createWatchers(time);
  const keepShowing = createShowing(camera, form, { audience, watchers }, options);
  let running: Promise<void> | undefined;
  let lingering: Timer | undefined;
  let closed = false;
  let stop = new AbortController();

  const isSeen = () => audience.size + watchers.size > 0;
  const start = () => {
    lingering?.stop();
    if (running !== undefined && !stop.signal.aborted) return;
    const before = running;
    stop = new AbortController();
    const { signal } = stop;
    running = (async () => {
      await before;
      await keepShowing(signal);
    })();
    log.debug({ camera, form }, 'a live picture begins');
  };
  const end = async () => {
    const ending = running;
    stop.abort();
    await ending;
    // Somebody may have come meanwhile, and what is here is of the next run.
    if (running !== ending) return;
    audience.forget();
    watchers.forget();
  };
  const onLeave = () => {
    metrics.liveViewers.dec();
    if (isSeen() || closed) return;
    lingering?.stop();
    lingering = time.after(LINGER_MS, () => void end());
  };
  return {
    add(socket) {
      if (closed || audience.size >= maxViewers)
        return socket.close(closed ? TRY_LATER : TOO_MANY, 'too many look at this camera');
      metrics.liveViewers.inc();
      audience.join(socket, onLeave);
      start();
    },
    watch(sink, wants) {
      if (closed || watchers.size >= maxViewers) {
        const why = closed
          ? 'the gateway stops'
          : `${maxViewers} look at this camera, as many as media.viewers`;
        return { ended: Promise.resolve(new Error(why)), close() {} };
      }
      metrics.liveViewers.inc();
      const watching = watchers.join(sink, wants, onLeave);
      // It may have had enough already, of what was there.
      if (isSeen()) start();
      return watching;
    },
    async close() {
      closed = true;
      lingering?.stop();
      audience.closeAll(TRY_LATER);
      watchers.endAll(new Error('the gateway stops'));
      await end();
    },
  };
}

/** Shows a camera until the signal aborts, again with a back-off. Never rejects. */
function createShowing(
  camera: string,
  form: Form,
  { audience, watchers }: { readonly audience: Audience; readonly watchers: Watchers },
  options: ChannelOptions,
) {
  const { streamUrl, bursts, time, metrics } = options;
  const showPictures = createPictures(camera, { audience, watchers }, options);
  const showOnce = async (signal: AbortSignal) => {
    const url = await streamUrl(camera);
    if (signal.aborted) return;
    const producer = form === 'mse' ? await showPictures(url) : transcode(url, audience.onBytes, time);
    metrics.liveProcesses.inc();
    const onAbort = () => void producer.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await producer.ended;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await producer.stop();
      metrics.liveProcesses.dec();
    }
  };
  return async (signal: AbortSignal) => {
    const patience = createPatience(BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
    while (!signal.aborted) {
      let why = '';
      const startedAt = time.elapsed();
      await showOnce(signal).catch((error: Error) => {
        if (error instanceof SoundFault) return;
        why = error.message;
        const about = { camera, form, error: withoutSecrets(error.message) };
        if (signal.aborted) return;
        bursts.warn(`live ${camera}`, about, 'a live picture broke off');
        watchers.onBreak(new Error(about.error));
      });
      await time.wait(patience.nextMs(why, time.elapsed() - startedAt), signal);
    }
  };
}
