/** How many commands each sender may send: what is too much is refused before it is read, so that alarms do not wait. */
import type { CommandRate } from '../../config/sections/rights.ts';
import { type Bucket, createBucket } from '../../drivers/contract/bucket.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { createRefusals, Refused } from './refusals.ts';

/** Of so many senders it is known what they sent: there are at most 500 users and 500 tokens, and some uplinks. */
const SENDERS_MAX = 2000;
/** A flood that paused for so long is another one. */
const BURST_OVER_MS = 60_000;
const ANSWERS: CommandRate = { perMinute: 60, burst: 20 };
const UNDER_WAY_MAX = 100;
/** Who shares a limit: all of an uplink; of the console each user, so that none takes commands away from the others. */
export const senderOf = ({ id, sender }: { readonly id: string; readonly sender?: string }) =>
  sender === undefined ? id : `${id}\n${sender}`;

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
    mayCome: (sender: string, rate: CommandRate): boolean => commands(sender, rate),
    /**
     * The first of a flood is told to platforms. `idOf` is asked only where somebody hears it.
     * @returns the answer; undefined: a flood makes no flood of them.
     */
    refuse(
      idOf: () => string | null,
      by: Omit<Refused, 'id'>,
      sender: string,
      { perMinute, burst }: CommandRate,
    ) {
      const now = time.elapsed();
      const last = overAt.get(sender);
      keep(overAt, sender, now);
      const begins = last === undefined || now - last > BURST_OVER_MS;
      const reason = `too many commands: at most ${burst} at once and ${perMinute} a minute; wait, and send it again`;
      const isAnswered = answers(sender, ANSWERS);
      const id = begins || isAnswered ? idOf() : null;
      if (begins) refusals.refuse({ ...by, id }, reason);
      else refusals.count(by, reason);
      return isAnswered ? { id, done: false, reason } : undefined;
    },
  };
}

/** Forgets whom it heard of longest ago, where there are too many. */
function keep<V>(map: Map<string, V>, name: string, value: V): void {
  map.delete(name);
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > SENDERS_MAX && oldest !== undefined) map.delete(oldest);
}

/** By name; true: there was one left. */
function createBuckets(time: Pick<Clock, 'elapsed'>) {
  const buckets = new Map<string, Bucket>();
  return (name: string, { perMinute, burst }: CommandRate): boolean => {
    const bucket = buckets.get(name) ?? createBucket(time);
    keep(buckets, name, bucket);
    return bucket.take({ perSecond: perMinute / 60, burst });
  };
}

/** So many of each sender wait at once: where a disk or a device says nothing, an allowed rate piles up, too. */
export function createUnderWay() {
  const counts = new Map<string, number>();
  return {
    /** False: too many of this sender wait. */
    begin(sender: string): boolean {
      const before = counts.get(sender) ?? 0;
      if (before < UNDER_WAY_MAX) counts.set(sender, before + 1);
      return before < UNDER_WAY_MAX;
    },
    end(sender: string): void {
      const left = (counts.get(sender) ?? 1) - 1;
      if (left > 0) counts.set(sender, left);
      else counts.delete(sender);
    },
  };
}
