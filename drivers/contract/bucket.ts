/** A token bucket: so many at once, and then at a rate. */
import type { Clock } from './clock.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Bucket {
  /** How long until one is there, ms; takes nothing. */
  due(rate: Rate): number;
  /** Takes one where it is there. */
  take(rate: Rate): boolean;
  /** Takes `count`, now or in debt. @returns how long it should have waited, ms. */
  spend(rate: Rate, count?: number): number;
  giveBack(count: number): void;
}

export function createBucket(clock: Pick<Clock, 'elapsed'>): Bucket {
  let spent = 0;
  let at = clock.elapsed();
  const dueOf = ({ perSecond, burst }: Rate, count: number): number => {
    const now = clock.elapsed();
    spent = Math.max(0, spent - ((now - at) / 1000) * perSecond);
    at = now;
    return Math.max(0, ((spent + count - burst) / perSecond) * 1000);
  };
  return {
    due: (rate) => dueOf(rate, 1),
    take(rate) {
      const isThere = dueOf(rate, 1) === 0;
      if (isThere) spent++;
      return isThere;
    },
    spend(rate, count = 1) {
      const ms = dueOf(rate, count);
      spent += count;
      return ms;
    },
    giveBack(count) {
      spent = Math.max(0, spent - count);
    },
  };
}
