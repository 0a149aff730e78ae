/** Words typed by a person, as values. It stands alone: the command line reads its options with it. */

const LONGEST_MS = 3650 * 86_400_000;

/** `200ms`, `3s`, `2h`, `-1d` -> ms, ten years at most. */
export function milliseconds(text: string): number {
  const match = /^(-?\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw new Error(`"${text}" is no time such as 200ms, 3s or 2h`);
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 'ms'];
  const ms = Number(match[1]) * unit;
  if (Math.abs(ms) > LONGEST_MS) throw new Error(`"${text}" is longer than 3650d`);
  return ms;
}

/** A whole number from words typed by a person. */
export function number(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`"${text}" is no number from ${least} to ${most}`);
  }
  return value;
}

const BEIJING_MS = 8 * 3_600_000;

/** `2026-11-28T23:30:00.123`: Beijing's time, as platforms say and are told it, wherever this runs. */
export const beijingTime = (ms: number): string => new Date(ms + BEIJING_MS).toISOString().replace('Z', '');

/** `2026-11-28T23:30:00` -> epoch ms; NaN: it is no time. */
export const fromBeijing = (text: string): number => Date.parse(`${text}+08:00`);
