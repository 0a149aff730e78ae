/**
 * Requests without a password: the first half of a Digest handshake (RFC 7616, 3), which a terminal may begin with each
 * event, or of who knows none. It is counted when the second half does not come.
 */
import type { Clock, Timer } from '../contract/clock.ts';

const SECOND_HALF_MS = 3000;
/** That wait together; further ones are counted at once. */
const WAITING_MAX = 1000;

export function createHandshakes(clock: Pick<Clock, 'after'>) {
  const waiting = new Map<string, Timer[]>();
  let size = 0;
  const take = (key: string, timers: Timer[], timer: Timer | undefined) => {
    if (timer === undefined) return;
    timer.stop();
    size--;
    timers.splice(timers.indexOf(timer), 1);
    if (timers.length === 0) waiting.delete(key);
  };
  return {
    /** Who was asked for a password, and counts it where none comes. */
    asked(key: string, count: () => void) {
      if (size >= WAITING_MAX) return count();
      const timers = waiting.get(key) ?? [];
      const timer = clock.after(SECOND_HALF_MS, () => {
        take(key, timers, timer);
        count();
      });
      timers.push(timer);
      waiting.set(key, timers);
      size++;
    },
    /** It said the right one. */
    answered(key: string) {
      const timers = waiting.get(key) ?? [];
      take(key, timers, timers[0]);
    },
    close() {
      for (const timers of waiting.values()) for (const timer of timers) timer.stop();
      waiting.clear();
    },
  };
}
