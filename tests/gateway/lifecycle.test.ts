import { describe, expect, it } from 'vitest';
import type { Log } from '../../drivers/contract/driver.ts';
import { createBackOff } from '../../gateway/lifecycle/back-off.ts';
import { createRecent } from '../../gateway/lifecycle/recent.ts';
import { signal } from '../../gateway/lifecycle/signal.ts';
import { burstLog } from '../../gateway/observe/log.ts';
import { manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';

/** A log that keeps what it was told. */
function keptLog() {
  const lines: { fields: object; sentence: string }[] = [];
  const keep = (fields: object, sentence: string) => void lines.push({ fields, sentence });
  const log: Log = { ...silentLog, warn: keep, error: keep };
  return { log, lines, rest: () => lines.splice(0).map(({ sentence }) => sentence) };
}

describe('a back-off', () => {
  it('doubles its limit with each failure up to the most, waits any time up to it, and begins again', () => {
    const random = [1, 1, 1, 0, 0.5, 1];
    const backOff = createBackOff(
      { firstMs: 100, mostMs: 450 },
      { random: () => random.shift() ?? Number.NaN },
    );
    const waits = Array.from({ length: 5 }, backOff.nextMs);
    expect(waits).toEqual([100, 200, 400, 0, 225]);
    backOff.reset();
    expect(backOff.nextMs()).toBe(100);
  });
});

describe('a signal', () => {
  it('tells each listener, whatever another one throws, until it is let go', () => {
    const { log, lines } = keptLog();
    const heard: string[] = [];
    const { on, tell } = signal<[string]>('a word', log);
    on(() => {
      throw new Error('a mistake');
    });
    const letGo = on((word) => void heard.push(word));
    tell('one');
    letGo();
    tell('two');
    expect(heard).toEqual(['one']);
    expect(lines.map(({ fields }) => fields)).toMatchObject([
      { signal: 'a word', error: 'a mistake' },
      { signal: 'a word', error: 'a mistake' },
    ]);
  });
});

describe('a burst in the log', () => {
  it('is one line, and a number each ten seconds while it goes on', async () => {
    const { log, rest } = keptLog();
    const time = manualClock();
    const bursts = burstLog(log, time);
    expect(time.pending).toBe(0);
    for (let i = 0; i < 5; i++) bursts.warn('noise', {}, 'noise on the line');
    bursts.warn('other', {}, 'something else');
    expect(rest()).toEqual(['noise on the line', 'something else']);
    await time.advance(10_000);
    expect(rest()).toEqual(['noise on the line (4 more in 10 s)']);
    bursts.warn('noise', {}, 'noise on the line');
    await time.advance(10_000);
    expect(rest()).toEqual(['noise on the line (1 more in 10 s)']);
    // It ended: forgotten, and no timer runs for it.
    await time.advance(10_000);
    expect(time.pending).toBe(0);
    bursts.warn('noise', {}, 'noise on the line');
    bursts.warn('noise', {}, 'noise on the line');
    bursts.close();
    expect(rest()).toEqual(['noise on the line', 'noise on the line (1 more in 10 s)']);
    bursts.warn('late', {}, 'said after the close');
    expect(rest()).toEqual(['said after the close']);
    expect(time.pending).toBe(0);
  });
});

describe('the newest of many', () => {
  it('are found, at least so many of them, each by its newest value', () => {
    const newest = createRecent<number, number>(100);
    for (let i = 1; i <= 1000; i++) {
      newest.set(i, i);
      if (i > 50) newest.set(i - 50, i);
      for (const back of [0, 30, 49, 50]) {
        const key = i - back;
        if (key > 0) expect(newest.get(key)).toBe(back === 50 ? i : key);
      }
    }
    expect(newest.get(1)).toBeUndefined();
    expect([...newest.values()].length).toBeLessThanOrEqual(200);
  });

  it('come once each, also where one was told again', () => {
    const newest = createRecent<string, number>(2);
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['a', 4],
    ] as const)
      newest.set(key, value);
    expect([...newest.values()].sort()).toEqual([2, 3, 4]);
  });
});
