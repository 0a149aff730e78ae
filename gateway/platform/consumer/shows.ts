/** What campuses show, on its way to the database: the newest of each campus, some at once, again where it is away. */
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Shown, Store } from '../contract.ts';

export interface Shows {
  add(shown: Shown): void;
  waiting(): number;
  /** Resolves when what waits was tried once. */
  finish(): Promise<void>;
}

const AT_ONCE = 4;
const AGAIN_MS = 1000;
/** Of more campuses than a city has; what is more is heard when it changes. */
const WAITING_MAX = 50_000;

export function createShows({ show }: Pick<Store, 'show'>, time: Clock): Shows {
  const waiting = new Map<string, Shown>();
  const over = new AbortController();
  const workers = new Set<Promise<void>>();
  const work = async () => {
    for (const [key, shown] of waiting) {
      waiting.delete(key);
      try {
        await show(shown);
      } catch {
        if (over.signal.aborted) return;
        // What came meanwhile is newer.
        if (!waiting.has(key)) waiting.set(key, shown);
        await time.wait(AGAIN_MS, over.signal);
      }
    }
  };
  const begin = () => {
    while (workers.size < Math.min(AT_ONCE, waiting.size)) {
      const worker = work().finally(() => {
        workers.delete(worker);
        if (waiting.size > 0 && !over.signal.aborted) begin();
      });
      workers.add(worker);
    }
  };
  return {
    add(shown) {
      const key = `${shown.what}\n${shown.prefix}`;
      if (waiting.size >= WAITING_MAX && !waiting.has(key)) return;
      waiting.set(key, shown);
      begin();
    },
    waiting: () => waiting.size,
    async finish() {
      over.abort();
      await Promise.all(workers);
    },
  };
}
