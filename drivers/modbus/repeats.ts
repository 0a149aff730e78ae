/**
 * Repeaters and serial servers that give an answer twice. On RTU nothing tells the second from the answer to the next
 * question: so what is byte for byte an answer of before to another question is doubted for as long as the right one
 * may take, and on a line that was seen to do this, what comes twice is waited out before the next is asked.
 */
import type { Clock } from '../contract/clock.ts';

export interface Repeats {
  /** It is what was answered lately to another question: the right answer may still come. */
  isDoubtful(frame: Uint8Array, request: Uint8Array): boolean;
  /** It was taken as the answer to this. */
  note(frame: Uint8Array, request: Uint8Array): void;
  /** Nobody asked for this. @returns whether it was given before; the line is known by it. */
  isRepeat(frame: Uint8Array): boolean;
  /** So long the line is left alone after an answer. */
  readonly restMs: number;
}

/** Copies come while an answer is in some buffer on its way, not later. */
const KEPT_MS = 5000;
const KEPT = 32;
/** So long a line is taken for one that repeats, after it last did. */
const KNOWN_MS = 60_000;
const REST_LEAST_MS = 30;
const REST_MOST_MS = 1000;

export function createRepeats(clock: Pick<Clock, 'elapsed'>): Repeats {
  let answers: { readonly frame: string; readonly request: string; readonly at: number }[] = [];
  let lagMs = 0;
  let knownUntil = 0;
  const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const recent = () => {
    answers = answers.filter(({ at }) => clock.elapsed() - at < KEPT_MS).slice(0, KEPT);
    return answers;
  };
  return {
    isDoubtful(frame, request) {
      const [text, asked] = [textOf(frame), textOf(request)];
      return recent().some((one) => one.frame === text && one.request !== asked);
    },
    note(frame, request) {
      answers = [{ frame: textOf(frame), request: textOf(request), at: clock.elapsed() }, ...recent()];
    },
    isRepeat(frame) {
      const text = textOf(frame);
      const first = recent().find((one) => one.frame === text);
      if (first === undefined) return false;
      const known = clock.elapsed() < knownUntil ? lagMs : 0;
      lagMs = Math.max(known, clock.elapsed() - first.at);
      knownUntil = clock.elapsed() + KNOWN_MS;
      return true;
    },
    get restMs() {
      return clock.elapsed() < knownUntil ? Math.min(Math.max(2 * lagMs, REST_LEAST_MS), REST_MOST_MS) : 0;
    },
  };
}
