/**
 * Live pictures. One ffmpeg a camera and form, however many look: started by the first, stopped a moment after the last,
 * started again with a back-off, and never left behind. A viewer who is slow gets nothing until the next key frame; no
 * buffer grows for anybody.
 *
 * `mse`: the camera's own H.264 or H.265, not transcoded, as fragments of MP4 for Media Source Extensions. The first
 * message is text, the codec; the head and the fragments follow as they are.
 * `jsmpeg`: for what a browser cannot play: MPEG-1 by the muxer of node-rtsp-stream. Its server is not used: it lets
 * everybody in and listens everywhere.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import type { WebSocket } from 'ws';
import type { Log } from '../../drivers/contract/driver.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { endOf, endProcess, FFMPEG, withoutSecrets } from './ffmpeg.ts';
import { type Fragment, fragmentReader, type Head } from './mp4.ts';

export type Form = 'mse' | 'jsmpeg';

export interface Live {
  /** Lets a viewer see a camera, until the socket ends. */
  view(camera: string, socket: WebSocket, form: Form): void;
  /** How many look, by camera and form. */
  viewers(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export interface LiveOptions {
  /** Where a camera's stream is, with its password. @throws Error with a sentence. */
  readonly streamUrl: (camera: string) => Promise<string>;
  readonly maxViewers: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A viewer who has so much on the way is behind, bytes. */
const BEHIND = 1_000_000;
/** From a key frame to now: what a new viewer gets at once. */
const GROUP_MAX = 12_000_000;
const LINGER_MS = 1500;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 10_000;
/** A stream that gives nothing for so long is over. */
const SILENT_MS = 10_000;
/** WebSocket close codes (RFC 6455, 7.4): try again later; policy. */
const TRY_LATER = 1013;
const TOO_MANY = 1008;

interface Viewer {
  readonly socket: WebSocket;
  /** It has had the head and a key frame. */
  started: boolean;
}

interface Producer {
  readonly started: Promise<unknown>;
  stop(): Promise<void>;
}

export function createLive(options: LiveOptions): Live {
  const channels = new Map<string, ReturnType<typeof createChannel>>();
  const bursts = burstLog(options.log);
  return {
    view(camera, socket, form) {
      const key = `${camera} ${form}`;
      const channel = channels.get(key) ?? createChannel(camera, form, { ...options, bursts });
      channels.set(key, channel);
      channel.add(socket);
    },
    viewers: () => Object.fromEntries([...channels].map(([key, channel]) => [key, channel.viewers()])),
    async close() {
      await Promise.all([...channels.values()].map((channel) => channel.close()));
      bursts.close();
    },
  };
}

function createChannel(
  camera: string,
  form: Form,
  { streamUrl, maxViewers, log, metrics, bursts }: LiveOptions & { bursts: ReturnType<typeof burstLog> },
) {
  const viewers = new Set<Viewer>();
  let head: Head | undefined;
  /** Since the last key frame. */
  let group: Fragment[] = [];
  let groupBytes = 0;
  let producer: Producer | undefined;
  let running: Promise<void> | undefined;
  let lingering: NodeJS.Timeout | undefined;
  const over = new AbortController();
  let stop = new AbortController();

  const send = (viewer: Viewer, data: Buffer | string) => viewer.socket.send(data);
  const begin = (viewer: Viewer) => {
    if (head === undefined || group[0]?.isKey !== true) return;
    send(viewer, JSON.stringify({ codec: head.codec ?? null }));
    send(viewer, head.bytes);
    for (const { bytes } of group) send(viewer, bytes);
    viewer.started = true;
  };
  const tellAll = (fragment: Fragment) => {
    for (const viewer of viewers) {
      if (viewer.socket.bufferedAmount > BEHIND) {
        // It goes on with the next key frame, once it has caught up.
        viewer.started = false;
        continue;
      }
      if (viewer.started) send(viewer, fragment.bytes);
      else if (fragment.isKey) begin(viewer);
    }
  };
  const takeFragment = (fragment: Fragment) => {
    if (fragment.isKey) {
      group = [];
      groupBytes = 0;
    }
    group.push(fragment);
    groupBytes += fragment.bytes.length;
    // A camera without key frames: nobody new can begin, and nothing is kept for them.
    if (groupBytes > GROUP_MAX) group = [];
    tellAll(fragment);
  };
  const takeHead = (found: Head) => {
    head = found;
    group = [];
    // After a restart of ffmpeg everybody begins anew.
    for (const viewer of viewers) viewer.started = false;
  };
  /** MPEG-1: every packet to everybody who keeps up; jsmpeg finds its way by itself. */
  const takeBytes = (bytes: Buffer) => {
    for (const { socket } of viewers) if (socket.bufferedAmount <= BEHIND) socket.send(bytes);
  };

  const run = async () => {
    const { signal } = stop;
    for (let tries = 0; !signal.aborted; tries++) {
      const started = performance.now();
      try {
        const url = await streamUrl(camera);
        if (signal.aborted) return;
        producer =
          form === 'mse'
            ? passThrough(url, { head: takeHead, fragment: takeFragment })
            : transcode(url, takeBytes);
        metrics.liveProcesses.inc();
        await producer.started;
      } catch (error) {
        if (!signal.aborted)
          bursts.warn(
            `live ${camera}`,
            { camera, form, error: withoutSecrets((error as Error).message) },
            'a live picture broke off',
          );
      } finally {
        if (producer !== undefined) {
          await producer.stop();
          metrics.liveProcesses.dec();
          producer = undefined;
        }
      }
      if (performance.now() - started > SILENT_MS) tries = 0;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(BACKOFF_FIRST_MS * 2 ** tries, BACKOFF_MAX_MS));
        signal.addEventListener(
          'abort',
          () => {
            clearTimeout(timer);
            resolve();
          },
          { once: true },
        );
        if (signal.aborted) resolve();
      });
    }
  };
  const start = () => {
    clearTimeout(lingering);
    if (running !== undefined && !stop.signal.aborted) return;
    const before = running;
    stop = new AbortController();
    running = (async () => {
      await before;
      await run();
    })();
    log.debug({ camera, form }, 'a live picture begins');
  };
  const end = async () => {
    const ending = running;
    stop.abort();
    await producer?.stop();
    await ending;
    // Somebody may have come meanwhile, and what is here is of the next run.
    if (running !== ending) return;
    head = undefined;
    group = [];
  };

  return {
    viewers: () => viewers.size,
    add(socket: WebSocket) {
      if (viewers.size >= maxViewers || over.signal.aborted)
        return socket.close(over.signal.aborted ? TRY_LATER : TOO_MANY, 'too many look at this camera');
      const viewer: Viewer = { socket, started: false };
      viewers.add(viewer);
      metrics.liveViewers.inc();
      let gone = false;
      const leave = () => {
        if (gone) return;
        gone = true;
        viewers.delete(viewer);
        metrics.liveViewers.dec();
        if (viewers.size === 0) lingering = setTimeout(() => void end(), LINGER_MS).unref();
      };
      socket.on('close', leave);
      socket.on('error', leave);
      start();
      if (form === 'mse') begin(viewer);
    },
    async close() {
      over.abort();
      clearTimeout(lingering);
      for (const { socket } of viewers) socket.close(TRY_LATER);
      await end();
    },
  };
}

/** What is shown is of now; over TCP, which loses nothing. */
const INPUT = ['-rtsp_transport', 'tcp', '-fflags', 'nobuffer', '-flags', 'low_delay'] as const;

/** `started` rejects when it ends. */
function passThrough(
  url: string,
  on: { head(head: Head): void; fragment(fragment: Fragment): void },
): Producer {
  const child = spawn(
    'ffmpeg',
    [
      ...FFMPEG,
      ...INPUT,
      // A picture is shown when it is there: little is looked at before.
      ...['-probesize', '100000', '-analyzeduration', '100000', '-i', url],
      ...['-an', '-c:v', 'copy', '-f', 'mp4'],
      ...['-movflags', 'frag_every_frame+empty_moov+default_base_moof', '-flush_packets', '1', 'pipe:1'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return watched(child, (fail) => {
    const reader = fragmentReader(on);
    child.stdout.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        fail(error as Error);
      }
    });
  });
}

interface Muxer {
  readonly stream: ChildProcess;
  on(event: 'mpeg1data', listener: (bytes: Buffer) => void): void;
}
type MuxerClass = new (options: {
  readonly url: string;
  readonly ffmpegPath: string;
  readonly ffmpegOptions: Readonly<Record<string, string | number>>;
}) => Muxer;

function transcode(url: string, take: (bytes: Buffer) => void): Producer {
  const Mpeg1Muxer = createRequire(import.meta.url)('node-rtsp-stream/mpeg1muxer') as MuxerClass;
  const muxer = new Mpeg1Muxer({
    url,
    ffmpegPath: 'ffmpeg',
    // MPEG-1 knows few frame rates; 25 is one of them.
    ffmpegOptions: {
      '-loglevel': 'error',
      '-r': 25,
      '-b:v': '1500k',
      '-bf': 0,
      '-an': '',
      '-vf': 'scale=w=min(iw\\,960):h=-2',
    },
  });
  return watched(muxer.stream, () => muxer.on('mpeg1data', take));
}

/** Follows a process: its end, its silence, its last words. */
function watched(child: ChildProcess, wire: (fail: (error: Error) => void) => void): Producer {
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  const fail = (error: Error) => ended.reject(error);
  let timer: NodeJS.Timeout | undefined;
  const patience = () => {
    clearTimeout(timer);
    timer = setTimeout(() => fail(new Error(`nothing for ${SILENT_MS / 1000} s`)), SILENT_MS).unref();
  };
  child.stdout?.on('data', patience);
  endOf(child).catch(fail);
  patience();
  wire(fail);
  return {
    started: ended.promise,
    async stop() {
      clearTimeout(timer);
      await endProcess(child);
    },
  };
}
