import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inFlight } from '../../gateway/lifecycle/in-flight.ts';

describe('what is under way', () => {
  it('is waited for, what it begins and what fails too, and nothing longer than was said', async () => {
    const { track, settled } = inFlight();
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
    await delay(5);
    expect(done).toEqual(['first']);
    second.resolve();
    await waiting;
    expect(done).toEqual(['first', 'second', 'settled']);
    void track(new Promise(() => {}));
    await settled(5);
  });
});
