import { describe, expect, it } from 'vitest';
import { EndOfClip, type Unit } from '../../drivers/contract/media.ts';
import type { ClipFile } from '../../gateway/media/clip-file.ts';
import { playClip } from '../../gateway/media/playing.ts';
import { manualClock } from '../clocks.ts';

/** Ten seconds, ten pictures a second, a key picture each second. Pictures are named by their number. */
function clip() {
  let isOpen = false;
  const pictures = Array.from({ length: 100 }, (_, i) => {
    const times = { dts: i * 9000, pts: i * 9000, ms: i * 100 };
    return { at: i, bytes: 1, isKey: i % 10 === 0, ...times };
  });
  const file: ClipFile = {
    pictures,
    ms: 10_000,
    async read(i) {
      const { dts, pts, isKey } = pictures[i] as (typeof pictures)[number];
      return { kind: 'video', codec: 'h264', bytes: Buffer.of(i), dts, pts, isKey };
    },
    async close() {
      isOpen = false;
    },
  };
  const open = async () => {
    isOpen = true;
    return file;
  };
  return { open, isOpen: () => isOpen };
}

function play(
  how: { fromMs?: number; pace?: 'real' | 'fast' } = {},
  takes: (n: number) => boolean = () => true,
) {
  const time = manualClock();
  const { open, isOpen } = clip();
  const got: { n: number; at: number }[] = [];
  const began = time.elapsed();
  const sink = ({ bytes }: Unit) => {
    const n = bytes[0] ?? -1;
    got.push({ n, at: time.elapsed() - began });
    return takes(n);
  };
  const playing = playClip(open, sink, { fromMs: 0, pace: 'real', ...how }, time);
  return { playing, time, got, isOpen, numbers: () => got.map(({ n }) => n) };
}
const span = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

describe('a clip', () => {
  it('is played as it was recorded, each picture at its time, and then is at its end', async () => {
    const { playing, time, got, numbers, isOpen } = play();
    await time.advance(950);
    expect(numbers()).toEqual(span(0, 10));
    expect(got.every(({ n, at }) => at === n * 100)).toBe(true);
    const ended = await time.until(playing.ended, 20_000);
    expect(ended).toBeInstanceOf(EndOfClip);
    expect(ended.name).toBe('EndOfClip');
    expect([numbers(), time.elapsed()]).toEqual([span(0, 100), 10_000]);
    await expect.poll(isOpen).toBe(false);
  });

  it('begins at the key picture before the place that is asked for', async () => {
    const { time, got } = play({ fromMs: 3450 });
    await time.advance(100);
    expect(got).toEqual([
      { n: 30, at: 0 },
      { n: 31, at: 100 },
    ]);
  });

  it('stands while it is paused, and goes on where it stood', async () => {
    const { playing, time, got, numbers } = play();
    await time.advance(250);
    playing.pause();
    await time.advance(5000);
    expect(numbers()).toEqual([0, 1, 2]);
    playing.resume();
    await time.advance(150);
    expect(got.slice(3)).toEqual([
      { n: 3, at: 5250 },
      { n: 4, at: 5350 },
    ]);
  });

  it('goes where it is sent, forth, back, and to the end', async () => {
    const { playing, time, numbers } = play();
    await time.advance(50);
    playing.seek(7300);
    await time.advance(0);
    playing.seek(1999);
    await time.advance(0);
    expect(numbers()).toEqual([0, 70, 10]);
    playing.seek(10_000);
    expect(await time.until(playing.ended, 1000)).toBeInstanceOf(EndOfClip);
    expect(numbers()).toEqual([0, 70, 10]);
  });

  it.each([
    [0.5, span(0, 3), 200],
    [2, span(0, 11), 50],
    [4, [0, 10, 20], 250],
    [8, [0, 10, 20, 30, 40], 125],
    // Faster than fast.
    [1000, [0, 10, 20, 30, 40], 125],
  ])('at %d times its speed shows what can be shown in time', async (factor, numbers, everyMs) => {
    const { playing, time, got } = play();
    playing.scale(factor);
    await time.advance(540);
    expect(got.map(({ n }) => n)).toEqual(numbers);
    expect(got.map(({ at }) => at)).toEqual(numbers.map((_, i) => i * everyMs));
  });

  it('as fast as it is taken stops where it is not, until it is to go on', async () => {
    const { playing, time, numbers } = play({ pace: 'fast' }, (n) => n % 40 !== 39);
    await expect.poll(numbers).toHaveLength(40);
    await time.advance(60_000);
    expect(numbers()).toEqual(span(0, 40));
    playing.resume();
    await expect.poll(numbers).toHaveLength(80);
    playing.resume();
    expect(await playing.ended).toBeInstanceOf(EndOfClip);
    expect(numbers()).toEqual(span(0, 100));
  });

  it('in its own time goes on with the next key picture after one that was not taken', async () => {
    const { time, numbers } = play({}, (n) => n !== 3);
    await time.advance(1150);
    expect(numbers()).toEqual([0, 1, 2, 3, 10, 11]);
  });

  it('is closed at any time, and lets go of its file', async () => {
    const { playing, time, numbers, isOpen } = play();
    await time.advance(150);
    playing.pause();
    playing.close();
    expect((await playing.ended).message).toBe('it was closed');
    playing.resume();
    await time.advance(1000);
    expect(numbers()).toEqual([0, 1]);
    await expect.poll(isOpen).toBe(false);
  });

  it('that is not there any more says so', async () => {
    const gone = async () => {
      throw new Error('the clip is not kept any more');
    };
    const playing = playClip(gone, () => true, { fromMs: 0, pace: 'real' }, manualClock());
    expect((await playing.ended).message).toBe('the clip is not kept any more');
  });
});
