/**
 * What a device switches: sirens, lamps, doors, bollards. Each comes to rest by itself: a siren after its limit, a
 * door after its moment, a bollard after its travel; and all of them when the gateway starts or stops.
 */
import { z } from 'zod';
import type { Clock } from '../contract/clock.ts';
import { type Command, type Outcome, wrongArgument } from '../contract/driver.ts';
import { actionsOf, type Bollard, type OutputOptions, type Target, targetsOf } from './output-options.ts';
import {
  createSwitches,
  type OutputWire,
  type Switches,
  type WhyNot,
  type WriteProblem,
} from './switches.ts';

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
const EXPIRED = 'it expired before its turn came';
const INTERLOCK_EVERY_MS = 100;
/** An interlock that cannot be read for so long is taken for one that is on. */
const INTERLOCK_PATIENCE_MS = 400;
/** So long what an interlock said lets a movement begin. */
const INTERLOCK_FRESH_MS = 1000;

const failed = ({ reason, unknown }: WriteProblem): Outcome => ({
  done: false,
  reason,
  ...(unknown === true && { unknown }),
});

/** Moves bollards, each one way at a time, while nothing stands there. */
function createBollards(switches: Switches, wire: OutputWire, signal: AbortSignal, time: Clock) {
  const moving = new Set<string>();
  const blockedBy = async ({ interlock }: Bollard, whyNot?: WhyNot): Promise<string | undefined> => {
    const found = await wire.read(interlock.input, whyNot);
    if (typeof found === 'string') return `its interlock cannot be read: ${found}`;
    return found === (interlock.normal === 'open')
      ? 'its interlock is on: something stands there'
      : undefined;
  };
  /** As long as it rises nobody looks away for long. In steps: what came while this process was busy is heard first. */
  const stoppedBy = async (bollard: Bollard): Promise<string | undefined> => {
    let late: string | undefined;
    let isRead = false;
    const read = blockedBy(bollard, () => late).finally(() => {
      isRead = true;
    });
    const patience = async () => {
      for (let ms = 0; ms < INTERLOCK_PATIENCE_MS && !isRead; ms += INTERLOCK_EVERY_MS)
        await time.wait(INTERLOCK_EVERY_MS, signal);
      late = `its interlock could not be read for ${INTERLOCK_PATIENCE_MS} ms`;
      return late;
    };
    return await Promise.race([read, patience()]);
  };
  const move = async (bollard: Bollard, action: 'raise' | 'lower', whyNot: WhyNot): Promise<Outcome> => {
    const [up, down] = targetsOf(bollard) as readonly [Target, Target];
    const [own, other] = action === 'raise' ? [up, down] : [down, up];
    // Twice: one answer may be another's, however well it fits.
    const first = await blockedBy(bollard, whyNot);
    const readAt = time.elapsed();
    const why = first ?? (await blockedBy(bollard, whyNot));
    if (why !== undefined) return { done: false, reason: why };
    // Never both ways at once.
    const still = await switches.off(other);
    if (still !== undefined) return failed(still);
    const isStale = () => time.elapsed() - readAt > INTERLOCK_FRESH_MS;
    const problem = await switches.on(
      own,
      bollard.travel,
      () =>
        whyNot() ?? (isStale() ? 'the line was busy for too long after its interlock was read' : undefined),
    );
    if (problem !== undefined) {
      // It may be moving, and nobody would watch over it.
      if (problem.unknown === true) await switches.off(own);
      return failed(problem);
    }
    const end = time.elapsed() + bollard.travel;
    while (time.elapsed() < end && !signal.aborted) {
      await time.wait(INTERLOCK_EVERY_MS, signal);
      const stop = action === 'raise' ? await stoppedBy(bollard) : undefined;
      if (stop === undefined) continue;
      await switches.off(own);
      return { done: false, reason: `it was stopped on its way: ${stop}` };
    }
    return signal.aborted
      ? { done: false, reason: 'the line was lost on its way', unknown: true }
      : { done: true };
  };
  return {
    async move(bollard: Bollard, action: 'raise' | 'lower', whyNot: WhyNot): Promise<Outcome> {
      if (moving.has(bollard.id)) return { done: false, reason: 'it is moving' };
      moving.add(bollard.id);
      return await move(bollard, action, whyNot).finally(() => moving.delete(bollard.id));
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
  /** What became of the last command to each: of those the beginning of a session knows nothing. */
  const commanded = new Map<OutputOptions, Promise<Outcome>>();
  const carryOut = async (
    output: OutputOptions,
    action: string,
    seconds: number | undefined,
    whyNot: WhyNot,
  ): Promise<Outcome> => {
    const why = whyNot();
    if (why !== undefined) return { done: false, reason: why };
    if (output.kind === 'bollard') return await bollards.move(output, action as 'raise' | 'lower', whyNot);
    lasting.delete(output);
    const [target] = targetsOf(output) as readonly [Target];
    if (action === 'lock' || action === 'deactivate')
      return outcomeOf(await switches.off(target, true, whyNot));
    if (output.kind === 'door') {
      const forMs = action === 'unlock' ? output.moment : Number.POSITIVE_INFINITY;
      return outcomeOf(await switches.on(target, forMs, whyNot));
    }
    const asked = seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000;
    if (output.kind === 'fence') return outcomeOf(await switches.on(target, asked, whyNot));
    const ms = Math.min(asked, output.limit);
    const [end, before] = [time.elapsed() + ms, lasting.get(output)];
    lasting.set(output, end);
    const problem = await switches.on(target, ms, whyNot);
    const isRefused = problem !== undefined && problem.unknown !== true && problem.passing !== true;
    if (isRefused && lasting.get(output) === end) lasting.set(output, before ?? 0);
    return outcomeOf(problem);
  };
  return {
    execute({ action, arguments: wanted, notAfter }) {
      const refuse = (reason: string): Promise<Outcome> => Promise.resolve({ done: false, reason });
      const parsed = argumentsSchema.safeParse(wanted);
      if (!parsed.success) return refuse(wrongArgument(parsed.error));
      const output = outputs.find((one) => one.id === parsed.data.output);
      if (output === undefined) return refuse(`there is no output ${parsed.data.output}`);
      const { kind } = output;
      if (!(actionsOf[kind] as readonly string[]).includes(action))
        return refuse(`a ${kind} does not know ${action}`);
      const isLate = () => notAfter !== undefined && time.elapsed() >= notAfter;
      const outcome = carryOut(output, action, parsed.data.for, () => (isLate() ? EXPIRED : undefined));
      commanded.set(output, outcome);
      return outcome;
    },
    async begin() {
      // Where the device does not answer to the first, its alarms do not wait for all of them.
      let urgent = true;
      const left = new Set<OutputOptions>();
      for (const output of resting) {
        const leftMs = (lasting.get(output) ?? 0) - time.elapsed();
        for (const at of targetsOf(output)) {
          if (commanded.has(output)) left.add(output);
          else if (leftMs > 0) await switches.on(at, leftMs);
          else urgent = (await switches.off(at, urgent)) === undefined && urgent;
        }
      }
      // A command that came meanwhile counts, and not what was before; one that came to nothing changed nothing.
      for (const output of left) {
        const outcome = commanded.get(output);
        const { done, ...more } = (await outcome) ?? { done: true };
        if (done || 'unknown' in more || commanded.get(output) !== outcome) continue;
        for (const at of targetsOf(output)) await switches.off(at, urgent);
      }
    },
    async rest() {
      for (const output of resting) {
        for (const at of targetsOf(output)) await switches.off(at);
      }
    },
  };
}
