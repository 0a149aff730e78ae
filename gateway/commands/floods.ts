/** How many commands each source may send: what is too much is refused before it is read, so that alarms do not wait. */
import type { CommandRate } from '../../config/sections/rights.ts';
import { type Bucket, createBucket } from '../../drivers/contract/bucket.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { createRefusals, Refused } from './refusals.ts';

/** A flood that paused for so long is another one. */
const BURST_OVER_MS = 60_000;
const ANSWERS: CommandRate = { perMinute: 60, burst: 20 };
const UNDER_WAY_MAX = 100;
export const UNDER_WAY = `${UNDER_WAY_MAX} of its commands are under way; wait, and send it again`;

/** Lets through what comes at a rate; refuses the rest. */
export function createFloodGuard(
  time: Pick<Clock, 'elapsed'>,
  refusals: Pick<ReturnType<typeof createRefusals>, 'refuse' | 'count'>,
) {
  const commands = createBuckets(time);
  const answers = createBuckets(time);
  const overAt = new Map<string, number>();
  return {
    mayCome: (source: string, rate: CommandRate): boolean => commands(source, rate),
    /**
     * The first of a flood is told to platforms. `idOf` is asked only where somebody hears it.
     * @returns the answer; undefined: a flood makes no flood of them.
     */
    refuse(idOf: () => string | null, by: Omit<Refused, 'id'>, { perMinute, burst }: CommandRate) {
      const now = time.elapsed();
      const last = overAt.get(by.from);
      overAt.set(by.from, now);
      const begins = last === undefined || now - last > BURST_OVER_MS;
      const reason = `too many commands: at most ${burst} at once and ${perMinute} a minute; wait, and send it again`;
      const isAnswered = answers(by.from, ANSWERS);
      const id = begins || isAnswered ? idOf() : null;
      if (begins) refusals.refuse({ ...by, id }, reason);
      else refusals.count(by, reason);
      return isAnswered ? { id, done: false, reason } : undefined;
    },
  };
}

/** By name; true: there was one left. Names come from the config. */
function createBuckets(time: Pick<Clock, 'elapsed'>) {
  const buckets = new Map<string, Bucket>();
  return (name: string, { perMinute, burst }: CommandRate): boolean => {
    const bucket = buckets.get(name) ?? createBucket(time);
    buckets.set(name, bucket);
    return bucket.take({ perSecond: perMinute / 60, burst });
  };
}

/** So many of each source wait at once: where a disk or a device says nothing, an allowed rate piles up, too. */
export function createUnderWay() {
  const counts = new Map<string, number>();
  return {
    /** False: too many of this source wait. */
    begin(source: string): boolean {
      const before = counts.get(source) ?? 0;
      if (before < UNDER_WAY_MAX) counts.set(source, before + 1);
      return before < UNDER_WAY_MAX;
    },
    end: (source: string) => void counts.set(source, (counts.get(source) ?? 1) - 1),
  };
}
