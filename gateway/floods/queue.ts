/** What one source says of one class: let through at once up to a rate, and then in its order, as the rate allows. */
import { createBucket, type Rate } from '../../drivers/contract/bucket.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Pass } from '../road/stage.ts';

/** Of one source: a kilobyte each. */
const WAITING_MAX = 2000;
/** What waits goes on in small groups: each is a commit. */
const GROUP_MS = 50;

/** So many of the source's own wait that no more is held: the device is not told that it was taken. */
export class FloodError extends Error {
  readonly code = 'E_FLOOD';
  constructor(device: string) {
    super(`${device} says more than can be taken`);
    this.name = 'FloodError';
  }
}

interface Waiting {
  readonly observation: Observation;
  readonly promise: Promise<Receipt>;
  readonly resolve: (receipt: Receipt | Promise<Receipt>) => void;
}

export interface Queue {
  /** As a stage's. `slowed`: it waits, or, with false, is refused. */
  readonly pass: (observation: Observation, slowed: (waits: boolean) => void) => Promise<Receipt>;
  waiting(): number;
  /** Lets all that waits go on, at once. */
  release(): void;
}

export function createQueue(
  rate: Rate,
  of: { readonly onward: Pass; readonly clock: Pick<WallClock, 'now'>; readonly time: Clock },
): Queue {
  const { onward, clock, time } = of;
  let waiting: Waiting[] = [];
  let timer: Timer | undefined;
  const bucket = createBucket(time);
  /** What was found on connecting and is no news went nowhere. */
  const passInitial = (observation: Observation) =>
    onward(observation).then((receipt) => {
      if (receipt.sequence === null) bucket.giveBack(1);
      return receipt;
    });
  const goOn = ({ observation, resolve }: Waiting) => resolve(onward(observation));
  const schedule = () => {
    timer ??= time.after(Math.max(GROUP_MS, bucket.due(rate)), () => {
      timer = undefined;
      let gone = 0;
      while (gone < waiting.length && bucket.take(rate)) goOn(waiting[gone++] as Waiting);
      waiting = waiting.slice(gone);
      if (waiting.length > 0) schedule();
    });
  };
  return {
    waiting: () => waiting.length,
    pass(observation, slowed) {
      if (waiting.length === 0 && bucket.take(rate))
        return observation.initial === true ? passInitial(observation) : onward(observation);
      const { repeat } = observation;
      // Who waits for an answer says it again.
      const isAgain = (one: Waiting) => one.observation.repeat?.key === repeat?.key;
      const again = repeat !== undefined && repeat.within > 0 ? waiting.find(isAgain) : undefined;
      if (again !== undefined) return again.promise;
      const isTooMuch = waiting.length >= WAITING_MAX;
      slowed(!isTooMuch);
      if (isTooMuch) return Promise.reject(new FloodError(observation.device));
      const { promise, resolve } = Promise.withResolvers<Receipt>();
      // Told later, it is an event of now all the same.
      waiting.push({
        observation: { ...observation, seen: observation.seen ?? clock.now() },
        promise,
        resolve,
      });
      schedule();
      return promise;
    },
    release() {
      timer?.stop();
      timer = undefined;
      for (const one of waiting.splice(0)) goOn(one);
    },
  };
}
