/** What is under way, so that a stop can wait for it: what is on disk before the uplinks go is delivered by them. */
import { setTimeout as delay } from 'node:timers/promises';

export interface InFlight {
  /** Gives the promise back. */
  track<T>(promise: Promise<T>): Promise<T>;
  /** Resolves when nothing is under way, or after `timeout` ms. Never rejects. */
  settled(timeout: number): Promise<void>;
}

export function inFlight(): InFlight {
  const running = new Set<Promise<unknown>>();
  return {
    track(promise) {
      const own = promise.then(
        () => {},
        () => {},
      );
      running.add(own);
      void own.then(() => running.delete(own));
      return promise;
    },
    async settled(timeout) {
      const patience = new AbortController();
      const late = delay(timeout, 'late', { signal: patience.signal }).catch(() => 'late');
      // What ends may have begun something else.
      while (running.size > 0) if ((await Promise.race([Promise.all(running), late])) === 'late') break;
      patience.abort();
    },
  };
}
