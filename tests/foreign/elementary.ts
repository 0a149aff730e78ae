/** Video and sound that ffmpeg encoded, in units as a camera gives them: parted at access unit delimiters by hand. */
import { execFileSync } from 'node:child_process';
import type { Unit } from '../../drivers/contract/media.ts';

const RATE = 25;
const TICKS = 90_000 / RATE;

const made = new Map<string, Buffer>();
const ffmpeg = (...args: string[]): Buffer => {
  const key = args.join(' ');
  const known = made.get(key);
  if (known !== undefined) return known;
  const bytes = execFileSync('ffmpeg', ['-v', 'error', ...args, '-'], { maxBuffer: 100_000_000 });
  made.set(key, bytes);
  return bytes;
};

/** So many seconds of 25 pictures, one of 25 a key picture; `size`: 1280x720. */
export function encode(codec: 'h264' | 'h265', seconds: number, size = '640x360'): Buffer {
  const input = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${RATE}:duration=${seconds}`];
  const coder =
    codec === 'h264'
      ? ['-c:v', 'libx264', '-x264-params', 'aud=1:repeat-headers=1:scenecut=0:log-level=-1']
      : ['-c:v', 'libx265', '-x265-params', 'aud=1:repeat-headers=1:scenecut=0:log-level=none'];
  const shape = ['-preset', 'ultrafast', '-bf', '0', '-g', '25', '-pix_fmt', 'yuv420p'];
  return ffmpeg(...input, ...coder, ...shape, '-f', codec === 'h264' ? 'h264' : 'hevc');
}

/** Pictures of an elementary stream. */
export function picturesIn(codec: 'h264' | 'h265', stream: Buffer): readonly Unit[] {
  // Access unit delimiters: NAL unit type 9 of H.264, 35 of H.265.
  const delimiter = Buffer.from(codec === 'h264' ? [0, 0, 0, 1, 9] : [0, 0, 0, 1, 70, 1]);
  const starts: number[] = [];
  for (let at = stream.indexOf(delimiter); at >= 0; at = stream.indexOf(delimiter, at + 1)) starts.push(at);
  return starts.map((start, i) => ({
    ...{ kind: 'video', codec, bytes: stream.subarray(start, starts[i + 1]) },
    ...{ pts: i * TICKS, dts: i * TICKS, isKey: i % 25 === 0 },
  }));
}

/** A tone, in stretches of 40 ms. */
export function encodeSound(seconds: number): Buffer {
  const input = ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=8000:duration=${seconds}`];
  return ffmpeg(...input, '-c:a', 'pcm_alaw', '-f', 'alaw');
}

export function soundIn(stream: Buffer): readonly Unit[] {
  return Array.from({ length: Math.ceil(stream.length / 320) }, (_, i) => ({
    ...{ kind: 'audio', codec: 'g711a', bytes: stream.subarray(i * 320, i * 320 + 320), pts: i * 3600 },
  }));
}

/** In the order of their times. */
export const together = (...streams: readonly (readonly Unit[])[]): readonly Unit[] =>
  streams.flat().sort((a, b) => a.pts - b.pts);
