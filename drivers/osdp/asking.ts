/**
 * Asks a reader one thing until it answers: under one number, each try a turn of its own. One that is busy for seconds, or
 * has not understood (NAK 1), is asked as long as it takes to be offline; one that is silent a few times, and then taken
 * for one that restarted and has forgotten the number.
 */
import type { Clock } from '../contract/clock.ts';
import type { Check } from './check.ts';
import { type OsdpFrame, replies } from './codec.ts';
import { backOff, type Seat } from './turns.ts';

/** 5.7: one that is silent for 8 s is offline. So long is it asked the same at most, too. */
export const OFFLINE_MS = 8000;
/** So often is a reader that was there asked the same without an answer, before it is taken for restarted. */
const TRIES = 5;
/** NAK, error codes (7.3): the check was wrong, so that the reader has not seen the question; the number was. */
const NAK_CHECK = 1;
export const NAK_SEQUENCE = 4;

export const isNak = ({ code, data }: OsdpFrame, reason: number): boolean =>
  code === replies.NAK && data[0] === reason;

/** Asks until `read` makes something of an answer. undefined: it did of none. @throws LineError when the line is gone. */
export type Ask = <T>(
  choose: () => OsdpFrame,
  due: number,
  read: (got: OsdpFrame) => T | undefined,
) => Promise<T | undefined>;

/** `signal`: nothing is asked again after it. */
export function createAsking(seat: Seat, check: Check, clock: Clock, signal: AbortSignal): Ask {
  /** It answered the last question: silence is noise rather than a reader that is away. */
  let there = false;
  const givenUp = (): undefined => {
    if (!there) check.unheard();
    there = false;
  };
  return async (choose, due, read) => {
    let got = await seat.ask(choose, due);
    const begun = seat.askedAt;
    for (let unread = 0; !signal.aborted; got = await seat.again(clock.elapsed() + backOff(seat.misses))) {
      if (typeof got === 'string') unread++;
      else {
        there = true;
        if (got.mac === undefined && isNak(got, NAK_CHECK)) {
          if (check.refused()) return undefined;
        } else if (got.code !== replies.BUSY) {
          check.heard();
          const value = read(got);
          if (value !== undefined) return value;
          unread++;
        }
      }
      const late = clock.elapsed() - begun >= OFFLINE_MS;
      if (late || unread >= (there ? TRIES : check.tries)) return givenUp();
    }
    return undefined;
  };
}
