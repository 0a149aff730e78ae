/**
 * That somebody hears the campuses is written down each minute: what nobody was there to hear is no silence of a campus
 * (database/state.ts).
 */
import type { Clock, Timer } from '../../../drivers/contract/clock.ts';
import type { Store } from '../contract.ts';

const EVERY_MS = 60_000;

export interface Listening {
  /** `isConnected`: to the broker. */
  begin(isConnected: () => boolean): void;
  stop(): void;
}

/** `root` undefined: nobody knows which campuses are meant, and nothing is written. */
export function createListening(
  { listen }: Pick<Store, 'listen'>,
  root: string | undefined,
  time: Clock,
): Listening {
  let timer: Timer | undefined;
  return {
    begin(isConnected) {
      if (root === undefined) return;
      const note = () => {
        // The next one says the same.
        if (isConnected()) void listen(root, time.wall()).catch(() => {});
      };
      note();
      timer = time.every(EVERY_MS, note);
    },
    stop: () => timer?.stop(),
  };
}
