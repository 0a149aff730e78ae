/**
 * Slows down who guesses, and locks nobody out.
 *
 * A browser in which somebody has logged in keeps a cookie that says so (OWASP, "Slow Down Online Guessing Attacks with
 * Device Cookies"): there, he has guesses of his own, whatever strangers do. Everybody else shares the guesses of a
 * source, and of the account that is guessed at, from wherever: who guesses from a thousand addresses gets 20 at once
 * and then one a minute, and so does a person with a new browser meanwhile. A link of an administrator's helps him.
 */

import { type Bucket, createBucket, type Rate } from '../../drivers/contract/bucket.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { sourceOf } from './guesses.ts';

/** Each is given back where the password was right. */
const OF_BROWSER: Rate = { burst: 10, perSecond: 1 / 10 };
const OF_SOURCE: Rate = { burst: 10, perSecond: 1 / 10 };
const OF_ACCOUNT: Rate = { burst: 20, perSecond: 1 / 60 };
/** Names, sources and browsers that are remembered, of each kind; then the one that was quiet the longest goes. */
const REMEMBERED_MAX = 1000;

export interface Attempt {
  /** undefined: it may be tried; else how long to wait, ms, and it was not counted. */
  readonly waitMs: number | undefined;
  /** It was right: it was no guess. */
  forgive(): void;
}

export interface Attempts {
  /** `browser`: what is known to belong to this account. `account`: its name as it is kept, or as it was typed. */
  begin(account: string, address: string, browser: string | undefined): Attempt;
}

export function createAttempts(time: Pick<Clock, 'elapsed'>): Attempts {
  const browsers = createBuckets(time);
  const sources = createBuckets(time);
  const accounts = createBuckets(time);
  return {
    begin(account, address, browser) {
      const name = account.normalize('NFKC').toLowerCase().slice(0, 100);
      const taken: readonly (readonly [Bucket, Rate])[] =
        browser === undefined
          ? [
              [sources(sourceOf(address)), OF_SOURCE],
              [accounts(name), OF_ACCOUNT],
            ]
          : [[browsers(browser), OF_BROWSER]];
      const waitMs = Math.max(...taken.map(([bucket, rate]) => bucket.due(rate)));
      if (waitMs > 0) return { waitMs, forgive() {} };
      for (const [bucket, rate] of taken) bucket.take(rate);
      return {
        waitMs: undefined,
        forgive() {
          for (const [bucket] of taken) bucket.giveBack(1);
        },
      };
    },
  };
}

function createBuckets(time: Pick<Clock, 'elapsed'>): (name: string) => Bucket {
  const buckets = new Map<string, Bucket>();
  return (name) => {
    const bucket = buckets.get(name) ?? createBucket(time);
    // In the order of the last try: the first is the one that goes.
    buckets.delete(name);
    buckets.set(name, bucket);
    for (const old of buckets.keys()) {
      if (buckets.size <= REMEMBERED_MAX) break;
      buckets.delete(old);
    }
    return bucket;
  };
}
