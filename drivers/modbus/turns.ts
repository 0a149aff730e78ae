/**
 * Who may ask next on a line: first come, first served, but what cannot wait (a command) passes polls, and a unit that
 * still owes an answer rests until that came or will come no more. One that rests holds up no other. Nor does one that
 * is silent: after a question that nobody answered those that answer come first, and all silent ones together have a
 * fifth of the line.
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
  /** This unit answered, or kept the line so long for nothing. */
  note(unit: number, answered: boolean, tookMs: number): void;
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

/** So many questions in a row unanswered make a unit silent; one that was never heard is from the first. */
const SILENT_AFTER = 3;
/** After a silent one's question none of another for so many times as long: they have a fifth of the line. */
const SILENT_PAUSES = 4;
/** What must go off now passes a question that was asked so long ago and is not answered. */
const PASS_AFTER_MS = 100;

/** Which units of a line answer. */
function createPresence(clock: Clock) {
  const heard = new Set<number>();
  /** Unanswered questions in a row. */
  const missed = new Map<number, number>();
  let silentAt = 0;
  let wasMissed = false;
  const isSilent = (unit: number) => (missed.get(unit) ?? 0) >= (heard.has(unit) ? SILENT_AFTER : 1);
  const answers = (unit: number) => heard.has(unit) && !isSilent(unit);
  return {
    isSilent,
    note(unit: number, answered: boolean, tookMs: number) {
      if (answered) {
        heard.add(unit);
        missed.delete(unit);
        wasMissed = false;
        return;
      }
      missed.set(unit, (missed.get(unit) ?? 0) + 1);
      wasMissed = true;
      if (isSilent(unit)) silentAt = clock.elapsed() + SILENT_PAUSES * tookMs;
    },
    /** From when a silent one may be asked; where none answers, none is cost anything. */
    get silentAt() {
      return [...heard].some(answers) ? silentAt : 0;
    },
    /** Lower comes first. */
    rank({ unit, urgent, now }: Turn): number {
      if (urgent === true && (now === true || !isSilent(unit))) return 0;
      return wasMissed && !answers(unit) ? 2 : 1;
    },
  };
}

/**
 * `parallel`: so many may be on their way at once. `mayPass`: whether one that is to go off `now` may be on its way
 * beside them, where they are not answered.
 */
export function createTurns(clock: Clock, parallel = 1, mayPass: () => boolean = () => false): Turns {
  let most = parallel;
  const waiting: Waiting[] = [];
  const restUntil = new Map<number | undefined, number>();
  const presence = createPresence(clock);
  let gapUntil = 0;
  let working = 0;
  let startedAt = 0;
  let timer: Timer | undefined;
  let closed: Error | undefined;

  const readyAt = ({ turn: { unit, now, urgent } }: Waiting): number => {
    const isFull = working >= most;
    if (isFull && (working > most || now !== true || urgent !== true || !mayPass()))
      return Number.POSITIVE_INFINITY;
    const from = Math.max(
      isFull ? startedAt + PASS_AFTER_MS : gapUntil,
      urgent !== true && presence.isSilent(unit) ? presence.silentAt : 0,
    );
    return now === true ? from : Math.max(from, restUntil.get(undefined) ?? 0, restUntil.get(unit) ?? 0);
  };
  const nextOf = (time: number): Waiting | undefined => {
    const ready = waiting.filter((one) => readyAt(one) <= time);
    const first = Math.min(...ready.map(({ turn }) => presence.rank(turn)));
    return ready.find(({ turn }) => presence.rank(turn) === first);
  };
  const start = () => {
    timer?.stop();
    timer = undefined;
    while (waiting.length > 0) {
      const time = clock.elapsed();
      const one = nextOf(time);
      if (one === undefined) {
        const at = Math.min(...waiting.map(readyAt));
        if (at !== Number.POSITIVE_INFINITY) timer = clock.after(Math.max(1, at - time), start);
        return;
      }
      waiting.splice(waiting.indexOf(one), 1);
      working++;
      startedAt = time;
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
    note: presence.note,
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
