import { afterEach, describe, expect, it, vi } from 'vitest';
import { PAUSE_MS, pauseWatch, systemClock } from '../../drivers/contract/clock.ts';
import { duration } from '../../drivers/contract/options.ts';
import { manualClock } from '../clocks.ts';

const DAY = 86_400_000;

describe('times beyond 2^31 ms, at which setTimeout calls at once', () => {
  afterEach(() => void vi.useRealTimers());

  it('are waited for', async () => {
    vi.useFakeTimers();
    const ran: string[] = [];
    systemClock.after(30 * DAY, () => ran.push('after'));
    const every = systemClock.every(40 * DAY, () => ran.push('every'));
    void systemClock.wait(60 * DAY).then((how) => ran.push(`wait ${how}`));
    const stopped = systemClock.after(50 * DAY, () => ran.push('stopped'));
    const stop = new AbortController();
    void systemClock.wait(70 * DAY, stop.signal).then((how) => ran.push(how));
    await vi.advanceTimersByTimeAsync(30 * DAY - 1);
    expect(ran).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ran).toEqual(['after']);
    stopped.stop();
    await vi.advanceTimersByTimeAsync(31 * DAY);
    expect(ran).toEqual(['after', 'every', 'wait over']);
    stop.abort();
    await vi.advanceTimersByTimeAsync(20 * DAY);
    expect(ran).toEqual(['after', 'every', 'wait over', 'stopped', 'every']);
    every.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('durations of the config', () => {
  it('are ten years at most, and what makes sense where they stand', () => {
    expect(duration().parse('3650d')).toBe(3650 * DAY);
    for (const text of ['3651d', '999999999d', '999999999h'])
      expect(duration().safeParse(text).success).toBe(false);
    const bounded = duration({ least: '1s', most: '1h' });
    expect([bounded.parse('1s'), bounded.parse('60m')]).toEqual([1000, 3_600_000]);
    for (const text of ['999ms', '61m', '0s']) expect(bounded.safeParse(text).success).toBe(false);
  });
});

/** Gauges that a test moves. */
function machine() {
  const at = { elapsed: 5000, wall: 1_000_000, uptime: 70_000 };
  const watch = pauseWatch({ elapsed: () => at.elapsed, wall: () => at.wall, uptime: () => at.uptime });
  const told: number[] = [];
  watch.listeners.add((ms) => told.push(ms));
  const pass = (ms: number, of: readonly (keyof typeof at)[] = ['elapsed', 'wall', 'uptime']) => {
    for (const gauge of of) at[gauge] += ms;
    watch.look();
  };
  return { told, pass };
}

describe('a pause', () => {
  it('is what nobody looked at for long', () => {
    const { told, pass } = machine();
    for (let i = 0; i < 10; i++) pass(PAUSE_MS);
    expect(told).toEqual([]);
    // SIGSTOP: the monotonic clock goes on.
    pass(300_000);
    pass(500);
    expect(told).toEqual([300_000]);
  });

  it('of the whole machine shows in its uptime: the monotonic clock stands', () => {
    const { told, pass } = machine();
    pass(500);
    pass(100);
    pass(3_600_000, ['wall', 'uptime']);
    expect(told).toEqual([3_600_000]);
  });

  it('is no step of the wall clock', () => {
    const { told, pass } = machine();
    pass(86_400_000, ['wall']);
    pass(-86_400_000, ['wall']);
    expect(told).toEqual([]);
  });

  it('is told before what is due by then, and what it stops does not run', async () => {
    const clock = manualClock();
    const ran: string[] = [];
    const silent = clock.after(20_000, () => ran.push('silent'));
    const pauses = clock.onPause((ms) => {
      ran.push(`paused ${ms}`);
      silent.stop();
    });
    await clock.pause(300_000);
    expect(ran).toEqual(['paused 300000']);
    pauses.stop();
    expect(clock.pending).toBe(0);
  });
});
