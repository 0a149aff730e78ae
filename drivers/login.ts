/**
 * With what, and how often, a password is tried. Cameras lock out who is wrong too often, Dahua after 5 times in 5 minutes,
 * others after 3, and count each request: one with a Digest, another one with a UsernameToken. So nothing bears a
 * password before the camera has asked for it, each request bears it in one way, and two were refused before we wait.
 */
import type { Clock } from './contract/clock.ts';
import type { Credentials } from './digest.ts';

export const WRONG_PASSWORD = 'it refuses our password';
/** Requests with a wrong password before it is waited. */
const TRIES = 2;
const AGAIN_MS = 60_000;
/** And each time after that one more: with the first two, four in five minutes. */
const LATER_MS = 120_000;
/** Who was let in just now has the right password, and lacks a right: that is of what he asked alone. */
const KNOWN_MS = 30_000;
/** Names of questions: there are some twenty. */
const ANSWERED_MAX = 100;
/** How often it is looked whether the file of a password that is refused says another one. */
const FILE_MS = 1000;

/** How a request bears the password: as the server of HTTP asks (Digest, Basic), or as a WS-UsernameToken. */
export type Method = 'http' | 'token';

interface Refusals {
  /** Requests that were refused. */
  count: number;
  until: number;
}

export interface Login {
  /** undefined: there is none. Read anew where it is refused. */
  credentials(): Credentials | undefined;
  /** Before what is asked with a password: one at a time until one was let in. @throws Error where it is not to be tried. */
  enter(what: string): Promise<() => void>;
  /** The ways in turn, and how many requests may bear the password now. `isOpen`: to a question that anybody may ask. */
  ways(what: string, isOpen?: boolean): { readonly order: readonly Method[]; readonly most: number };
  /** Whether it is known which way is right. */
  knows(): boolean;
  accepted(what: string, method?: Method): void;
  /** A request with the password was refused. */
  refused(what: string, method?: Method): Error;
  /** How long nothing is to be tried, ms. */
  waitMs(): number;
  /** Until it may be tried again, `ms` at least: sooner where the file of the password says another one. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** `read`: what the config and its file say now. @throws nothing that matters: then it is as it was. */
export function createLogin(clock: Clock, read: () => Credentials | undefined = () => undefined): Login {
  let own = read();
  let lookedAt = clock.elapsed();
  /** Of everything: `''`; of one question: its name. */
  const refusals = new Map<string, Refusals>();
  let method: Method | undefined;
  /** Until it refused one. */
  let readsTokens = true;
  let acceptedAt: number | undefined;
  let last = Promise.resolve();
  const isKnown = () => acceptedAt !== undefined && clock.elapsed() - acceptedAt < KNOWN_MS;
  /** What was answered to this password. */
  const answered = new Set<string>();
  // Who was let in with the same question before has another password now, and no other right.
  const keyOf = (what: string) => (isKnown() && !answered.has(what) ? what : '');
  const waitOf = (key: string) => (refusals.get(key)?.until ?? 0) - clock.elapsed();
  /** Whether the file says another password than was refused. */
  const isCorrected = (): boolean => {
    lookedAt = clock.elapsed();
    let now: Credentials | undefined;
    try {
      now = read();
    } catch {
      return false;
    }
    if (now?.password === own?.password && now?.username === own?.username) return false;
    own = now;
    refusals.clear();
    answered.clear();
    readsTokens = true;
    acceptedAt = undefined;
    return true;
  };
  const check = (what: string) => {
    if (waitOf('') <= 0 && waitOf(what) <= 0) return;
    if (clock.elapsed() - lookedAt >= FILE_MS && isCorrected()) return;
    throw new Error(WRONG_PASSWORD);
  };
  return {
    credentials: () => own,
    knows: () => method !== undefined,
    async enter(what) {
      check(what);
      if (isKnown()) return () => {};
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = last;
      last = before.then(() => promise);
      await before;
      try {
        check(what);
      } catch (error) {
        resolve();
        throw error;
      }
      return resolve;
    },
    ways(what, isOpen = false) {
      const count = refusals.get(keyOf(what))?.count ?? 0;
      // A password that is right is right in a token too, where that is read: one request each, instead of two.
      const isToken = method === 'token' || (method === 'http' && !isOpen && readsTokens && isKnown());
      const order: Method[] = isToken ? ['token', 'http'] : ['http', 'token'];
      if (count < TRIES) return { order, most: TRIES - count };
      // One each time, in turn: the right one may be the other.
      return { order: count % 2 === 0 ? order : order.reverse(), most: 1 };
    },
    accepted(what, by = 'http') {
      acceptedAt = clock.elapsed();
      method = by;
      if (answered.size < ANSWERED_MAX) answered.add(what);
      refusals.delete('');
      refusals.delete(what);
    },
    refused(what, by = 'http') {
      if (by === 'token') readsTokens = false;
      // One that was corrected meanwhile is not wrong yet.
      if (isCorrected()) return new Error(WRONG_PASSWORD);
      const key = keyOf(what);
      const count = (refusals.get(key)?.count ?? 0) + 1;
      const ms = count < TRIES ? 0 : count === TRIES ? AGAIN_MS : LATER_MS;
      refusals.set(key, { count, until: clock.elapsed() + ms });
      if (key === '') acceptedAt = undefined;
      return new Error(WRONG_PASSWORD);
    },
    waitMs: () => Math.max(0, waitOf('')),
    async wait(ms, signal) {
      const until = clock.elapsed() + Math.max(ms, waitOf(''));
      for (let left = until - clock.elapsed(); left > 0 && !signal.aborted; left = until - clock.elapsed()) {
        const isRefused = waitOf('') > 0;
        await clock.wait(isRefused ? Math.min(FILE_MS, left) : left, signal);
        if (isRefused && isCorrected()) return;
      }
    },
  };
}
