/**
 * A stage that is made anew while the gateway runs: what comes meanwhile waits before it, in its order, and no device is
 * told that it was taken. What is bounded is how much waits of what is no alarm; alarms are bounded by the floods' stage
 * before this one, and by the seconds that it takes.
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import { isAlarmKind, type Observation, type Receipt } from '../../drivers/contract/observation.ts';
import { inFlight } from '../lifecycle/in-flight.ts';
import type { Pass, Stage } from './stage.ts';

export interface Gate extends Stage {
  /**
   * Lets nothing in any more, and waits until what is in is on disk: what the next stage takes from the journal is all.
   * @returns what lets in again what waited. Rejects where the disk does not take it in time; then it is open again.
   */
  shut(): Promise<() => void>;
}

/** The disk does not take what was said before. */
class SlowDiskError extends Error {
  readonly code = 'E_SLOW_DISK';
  readonly zh: string;
  constructor(en: string, zh: string) {
    super(en);
    this.zh = zh;
  }
}

/** Of what is no alarm. A device that is refused is not acknowledged. */
const WAITING_MAX = 20_000;
/**
 * A disk that needs longer for what is on its way is in trouble: it is not the time for a new config, and alarms are to go out
 * from memory, which is behind this gate.
 */
const SETTLE_MS = 3000;

/** `behind`: the stage as it is now. */
export function createGate(behind: () => Stage, time: Clock): Gate {
  const flying = inFlight(time);
  const waiting: {
    readonly observation: Observation;
    readonly answer: PromiseWithResolvers<Receipt>;
  }[] = [];
  let isShut = false;
  const enter: Pass = (observation) => flying.track(behind().pass(observation));
  const open = () => {
    isShut = false;
    for (const { observation, answer } of waiting.splice(0))
      enter(observation).then(answer.resolve, answer.reject);
  };
  return {
    pass(observation) {
      if (!isShut) return enter(observation);
      if (waiting.length >= WAITING_MAX && !isAlarmKind(observation.kind))
        return Promise.reject(new Error('too much waits while the config is taken up'));
      const answer = Promise.withResolvers<Receipt>();
      // Told later, it is an event of now all the same.
      waiting.push({ observation: { ...observation, seen: observation.seen ?? time.wall() }, answer });
      return answer.promise;
    },
    async shut() {
      isShut = true;
      let late = false;
      const patience = new AbortController();
      const over = time.wait(SETTLE_MS, patience.signal).then((how) => {
        late = how === 'over';
      });
      await Promise.race([flying.settled(2 * SETTLE_MS), over]);
      patience.abort();
      if (!late) return open;
      open();
      throw new SlowDiskError(
        `the disk has not taken within ${SETTLE_MS / 1000} s what was said before: nothing is changed before it does`,
        `磁盘在 ${SETTLE_MS / 1000} 秒内未写完此前的内容：写完之前不作改动`,
      );
    },
  };
}
