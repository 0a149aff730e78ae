/** What a bench is to show, and whether it did. */
import { tell } from './parts.ts';

export interface Aim {
  readonly what: string;
  readonly measured: number;
  readonly unit?: string;
  /** Met from there on, or down to there. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Why it can be neither met nor missed this time. */
  readonly unjudged?: string | undefined;
}

/** Two digits behind the point where they say something. */
const figure = (value: number) => value.toFixed(Math.abs(value) < 20 ? 2 : 0);

export function tellAims(aims: readonly Aim[]): void {
  tell(`\n${'aim'.padEnd(54)} ${'measured'.padStart(12)}`);
  for (const { what, measured, unit = '', atLeast, atMost, unjudged } of aims) {
    const met = measured >= (atLeast ?? -Infinity) && measured <= (atMost ?? Infinity);
    const limit = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
    const verdict = unjudged === undefined ? (met ? 'met' : 'missed') : `not judged: ${unjudged}`;
    const value = Number.isNaN(measured) ? '-' : `${figure(measured)}${unit}`;
    tell(`${`${what}, ${limit}${unit}`.padEnd(54)} ${value.padStart(12)}   ${verdict}`);
  }
}
