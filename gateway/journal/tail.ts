/** The newest events of each lane, in memory, so that an uplink that keeps up never reads what was just written. */
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Entry } from './reading.ts';

/** Lanes are numbers, as on disk. */
export interface Tails {
  /** The last number given in a lane; 0: there is none. */
  last(lane: number): number;
  push(entry: Entry): void;
  /** undefined: the disk must tell. */
  read(lane: number, after: number, limit: number): readonly Entry[] | undefined;
  /** Begins anew, with the last numbers that the disk knows. */
  reset(lasts: readonly number[]): void;
  /** Learns of numbers that only the disk knows; gives their lanes. */
  grow(lasts: readonly number[]): readonly Lane[];
  /** Lets go of what was read. */
  forget(): void;
}

const TAIL_EVENTS = 1024;

interface Tail {
  entries: Entry[];
  /** Everything in the lane after this sequence is in memory. */
  complete: number;
}

export function createTails(): Tails {
  const startAt = (last: number): Tail => ({ entries: [], complete: last });
  const lastOf = ({ entries, complete }: Tail) => entries.at(-1)?.sequence ?? complete;
  let tails = lanes.map(() => startAt(0));
  return {
    last(lane) {
      const tail = tails[lane];
      return tail === undefined ? 0 : lastOf(tail);
    },
    push(entry) {
      const tail = tails[entry.lane];
      if (tail === undefined) return;
      tail.entries.push(entry);
      if (tail.entries.length < 2 * TAIL_EVENTS) return;
      const dropped = tail.entries.length - TAIL_EVENTS;
      tail.complete = tail.entries[dropped - 1]?.sequence ?? tail.complete;
      tail.entries = tail.entries.slice(dropped);
    },
    read(lane, after, limit) {
      const tail = tails[lane];
      if (tail === undefined || after < tail.complete) return undefined;
      const from = firstAfter(tail.entries, after);
      return tail.entries.slice(from, from + limit);
    },
    reset(lasts) {
      tails = lanes.map((_, lane) => startAt(lasts[lane] ?? 0));
    },
    grow(lasts) {
      const grown = lanes.filter((_, lane) => (lasts[lane] ?? 0) > lastOf(tails[lane] as Tail));
      for (const name of grown) tails[lanes.indexOf(name)] = startAt(lasts[lanes.indexOf(name)] ?? 0);
      return grown;
    },
    forget() {
      tails = tails.map((tail) => startAt(lastOf(tail)));
    },
  };
}

/** The index of the first entry after a sequence, by halves. */
function firstAfter(entries: readonly Entry[], after: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.sequence ?? 0) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
