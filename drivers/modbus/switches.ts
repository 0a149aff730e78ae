/**
 * What a device switches, and what will switch each off. Of one output: what switches it on waits for what is under way,
 * and one that waits is overtaken by what switches it off.
 */
import type { Clock, Timer } from '../contract/clock.ts';
import type { ModbusRequest } from './codec.ts';
import type { Target } from './output-options.ts';

/** Why something that waits is not wanted any more. */
export type WhyNot = () => string | undefined;

/** The device's wire. Both give why it could not be done. */
export interface OutputWire {
  /** `now`: it waits for nothing that is owed; `urgent`: it passes polls; `whyNot`: asked right before it is written. */
  readonly write: (
    name: string,
    request: ModbusRequest,
    how: { readonly now?: boolean; readonly urgent: boolean; readonly whyNot?: WhyNot | undefined },
  ) => Promise<WriteProblem | undefined>;
  readonly read: (input: number, whyNot?: WhyNot) => Promise<boolean | string>;
}
export interface WriteProblem {
  readonly reason: string;
  /** It may have been done: nobody answered. */
  readonly unknown?: true;
  /** It was not done now, and may be later. */
  readonly passing?: true;
}

const REST_AGAIN_MS = 1000;
const REST_AGAIN_MOST_MS = 15_000;
const OVERTAKEN = 'it was told to go off before it could be switched on';

export function createSwitches(wire: OutputWire, signal: AbortSignal, time: Clock) {
  const timers = new Map<Target, { readonly timer: Timer; readonly at: number }>();
  /** What is under way, by target. */
  const underWay = new Map<Target, Promise<void>>();
  /** How often each was told to go off. */
  const offs = new Map<Target, number>();
  const track = <T>(at: Target, work: Promise<T>): Promise<T> => {
    underWay.set(
      at,
      Promise.allSettled([underWay.get(at), work]).then(() => {}),
    );
    return work;
  };
  /** @returns when it would have gone off. */
  const stopTimer = (at: Target): number | undefined => {
    const one = timers.get(at);
    one?.timer.stop();
    timers.delete(at);
    return one?.at;
  };
  const offAfter = (at: Target, ms: number, tried = 0) => {
    stopTimer(at);
    const timer = time.after(ms, () => void track(at, off(at, tried, tried === 0)));
    timers.set(at, { timer, at: time.elapsed() + ms });
  };
  /** Off, and insists: what was to last a moment must not last for ever. A device that is away costs the line ever less. */
  const off = async (at: Target, tried: number, urgent: boolean): Promise<WriteProblem | undefined> => {
    stopTimer(at);
    const problem = await wire.write(at.name, at.off, { now: true, urgent });
    const mayHelp = problem?.unknown === true || problem?.passing === true;
    if (mayHelp && !signal.aborted && !timers.has(at))
      offAfter(at, Math.min(REST_AGAIN_MS * 2 ** tried, REST_AGAIN_MOST_MS), tried + 1);
    return problem;
  };
  /** Once `before` is over. `isOff`: it was told to go off meanwhile, which insists by itself. */
  const on = async (
    at: Target,
    ms: number,
    before: Promise<void> | undefined,
    isOff: () => boolean,
    whyNot: WhyNot | undefined,
  ): Promise<WriteProblem | undefined> => {
    await before;
    /** When it would have gone off; it still does while this waits. */
    let due: number | undefined;
    const whyNotNow: WhyNot = () => {
      const why = isOff() ? OVERTAKEN : whyNot?.();
      if (why === undefined) due = stopTimer(at) ?? due;
      return why;
    };
    const isTimed = ms !== Number.POSITIVE_INFINITY;
    const pulse = isTimed ? at.pulse?.(ms) : undefined;
    const problem = await wire.write(at.name, pulse ?? at.on, { urgent: true, whyNot: whyNotNow });
    if (isOff() || timers.has(at)) return problem;
    // What was to go off before still does, where this did not surely come in its place.
    if (problem !== undefined && due !== undefined) offAfter(at, Math.max(0, due - time.elapsed()));
    // Also where nobody answered: it may be on. A device that times it and said so needs no help.
    else if (isTimed && !(pulse !== undefined && problem === undefined)) offAfter(at, ms);
    return problem;
  };
  return {
    /** `urgent`: it passes polls. */
    off(at: Target, urgent = true, whyNot?: WhyNot): Promise<WriteProblem | undefined> {
      const why = whyNot?.();
      if (why !== undefined) return Promise.resolve({ reason: why });
      offs.set(at, (offs.get(at) ?? 0) + 1);
      return track(at, off(at, 0, urgent));
    },
    /** For so long; Infinity: until it is switched off. */
    on(at: Target, ms: number, whyNot?: WhyNot): Promise<WriteProblem | undefined> {
      const told = offs.get(at);
      return track(
        at,
        on(at, ms, underWay.get(at), () => offs.get(at) !== told, whyNot),
      );
    },
  };
}
export type Switches = ReturnType<typeof createSwitches>;
