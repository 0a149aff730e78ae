/** What is under way, so that a stop can wait for it: what is on disk before the uplinks go is delivered by them. */
import type { Clock } from '../../drivers/contract/clock.ts';

export interface InFlight {
  /** Gives the promise back. */
  track<T>(promise: Promise<T>): Promise<T>;
  /** Resolves when nothing is under way, or after `timeoutMs`. Never rejects. */
  settled(timeoutMs: number): Promise<void>;
}

export function inFlight(time: Clock): InFlight {
  // A number: each event of each device passes here.
  let running = 0;
  let quiet: PromiseWithResolvers<void> | undefined;
  /** What ends may have begun something else, which is counted by then. */
  const settle = () => {
    if (running === 0) quiet?.resolve();
  };
  const end = () => {
    running--;
    if (running === 0 && quiet !== undefined) setImmediate(settle);
  };
  return {
    track(promise) {
      running++;
      promise.then(end, end);
      return promise;
    },
    async settled(timeoutMs) {
      if (running === 0) return;
      quiet ??= Promise.withResolvers();
      const late = time.after(timeoutMs, quiet.resolve);
      await quiet.promise;
      late.stop();
      quiet = undefined;
    },
  };
}
