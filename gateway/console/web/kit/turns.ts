/**
 * Whose turn it is on a screen that shows one card at a time. A refusal is shown at once: while it waited, the screen would
 * be green with the child of another, and who was refused would go. What it interrupts does not come back.
 */
/** Alone, one is shown for so long; while others wait, for less. Of more than these only the last are told. */
export const SHOWN_MS = 6000;
export const SHOWN_IN_A_ROW_MS = 1500;
const WAITING_MAX = 10;

/** Milliseconds, all. */
export interface TurnsTime {
  elapsed(): number;
  after(ms: number, run: () => void): { stop(): void };
}

export interface Turns<T> {
  add(one: T): void;
}

/** `show`: undefined when nobody's turn is left. */
export function createTurns<T>(
  isRefusal: (one: T) => boolean,
  show: (one: T | undefined) => void,
  time: TurnsTime,
): Turns<T> {
  const waiting: T[] = [];
  let since = 0;
  let end: { stop(): void } | undefined;
  const endAfter = (ms: number) => {
    end?.stop();
    end = time.after(ms, next);
  };
  const begin = (one: T) => {
    since = time.elapsed();
    endAfter(waiting.length > 0 ? SHOWN_IN_A_ROW_MS : SHOWN_MS);
    show(one);
  };
  function next() {
    end?.stop();
    end = undefined;
    const one = waiting.shift();
    if (one === undefined) show(undefined);
    else begin(one);
  }
  return {
    add(one) {
      if (end === undefined || isRefusal(one)) {
        begin(one);
        return;
      }
      waiting.push(one);
      waiting.splice(0, waiting.length - WAITING_MAX);
      endAfter(Math.max(0, since + SHOWN_IN_A_ROW_MS - time.elapsed()));
    },
  };
}
