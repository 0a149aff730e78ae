/**
 * When a lost platform is tried again: exponential with full jitter (each delay is a random part of a window), and the
 * window never smaller than `reconnectSpread`: when a city's broker comes back, its campuses come back one after
 * another. A campus with an alarm does not wait for that: few have one at the same moment.
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import { StartOver } from '../../drivers/contract/transport.ts';

const FIRST_MS = 500;
const MAX_MS = 60_000;
/** A connection that held this long was a good one: the next back-off starts afresh. */
const GOOD_AFTER_MS = 30_000;
/** Over which the next try is spread while a suspicion is found out: the platform is there, and events wait. */
const SUSPICION_SPREAD_MS = 3000;

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
    /** Over what the next try is spread; `hot`: a suspicion is being found out, so that it comes soon. */
    readonly urgency: () => { readonly spreadMs: number; readonly hot: boolean };
  },
): Reconnect {
  let short = new AbortController();
  const wait = async (tries: number) => {
    short = new AbortController();
    const { spreadMs, hot } = of.urgency();
    const ms = hot ? time.random() * SUSPICION_SPREAD_MS : backoff(tries, spreadMs, time.random);
    await time.wait(ms, AbortSignal.any([signal, short.signal]));
    if (short.signal.aborted) await time.wait(backoff(1, 0, time.random), signal);
  };
  return {
    async run() {
      for (let tries = 0; !signal.aborted; ) {
        const since = time.elapsed();
        const reason = await of.connect().catch((error: Error) => error);
        if (time.elapsed() - since > GOOD_AFTER_MS) tries = 0;
        if (reason instanceof StartOver || signal.aborted) continue;
        tries++;
        of.onDisconnected(reason.message);
        await wait(tries);
      }
    },
    hurry: () => short.abort(),
  };
}
