/**
 * How long what was tried takes: from the wire to the disk, to each platform, and back to the lamp of who pressed. All
 * moments are the clock's `elapsed`.
 */
import type { Lane } from '../../drivers/contract/lane.ts';
import { createRecent } from '../lifecycle/recent.ts';

/** An event of a point that is on disk. */
interface Running {
  readonly point: string;
  readonly event: string;
  readonly sequence: number;
  readonly began: number;
}

export interface Stopwatch {
  /** An event is on disk: in which lane. Called before `begin`. */
  noteLane(sequence: number, lane: Lane): void;
  begin(running: Running): void;
  /** A platform has everything of a lane after `from` and up to `to`. @returns the points that are meant, and ms. */
  onReceived(lane: Lane, from: number, to: number, now: number): readonly Lap[];
  /** The lamp for an event was lit. */
  onConfirmed(event: string, now: number): Lap | undefined;
  /** By events that some platform, of so many, has not. */
  clear(): void;
}
export interface Lap {
  readonly point: string;
  readonly event: string;
  readonly ms: number;
}

/** What is watched at once: whoever walks presses one after another, and a broken sensor chatters. */
const RUNNING_MAX = 500;

export function createStopwatch(): Stopwatch {
  const lanes = createRecent<number, Lane>(RUNNING_MAX);
  let running: readonly (Running & { readonly lane: Lane | undefined })[] = [];
  const lapOf = ({ point, event, began }: Running, now: number): Lap => ({ point, event, ms: now - began });
  return {
    noteLane: lanes.set,
    begin(one) {
      running = [...running.slice(1 - RUNNING_MAX), { ...one, lane: lanes.get(one.sequence) }];
    },
    onReceived: (lane, from, to, now) =>
      running
        .filter((one) => one.lane === lane && one.sequence > from && one.sequence <= to)
        .map((one) => lapOf(one, now)),
    onConfirmed(event, now) {
      const found = running.find((one) => one.event === event);
      return found && lapOf(found, now);
    },
    clear() {
      running = [];
    },
  };
}
