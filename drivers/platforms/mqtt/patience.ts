/** How long a broker has to be reached and to let us in. */
import type { Clock } from '../../contract/clock.ts';

/** Time that runs out once: `ms` from now, or, where it was reached meanwhile, `reachedMs` from now. */
export function patience(ms: number, reachedMs: number, time: Clock) {
  const from = time.elapsed();
  const late = new AbortController();
  let given = ms;
  let isReached = false;
  const abort = () =>
    late.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  let timer = time.after(ms, abort);
  return {
    signal: late.signal,
    reached() {
      isReached = true;
      if (late.signal.aborted || reachedMs === given) return;
      timer.stop();
      given = reachedMs;
      timer = time.after(Math.max(0, from + reachedMs - time.elapsed()), abort);
    },
    /** What is said where it ran out. */
    reason: () => `no answer within ${given / 1000} s`,
    isUnanswered: () => isReached && late.signal.aborted,
    stop: () => timer.stop(),
  };
}
