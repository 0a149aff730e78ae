/**
 * What a device switches: sirens, lamps, doors, bollards. Each comes to rest by itself: a siren after its limit, a
 * door after its moment, a bollard after its travel; and all of them when the gateway starts or stops.
 */
import { z } from 'zod';
import type { Clock, Timer } from '../contract/clock.ts';
import { type Command, type Outcome, wrongArgument } from '../contract/driver.ts';
import type { ModbusRequest } from './codec.ts';
import { actionsOf, type Bollard, type OutputOptions, type Target, targetsOf } from './output-options.ts';

/** The device's wire. Both give why it could not be done. */
export interface OutputWire {
  /** `now`: it waits for nothing that is owed; `urgent`: it passes polls. */
  readonly write: (
    name: string,
    request: ModbusRequest,
    how: { readonly now?: boolean; readonly urgent: boolean },
  ) => Promise<WriteProblem | undefined>;
  readonly read: (input: number) => Promise<boolean | string>;
}
export interface WriteProblem {
  readonly reason: string;
  /** It may have been done: nobody answered. */
  readonly unknown?: true;
  /** It was not done now, and may be later. */
  readonly passing?: true;
}

export interface Outputs {
  execute(command: Command): Promise<Outcome>;
  /** On a new line: what should still be on is, everything else is at rest. */
  begin(): Promise<void>;
  /** Brings everything to rest. */
  rest(): Promise<void>;
}

/**
 * Until when (`elapsed`) a siren or a lamp is on: it outlives the line, not the gateway. Not a door: it may have been
 * told to lock while the line was gone, so it comes back locked. Nor a bollard's travel: no movement is made twice.
 */
const lasting = new WeakMap<OutputOptions, number>();

const argumentsSchema = z.strictObject({
  output: z.string(),
  for: z.number().positive().max(86_400).optional().describe('Seconds, for `activate`'),
});
const INTERLOCK_EVERY_MS = 100;
const REST_AGAIN_MS = 1000;
const REST_AGAIN_MOST_MS = 15_000;

const failed = ({ reason, unknown }: WriteProblem): Outcome => ({
  done: false,
  reason,
  ...(unknown === true && { unknown }),
});

/** What a device switches, and what will switch each off. */
function createSwitches(wire: OutputWire, signal: AbortSignal, time: Clock) {
  const timers = new Map<Target, Timer>();
  const stopTimer = (at: Target) => {
    timers.get(at)?.stop();
    timers.delete(at);
  };
  const offAfter = (at: Target, ms: number, tried = 0) => {
    stopTimer(at);
    timers.set(
      at,
      time.after(ms, () => void off(at, tried)),
    );
  };
  /** Off, and insists: what was to last a moment must not last for ever. A device that is away costs the line ever less. */
  const off = async (at: Target, tried = 0, urgent = tried === 0): Promise<WriteProblem | undefined> => {
    stopTimer(at);
    const problem = await wire.write(at.name, at.off, { now: true, urgent });
    const mayHelp = problem?.unknown === true || problem?.passing === true;
    if (mayHelp && !signal.aborted && !timers.has(at))
      offAfter(at, Math.min(REST_AGAIN_MS * 2 ** tried, REST_AGAIN_MOST_MS), tried + 1);
    return problem;
  };
  return {
    /** `urgent`: it passes polls. */
    off: (at: Target, urgent = true) => off(at, 0, urgent),
    /** For so long; Infinity: until it is switched off. */
    async on(at: Target, ms: number): Promise<WriteProblem | undefined> {
      stopTimer(at);
      const isTimed = ms !== Number.POSITIVE_INFINITY;
      const isPulse = isTimed && at.pulse !== undefined;
      const problem = await wire.write(at.name, isPulse ? at.pulse(ms) : at.on, { urgent: true });
      // Also where nobody answered: it may be on. A device that times it and said so needs no help.
      if (isTimed && !(isPulse && problem === undefined)) offAfter(at, ms);
      return problem;
    },
  };
}
type Switches = ReturnType<typeof createSwitches>;

/** Moves bollards, each one way at a time, while nothing stands there. */
function createBollards(switches: Switches, wire: OutputWire, signal: AbortSignal, time: Clock) {
  const moving = new Set<string>();
  const blockedBy = async ({ interlock }: Bollard): Promise<string | undefined> => {
    const found = await wire.read(interlock.input);
    if (typeof found === 'string') return `its interlock cannot be read: ${found}`;
    return found === (interlock.normal === 'open')
      ? 'its interlock is on: something stands there'
      : undefined;
  };
  const move = async (bollard: Bollard, action: 'raise' | 'lower'): Promise<Outcome> => {
    const [up, down] = targetsOf(bollard) as readonly [Target, Target];
    const [own, other] = action === 'raise' ? [up, down] : [down, up];
    // Twice: one answer may be another's, however well it fits.
    const why = (await blockedBy(bollard)) ?? (await blockedBy(bollard));
    if (why !== undefined) return { done: false, reason: why };
    // Never both ways at once.
    const still = await switches.off(other);
    if (still !== undefined) return failed(still);
    const problem = await switches.on(own, bollard.travel);
    if (problem !== undefined) return failed(problem);
    const end = time.elapsed() + bollard.travel;
    while (time.elapsed() < end && !signal.aborted) {
      await time.wait(INTERLOCK_EVERY_MS, signal);
      const stop = action === 'raise' ? await blockedBy(bollard) : undefined;
      if (stop === undefined) continue;
      await switches.off(own);
      return { done: false, reason: `it was stopped on its way: ${stop}` };
    }
    return signal.aborted
      ? { done: false, reason: 'the line was lost on its way', unknown: true }
      : { done: true };
  };
  return {
    async move(bollard: Bollard, action: 'raise' | 'lower'): Promise<Outcome> {
      if (moving.has(bollard.id)) return { done: false, reason: 'it is moving' };
      moving.add(bollard.id);
      return await move(bollard, action).finally(() => moving.delete(bollard.id));
    },
  };
}

/** `signal`: the line is gone, nothing moves any more. */
export function createOutputs(
  outputs: readonly OutputOptions[],
  wire: OutputWire,
  signal: AbortSignal,
  time: Clock,
): Outputs {
  const switches = createSwitches(wire, signal, time);
  const bollards = createBollards(switches, wire, signal, time);
  // A fence stays as it was told: it is no alarm that must end.
  const resting = outputs.filter(({ kind }) => kind !== 'fence');
  const outcomeOf = (problem: WriteProblem | undefined): Outcome =>
    problem === undefined ? { done: true } : failed(problem);
  return {
    async execute({ action, arguments: wanted }) {
      const parsed = argumentsSchema.safeParse(wanted);
      if (!parsed.success) {
        return { done: false, reason: wrongArgument(parsed.error) };
      }
      const output = outputs.find((one) => one.id === parsed.data.output);
      if (output === undefined) return { done: false, reason: `there is no output ${parsed.data.output}` };
      const { kind } = output;
      if (!(actionsOf[kind] as readonly string[]).includes(action))
        return { done: false, reason: `a ${kind} does not know ${action}` };
      if (kind === 'bollard') return await bollards.move(output, action as 'raise' | 'lower');
      lasting.delete(output);
      const [target] = targetsOf(output) as readonly [Target];
      if (action === 'lock' || action === 'deactivate') return outcomeOf(await switches.off(target));
      if (kind === 'door') {
        const forMs = action === 'unlock' ? output.moment : Number.POSITIVE_INFINITY;
        return outcomeOf(await switches.on(target, forMs));
      }
      const asked = parsed.data.for === undefined ? Number.POSITIVE_INFINITY : parsed.data.for * 1000;
      if (kind === 'fence') return outcomeOf(await switches.on(target, asked));
      const ms = Math.min(asked, output.limit);
      lasting.set(output, time.elapsed() + ms);
      return outcomeOf(await switches.on(target, ms));
    },
    async begin() {
      // Where the device does not answer to the first, its alarms do not wait for all of them.
      let urgent = true;
      for (const output of resting) {
        const left = (lasting.get(output) ?? 0) - time.elapsed();
        const [target] = targetsOf(output);
        if (target !== undefined && left > 0) await switches.on(target, left);
        else
          for (const at of targetsOf(output)) {
            const problem = await switches.off(at, urgent);
            urgent &&= problem === undefined;
          }
      }
    },
    async rest() {
      for (const output of resting) {
        for (const at of targetsOf(output)) await switches.off(at);
      }
    },
  };
}
