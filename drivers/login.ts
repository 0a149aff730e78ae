/**
 * How often a password is tried. Cameras and terminals lock out who is wrong too often: Dahua after 5 times in 5 minutes, Hikvision after
 * 7. Two refusals, and then one a minute, whatever is asked and whoever asks.
 */
import type { Clock } from './contract/clock.ts';

export const WRONG_PASSWORD = 'it refuses our password';
const TRIES = 2;
const AGAIN_MS = 60_000;
/** Who was let in just now has the right password, and lacks a right: that is of what he asked alone. */
const KNOWN_MS = 30_000;

export interface Login {
  /** Before what is asked with a password: one at a time until one was let in. @throws Error where it is not to be tried. */
  enter(what: string): Promise<() => void>;
  accepted(what: string): void;
  refused(what: string): Error;
  /** How long nothing is to be tried, ms. */
  waitMs(): number;
}

export function createLogin(clock: Clock): Login {
  /** Of everything: `''`; of one question: its name. */
  const refusals = new Map<string, { count: number; until: number }>();
  let acceptedAt: number | undefined;
  let last = Promise.resolve();
  const isKnown = () => acceptedAt !== undefined && clock.elapsed() - acceptedAt < KNOWN_MS;
  const waitOf = (key: string) => (refusals.get(key)?.until ?? 0) - clock.elapsed();
  const check = (what: string) => {
    if (waitOf('') > 0 || waitOf(what) > 0) throw new Error(WRONG_PASSWORD);
  };
  return {
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
    accepted(what) {
      acceptedAt = clock.elapsed();
      refusals.delete('');
      refusals.delete(what);
    },
    refused(what) {
      const key = isKnown() ? what : '';
      const count = (refusals.get(key)?.count ?? 0) + 1;
      refusals.set(key, { count, until: count < TRIES ? 0 : clock.elapsed() + AGAIN_MS });
      return new Error(WRONG_PASSWORD);
    },
    waitMs: () => Math.max(0, waitOf('')),
  };
}
