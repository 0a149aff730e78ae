/**
 * What goes wrong in a world, and how much of it: each seed leaves some kinds out, so that the others come alone too.
 * After `until` nothing goes wrong any more.
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import { createDice, type Dice } from './dice.ts';

const kinds = ['wire', 'disk', 'power', 'platform', 'connection', 'clock'] as const;
type Kind = (typeof kinds)[number];

export interface Faults {
  /** Draws whether something of a kind goes wrong now; `share` of how often. */
  happens(kind: Kind, share: number): boolean;
  readonly dice: Dice;
  /** Epoch of the last fault, `elapsed()`. */
  readonly untilMs: number;
}

export function createFaults(seed: number, untilMs: number, time: Pick<Clock, 'elapsed'>): Faults {
  const dice = createDice(seed, 'faults');
  const appetite = Object.fromEntries(
    kinds.map((kind) => [kind, dice.chance(0.3) ? 0 : dice.roll() * 2]),
  ) as Record<Kind, number>;
  const streams = Object.fromEntries(kinds.map((kind) => [kind, createDice(seed, kind)])) as Record<
    Kind,
    Dice
  >;
  return {
    dice,
    untilMs,
    happens: (kind, share) => streams[kind].chance(share * appetite[kind]) && time.elapsed() < untilMs,
  };
}
