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
  readonly address: string;
  readonly lane: Lane;
  /** Not tried before, `elapsed()`. */
  until: number;
  backoff: number;
  /** It is being sent: not twice at once. */
  trying?: boolean;
  /** Of one event, which is refused where others of its address are taken: those are not held. */
  readonly single: boolean;
}

/** Events that are refused one by one, kept. */
const SINGLES_MAX = 100;

/** Sends what is held from a sequence to another; tells how far it came. */
export type SendHeld = (from: number, upTo: number, progress: (sequence: number) => void) => Promise<Resent>;

export type Holds = ReturnType<typeof createHolds>;

/** The delay of the first try, and the longest, ms. An alarm is tried again soon, whatever it costs. */
const RETRY = {
  urgent: { first: 5000, most: 60_000 },
  normal: { first: 30_000, most: 600_000 },
  bulk: { first: 30_000, most: 600_000 },
} as const;

/**
 * An address that carries two lanes (`access`: a duress code is urgent, a card is not) may be held in each. The journal
 * calls an address `topic` and keeps one row of each: the second lane's has the lane behind it.
 */
const rowOf = (address: string, lane: Lane, isTaken: boolean) => (isTaken ? `${address}\n${lane}` : address);
/** One event alone has its number behind that. */
const singleRowOf = (address: string, lane: Lane, sequence: number) => `${address}\n${lane}\n${sequence}`;
const isSingleRow = (topic: string) => topic.split('\n').length === 3;
export const addressOfRow = (topic: string): string => topic.split('\n', 1)[0] as string;
const keyOf = (address: string, lane: Lane) => `${lane} ${address}`;

/** What the journal knows of an uplink's; each is tried at once. */
function readHolds(uplink: string, journal: Journal, time: Clock): Map<string, Hold> {
  return new Map(
    journal.held(uplink).map((held): [string, Hold] => {
      const lane = lanes[held.lane] as Lane;
      const address = addressOfRow(held.topic);
      const single = isSingleRow(held.topic);
      return [
        single ? held.topic : keyOf(address, lane),
        { held, address, lane, single, until: time.elapsed(), backoff: RETRY[lane].first },
      ];
    }),
  );
}

/** `onChange` is told how many addresses are held. */
export function createHolds(
  uplink: string,
  journal: Journal,
  time: Clock,
  onChange: (addresses: number) => void,
) {
  const holds = readHolds(uplink, journal, time);
  onChange(holds.size);
  const release = ({ address, lane, held, single }: Hold) => {
    holds.delete(single ? held.topic : keyOf(address, lane));
    journal.release(uplink, held.topic);
    onChange(holds.size);
  };
  const update = (hold: Hold, change: Partial<Held>) => {
    hold.held = { ...hold.held, ...change };
    journal.hold(hold.held);
  };
  const put = (key: string, hold: Hold) => {
    holds.set(key, hold);
    journal.hold(hold.held);
    onChange(holds.size);
  };
  const sendAll = async (hold: Hold, send: SendHeld): Promise<void> => {
    for (;;) {
      const { last: upTo } = hold.held;
      let { first: from } = hold.held;
      const { whole, refused } = await send(from, upTo, (sequence) => {
        // An older one may have joined it: then it begins there, whatever was taken behind it.
        if (hold.held.first !== from) return;
        from = Math.min(sequence + 1, upTo);
        update(hold, { first: from });
      });
      // Of one event alone, nothing is stepped over.
      const taken = hold.single ? refused === undefined : whole;
      if (!taken && refused?.is === 'lost') return;
      if (!taken) return update(hold, { reason: refused?.reason ?? hold.held.reason });
      // Between this look and the release nothing runs.
      if (hold.held.last === upTo && hold.held.first === from) return release(hold);
    }
  };
  return {
    has: (address: string, lane: Lane) => holds.size > 0 && holds.has(keyOf(address, lane)),
    list: (): readonly Hold[] => [...holds.values()],
    /** The platform refused this one; whether that is news. */
    refuse(address: string, lane: Lane, sequence: number, reason: string): boolean {
      const known = holds.get(keyOf(address, lane));
      if (known !== undefined) {
        const { first, last } = known.held;
        update(known, { reason, first: Math.min(first, sequence), last: Math.max(last, sequence) });
        return false;
      }
      const index = lanes.indexOf(lane);
      const since = time.wall();
      const rows = [...holds.values()].map(({ held }) => held.topic);
      const topic = rowOf(address, lane, rows.includes(address));
      const held = { uplink, topic, lane: index, first: sequence, last: sequence, reason, since };
      const { first } = RETRY[lane];
      put(keyOf(address, lane), {
        held,
        address,
        lane,
        single: false,
        until: time.elapsed() + first,
        backoff: first,
      });
      return true;
    },
    /** This event alone is refused. False: so many are, that it is given up. */
    refuseOne(address: string, lane: Lane, sequence: number, reason: string): boolean {
      const topic = singleRowOf(address, lane, sequence);
      if (holds.has(topic)) return true;
      if ([...holds.values()].filter(({ single }) => single).length >= SINGLES_MAX) return false;
      const place = { uplink, topic, lane: lanes.indexOf(lane), first: sequence, last: sequence };
      const { first } = RETRY[lane];
      const until = time.elapsed() + first;
      const held = { ...place, reason, since: time.wall() };
      put(topic, { held, address, lane, single: true, until, backoff: first });
      return true;
    },
    /**
     * Another event of a held address, which is not even sent. It may be an older one, too: of what was on its way
     * when the connection ended, a later one may have been refused before an earlier one was answered.
     */
    extend(address: string, lane: Lane, sequence: number) {
      const hold = holds.get(keyOf(address, lane));
      if (hold === undefined) return;
      const { first, last } = hold.held;
      if (sequence >= first && sequence <= last) return;
      update(hold, { first: Math.min(first, sequence), last: Math.max(last, sequence) });
      // Something new waits: it is tried as soon as at first.
      if (sequence < last) return;
      const { first: firstMs } = RETRY[lane];
      hold.until = Math.min(hold.until, time.elapsed() + firstMs);
      hold.backoff = firstMs;
    },
    /**
     * A hold that may be tried now. The next try is put off at once: some platforms close the connection
     * instead of refusing, and nobody would be there to put it off.
     */
    due(): Hold | undefined {
      if (holds.size === 0) return undefined;
      const now = time.elapsed();
      for (const hold of holds.values()) {
        if (hold.until > now || hold.trying === true) continue;
        hold.backoff = Math.min(hold.backoff * 2, RETRY[hold.lane].most);
        hold.until = now + hold.backoff;
        return hold;
      }
      return undefined;
    },
    /** ms until one is due; undefined: there is none. */
    next(): number | undefined {
      if (holds.size === 0) return undefined;
      const times = [...holds.values()].filter(({ trying }) => trying !== true).map(({ until }) => until);
      return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - time.elapsed());
    },
    /** Sends it by `send`; as long as all of it is taken, what it grew by meanwhile, at either end, too. */
    async tryAgain(hold: Hold, send: SendHeld): Promise<void> {
      hold.trying = true;
      try {
        await sendAll(hold, send);
      } finally {
        hold.trying = false;
      }
    },
  };
}
