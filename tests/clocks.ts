/** Clocks for tests: one that stands still until it is moved, and one that runs many times as fast as the machine's. */
import { type Clock, systemClock, type Timer } from '../drivers/contract/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time: all that is due by then runs, each at its own moment, with what follows from it between two. */
  advance(ms: number): Promise<void>;
  /** Moves time until a promise settles, at most `limit` ms of it; gives its value. @throws what it rejects with. */
  until<T>(promise: Promise<T>, limit?: number): Promise<T>;
  /** The process stands still for `ms`, and goes on: that is told, and then all that is due runs, late. */
  pause(ms: number): Promise<void>;
  /** Lets the wall clock jump against the monotonic one. */
  step(ms: number): void;
  /** Timers that wait. */
  readonly pending: number;
}

interface Waiting {
  at: number;
  readonly order: number;
  readonly every: number | undefined;
  readonly run: () => void;
}

/** Lets promises that can go on do so: real I/O of this process included, as far as it is ready. */
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Mulberry32: numbers in [0, 1) that are the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A clock's `wait`, by its `after`. `listening` holds what lets go of the signals of those that still wait. */
export function waitBy(
  after: Clock['after'],
  listening: Pick<Set<() => void>, 'add' | 'delete'> = new Set<() => void>(),
): Clock['wait'] {
  return (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve('stopped');
      const leave = () => {
        listening.delete(leave);
        signal?.removeEventListener('abort', stopped);
      };
      const stopped = () => {
        timer.stop();
        leave();
        resolve('stopped');
      };
      const timer = after(ms, () => {
        leave();
        resolve('over');
      });
      signal?.addEventListener('abort', stopped, { once: true });
      listening.add(leave);
    });
}

/** `seed`: of `random`. */
export function manualClock(start = Date.UTC(2026, 0, 5, 8), seed = 1): ManualClock {
  let now = 0;
  let offset = start;
  let order = 0;
  const waiting = new Set<Waiting>();
  const pauses = new Set<(ms: number) => void>();
  const put = (ms: number, every: number | undefined, run: () => void): Timer => {
    const one: Waiting = { at: now + Math.max(0, ms), order: order++, every, run };
    waiting.add(one);
    const stop = () => void waiting.delete(one);
    return { stop, [Symbol.dispose]: stop };
  };
  const next = (): Waiting | undefined => {
    let found: Waiting | undefined;
    for (const one of waiting)
      if (found === undefined || one.at < found.at || (one.at === found.at && one.order < found.order))
        found = one;
    return found;
  };
  const fire = (one: Waiting) => {
    now = Math.max(now, one.at);
    if (one.every === undefined) waiting.delete(one);
    else one.at = now + Math.max(1, one.every);
    one.run();
  };
  const after: Clock['after'] = (ms, run) => put(ms, undefined, run);
  const clock: ManualClock = {
    // Whole, as the machine's is.
    wall: () => Math.floor(offset + now),
    elapsed: () => now,
    after,
    every: (ms, run) => put(ms, ms, run),
    wait: waitBy(after),
    random: mulberry32(seed),
    async advance(ms) {
      const end = now + ms;
      await breathe();
      for (let one = next(); one !== undefined && one.at <= end; one = next()) {
        fire(one);
        await breathe();
      }
      now = end;
    },
    async until(promise, limit = 3_600_000) {
      let settled = false;
      const note = () => {
        settled = true;
      };
      promise.then(note, note);
      const end = now + limit;
      await breathe();
      while (!settled) {
        const one = next();
        if (one !== undefined && one.at <= end) fire(one);
        else if (one !== undefined) throw new Error(`not settled within ${limit} ms`);
        await breathe();
      }
      return await promise;
    },
    onPause(told) {
      const listener = (ms: number) => told(ms);
      pauses.add(listener);
      const stop = () => void pauses.delete(listener);
      return { stop, [Symbol.dispose]: stop };
    },
    async pause(ms) {
      await breathe();
      now += ms;
      for (const told of [...pauses]) told(ms);
      await this.advance(0);
    },
    step(ms) {
      offset += ms;
    },
    get pending() {
      return waiting.size;
    },
  };
  return clock;
}

/**
 * The machine's time, `factor` times as fast: for tests whose other side is real (sockets, serial lines, processes).
 * What the peer does in 10 ms takes `factor` times as long by this clock: limits that are to be met need room.
 */
export function fastClock(factor: number, real: Clock = systemClock): Clock {
  const origin = { wall: real.wall(), elapsed: real.elapsed() };
  return {
    // Whole, as the machine's is.
    wall: () => Math.floor(origin.wall + (real.elapsed() - origin.elapsed) * factor),
    elapsed: () => origin.elapsed + (real.elapsed() - origin.elapsed) * factor,
    after: (ms, run) => real.after(ms / factor, run),
    every: (ms, run) => real.every(Math.max(1, ms / factor), run),
    wait: (ms, signal) => real.wait(ms / factor, signal),
    random: real.random,
    onPause: (told) => real.onPause((ms) => told(ms * factor)),
  };
}
