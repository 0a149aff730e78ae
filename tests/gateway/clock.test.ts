import { expect, it } from 'vitest';
import { watchClock } from '../../gateway/observe/clock.ts';
import { manualClock } from '../clocks.ts';

it('the wall clock is watched from the start to the end, and each jump is told once', async () => {
  const time = manualClock();
  const clock = watchClock(time);
  const jumps: number[] = [];
  clock.onStep((ms) => jumps.push(ms));
  expect([time.pending, clock.now(), clock.synchronised()]).toEqual([0, time.wall(), null]);
  clock.start();
  await time.advance(10_000);
  time.step(999); // Slewing.
  await time.advance(10_000);
  expect(jumps).toEqual([]);
  time.step(-3_600_000);
  await time.advance(10_000);
  time.step(5000);
  await time.advance(10_000);
  expect(jumps).toEqual([-3_600_000, 5000]);
  await clock[Symbol.asyncDispose]();
  expect(time.pending).toBe(0);
});
