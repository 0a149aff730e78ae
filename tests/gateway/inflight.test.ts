import { describe, expect, it } from 'vitest';
import { inFlight } from '../../gateway/lifecycle/in-flight.ts';
import { manualClock } from '../clocks.ts';

describe('what is under way', () => {
  it('is waited for, what it begins and what fails too, and nothing longer than was said', async () => {
    const time = manualClock();
    const { track, settled } = inFlight(time);
    await settled(60_000);
    const done: string[] = [];
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    void track(
      first.promise.then(() => {
        done.push('first');
        void track(second.promise.then(() => done.push('second')));
      }),
    );
    const failing = track(Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    const waiting = settled(60_000).then(() => done.push('settled'));
    first.resolve();
    await time.advance(5);
    expect(done).toEqual(['first']);
    second.resolve();
    await waiting;
    expect(done).toEqual(['first', 'second', 'settled']);
    void track(new Promise(() => {}));
    const begun = time.elapsed();
    await time.until(settled(5));
    expect(time.elapsed() - begun).toBe(5);
    expect(time.pending).toBe(0);
  });
});
