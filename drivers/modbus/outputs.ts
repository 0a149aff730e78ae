/**
 * What a device switches: sirens, lamps, doors, bollards. Each comes to rest by itself: a siren after its limit, a
 * door after its moment, a bollard after its travel; and all of them when the gateway starts or stops.
 */
import { z } from 'zod';
import type { Clock, Timer } from '../contract/clock.ts';
import { type Command, type Outcome, wrongArgument } from '../contract/driver.ts';
import { duration, identifier } from '../contract/options.ts';

const coil = () => z.int().min(0).max(65_535).describe('Its address, from 0');
const id = identifier().describe('Its name in commands and rules');
const switched = (kind: 'siren' | 'lamp', words: string) =>
  z.strictObject({
    id,
    kind: z.literal(kind).describe(words),
    coil: coil(),
    limit: duration().prefault('3m').describe('Off after so long, whatever was asked'),
  });

export const outputOptions = z.discriminatedUnion('kind', [
  switched('siren', 'Told `activate` and `deactivate`'),
  switched('lamp', 'Told `activate` and `deactivate`'),
  z.strictObject({
    id,
    kind: z.literal('door').describe('Told `unlock` for a moment, `hold` open, `lock`'),
    coil: coil(),
    moment: duration().prefault('5s').describe('How long `unlock` lasts'),
  }),
  z.strictObject({
    id,
    kind: z.literal('bollard').describe('Told `raise` and `lower`'),
    raise: coil(),
    lower: coil(),
    travel: duration().prefault('8s').describe('How long it takes; its coils are off afterwards'),
    interlock: z
      .strictObject({ input: z.int().min(0).max(65_535).describe('A discrete input, from 0') })
      .describe('On while something stands there: it does not move then, and a rise stops'),
  }),
]);
export type OutputOptions = z.output<typeof outputOptions>;

const actionsOf = {
  siren: ['activate', 'deactivate'],
  lamp: ['activate', 'deactivate'],
  door: ['unlock', 'lock', 'hold'],
  bollard: ['raise', 'lower'],
} as const;

/** What the outputs of a device can be told. */
export const outputCommands = (outputs: readonly OutputOptions[]) =>
  outputs.flatMap(({ id: output, kind }) => actionsOf[kind].map((action) => ({ action, output })));

const coilsOf = (output: OutputOptions) =>
  output.kind === 'bollard' ? [output.raise, output.lower] : [output.coil];

/** The device's wire. Both give why it could not be done as a string. */
export interface OutputWire {
  readonly write: (coil: number, on: boolean) => Promise<WriteProblem | undefined>;
  readonly read: (input: number) => Promise<boolean | string>;
}
export interface WriteProblem {
  readonly reason: string;
  /** It may have been done: nobody answered. */
  readonly unknown?: true;
}

export interface Outputs {
  execute(command: Command): Promise<Outcome>;
  /** On a new line: what should still be on is, everything else is at rest. */
  begin(): Promise<void>;
  /** Brings everything to rest. */
  rest(): Promise<void>;
}

/**
 * Until when (`elapsed`) a siren, a lamp or a held door is on: it outlives the line, not the gateway. Not
 * a door's moment, nor a bollard's travel: those are movements, and none is made twice.
 */
const lasting = new WeakMap<OutputOptions, number>();

const argumentsSchema = z.strictObject({
  output: z.string(),
  for: z.number().positive().max(86_400).optional().describe('Seconds, for `activate`'),
});
const INTERLOCK_EVERY_MS = 100;
const REST_AGAIN_MS = 1000;

export function createOutputs(
  outputs: readonly OutputOptions[],
  wire: OutputWire,
  signal: AbortSignal,
  time: Clock,
): Outputs {
  /** By coil: what will switch it off. */
  const timers = new Map<number, Timer>();
  const moving = new Set<string>();

  const failed = ({ reason, unknown }: WriteProblem): Outcome => ({
    done: false,
    reason,
    ...(unknown === true && { unknown }),
  });
  /** Off, and insists: what was to last a moment must not last for ever. */
  const off = async (at: number): Promise<WriteProblem | undefined> => {
    timers.get(at)?.stop();
    timers.delete(at);
    const problem = await wire.write(at, false);
    if (problem?.unknown === true && !signal.aborted && !timers.has(at))
      timers.set(
        at,
        time.after(REST_AGAIN_MS, () => void off(at)),
      );
    return problem;
  };
  const on = async (at: number, ms: number): Promise<Outcome> => {
    timers.get(at)?.stop();
    timers.delete(at);
    const problem = await wire.write(at, true);
    // Also where nobody answered: it may be on.
    if (ms !== Number.POSITIVE_INFINITY)
      timers.set(
        at,
        time.after(ms, () => void off(at)),
      );
    return problem === undefined ? { done: true } : failed(problem);
  };
  const offOutcome = async (at: number): Promise<Outcome> => {
    const problem = await off(at);
    return problem === undefined ? { done: true } : failed(problem);
  };

  const move = async (
    bollard: Extract<OutputOptions, { kind: 'bollard' }>,
    action: 'raise' | 'lower',
  ): Promise<Outcome> => {
    const { travel, interlock } = bollard;
    const [own, other] = action === 'raise' ? [bollard.raise, bollard.lower] : [bollard.lower, bollard.raise];
    const blocked = async (): Promise<string | undefined> => {
      const found = await wire.read(interlock.input);
      if (typeof found === 'string') return `its interlock cannot be read: ${found}`;
      return found ? 'its interlock is on: something stands there' : undefined;
    };
    const why = await blocked();
    if (why !== undefined) return { done: false, reason: why };
    // Never both ways at once.
    const still = await off(other);
    if (still !== undefined) return failed(still);
    const begun = await on(own, travel);
    if (!begun.done) return begun;
    const end = time.elapsed() + travel;
    while (time.elapsed() < end && !signal.aborted) {
      await time.wait(INTERLOCK_EVERY_MS, signal);
      const stop = action === 'raise' ? await blocked() : undefined;
      if (stop === undefined) continue;
      await off(own);
      return { done: false, reason: `it was stopped on its way: ${stop}` };
    }
    return signal.aborted
      ? { done: false, reason: 'the line was lost on its way', unknown: true }
      : { done: true };
  };

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
      if (kind === 'bollard') {
        if (moving.has(output.id)) return { done: false, reason: 'it is moving' };
        moving.add(output.id);
        return await move(output, action as 'raise' | 'lower').finally(() => moving.delete(output.id));
      }
      lasting.delete(output);
      if (action === 'lock' || action === 'deactivate') return await offOutcome(output.coil);
      if (kind === 'door' && action === 'unlock') return await on(output.coil, output.moment);
      const asked = parsed.data.for === undefined ? Number.POSITIVE_INFINITY : parsed.data.for * 1000;
      const ms = kind === 'door' ? Number.POSITIVE_INFINITY : Math.min(asked, output.limit);
      lasting.set(output, time.elapsed() + ms);
      return await on(output.coil, ms);
    },
    async begin() {
      for (const output of outputs) {
        const left = (lasting.get(output) ?? 0) - time.elapsed();
        if (output.kind !== 'bollard' && left > 0) await on(output.coil, left);
        else for (const at of coilsOf(output)) await off(at);
      }
    },
    async rest() {
      for (const output of outputs) {
        for (const at of coilsOf(output)) await off(at);
      }
    },
  };
}
