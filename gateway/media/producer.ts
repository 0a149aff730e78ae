/** The ffmpeg of a live picture, in either form; one that gives nothing for a while is over. */
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import { streamInput, streamList } from '../../drivers/contract/stream.ts';
import { endOf, endProcess, giveInput, SECOND_PIPE, startFfmpeg } from './ffmpeg.ts';
import { type Fragment, fragmentReader, type Head } from './mp4.ts';

export interface Producer {
  /** Rejects when it ends, with a sentence. */
  readonly ended: Promise<never>;
  /** Resolves when the process is gone. */
  stop(): Promise<void>;
}

/** A stream that gives nothing for so long is over. */
const SILENT_MS = 10_000;
/** What is shown is of now, and is shown when it is there: little is looked at before. */
const NOW = {
  fflags: 'nobuffer',
  flags: 'low_delay',
  probesize: '100000',
  analyzeduration: '100000',
} as const;

/**
 * Of the list that the stream is in, where NOW is of the stream: it would count 20 pictures to know how many come in a second,
 * and wait 5 s for a sound that is announced and never comes.
 */
const LOOK_LITTLE = ['-fpsprobesize', '0', '-analyzeduration', '100000', '-probesize', '100000'];
/** Pictures come when they are there, and each fragment says its time on the one clock of both outputs. */
const FRAGMENTS = [
  ...['-movflags', 'frag_every_frame+empty_moov+default_base_moof+frag_discont'],
  // Times as they are, none of them below 0: ffmpeg would have each output begin at 0 by itself.
  ...['-output_ts_offset', '10', '-avoid_negative_ts', 'disabled', '-use_editlist', '0'],
  ...['-flush_packets', '1'],
];
/**
 * The sound, apart from the pictures, which need not wait for a sound that is announced and never comes. An output has
 * at least one stream: where there is no sound, it is one of pictures of which none is written.
 */
const SOUND = [
  ...['-map', '0:a:0?', '-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1'],
  ...['-map', '0:v:0', '-c:v', 'copy', '-bsf:v', 'noise=drop=1', '-max_interleave_delta', '1'],
  ...['-f', 'mov', ...FRAGMENTS, SECOND_PIPE],
];

export interface Shown {
  onHead(head: Head): void;
  onFragment(fragment: Fragment): void;
}

/** The camera's own codec, as fragments of MP4. `sound`: its sound too, as A-law, where it has one. */
export async function passThrough(
  url: string,
  pictures: Shown,
  sound: Shown | undefined,
  time: Clock,
): Promise<Producer> {
  const args = [
    ...LOOK_LITTLE,
    ...streamInput,
    ...['-an', '-c:v', 'copy', '-f', 'mp4', ...FRAGMENTS, 'pipe:1'],
    ...(sound === undefined ? [] : SOUND),
  ];
  const child = await startFfmpeg({ args, input: streamList(url, NOW), second: sound !== undefined }, 'pipe');
  return watched(child, time, (fail) => {
    const follow = (from: NodeJS.EventEmitter | null | undefined, to: Shown) => {
      const reader = fragmentReader({ head: to.onHead, fragment: to.onFragment });
      from?.on('data', (chunk: Buffer) => {
        try {
          reader.push(chunk);
        } catch (error) {
          fail(error as Error);
        }
      });
    };
    follow(child.stdout, pictures);
    if (sound !== undefined) follow(child.stdio[3], sound);
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

const STREAM_SCRIPT = fileURLToPath(new URL('./ffmpeg-stream.sh', import.meta.url));

/** MPEG-1, by the muxer of node-rtsp-stream. Its server is not used: it lets everybody in and listens everywhere. */
export function transcode(url: string, onBytes: (bytes: Buffer) => void, time: Clock): Producer {
  const Mpeg1Muxer = createRequire(import.meta.url)('node-rtsp-stream/mpeg1muxer') as MuxerClass;
  const muxer = new Mpeg1Muxer({
    url: 'pipe:0',
    ffmpegPath: STREAM_SCRIPT,
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
  giveInput(muxer.stream, streamList(url));
  return watched(muxer.stream, time, () => muxer.on('mpeg1data', onBytes));
}

/** Follows a process: its end, its silence, its last words. */
function watched(child: ChildProcess, time: Clock, wire: (fail: (error: Error) => void) => void): Producer {
  const { promise: ended, reject: fail } = Promise.withResolvers<never>();
  ended.catch(() => {});
  let silence: Timer | undefined;
  const noteLife = () => {
    silence?.stop();
    silence = time.after(SILENT_MS, () => fail(new Error(`nothing for ${SILENT_MS / 1000} s`)));
  };
  child.stdout?.on('data', noteLife);
  endOf(child).catch(fail);
  noteLife();
  wire(fail);
  return {
    ended,
    async stop() {
      child.stdout?.off('data', noteLife);
      silence?.stop();
      await endProcess(child, time);
    },
  };
}
