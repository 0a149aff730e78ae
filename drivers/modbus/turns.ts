/**
 * Who may ask next on a line: first come, first served, but what cannot wait (a command) passes polls, and a line or a
 * unit that still owes an answer rests until that came or will come no more. One that rests holds up no other.
 */
import type { Clock, Timer } from '../contract/clock.ts';

export interface Turn {
  readonly unit: number;
  /** Passes those that wait and are not. */
  readonly urgent?: boolean | undefined;
  /** Does not wait for what is owed: an output must go off, and only the answer to exactly that can confirm it. */
  readonly now?: boolean | undefined;
}

export interface Turns {
  /** Calls `work` when it is its turn. Rejects when the line closed before. */
  take<T>(turn: Turn, work: () => Promise<T>): Promise<T>;
  /** So long nothing is asked of this unit, or of any; longer rests stand. */
  rest(ms: number, unit?: number): void;
  /** The rest of this unit, or of all, is over. */
  wake(unit?: number): void;
  /** So long the line is silent, whatever it is. */
  gap(ms: number): void;
  /** From now on one at a time. */
  single(): void;
  close(error: Error): void;
}

interface Waiting {
  readonly turn: Turn;
  readonly run: () => Promise<unknown>;
  readonly fail: (error: Error) => void;
}

/** `parallel`: so many may be on their way at once. */
export function createTurns(clock: Clock, parallel = 1): Turns {
  let most = parallel;
  const waiting: Waiting[] = [];
  const restUntil = new Map<number | undefined, number>();
  let gapUntil = 0;
  let working = 0;
  let timer: Timer | undefined;
  let closed: Error | undefined;

  const readyAt = ({ turn: { unit, now } }: Waiting): number =>
    now === true ? gapUntil : Math.max(gapUntil, restUntil.get(undefined) ?? 0, restUntil.get(unit) ?? 0);
  const nextOf = (time: number): Waiting | undefined => {
    const ready = waiting.filter((one) => readyAt(one) <= time);
    return ready.find(({ turn }) => turn.urgent === true) ?? ready[0];
  };
  const start = () => {
    timer?.stop();
    timer = undefined;
    while (working < most && waiting.length > 0) {
      const time = clock.elapsed();
      const one = nextOf(time);
      if (one === undefined) {
        timer = clock.after(Math.max(1, Math.min(...waiting.map(readyAt)) - time), start);
        return;
      }
      waiting.splice(waiting.indexOf(one), 1);
      working++;
      void one.run().then(() => {
        working--;
        start();
      });
    }
  };

  return {
    take(turn, work) {
      if (closed !== undefined) return Promise.reject(closed);
      return new Promise((resolve, reject) => {
        waiting.push({ turn, run: () => work().then(resolve, reject), fail: reject });
        start();
      });
    },
    rest(ms, unit) {
      restUntil.set(unit, Math.max(restUntil.get(unit) ?? 0, clock.elapsed() + ms));
    },
    wake(unit) {
      restUntil.delete(unit);
      start();
    },
    gap(ms) {
      gapUntil = Math.max(gapUntil, clock.elapsed() + ms);
    },
    single() {
      most = 1;
    },
    close(error) {
      closed = error;
      timer?.stop();
      for (const { fail } of waiting.splice(0)) fail(error);
    },
  };
}
