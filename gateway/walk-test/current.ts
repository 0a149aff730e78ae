/** The walk test that runs, in memory and in its file. */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { KeptWalks } from './kept.ts';
import type { Walk } from './walk.ts';

export interface Current {
  /** undefined: none runs. */
  get(): Walk | undefined;
  /** Another one, or none; in the file soon. */
  set(walk: Walk | undefined): void;
  /** What runs is changed; nothing where none does. */
  change(how: (walk: Walk) => Walk): void;
  /** Takes up what a restart left. */
  load(): Promise<void>;
  /** Resolves when the file has it, or the disk refused, which is logged. */
  keepNow(): Promise<void>;
  close(): Promise<void>;
}

/** After a change, until it is in the file: a walk is a press every few seconds. */
const KEEP_AFTER_MS = 1000;

export function createCurrent(
  kept: Pick<KeptWalks, 'running' | 'keep'>,
  { time, log }: { readonly time: Pick<Clock, 'after'>; readonly log: Log },
): Current {
  let walk: Walk | undefined;
  let timer: Timer | undefined;
  let keeping: Promise<void> = Promise.resolve();
  const keepNow = () => {
    timer?.stop();
    timer = undefined;
    // One after another: the last state is what stays.
    keeping = keeping
      .then(() => kept.keep(walk))
      .catch((error: Error) =>
        log.warn(
          { error: error.message },
          'a walk test could not be noted; a restart would go on with less of it',
        ),
      );
    return keeping;
  };
  const set = (next: Walk | undefined) => {
    walk = next;
    timer ??= time.after(KEEP_AFTER_MS, () => void keepNow());
  };
  return {
    get: () => walk,
    set,
    change(how) {
      const next = walk && how(walk);
      if (next !== walk) set(next);
    },
    async load() {
      walk = await kept.running();
    },
    keepNow,
    async close() {
      if (timer !== undefined) await keepNow();
      else await keeping;
    },
  };
}
