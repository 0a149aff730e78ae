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
/** So many; what is said anew beyond them is told apart by chance. */
const MAX_SIGHTINGS = 1024;
const CHANCES = 2 ** 40;

/** What was said last, over one connection. */
interface Last {
  readonly memory: Memory;
  readonly account: string;
  readonly text: string;
  readonly at: number;
  readonly sighting: number;
  stored: Promise<boolean>;
  /** Something else was said of its account, over whichever connection: the same line would be one anew. */
  isOver: boolean;
  /** So it is as the first line of another connection: from its address one began with something else, and had gone on. */
  isOwn: boolean;
}
/** So many connections are remembered. */
const MAX_LAST = 64;

/** Of a wire, or of a port that receivers connect to, from whichever address and however often. */
export interface Wire {
  /** Of each connection. */
  last: readonly Last[];
  readonly sightings: Map<string, { readonly count: number; readonly at: number }>;
}
export const newWire = (): Wire => ({ last: [], sightings: new Map() });

/** Of who connects from an address. */
export interface Memory {
  readonly wire: Wire;
  /** What the disk refused, and tries it again. */
  open: { readonly text: string; readonly retry: () => Promise<boolean> } | undefined;
}
export const newMemory = (wire: Wire): Memory => ({ wire, open: undefined });

export interface Saying {
  readonly text: string;
  /** Whose it is; lines of other accounts say nothing of it. */
  readonly account: string;
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
 * Of one connection. A line between proves that an answer was heard where both came over one connection; over another it
 * proves that where it is of the same account. Two receivers behind one address do not make each other's lines new.
 * @param report Whether all of it is on disk.
 */
export function createSaver(
  memory: Memory,
  time: Clock,
  report: (observations: readonly DeviceObservation[]) => Promise<boolean>,
): Saver {
  const { wire } = memory;
  let own: Last | undefined;
  /** That of this connection; at its first line, of an earlier one. */
  const lastBefore = (text: string): Last | undefined => {
    if (own !== undefined) return own;
    const same = wire.last.find((one) => one.text === text && !one.isOwn);
    if (same === undefined) for (const one of wire.last) one.isOwn ||= one.memory === memory;
    return same;
  };
  const noteLast = (last: Last, previous: Last | undefined) => {
    for (const one of wire.last) one.isOver ||= one.account === last.account && one.text !== last.text;
    const all = [...wire.last.filter((one) => one !== previous && !one.isOver), last];
    // What is not looked after any more is nothing to go by.
    for (const one of all.splice(0, Math.max(0, all.length - MAX_LAST))) one.isOver = true;
    wire.last = all;
    own = last;
  };
  return {
    async save({ text, account, observations }) {
      const now = time.elapsed();
      const previous = lastBefore(text);
      const isSame = previous?.text === text && !previous.isOver;
      const wasStored = isSame && (await previous.stored);
      if (wasStored && now - previous.at <= AGAIN_MS && !previous.isOver) {
        own = previous;
        return true;
      }
      const sighting = isSame && !wasStored ? previous.sighting : sightingOf(wire, text, time);
      const told = observations(sighting);
      const stored = report(told);
      noteLast({ memory, account, text, at: now, sighting, stored, isOver: false, isOwn: false }, previous);
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
      for (const one of wire.last) if (one.text === open.text) one.stored = Promise.resolve(true);
      return true;
    },
  };
}

/** How often this line was said anew in the time in which the journal would take it for a repeat. */
function sightingOf({ sightings }: Wire, text: string, time: Clock): number {
  const now = time.elapsed();
  const key = digestOf(text);
  for (const [old, { at }] of sightings) {
    if (now - at <= SIGHTING_MS) break;
    sightings.delete(old);
  }
  const known = sightings.get(key);
  // Who is forgotten too early would be taken for a repeat, and lost; at worst it comes twice.
  if (known === undefined && sightings.size >= MAX_SIGHTINGS)
    return MAX_SIGHTINGS + Math.floor(time.random() * CHANCES);
  const count = (known?.count ?? -1) + 1;
  // At the end again: the oldest stand first.
  sightings.delete(key);
  sightings.set(key, { count, at: now });
  return count;
}
