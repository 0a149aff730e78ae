/**
 * The first step of the road, before any stage can say that something is no news: a zone of a disarmed area raises no
 * event, and a walk test has to see it all the same. It claims nothing; while nobody watches it costs one comparison.
 */
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { Pass, Stage } from '../road/stage.ts';

/** Sees what comes, and what the disk says of it. It must not throw. */
export type Watcher = (observation: Observation, kept: Promise<Receipt>) => void;

export interface Arrivals extends Stage {
  /** undefined: nobody watches any more. */
  watch(watcher: Watcher | undefined): void;
}

export function createArrivals({ onward }: { readonly onward: Pass }): Arrivals {
  let watcher: Watcher | undefined;
  return {
    pass(observation) {
      if (watcher === undefined) return onward(observation);
      const kept = onward(observation);
      watcher(observation, kept);
      return kept;
    },
    watch(next) {
      watcher = next;
    },
  };
}
