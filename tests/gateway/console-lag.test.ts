/** How far behind platforms were, over time. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLagHistory, type Look } from '../../gateway/console/lag.ts';
import { manualClock } from '../clocks.ts';

function history() {
  const time = manualClock();
  const now: { all: Look[]; asked: number; fails: boolean } = { all: [], asked: 0, fails: false };
  const lag = createLagHistory(async () => {
    now.asked++;
    if (now.fails) throw new Error('the disk hangs');
    return now.all;
  }, time);
  onTestFinished(() => lag[Symbol.asyncDispose]());
  const is = (connected: boolean, backlog: number, oldest?: number) => {
    now.all = [{ id: 'police', connected, backlog, oldest }];
  };
  return { time, now, lag, is };
}

describe('the history of a lag', () => {
  it('is looked at every 10 s, with the age that the oldest had then', async () => {
    const { time, lag, is } = history();
    is(true, 0);
    lag.start();
    await time.advance(0);
    const stopped = time.wall();
    is(false, 2, stopped);
    await time.advance(10_000);
    is(false, 5, stopped);
    await time.advance(10_000);
    is(true, 0);
    await time.advance(10_000);
    expect(lag.of('police', 'hour')).toEqual({
      ...{ stepMs: 10_000, at: [0, 10_000, 20_000, 30_000].map((ms) => stopped + ms) },
      ...{ backlog: [0, 2, 5, 0], ageMs: [0, 10_000, 20_000, 0], connected: [true, false, false, true] },
    });
  });

  it('keeps the worst of each longer step: a minute without the platform is not lost in a month', async () => {
    const { time, lag, is } = history();
    is(true, 0);
    lag.start();
    await time.advance(20_000);
    is(false, 7, time.wall() - 3000);
    await time.advance(10_000);
    is(true, 0);
    await time.advance(10_000);
    expect(lag.of('police', 'month')).toMatchObject({
      ...{ backlog: [7], ageMs: [13_000], connected: [false] },
    });
    expect(lag.of('police', 'day')).toMatchObject({ backlog: [7] });
  });

  it('holds an hour, however long it runs', async () => {
    const { time, lag, is } = history();
    is(true, 1, time.wall());
    lag.start();
    await time.advance(2 * 3_600_000);
    const { at = [] } = lag.of('police', 'hour') ?? {};
    expect(at).toHaveLength(360);
    expect(at.at(-1)).toBe(time.wall());
    expect(new Set(at.map((one, i) => one - (at[i - 1] ?? one - 10_000)))).toEqual(new Set([10_000]));
    expect(lag.of('police', 'day')?.at).toHaveLength(121);
  });

  it('has a gap where nobody could look, forgets who is gone, and a clock that jumps ends no step', async () => {
    const { time, now, lag, is } = history();
    is(true, 0);
    lag.start();
    await time.advance(10_000);
    now.fails = true;
    await time.advance(60_000);
    now.fails = false;
    time.step(-3_600_000);
    await time.advance(10_000);
    expect(lag.of('police', 'hour')?.at).toHaveLength(3);
    expect(lag.of('police', 'month')?.at).toHaveLength(1);
    now.all = [];
    await time.advance(10_000);
    expect(lag.of('police', 'hour')).toBeUndefined();
    await lag[Symbol.asyncDispose]();
    const { asked } = now;
    await time.advance(60_000);
    expect(now.asked).toBe(asked);
  });
});
