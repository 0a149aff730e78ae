/**
 * Slows down who guesses tokens, and nobody else: each source has tries of its own, and who has the right token gets in
 * behind the same address as the guesser, if a little later. Nothing is locked.
 */
import { isIP } from 'node:net';
import type { Clock } from '../../drivers/contract/clock.ts';

/** So many wrong ones are answered at once; after that, one in so long. */
const BURST = 10;
const EACH_MS = 1000;
/** Who has more waiting is refused. */
const WAITING_MAX = 5;
/** A guesser with more addresses than this is told apart no longer, and his sources share what the oldest leaves. */
const SOURCES_MAX = 1000;

export interface Guesses {
  /** Resolves when a try of this source may be looked at; with false: it has too many waiting. */
  turn(address: string): Promise<boolean>;
  /** It was the right one: it counts for nothing. */
  wasRight(address: string): void;
  /** Sources that are remembered. */
  readonly size: number;
}

/** IPv4: the address. IPv6: its /64, which is what one customer has at least. */
export function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  const prefix = [...front, ...zeros, ...back].slice(0, 4).join(':');
  return `${new URL(`http://[${prefix}::]`).hostname.slice(1, -1)}/64`;
}

export function createGuesses(time: Pick<Clock, 'elapsed' | 'wait'>): Guesses {
  // GCRA (ITU-T I.371, annex A): when the source's next try would come, were all at an even pace.
  const dueBySource = new Map<string, number>();
  const set = (source: string, due: number) => {
    // In the order of the last try: the first is the one that goes.
    dueBySource.delete(source);
    dueBySource.set(source, due);
    for (const [old, at] of dueBySource) {
      if (dueBySource.size <= SOURCES_MAX && at > time.elapsed()) break;
      dueBySource.delete(old);
    }
  };
  return {
    async turn(address) {
      const source = sourceOf(address);
      const now = time.elapsed();
      const due = Math.max(dueBySource.get(source) ?? now, now);
      const waitMs = due - now - (BURST - 1) * EACH_MS;
      if (waitMs > WAITING_MAX * EACH_MS) return false;
      set(source, due + EACH_MS);
      if (waitMs > 0) await time.wait(waitMs);
      return true;
    },
    wasRight(address) {
      const source = sourceOf(address);
      const due = dueBySource.get(source);
      if (due !== undefined) set(source, due - EACH_MS);
    },
    get size() {
      return dueBySource.size;
    },
  };
}
