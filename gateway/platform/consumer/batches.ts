/**
 * Events in groups: one is committed while the next gathers. An alarm waits for no group, and goes before what does. What the database does not take
 * is tried again until it does: nobody is told that it is stored before, and sources read no further meanwhile.
 */
import type { Clock, Timer } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import { createBackOff } from '../../lifecycle/back-off.ts';
import type { Received } from '../contract.ts';

export interface BatchesOptions {
  /** Resolves when it is committed. Rejects: nothing of it is. */
  readonly take: (batch: readonly Received[]) => Promise<void>;
  readonly time: Clock;
  readonly log: Pick<Log, 'warn' | 'info'>;
}

export interface Batches {
  /** Resolves when it is committed. Rejects where it was not, by the end. */
  add(event: Received): Promise<void>;
  /** How many wait for their commit. */
  waiting(): number;
  /** Whether the database took the last batch. */
  isStoring(): boolean;
  /** Commits what is there and comes, at once; refuses after `patienceMs` what is not committed by then. */
  finish(patienceMs: number): Promise<void>;
}

const GATHER_MS = 20;
const EVENTS_MAX = 2000;
const BYTES_MAX = 8 * 1_048_576;
const AGAIN = { firstMs: 250, mostMs: 5000 };

interface Waiting {
  readonly event: Received;
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export function createBatches({ take, time, log }: BatchesOptions): Batches {
  const again = createBackOff(AGAIN, time);
  const over = new AbortController();
  let gathering: Waiting[] = [];
  let bytes = 0;
  let committing = 0;
  let isUrgent = false;
  let isHurried = false;
  let isAway = false;
  let timer: Timer | undefined;
  let onIdle = () => {};

  const cut = (): readonly Waiting[] => {
    let size = 0;
    const last = gathering.findIndex(({ event }, index) => {
      size += event.body.length;
      return index >= EVENTS_MAX || (index > 0 && size > BYTES_MAX);
    });
    const batch = last < 0 ? gathering : gathering.slice(0, last);
    gathering = last < 0 ? [] : gathering.slice(last);
    bytes = gathering.reduce((sum, { event }) => sum + event.body.length, 0);
    isUrgent = gathering.some(({ event }) => event.lane === 'urgent');
    return batch;
  };
  const commit = async (batch: readonly Waiting[]): Promise<void> => {
    const events = batch.map(({ event }) => event);
    for (;;) {
      try {
        await take(events);
        break;
      } catch (error) {
        if (!isAway)
          log.warn(
            { reason: (error as Error).message, waiting: gathering.length + batch.length },
            'the database does not take what comes: nothing is confirmed until it does',
          );
        isAway = true;
      }
      if ((await time.wait(again.nextMs(), over.signal)) === 'stopped') return refuse(batch);
    }
    again.reset();
    if (isAway) log.info({}, 'the database takes what comes again');
    isAway = false;
    for (const { resolve } of batch) resolve();
  };
  const refuse = (batch: readonly Waiting[]) => {
    for (const { reject } of batch) reject(new Error('it was not stored'));
  };
  const begin = () => {
    timer?.stop();
    timer = undefined;
    if (committing > 0 || gathering.length === 0) return;
    const batch = cut();
    committing = batch.length;
    void commit(batch).then(() => {
      committing = 0;
      goOn();
    });
  };
  const goOn = () => {
    const [first] = gathering;
    if (committing > 0) return;
    if (first === undefined) return onIdle();
    if (over.signal.aborted) {
      refuse(gathering);
      gathering = [];
      return onIdle();
    }
    const waited = time.elapsed() - first.since;
    const isDue = isUrgent || isHurried || gathering.length >= EVENTS_MAX || bytes >= BYTES_MAX;
    if (isDue || waited >= GATHER_MS) begin();
    else timer ??= time.after(GATHER_MS - waited, begin);
  };
  return {
    add: (event) =>
      new Promise((resolve, reject) => {
        const one = { event, since: time.elapsed(), resolve, reject };
        // Before all that is none, behind those of before.
        const place =
          event.lane === 'urgent' ? gathering.findIndex(({ event }) => event.lane !== 'urgent') : -1;
        gathering.splice(place < 0 ? gathering.length : place, 0, one);
        bytes += event.body.length;
        isUrgent ||= event.lane === 'urgent';
        goOn();
      }),
    waiting: () => gathering.length + committing,
    isStoring: () => !isAway,
    async finish(patienceMs) {
      isHurried = true;
      const late = time.after(patienceMs, () => over.abort());
      const idle = new Promise<void>((resolve) => {
        onIdle = resolve;
      });
      goOn();
      await idle;
      late.stop();
    },
  };
}
