/**
 * Relays that are on, and what will switch each off: after its limit, and at the end of the gateway. A siren that was to last
 * a moment must not last for ever, so an `inactive` that was not answered well is told again until it is. Without a line:
 * what was said is said through `set`.
 */
import { type Clock, type Timer, within } from '../contract/clock.ts';
import type { SoapError } from './xml.ts';

/** From an `inactive` that failed to the next, doubled each time. */
const AGAIN_MS = 1000;
const AGAIN_MAX_MS = 60_000;
/** Failures in a row after which it is told: one packet gets lost now and then. */
const TELL_AFTER = 2;
/** What was not answered may still be done, later than we waited for it: so it is switched off once more, ms. */
const LATE_MS = 20_000;
/** At the end of the gateway: of what it has to close a session. */
const REST_MS = 1000;

export interface Relay {
  readonly device: string;
  readonly id: string;
  readonly token: string;
}

export interface Relays {
  /** For so long. @throws Error: it did not say that it did. */
  on(relay: Relay, ms: number): Promise<void>;
  /** @throws Error: it did not say that it did; where it may be on, it is told until it does. */
  off(relay: Relay): Promise<void>;
  /** At the end: off with all that is on. */
  rest(): Promise<void>;
}

interface Switch {
  readonly relay: Relay;
  /** What is asked waits for what was asked before: an `inactive` that comes before its `active` switches nothing off. */
  last: Promise<unknown>;
  /** It is on, or may be. */
  mayBeOn: boolean;
  failures: number;
  timer: Timer | undefined;
  /** Switches off once more what may have been done late. */
  late: Timer | undefined;
}

/** A fault says that it was not done (SOAP 1.2 part 1, 5.4); all else may have been. */
const isRefused = (error: unknown): boolean => {
  const { code, cause } = error as SoapError;
  return code === 'E_SOAP_FAULT' || (cause instanceof Error && isRefused(cause));
};

/** `set`: @throws Error. `stuck`: a relay that is not switched off is told, with why; undefined: it is off again. */
export function createRelays(
  set: (relay: Relay, on: boolean) => Promise<void>,
  stuck: (relay: Relay, why: string | undefined) => void,
  clock: Clock,
): Relays {
  const switches = new Map<string, Switch>();
  let isOver = false;
  const switchOf = (relay: Relay): Switch => {
    const key = `${relay.device}/${relay.id}`;
    const found = switches.get(key);
    if (found !== undefined) return found;
    const made: Switch = {
      ...{ relay, last: Promise.resolve(), mayBeOn: false, failures: 0 },
      ...{ timer: undefined, late: undefined },
    };
    switches.set(key, made);
    return made;
  };
  const inTurn = <T>(one: Switch, run: () => Promise<T>): Promise<T> => {
    const now = one.last.then(run);
    one.last = now.catch(() => {});
    return now;
  };
  const offAfter = (one: Switch, ms: number): Timer =>
    clock.after(ms, () => void inTurn(one, () => off(one)).catch(() => {}));
  const later = (one: Switch, ms: number) => {
    one.timer?.stop();
    if (!isOver) one.timer = offAfter(one, ms);
  };
  const off = async (one: Switch): Promise<void> => {
    try {
      await set(one.relay, false);
    } catch (error) {
      if (one.mayBeOn) {
        later(one, Math.min(AGAIN_MS * 2 ** one.failures++, AGAIN_MAX_MS));
        if (one.failures === TELL_AFTER) stuck(one.relay, (error as Error).message);
      }
      throw error;
    }
    one.timer?.stop();
    if (one.failures >= TELL_AFTER) stuck(one.relay, undefined);
    one.failures = 0;
    one.mayBeOn = false;
  };
  return {
    on: (relay, ms) => {
      const one = switchOf(relay);
      return inTurn(one, async () => {
        const asked = clock.elapsed();
        const left = () => Math.max(0, ms - (clock.elapsed() - asked));
        const before = one.mayBeOn;
        one.mayBeOn = true;
        one.late?.stop();
        try {
          await set(relay, true);
        } catch (error) {
          if (isRefused(error)) one.mayBeOn = before;
          else {
            later(one, left());
            if (!isOver) one.late = offAfter(one, left() + LATE_MS);
          }
          throw error;
        }
        later(one, left());
      });
    },
    off: (relay) => {
      const one = switchOf(relay);
      return inTurn(one, () => off(one));
    },
    async rest() {
      const on = [...switches.values()].filter((one) => one.mayBeOn);
      isOver = true;
      for (const { timer, late } of switches.values()) for (const one of [timer, late]) one?.stop();
      const all = Promise.allSettled(on.map((one) => set(one.relay, false)));
      await within(all, REST_MS, clock, () => new Error('not heard')).catch(() => {});
    },
  };
}
