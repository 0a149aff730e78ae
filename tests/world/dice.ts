/** Chance of a seed: each name has a stream of its own, so that what one part draws shifts no other. */

import { mulberry32 } from '../clocks.ts';

export interface Dice {
  /** In [0, 1). */
  roll(): number;
  /** True once in `1 / share`. */
  chance(share: number): boolean;
  /** Whole, from `from` to `to`. */
  between(from: number, to: number): number;
  pick<T>(values: readonly T[]): T;
}

/** FNV-1a of the name, then mulberry32. */
export function createDice(seed: number, name: string): Dice {
  let state = (seed * 0x9e3779b1) >>> 0;
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193) >>> 0;
  const roll = mulberry32(state);
  return {
    roll,
    chance: (share) => roll() < share,
    between: (from, to) => from + Math.floor(roll() * (to - from + 1)),
    pick: (values) => values[Math.floor(roll() * values.length)] as (typeof values)[number],
  };
}
