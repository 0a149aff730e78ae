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
    limit: duration({ most: '1d' }).prefault('3m').describe('Off after so long, whatever was asked'),
  });

export const outputOptions = z.discriminatedUnion('kind', [
  switched('siren', 'Told `activate` and `deactivate`'),
  switched('lamp', 'Told `activate` and `deactivate`'),
  z.strictObject({
    id,
    kind: z.literal('door').describe('Told `unlock` for a moment, `hold` open, `lock`'),
    coil: coil(),
    moment: duration({ most: '1h' }).prefault('5s').describe('How long `unlock` lasts'),
  }),
  z.strictObject({
    id,
    kind: z.literal('bollard').describe('Told `raise` and `lower`'),
    raise: coil(),
    lower: coil(),
    travel: duration({ most: '1h' })
      .prefault('8s')
      .describe('How long it takes; its coils are off afterwards'),
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
type Bollard = Extract<OutputOptions, { kind: 'bollard' }>;

const failed = ({ reason, unknown }: WriteProblem): Outcome => ({
  done: false,
  reason,
  ...(unknown === true && { unknown }),
});

/** The coils of a device, and what will switch each off. */
function createCoils(wire: OutputWire, signal: AbortSignal, time: Clock) {
  const timers = new Map<number, Timer>();
  const stopTimer = (at: number) => {
    timers.get(at)?.stop();
    timers.delete(at);
  };
  const offAfter = (at: number, ms: number) => {
    stopTimer(at);
    timers.set(
      at,
      time.after(ms, () => void off(at)),
    );
  };
  /** Off, and insists: what was to last a moment must not last for ever. */
  const off = async (at: number): Promise<WriteProblem | undefined> => {
    stopTimer(at);
    const problem = await wire.write(at, false);
    if (problem?.unknown === true && !signal.aborted && !timers.has(at)) offAfter(at, REST_AGAIN_MS);
    return problem;
  };
  return {
    off,
    /** For so long; Infinity: until it is switched off. */
    async on(at: number, ms: number): Promise<WriteProblem | undefined> {
      stopTimer(at);
      const problem = await wire.write(at, true);
      // Also where nobody answered: it may be on.
      if (ms !== Number.POSITIVE_INFINITY) offAfter(at, ms);
      return problem;
    },
  };
}
type Coils = ReturnType<typeof createCoils>;

/** Moves bollards, each one way at a time, while nothing stands there. */
function createBollards(coils: Coils, wire: OutputWire, signal: AbortSignal, time: Clock) {
  const moving = new Set<string>();
  const blockedBy = async ({ interlock }: Bollard): Promise<string | undefined> => {
    const found = await wire.read(interlock.input);
    if (typeof found === 'string') return `its interlock cannot be read: ${found}`;
    return found ? 'its interlock is on: something stands there' : undefined;
  };
  const move = async (bollard: Bollard, action: 'raise' | 'lower'): Promise<Outcome> => {
    const [own, other] = action === 'raise' ? [bollard.raise, bollard.lower] : [bollard.lower, bollard.raise];
    const why = await blockedBy(bollard);
    if (why !== undefined) return { done: false, reason: why };
    // Never both ways at once.
    const still = await coils.off(other);
    if (still !== undefined) return failed(still);
    const problem = await coils.on(own, bollard.travel);
    if (problem !== undefined) return failed(problem);
    const end = time.elapsed() + bollard.travel;
    while (time.elapsed() < end && !signal.aborted) {
      await time.wait(INTERLOCK_EVERY_MS, signal);
      const stop = action === 'raise' ? await blockedBy(bollard) : undefined;
      if (stop === undefined) continue;
      await coils.off(own);
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
  const coils = createCoils(wire, signal, time);
  const bollards = createBollards(coils, wire, signal, time);
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
      if (action === 'lock' || action === 'deactivate') return outcomeOf(await coils.off(output.coil));
      if (kind === 'door') {
        const forMs = action === 'unlock' ? output.moment : Number.POSITIVE_INFINITY;
        return outcomeOf(await coils.on(output.coil, forMs));
      }
      const asked = parsed.data.for === undefined ? Number.POSITIVE_INFINITY : parsed.data.for * 1000;
      const ms = Math.min(asked, output.limit);
      lasting.set(output, time.elapsed() + ms);
      return outcomeOf(await coils.on(output.coil, ms));
    },
    async begin() {
      for (const output of outputs) {
        const left = (lasting.get(output) ?? 0) - time.elapsed();
        if (output.kind !== 'bollard' && left > 0) await coils.on(output.coil, left);
        else for (const at of coilsOf(output)) await coils.off(at);
      }
    },
    async rest() {
      for (const output of outputs) {
        for (const at of coilsOf(output)) await coils.off(at);
      }
    },
  };
}
