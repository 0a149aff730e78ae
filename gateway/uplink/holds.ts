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

/** What stands in the journal, and what that says. */
export interface Hold {
  held: Held;
  readonly address: string;
  readonly lane: Lane;
  /** Of one event, which is refused where others of its address are taken: those are not held. */
  readonly single: boolean;
  /** Not tried before, `elapsed()`. */
  until: number;
  backoff: number;
  /** It is being sent: not twice at once. */
  trying: boolean;
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
export const isSingleRow = (topic: string) => topic.split('\n').length === 3;
export const addressOfRow = (topic: string): string => topic.split('\n', 1)[0] as string;
const keyOf = (address: string, lane: Lane) => `${lane} ${address}`;

const keyOfHold = ({ held, address, lane, single }: Hold) => (single ? held.topic : keyOf(address, lane));

const holdOf = (held: Held, until: number): Hold => {
  const lane = lanes[held.lane] as Lane;
  return {
    held,
    address: addressOfRow(held.topic),
    lane,
    single: isSingleRow(held.topic),
    until,
    backoff: RETRY[lane].first,
    trying: false,
  };
};

/** `onChange` is told how many addresses are held. */
export function createHolds(
  uplink: string,
  journal: Journal,
  time: Clock,
  onChange: (addresses: number) => void,
) {
  // Those that the journal knows are tried at once.
  const known = journal.held(uplink).map((held) => holdOf(held, time.elapsed()));
  const holds = new Map(known.map((hold) => [keyOfHold(hold), hold]));
  onChange(holds.size);
  const release = (hold: Hold) => {
    holds.delete(keyOfHold(hold));
    journal.release(uplink, hold.held.topic);
    onChange(holds.size);
  };
  const update = (hold: Hold, change: Partial<Held>) => {
    hold.held = { ...hold.held, ...change };
    journal.hold(hold.held);
  };
  /** Makes it cover a sequence too. */
  const widen = (hold: Hold, sequence: number, change: Partial<Held> = {}) => {
    const { first, last } = hold.held;
    update(hold, { ...change, first: Math.min(first, sequence), last: Math.max(last, sequence) });
  };
  const begin = (topic: string, lane: Lane, sequence: number, reason: string) => {
    const place = { uplink, topic, lane: lanes.indexOf(lane), first: sequence, last: sequence };
    const held = { ...place, reason, since: time.wall() };
    const hold = holdOf(held, time.elapsed() + RETRY[lane].first);
    holds.set(keyOfHold(hold), hold);
    journal.hold(held);
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
    isEmpty: () => holds.size === 0,
    has: (address: string, lane: Lane) => holds.has(keyOf(address, lane)),
    list: (): readonly Hold[] => [...holds.values()],
    /** The platform refused this one; whether that is news. */
    refuse(address: string, lane: Lane, sequence: number, reason: string): boolean {
      const known = holds.get(keyOf(address, lane));
      if (known !== undefined) {
        widen(known, sequence, { reason });
        return false;
      }
      const rows = [...holds.values()].map(({ held }) => held.topic);
      begin(rowOf(address, lane, rows.includes(address)), lane, sequence, reason);
      return true;
    },
    /** This event alone is refused. False: so many are, that it is given up. */
    refuseOne(address: string, lane: Lane, sequence: number, reason: string): boolean {
      const topic = singleRowOf(address, lane, sequence);
      if (holds.has(topic)) return true;
      if ([...holds.values()].filter(({ single }) => single).length >= SINGLES_MAX) return false;
      begin(topic, lane, sequence, reason);
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
      widen(hold, sequence);
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
        if (hold.until > now || hold.trying) continue;
        hold.backoff = Math.min(hold.backoff * 2, RETRY[hold.lane].most);
        hold.until = now + hold.backoff;
        return hold;
      }
      return undefined;
    },
    /** ms until one is due; undefined: there is none. */
    next(): number | undefined {
      if (holds.size === 0) return undefined;
      const times = [...holds.values()].filter(({ trying }) => !trying).map(({ until }) => until);
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
