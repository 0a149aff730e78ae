/**
 * Whose turn it is on the line: each reader has at most one question that waits, and one exchange is one turn. Who has
 * waited longest is first, whether it is greeted, polled or told something; one that is asked again (no answer, BUSY, a
 * wrong check) waits its turn like everybody else.
 *
 * A reader that is away costs the line its whole patience, so it is tried ever more seldom, and all that are away
 * together no more than one try while each of the others was asked five times.
 */
import type { Clock } from '../contract/clock.ts';
import type { OsdpFrame } from './codec.ts';
import { type Exchange, type Heard, isAnswer } from './exchange.ts';

/** From the start of one turn of a reader to its next. */
export const TURN_MS = 50;
const BACKOFF_MAX_MS = 2000;
/** Between two tries of readers that do not answer each of those that do is asked so often. */
const ASKED_BETWEEN = 5;
/** The same, where the reader has just answered before: it may have been noise, and waits for a card. */
const ASKED_BEFORE_RETRY = 1;
/** After so many times the length of the last silence there is a try all the same: the others wait for something. */
const SILENCES = 4;
/** So many torn answers in a row are as good as none. */
const TORN = 3;
/** A reader whose answers came late is waited for longer, and for so long at most. */
const PATIENCE_MAX_MS = 1000;
const PATIENCE_MORE = 1.25;
/** One that is away for so many tries is waited for as in the beginning. */
const FORGET_PATIENCE = 5;
const LONG_LOOK = 4;

/** How long a reader is left alone that did not answer so many times. */
export const backOff = (misses: number): number =>
  Math.min(BACKOFF_MAX_MS, TURN_MS * 2 ** Math.max(0, misses - 1));

/** A reader's place at the line. One question at a time. */
export interface Seat {
  /** Asks at its turn, not before `due` (`elapsed`). What is asked is chosen at that moment. @throws LineError. */
  ask(choose: () => OsdpFrame, due: number): Promise<Heard>;
  /** Asks the same again. An answer to it that comes late, before its turn, is its answer. @throws LineError. */
  again(due: number): Promise<Heard>;
  /** What waits is due now. */
  hurry(): void;
  /** It is asked no more: what waits is as unanswered. */
  leave(): void;
  /** How often in a row it did not answer. */
  readonly misses: number;
  /** When it was last asked, `elapsed`. */
  readonly askedAt: number;
}

export interface Turns {
  /** `patience`: how long an answer may take to begin, ms. */
  seat(patience: number): Seat;
  /** An answer to no question that is asked just now. False: nobody awaits it. */
  late(answer: OsdpFrame): boolean;
  /** Serves the seats until the signal aborts. Nothing waits any more when it resolves. */
  serve(exchange: Exchange): Promise<void>;
}

interface Waiting {
  readonly choose: () => OsdpFrame;
  readonly order: number;
  due: number;
  readonly resolve: (heard: Heard) => void;
  readonly reject: (error: unknown) => void;
}
interface State {
  /** Its reader is of the config no more. */
  left: boolean;
  waiting: Waiting | undefined;
  /** What was asked last, and when. */
  frame: OsdpFrame | undefined;
  /** Whatever still comes of it is too late. */
  over: boolean;
  askedAt: number;
  /** The same of the question before. */
  before: { readonly frame: OsdpFrame; readonly askedAt: number } | undefined;
  misses: number;
  torn: number;
  /** Its last question was answered. */
  answers: boolean;
  patience: number;
  readonly least: number;
}

const newState = (patience: number): State => ({
  left: false,
  waiting: undefined,
  frame: undefined,
  over: false,
  askedAt: 0,
  before: undefined,
  misses: 0,
  torn: 0,
  answers: false,
  patience,
  least: patience,
});

/** How much of the line's time readers get that do not answer. */
function createSpare(clock: Clock, seats: readonly State[]) {
  /** The last silence on the line, and how often others answered since. */
  let silence = { until: 0, length: 0, answered: 0 };
  return {
    /** When one may be tried again, for the sake of the others. */
    from(misses: number): number {
      const others = seats.filter(({ answers }) => answers).length;
      const between = misses === 1 ? ASKED_BEFORE_RETRY : ASKED_BETWEEN;
      return silence.answered >= between * others ? 0 : silence.until + SILENCES * silence.length;
    },
    /** Where others wait, one that is long away is looked at shortly, and as long as it may take each fourth time. */
    patience({ misses, patience }: State): number {
      const isLong = misses < FORGET_PATIENCE || misses % LONG_LOOK === 0;
      return isLong || seats.every(({ answers }) => !answers) ? patience : patience / 2;
    },
    count(seat: State, heard: Heard, began: number) {
      seat.answers = typeof heard === 'object';
      if (seat.answers) {
        silence.answered++;
        seat.misses = 0;
        seat.torn = 0;
        return;
      }
      if (heard === 'torn' && seat.misses === 0 && ++seat.torn < TORN) return;
      seat.misses++;
      if (seat.misses >= FORGET_PATIENCE) seat.patience = seat.least;
      const until = clock.elapsed();
      silence = { until, length: until - began, answered: 0 };
    },
  };
}

export function createTurns(clock: Clock, signal: AbortSignal): Turns {
  const seats: State[] = [];
  let orders = 0;
  let wake = () => {};

  const spare = createSpare(clock, seats);
  const turnAt = ({ misses }: State, { due }: Waiting) =>
    misses === 0 ? due : Math.max(due, spare.from(misses));
  const next = () => {
    let found: { readonly seat: State; readonly waiting: Waiting; readonly at: number } | undefined;
    for (const seat of seats) {
      const { waiting } = seat;
      if (waiting === undefined) continue;
      const at = turnAt(seat, waiting);
      if (found === undefined || at < found.at || (at === found.at && waiting.order < found.waiting.order))
        found = { seat, waiting, at };
    }
    return found;
  };
  const takeTurn = async (exchange: Exchange, seat: State, { choose, resolve, reject }: Waiting) => {
    seat.waiting = undefined;
    try {
      const frame = choose();
      const { frame: last, askedAt } = seat;
      seat.askedAt = clock.elapsed();
      if (seat.over) seat.before = last && { frame: last, askedAt };
      seat.frame = frame;
      seat.over = false;
      const heard = await exchange(frame, spare.patience(seat));
      spare.count(seat, heard, seat.askedAt);
      resolve(heard);
    } catch (error) {
      reject(error);
    }
  };
  const idle = async (ms: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    const timer = Number.isFinite(ms) ? clock.after(ms, resolve) : undefined;
    await promise;
    timer?.stop();
  };
  signal.addEventListener('abort', () => wake(), { once: true });
  /** What waits, waits no longer. */
  const letGo = (seat: State) => {
    seat.waiting?.resolve('silence');
    seat.waiting = undefined;
  };
  const put = (seat: State, choose: () => OsdpFrame, due: number) =>
    new Promise<Heard>((resolve, reject) => {
      seat.waiting = { choose, due, order: orders++, resolve, reject };
      if (signal.aborted || seat.left) letGo(seat);
      wake();
    });

  /** Its answers take longer than it was waited for. */
  const bear = (seat: State, since: number) => {
    const taken = (clock.elapsed() - since) * PATIENCE_MORE;
    seat.patience = Math.max(seat.patience, Math.min(PATIENCE_MAX_MS, taken));
  };

  return {
    seat(patience) {
      const state = newState(patience);
      seats.push(state);
      return {
        ask(choose, due) {
          state.over = true;
          return put(state, choose, due);
        },
        again(due) {
          const { frame } = state;
          if (frame === undefined) throw new Error('nothing was asked yet');
          return put(state, () => frame, due);
        },
        hurry() {
          if (state.waiting !== undefined) state.waiting.due = Math.min(state.waiting.due, clock.elapsed());
          wake();
        },
        leave() {
          state.left = true;
          letGo(state);
          const index = seats.indexOf(state);
          if (index >= 0) seats.splice(index, 1);
          wake();
        },
        get misses() {
          return state.misses;
        },
        get askedAt() {
          return state.askedAt;
        },
      };
    },
    late(answer) {
      for (const seat of seats) {
        const { frame, over, before, waiting, askedAt, answers } = seat;
        if (waiting !== undefined && !over && frame !== undefined && isAnswer(answer, frame)) {
          if (!answers) bear(seat, askedAt);
          spare.count(seat, answer, seat.askedAt);
          seat.waiting = undefined;
          waiting.resolve(answer);
          return true;
        }
        // It was asked twice, and the answer to the first was taken for that to the second.
        const isSecond = before !== undefined && answer.sequence === before.frame.sequence;
        if (isSecond && isAnswer(answer, before.frame)) bear(seat, before.askedAt);
      }
      return false;
    },
    async serve(exchange) {
      while (!signal.aborted) {
        const found = next();
        const early = found === undefined ? Number.POSITIVE_INFINITY : found.at - clock.elapsed();
        if (found !== undefined && early <= 0) await takeTurn(exchange, found.seat, found.waiting);
        else await idle(Math.max(1, early));
      }
      for (const seat of seats) letGo(seat);
    },
  };
}
