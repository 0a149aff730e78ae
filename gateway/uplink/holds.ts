/**
 * Addresses that a platform refuses (not authorised, mostly). A refused address must not stop the others: its events
 * are put aside in the journal as a range, tried again now and then, and sent when the platform takes them. They are in
 * the chain of `previous` all the same, so that the platform sees the gap.
 */

import type { Clock } from '../../drivers/contract/clock.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { Held, Journal } from '../journal/index.ts';
import type { Resent } from './resend.ts';

export interface Hold {
  held: Held;
  readonly lane: Lane;
  /** Not tried before, `elapsed()`. */
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

/** `onChange` is told how many addresses are held. The journal calls an address `topic`, as it did when all were. */
export function createHolds(
  uplink: string,
  journal: Journal,
  time: Clock,
  onChange: (addresses: number) => void,
) {
  const holds = new Map<string, Hold>(
    journal.held(uplink).map((held) => {
      const lane = lanes[held.lane] as Lane;
      return [held.topic, { held, lane, until: time.elapsed(), backoff: RETRY[lane].first }];
    }),
  );
  onChange(holds.size);
  const release = (address: string) => {
    holds.delete(address);
    journal.release(uplink, address);
    onChange(holds.size);
  };
  const update = (hold: Hold, change: Partial<Held>) => {
    hold.held = { ...hold.held, ...change };
    journal.hold(hold.held);
  };
  return {
    has: (address: string) => holds.has(address),
    list: (): readonly Held[] => [...holds.values()].map(({ held }) => held),
    /** The platform refused this one; whether that is news. */
    refuse(address: string, lane: Lane, sequence: number, reason: string): boolean {
      const known = holds.get(address);
      if (known !== undefined) {
        const { first, last } = known.held;
        update(known, { reason, first: Math.min(first, sequence), last: Math.max(last, sequence) });
        return false;
      }
      const index = lanes.indexOf(lane);
      const since = time.wall();
      const held = { uplink, topic: address, lane: index, first: sequence, last: sequence, reason, since };
      const { first } = RETRY[lane];
      holds.set(address, { held, lane, until: time.elapsed() + first, backoff: first });
      journal.hold(held);
      onChange(holds.size);
      return true;
    },
    /** Another event of a held address, which is not even sent. */
    extend(address: string, sequence: number) {
      const hold = holds.get(address);
      if (hold !== undefined && hold.held.last < sequence) update(hold, { last: sequence });
    },
    /**
     * A hold that may be tried now. The next try is put off at once: some platforms close the connection
     * instead of refusing, and nobody would be there to put it off.
     */
    due(): Hold | undefined {
      if (holds.size === 0) return undefined;
      const now = time.elapsed();
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
      if (holds.size === 0) return undefined;
      const times = [...holds.values()].map(({ until }) => until);
      return Math.max(0, Math.min(...times) - time.elapsed());
    },
    /** All of a hold before this one was taken. */
    progress: (hold: Hold, first: number) => update(hold, { first }),
    /** Sends it by `send`, up to a sequence; as long as all of it is taken, what it grew by meanwhile too. */
    async tryAgain(hold: Hold, send: (upTo: number) => Promise<Resent>): Promise<void> {
      for (;;) {
        const { topic, last: upTo } = hold.held;
        const { refused } = await send(upTo);
        if (refused?.is === 'lost') return;
        if (refused !== undefined) return update(hold, { reason: refused.reason });
        // Between this look and the release nothing runs.
        if (hold.held.last === upTo) return release(topic);
      }
    },
  };
}
