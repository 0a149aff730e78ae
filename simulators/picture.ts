/**
 * What a simulated camera sees: ffmpeg's test picture with a clock in it that a machine can read, turned by presets; a
 * small clip from this folder where there is no ffmpeg.
 *
 * The clock: 24 squares of 20 by 16 pixels from (0, 0), the lowest bit first, white for 1: ms since 1970, modulo 2^24.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VideoSource } from './rtsp/video.ts';

export const WIDTH = 640;
export const HEIGHT = 360;
export const CLOCK_BITS = 24;
export const CLOCK_SQUARE = 20;

let found: boolean | undefined;
export function hasFfmpeg(): boolean {
  found ??= spawnSync('ffmpeg', ['-version']).status === 0;
  return found;
}

/** The picture as a graph of filters; `view` turns it. */
function graph(view: number, rate: number): string {
  // RTCTIME is in microseconds since 1970; pictures get the moment they were made at.
  const base = Date.now() - 1000;
  const clock = `255*mod(floor((${base % 2 ** CLOCK_BITS}+T*1000)/pow(2,floor(X/${CLOCK_SQUARE}))),2)`;
  return [
    `testsrc2=s=${WIDTH}x${HEIGHT}:r=${rate},realtime,setpts='(RTCTIME-${base}000)/(TB*1000000)',hue=h=${view * 60},split[a][c]`,
    `[c]crop=${CLOCK_BITS * CLOCK_SQUARE}:16:0:0,format=gray,geq=lum='${clock}'[b]`,
    '[a][b]overlay=0:0',
  ].join(';');
}

const QUIET = ['-hide_banner', '-loglevel', 'error', '-nostdin'];

/** H.264 as long as somebody looks. `view` is asked each time it begins. */
export function liveVideo(view: () => number, rate = 15): VideoSource {
  if (!hasFfmpeg()) return loopedClip;
  return (take) => {
    const child = spawn(
      'ffmpeg',
      [
        ...QUIET,
        ...['-f', 'lavfi', '-i', graph(view(), rate)],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline'],
        ...[
          '-pix_fmt',
          'yuv420p',
          '-g',
          String(rate),
          '-x264-params',
          'aud=1:repeat-headers=1:sliced-threads=0',
        ],
        ...['-flush_packets', '1', '-fps_mode', 'passthrough', '-f', 'h264', 'pipe:1'],
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    child.stdout.on('data', take);
    child.on('error', () => {});
    return () => void child.kill('SIGKILL');
  };
}

const CLIP_RATE = 5;
const loopedClip: VideoSource = (take) => {
  const clip = readFileSync(join(import.meta.dirname, 'clip.h264'));
  // A picture begins with its delimiter.
  const starts: number[] = [];
  const mark = Buffer.of(0, 0, 0, 1, 9);
  for (let at = clip.indexOf(mark); at !== -1; at = clip.indexOf(mark, at + 1)) starts.push(at);
  let n = 0;
  const step = () => {
    const i = n++ % starts.length;
    take(clip.subarray(starts[i], starts[i + 1] ?? clip.length));
  };
  step();
  const timer = setInterval(step, 1000 / CLIP_RATE);
  return () => clearInterval(timer);
};

/** One JPEG of now. */
export async function stillPicture(view: number): Promise<Buffer> {
  const fallback = () => readFileSync(join(import.meta.dirname, 'still.jpg'));
  if (!hasFfmpeg()) return fallback();
  const child = spawn(
    'ffmpeg',
    [...QUIET, '-f', 'lavfi', '-i', graph(view, 15), '-frames:v', '1', '-q:v', '3', '-f', 'mjpeg', 'pipe:1'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const chunks: Buffer[] = [];
  child.on('error', () => {});
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? fallback() : Buffer.concat(chunks);
}
