/**
 * When a lost platform is tried again: exponential with full jitter (each delay is a random part of a window), and the
 * window never smaller than `reconnectSpread`: when a city's broker comes back, its campuses come back one after
 * another. A campus with an alarm does not wait for that: few have one at the same moment.
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import { LoginRefused, StartOver } from '../../drivers/contract/transport.ts';

const FIRST_MS = 500;
const MAX_MS = 60_000;
/** A connection that held this long was a good one: the next back-off starts afresh. */
const GOOD_AFTER_MS = 30_000;
/** Over which the next try is spread while a suspicion is found out: the platform is there, and events wait. */
const SUSPICION_SPREAD_MS = 3000;
/** Who was not let in comes again in half of this to all of it, doubled each time; not doubled where an alarm waits. */
const REFUSED_MS = 60_000;
/** Not less often: the password may be mended there. */
const REFUSED_MAX_MS = 600_000;

/** The delay after so many refusals (from 1), one after the other, of our name or password: platforms lock out who tries often. */
export function refusedBackoff(refusals: number, isUrgent: boolean, random: () => number): number {
  const window = Math.min(REFUSED_MAX_MS, REFUSED_MS * 2 ** Math.min(refusals - 1, 10));
  return (isUrgent ? REFUSED_MS : window) * (0.5 + random() / 2);
}

/**
 * The delay before try number `tries` (from 1), ms: anything from nothing to the window, by `random` in [0, 1). The
 * window doubles up to a minute, from one second or from `spreadMs`, whichever is larger.
 */
export function backoff(tries: number, spreadMs: number, random: () => number): number {
  return random() * Math.min(MAX_MS, Math.max(spreadMs, FIRST_MS * 2 ** Math.min(tries, 20)));
}

export interface Reconnect {
  /** Connects, again and again, until the signal aborts. Never rejects. */
  run(): Promise<void>;
  /** There is a new alarm. Cuts a wait short, once. */
  hurry(): void;
}

export function createReconnect(
  time: Clock,
  signal: AbortSignal,
  of: {
    /** Resolves with the reason when a connection is over; rejects where there was none. */
    readonly connect: () => Promise<Error>;
    readonly onDisconnected: (reason: string) => void;
    /** Over what try number `tries` (from 1) is spread; `hot`: a suspicion is being found out, so that it comes soon. */
    readonly urgency: (tries: number) => { readonly spreadMs: number; readonly hot: boolean };
  },
): Reconnect {
  let short = new AbortController();
  let refusals = 0;
  const waitRefused = async () => {
    short = new AbortController();
    const since = time.elapsed();
    const ms = refusedBackoff(refusals, of.urgency(refusals).spreadMs === 0, time.random);
    await time.wait(ms, AbortSignal.any([signal, short.signal]));
    const rest = REFUSED_MS / 2 - (time.elapsed() - since);
    if (short.signal.aborted && rest > 0) await time.wait(rest, signal);
  };
  const wait = async (tries: number) => {
    short = new AbortController();
    const { spreadMs, hot } = of.urgency(tries);
    const ms = hot ? time.random() * SUSPICION_SPREAD_MS : backoff(tries, spreadMs, time.random);
    await time.wait(ms, AbortSignal.any([signal, short.signal]));
    if (short.signal.aborted) await time.wait(backoff(1, 0, time.random), signal);
  };
  return {
    async run() {
      for (let tries = 0; !signal.aborted; ) {
        const since = time.elapsed();
        let isOver = false;
        const noteOver = (reason: Error) => {
          isOver = true;
          return reason;
        };
        const reason = await of.connect().then(noteOver, (error: Error) => error);
        // Trying may take as long.
        if (isOver && time.elapsed() - since > GOOD_AFTER_MS) tries = 0;
        if (reason instanceof StartOver || signal.aborted) continue;
        tries++;
        refusals = reason instanceof LoginRefused ? refusals + 1 : 0;
        of.onDisconnected(reason.message);
        await (refusals > 0 ? waitRefused() : wait(tries));
      }
    },
    hurry: () => short.abort(),
  };
}
