/** What was said on a wire, and whether it is on disk: once, however often it is said again for want of an answer. */

import { digestOf } from '../alarm-codes/panel.ts';
import type { Clock } from '../contract/clock.ts';
import type { DeviceObservation } from '../contract/observation.ts';

/**
 * The same line, with no other between, is said again because its answer was lost: Sur-Gards repeat after 4 s, three
 * times, and after a heartbeat that comes 30 s later; others after 15 s.
 */
const AGAIN_MS = 60_000;
/** Two of the same text are told apart for longer than the journal looks for repeats, however slow its disk. */
const SIGHTING_MS = 5 * 60_000;
/** So many of an address; who says more different lines in that time says no line twice in a moment. */
const MAX_SIGHTINGS = 1024;

/** What was said last, over one connection. */
interface Last {
  readonly text: string;
  readonly at: number;
  readonly sighting: number;
  stored: Promise<boolean>;
}
/** So many connections of an address are remembered. */
const MAX_LAST = 32;

/** Of a wire, or of who connects from an address, however often the connection is made anew. */
export interface Memory {
  /** Of each connection, until one says something else as its first line: who says that has gone on. */
  last: readonly Last[];
  /** What the disk refused, and tries it again. */
  open: { readonly text: string; readonly retry: () => Promise<boolean> } | undefined;
  readonly sightings: Map<string, { readonly count: number; readonly at: number }>;
}
export const newMemory = (): Memory => ({ last: [], open: undefined, sightings: new Map() });

export interface Saying {
  readonly text: string;
  /** `sighting` parts the same line said again from the same line said anew. */
  observations(sighting: number): DeviceObservation[];
}

export interface Saver {
  /** Resolves true when it is on disk, and false where the disk refused it. */
  save(saying: Saying): Promise<boolean>;
  /**
   * Whether nothing is open that the disk refused, of another text: it is tried again. Any answer may be taken for one
   * to that.
   */
  settle(text?: string): Promise<boolean>;
}

/**
 * Of one connection. Two receivers behind one address do not make each other's lines new, for a line between proves that
 * an answer was heard only where both came over one connection.
 * @param report Whether all of it is on disk.
 */
export function createSaver(
  memory: Memory,
  time: Clock,
  report: (observations: readonly DeviceObservation[]) => Promise<boolean>,
): Saver {
  let own: Last | undefined;
  /** That of this connection; at its first line, of an earlier one. */
  const lastBefore = (text: string): Last | undefined => {
    if (own !== undefined) return own;
    const same = memory.last.find((one) => one.text === text);
    if (same === undefined) memory.last = [];
    return same;
  };
  return {
    async save({ text, observations }) {
      const now = time.elapsed();
      const previous = lastBefore(text);
      const isSame = previous?.text === text;
      const wasStored = isSame && (await previous.stored);
      if (wasStored && now - previous.at <= AGAIN_MS) {
        own = previous;
        return true;
      }
      const sighting = isSame && !wasStored ? previous.sighting : sightingOf(memory, text, now);
      const told = observations(sighting);
      const stored = report(told);
      own = { text, at: now, sighting, stored };
      memory.last = [...memory.last.filter((one) => one !== previous), own].slice(-MAX_LAST);
      const isStored = await stored;
      if (!isStored) memory.open = { text, retry: () => report(told) };
      else if (memory.open?.text === text) memory.open = undefined;
      return isStored;
    },
    async settle(text) {
      const { open } = memory;
      if (open === undefined || open.text === text) return true;
      if (!(await open.retry())) return false;
      if (memory.open === open) memory.open = undefined;
      for (const one of memory.last) if (one.text === open.text) one.stored = Promise.resolve(true);
      return true;
    },
  };
}

/** How often this line was said anew in the time in which the journal would take it for a repeat. */
function sightingOf({ sightings }: Memory, text: string, now: number): number {
  const key = digestOf(text);
  for (const [old, { at }] of sightings) {
    if (now - at <= SIGHTING_MS && sightings.size < MAX_SIGHTINGS) break;
    sightings.delete(old);
  }
  const count = (sightings.get(key)?.count ?? -1) + 1;
  // At the end again: the oldest stand first.
  sightings.delete(key);
  sightings.set(key, { count, at: now });
  return count;
}
