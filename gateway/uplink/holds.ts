/**
 * Topics that a broker refuses (not authorised, mostly). A refused topic must not stop the others: its events are
 * put aside in the journal as a range, tried again now and then, and sent when the broker takes them. They are in
 * the chain of `previous` all the same, so that the platform sees the gap.
 */

import type { Lane } from '../../drivers/contract/lane.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { Held, Journal } from '../journal/index.ts';

export interface Hold {
  held: Held;
  readonly lane: Lane;
  /** Not tried before, `performance.now()`. */
  until: number;
  backoff: number;
}

export type Holds = ReturnType<typeof createHolds>;

/** The delay of the first try, and the longest, ms. An alarm is tried again soon, whatever it costs. */
const RETRY = {
  urgent: { first: 5000, most: 60_000 },
  normal: { first: 30_000, most: 600_000 },
  bulk: { first: 30_000, most: 600_000 },
} as const;

/** `changed` is told how many topics are held. */
export function createHolds(uplink: string, journal: Journal, changed: (topics: number) => void) {
  const holds = new Map<string, Hold>(
    journal.held(uplink).map((held) => {
      const lane = lanes[held.lane] as Lane;
      return [held.topic, { held, lane, until: performance.now(), backoff: RETRY[lane].first }];
    }),
  );
  changed(holds.size);
  const update = (hold: Hold, change: Partial<Held>) => {
    hold.held = { ...hold.held, ...change };
    journal.hold(hold.held);
  };
  return {
    has: (topic: string) => holds.has(topic),
    list: (): readonly Held[] => [...holds.values()].map(({ held }) => held),
    /** The broker refused this one; whether that is news. */
    refuse(topic: string, lane: Lane, sequence: number, reason: string): boolean {
      const known = holds.get(topic);
      if (known !== undefined) {
        const { first, last } = known.held;
        update(known, { reason, first: Math.min(first, sequence), last: Math.max(last, sequence) });
        return false;
      }
      const index = lanes.indexOf(lane);
      const held = { uplink, topic, lane: index, first: sequence, last: sequence, reason, since: Date.now() };
      const { first } = RETRY[lane];
      holds.set(topic, { held, lane, until: performance.now() + first, backoff: first });
      journal.hold(held);
      changed(holds.size);
      return true;
    },
    /** Another event of a held topic, which is not even sent. */
    extend(topic: string, sequence: number) {
      const hold = holds.get(topic);
      if (hold !== undefined && hold.held.last < sequence) update(hold, { last: sequence });
    },
    /**
     * A hold that may be tried now. The next try is put off at once: some brokers close the connection instead of
     * refusing, and nobody would be there to put it off.
     */
    due(): Hold | undefined {
      const now = performance.now();
      for (const hold of holds.values()) {
        if (hold.until > now) continue;
        hold.backoff = Math.min(hold.backoff * 2, RETRY[hold.lane].most);
        hold.until = now + hold.backoff;
        return hold;
      }
      return undefined;
    },
    /** ms until one is due; undefined: there is none. */
    next(): number | undefined {
      const times = [...holds.values()].map(({ until }) => until);
      return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - performance.now());
    },
    /** All of a hold before this one was taken. */
    progress: (hold: Hold, first: number) => update(hold, { first }),
    release(topic: string) {
      holds.delete(topic);
      journal.release(uplink, topic);
      changed(holds.size);
    },
  };
}
