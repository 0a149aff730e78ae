import { describe, expect, it, onTestFinished } from 'vitest';
import { createClips, segmentsBetween } from '../../gateway/media/clips.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, stream, temporaryDirectory } from '../helpers.ts';
import { testRegistry } from '../registry.ts';

const segments = [0, 2000, 4000, 6000].map((at) => ({ path: `${at}.ts`, at }));

describe('a clip', () => {
  it.each([
    [2500, 4500, ['2000.ts', '4000.ts']],
    [-10_000, 100, ['0.ts']],
    [3000, 60_000, ['2000.ts', '4000.ts']],
  ])('from %d to %d is of what was written then', (from, to, paths) => {
    expect(segmentsBetween(segments, from, to).map(({ path }) => path)).toEqual(paths);
  });

  it('is none where only what is still being written is of that time', () => {
    expect(() => segmentsBetween(segments, 6500, 7000)).toThrow('nothing of that time');
    expect(() => segmentsBetween([], 0, 7000)).toThrow('nothing of that time');
  });

  it('is answered at once, with when it comes, and told where it does not', async () => {
    const time = manualClock();
    const { registry, ask } = testRegistry({ yard: 'device', gate: 'device' });
    const warned = stream<object>();
    const clips = createClips({
      directory: temporaryDirectory(),
      cameras: ['yard'],
      streamUrl: async () => {
        throw new Error('the camera is away');
      },
      keep: async () => 'x',
      registry,
      time,
      log: { ...silentLog, warn: (fields) => warned.push(fields) },
    });
    onTestFinished(async () => await clips[Symbol.asyncDispose]());
    expect(await ask('gate', 'clip')).toMatchObject({
      done: false,
      reason: expect.stringContaining('gate is not in media.clips'),
    });
    const ready = new Date(time.wall() + 26_000).toISOString();
    expect(await ask('yard', 'clip', { event: 'e-1' })).toEqual({ done: true, result: { ready } });
    await time.advance(25_000);
    expect(await warned.next()).toMatchObject({ camera: 'yard', event: 'e-1' });
  });
});
