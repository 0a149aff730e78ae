import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Job } from '../../drivers/contract/driver.ts';
import { createIsolated } from '../../gateway/lifecycle/isolated.ts';
import { fastClock, manualClock } from '../clocks.ts';

const job = (name: string, input?: unknown): Job => ({
  module: new URL('./isolated-jobs.ts', import.meta.url).href,
  name,
  input,
});

function isolated(time = systemClock) {
  const one = createIsolated({ time });
  onTestFinished(() => one.close());
  return one;
}

describe('a thread apart', () => {
  it('calls a function with a copy and gives back a copy, one after another', async () => {
    const { run } = isolated();
    expect(await Promise.all([run(job('double', 2)), run(job('double', 3))])).toEqual([4, 6]);
  });

  it('says what was thrown, and goes on', async () => {
    const { run } = isolated();
    await expect(run(job('fail'))).rejects.toThrow('no such thing');
    await expect(run(job('nothing'))).rejects.toThrow();
    await expect(run({ ...job('double'), module: 'file:///no/such/module.js' })).rejects.toThrow();
    expect(await run(job('double', 2))).toBe(4);
  });

  it('is ended when a job stalls, and the next has a new one; the main thread goes on meanwhile', async () => {
    const { run } = isolated(fastClock(4));
    let turns = 0;
    const turning = setInterval(() => turns++, 10);
    onTestFinished(() => clearInterval(turning));
    const stalled = run(job('stall'));
    const next = run(job('double', 5));
    await expect(stalled).rejects.toMatchObject({ code: 'E_LATE', message: 'no answer within 2 s' });
    expect(await next).toBe(10);
    expect(turns).toBeGreaterThan(10);
  });

  it('that wants more memory than a message may cost is ended, and nothing else is', async () => {
    const { run } = isolated();
    await expect(run(job('swell'))).rejects.toMatchObject({ code: 'E_ENDED' });
    expect(await run(job('double', 2))).toBe(4);
  });

  it('lets no more than some jobs wait', async () => {
    const { run, close } = isolated(manualClock());
    const asked = Array.from({ length: 68 }, () => run(job('stall')).catch(({ code }) => code));
    expect(await Promise.all(asked.slice(65))).toEqual(['E_BUSY', 'E_BUSY', 'E_BUSY']);
    await close();
    expect(new Set(await Promise.all(asked.slice(0, 65)))).toEqual(new Set(['E_ENDED']));
    await expect(run(job('double', 1))).rejects.toMatchObject({ code: 'E_ENDED' });
  });

  it('that nobody needs gives its memory back', async () => {
    const time = manualClock();
    const { run } = isolated(time);
    const answer = run(job('double', 1));
    expect(await answer).toBe(2);
    expect(time.pending).toBe(1);
    await time.advance(60_000);
    expect(time.pending).toBe(0);
    expect(await run(job('double', 4))).toBe(8);
  });
});
