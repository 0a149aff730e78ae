/** What the page of the simulators is told and asks: the other ends of the wires that the config names. */
import { z } from 'zod';

export const simulatedState = z.enum(['stopped', 'running', 'failed']);

export const simulatedDevice = z.object({
  id: z.string(),
  name: z.string().optional(),
  driver: z.string(),
  /** Devices on one wire are started and stopped together. */
  wire: z.string(),
  state: simulatedState,
  /** Why it could not be started. */
  reason: z.string().optional(),
  /** A panel of several accounts is several; a channel of a recorder is none of its own. */
  simulators: z.array(
    z.object({
      id: z.string(),
      actions: z.array(z.object({ usage: z.string(), help: z.string() })),
    }),
  ),
});
export type SimulatedDevice = z.output<typeof simulatedDevice>;

export const simulatorsView = z.object({
  devices: z.array(simulatedDevice),
  scenarios: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      /** What it needs and is not in the config; empty: it can be played. */
      missing: z.array(z.string()),
      playing: z.boolean(),
    }),
  ),
  /** An ordinary day that is lived by itself: actions a second; null: none. */
  rate: z.number().nullable(),
  /** What was done, newest first. `at`: RFC 3339. */
  told: z.array(
    z.object({
      at: z.string(),
      /** Of which devices, which simulator, which scenario. */
      of: z.string(),
      did: z.enum(['started', 'ended']).optional(),
      /** The action, or what went wrong. */
      text: z.string().optional(),
    }),
  ),
});
export type SimulatorsView = z.output<typeof simulatorsView>;

export const outcome = z.object({ done: z.boolean(), reason: z.string().optional() });
export type SimulatorOutcome = z.output<typeof outcome>;

export const simulatorAction = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('start'), devices: z.array(z.string().max(64)).min(1).max(1000) }),
  z.strictObject({ do: z.literal('stop'), devices: z.array(z.string().max(64)).min(1).max(1000) }),
  z.strictObject({
    do: z.literal('act'),
    simulator: z.string().max(100),
    /** As it is typed at a simulator: `press 9`. */
    line: z.string().min(1).max(500),
  }),
  z.strictObject({ do: z.literal('play'), scenario: z.string().max(100) }),
  z.strictObject({ do: z.literal('stop-playing') }),
  /** Actions a second; null: none. */
  z.strictObject({ do: z.literal('live'), rate: z.number().min(0.1).max(100).nullable() }),
]);
export type SimulatorAction = z.output<typeof simulatorAction>;

/** What drives the simulators of a config, wherever they run. */
export interface Simulators extends AsyncDisposable {
  /** @throws Error with a sentence where they do not answer. */
  view(): Promise<SimulatorsView>;
  /** Never rejects. */
  perform(action: SimulatorAction): Promise<SimulatorOutcome>;
}
