/**
 * How soon a camera is asked for events again. One that holds a question until something happens (ONVIF Core 9.1.3) is asked
 * at once. One that answers before it was asked to, with nothing, with what was said before or with what means nothing, would
 * be asked as fast as it answers; and one that always has something new is asked fast, but not without end.
 */
import type { Clock } from '../contract/clock.ts';

/** An answer that took no longer was not waited for. */
const EAGER_MS = 300;
/** Between questions that are answered at once with nothing, ever longer. */
const NOTHING_MS = 300;
const NOTHING_MAX_MS = 1000;
/** Answers that may come at once, and how soon one more may. */
const BURST = 20;
const EACH_MS = 200;
/** What is new is told four times as often. */
const NEW_MS = 50;

export function createPace({ elapsed }: Pick<Clock, 'elapsed'>) {
  let nothing = NOTHING_MS;
  /** When all that was taken in advance is made good. */
  let owedUntil = elapsed();
  /** `tookMs`: from question to answer. @returns ms to wait before the next question. */
  return (tookMs: number, { told, news }: { readonly told: number; readonly news: number }): number => {
    if (tookMs >= EAGER_MS) {
      nothing = NOTHING_MS;
      return 0;
    }
    if (told === 0) {
      const wait = nothing;
      nothing = Math.min(nothing * 1.5, NOTHING_MAX_MS);
      return wait;
    }
    nothing = NOTHING_MS;
    owedUntil = Math.max(owedUntil, elapsed()) + (news > 0 ? NEW_MS : EACH_MS);
    return Math.max(0, owedUntil - elapsed() - BURST * EACH_MS);
  };
}
