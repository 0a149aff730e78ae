/**
 * How long to wait before something that failed is tried again: a time between nothing and a limit that doubles with
 * each failure (full jitter), so that what failed at the same moment does not come back at the same moment.
 */
import type { Clock } from '../../drivers/contract/clock.ts';

export interface BackOff {
  /** After one more failure: how long to wait, ms. */
  nextMs(): number;
  /** It went well: the next failure is the first again. */
  reset(): void;
}

/** `firstMs`, `mostMs`: the limit after the first failure, and after many. */
export function createBackOff(
  { firstMs, mostMs }: { readonly firstMs: number; readonly mostMs: number },
  time: Pick<Clock, 'random'>,
): BackOff {
  let limitMs = firstMs;
  return {
    nextMs() {
      const waitMs = time.random() * Math.min(limitMs, mostMs);
      limitMs = Math.min(limitMs * 2, mostMs);
      return waitMs;
    },
    reset() {
      limitMs = firstMs;
    },
  };
}
