/** The ffmpeg of a live picture, in either form; one that gives nothing for a while is over. */
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import { streamInput, streamList } from '../../drivers/contract/stream.ts';
import { endOf, endProcess, giveInput, startFfmpeg } from './ffmpeg.ts';
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

/** The camera's own codec, as fragments of MP4. */
export async function passThrough(
  url: string,
  { onHead, onFragment }: { onHead(head: Head): void; onFragment(fragment: Fragment): void },
  time: Clock,
): Promise<Producer> {
  const args = [
    ...streamInput,
    ...['-an', '-c:v', 'copy', '-f', 'mp4'],
    ...['-movflags', 'frag_every_frame+empty_moov+default_base_moof', '-flush_packets', '1', 'pipe:1'],
  ];
  const child = await startFfmpeg({ args, input: streamList(url, NOW) }, 'pipe');
  return watched(child, time, (fail) => {
    const reader = fragmentReader({ head: onHead, fragment: onFragment });
    child.stdout?.on('data', (chunk: Buffer) => {
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
