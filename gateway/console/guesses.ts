/**
 * Slows down the answers to wrong tokens, for the load and the log's sake: a token is too long to be guessed. The token
 * is looked at first, and who has the right one is never held up by this, whoever guesses behind the same address.
 */
import { isIP } from 'node:net';
import type { Clock } from '../../drivers/contract/clock.ts';
import { bareAddress } from '../../drivers/contract/options.ts';

/** So many wrong ones are answered at once; after that, one in so long. */
const BURST = 10;
const EACH_MS = 1000;
/** Who has more waiting is refused. */
const WAITING_MAX = 5;
/** A guesser with more addresses than this is told apart no longer, and his sources share what the oldest leaves. */
const SOURCES_MAX = 1000;

export interface Guesses {
  /** A wrong token: resolves when this source may be told so; at once with false: it has too many waiting. */
  wrong(address: string): Promise<boolean>;
  /** Sources that are remembered. */
  readonly size: number;
}

/** IPv4: the address. IPv6: its /64, which is what one customer has at least. */
export function sourceOf(address: string): string {
  const plain = bareAddress(address);
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
    async wrong(address) {
      const source = sourceOf(address);
      const now = time.elapsed();
      const due = Math.max(dueBySource.get(source) ?? now, now);
      const waitMs = due - now - (BURST - 1) * EACH_MS;
      if (waitMs > WAITING_MAX * EACH_MS) return false;
      set(source, due + EACH_MS);
      if (waitMs > 0) await time.wait(waitMs);
      return true;
    },
    get size() {
      return dueBySource.size;
    },
  };
}
