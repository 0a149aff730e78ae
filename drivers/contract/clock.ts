/** Time, passed in: drivers and gateway take it from here and from nowhere else, so that tests and replays give their own. */
import { uptime } from 'node:os';

export interface Timer extends Disposable {
  stop(): void;
}

export interface Clock {
  /** Epoch ms: what people read. */
  wall(): number;
  /** ms since some moment, never backwards: what durations are measured with. */
  elapsed(): number;
  /** Calls once, after `ms`. */
  after(ms: number, run: () => void): Timer;
  /** Calls each `ms`. It does not keep the process alive. */
  every(ms: number, run: () => void): Timer;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  wait(ms: number, signal?: AbortSignal): Promise<'over' | 'stopped'>;
  /** In [0, 1): of jitter. */
  random(): number;
  /**
   * Calls when this process stood still for `ms`: stopped, its machine paused or asleep. What others said meanwhile was
   * not heard: their silence says nothing. Called before anything else that is due by then.
   */
  onPause(told: (ms: number) => void): Timer;
}

/** setTimeout calls at once what is to wait for longer. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;
/** What stands still for longer was paused, and not busy. */
export const PAUSE_MS = 2000;
const LOOK_EVERY_MS = 500;

const timer = (stop: () => void): Timer => ({ stop, [Symbol.dispose]: stop });

/** Calls after a time of any length. `idle`: it does not keep the process alive. */
function startTimeout(ms: number, run: () => void, idle = false): Timer {
  let one: NodeJS.Timeout;
  const start = (rest: number) => {
    const now = Math.min(rest, TIMEOUT_MAX_MS);
    one = setTimeout(() => (now < rest ? start(rest - now) : run()), now);
    if (idle) one.unref();
  };
  start(ms);
  return timer(() => clearTimeout(one));
}

/** What the machine tells of time. `uptime`: since it was switched on, ms, sleep included. */
interface Gauges {
  elapsed(): number;
  wall(): number;
  uptime(): number;
}

/**
 * Finds out that the process stood still: stopped, its machine paused or asleep, or its loop stuck. The monotonic clock
 * goes on while a process is stopped, and stands while a machine sleeps; its uptime goes on, and so does the wall clock,
 * which may jump for other reasons too.
 */
export function pauseWatch({ elapsed, wall, uptime }: Gauges) {
  const listeners = new Set<(ms: number) => void>();
  const read = () => ({ elapsed: elapsed(), wall: wall() });
  let seen = read();
  /** How long the machine slept, as far as is known. */
  const sleep = () => uptime() - elapsed();
  let slept = sleep();
  const look = (): number => {
    const now = read();
    const before = seen;
    seen = now;
    const stoodMs = now.elapsed - before.elapsed;
    if (stoodMs <= PAUSE_MS && now.wall - before.wall <= PAUSE_MS) return now.elapsed;
    const known = slept;
    slept = sleep();
    const ms = Math.round(stoodMs + Math.max(0, slept - known));
    if (ms > PAUSE_MS) for (const listener of [...listeners]) listener(ms);
    return now.elapsed;
  };
  return {
    listeners,
    /** To be called often: what was not looked at for longer than `PAUSE_MS` stood still. @returns `elapsed`. */
    look,
    /** Time begins now: nobody looked before. */
    begin() {
      seen = read();
      slept = sleep();
    },
  };
}

/** The machine's own time. */
function createSystemClock(): Clock {
  const wall = () => Date.now();
  const pauses = pauseWatch({ elapsed: () => performance.now(), wall, uptime: () => uptime() * 1000 });
  const { listeners } = pauses;
  let looking: NodeJS.Timeout | undefined;
  // Before anything else that is timed, or what is due after a pause would run first.
  const look = () => {
    if (listeners.size > 0) pauses.look();
  };
  const after = (ms: number, run: () => void, idle = false): Timer => {
    let stopped = false;
    const one = startTimeout(
      ms,
      () => {
        look();
        if (!stopped) run();
      },
      idle,
    );
    return timer(() => {
      stopped = true;
      one.stop();
    });
  };
  return {
    wall,
    elapsed: () => (listeners.size > 0 ? pauses.look() : performance.now()),
    after: (ms, run) => after(ms, run),
    every(ms, run) {
      if (ms > TIMEOUT_MAX_MS) {
        let one: Timer;
        const again = () => {
          one = after(ms, again, true);
          run();
        };
        one = after(ms, again, true);
        return timer(() => one.stop());
      }
      let stopped = false;
      const one = setInterval(() => {
        look();
        if (!stopped) run();
      }, ms).unref();
      return timer(() => {
        stopped = true;
        clearInterval(one);
      });
    },
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve('stopped');
        const one = after(ms, () => {
          signal?.removeEventListener('abort', stop);
          resolve('over');
        });
        const stop = () => {
          one.stop();
          resolve('stopped');
        };
        signal?.addEventListener('abort', stop, { once: true });
      }),
    random: () => Math.random(),
    onPause(told) {
      if (listeners.size === 0) pauses.begin();
      // A listener of its own: the same function may listen twice.
      const listener = (ms: number) => told(ms);
      listeners.add(listener);
      looking ??= setInterval(look, LOOK_EVERY_MS).unref();
      return timer(() => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(looking);
        looking = undefined;
      });
    },
  };
}

export const systemClock: Clock = createSystemClock();

/** Aborts after `ms`, as AbortSignal.timeout does by the machine's time. */
export function deadline(ms: number, clock: Clock): AbortSignal {
  const late = new AbortController();
  const one = clock.every(ms, () => {
    one.stop();
    late.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  });
  return late.signal;
}

/** Rejects with `late()` where a promise takes longer than `ms`; the promise itself goes on. */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  clock: Clock,
  late: () => Error,
): Promise<T> {
  const patience = Promise.withResolvers<never>();
  const one = clock.after(ms, () => patience.reject(late()));
  try {
    return await Promise.race([promise, patience.promise]);
  } finally {
    one.stop();
  }
}
