/** Time, passed in: drivers and gateway take it from here and from nowhere else, so that tests and replays give their own. */
import { setTimeout as delay } from 'node:timers/promises';

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
}

/** setTimeout calls at once what is to wait for longer. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

const timer = (stop: () => void): Timer => ({ stop, [Symbol.dispose]: stop });

/** Calls after a time of any length. */
function startTimeout(ms: number, run: () => void): Timer {
  if (ms <= TIMEOUT_MAX_MS) {
    const one = setTimeout(run, ms);
    return timer(() => clearTimeout(one));
  }
  let rest: Timer;
  const first = setTimeout(() => {
    rest = startTimeout(ms - TIMEOUT_MAX_MS, run);
  }, TIMEOUT_MAX_MS);
  rest = timer(() => clearTimeout(first));
  return timer(() => rest.stop());
}

/** The machine's own time. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  elapsed: () => performance.now(),
  after: startTimeout,
  every(ms, run) {
    const one = setInterval(run, Math.min(ms, TIMEOUT_MAX_MS)).unref();
    return timer(() => clearInterval(one));
  },
  async wait(ms, signal) {
    if (signal?.aborted === true) return 'stopped';
    try {
      await delay(Math.min(ms, TIMEOUT_MAX_MS), undefined, { signal });
      return 'over';
    } catch {
      return 'stopped';
    }
  },
  random: () => Math.random(),
};

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
