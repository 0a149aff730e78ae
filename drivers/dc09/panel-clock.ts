/** A panel's clock: how far it may be off, in which zone it runs, and whether what it says is believed. */
import { Temporal } from 'temporal-polyfill';
import type { Problem } from '../contract/driver.ts';
import { type Dc09Message, formatTimestamp } from './codec.ts';
import type { Account } from './options.ts';

/** Clock differences that a receiver takes in an encrypted frame: 20 s ahead, 40 s behind (DC-09, 5.5.1.9). */
const AHEAD_MS = 20_000;
const BEHIND_MS = 40_000;
/** A panel's clock, once seen right, is believed for events that it sends late, this long. */
const CLOCK_TRUST_MS = 24 * 3_600_000;

/** Of an encrypted frame the time alone tells that it is not one that somebody recorded: no panel's clock needs more. */
const KEYED_MOST_MS = 3_600_000;

type ClockOptions = Pick<Account, 'clockTolerance' | 'timezone'>;

/** @param path of the account. */
export function toleranceProblems(path: Problem['path'], { clockTolerance, keyFile }: Account): Problem[] {
  if (keyFile === undefined) return [];
  return Object.entries(clockTolerance ?? {}).flatMap(([side, ms]) =>
    ms === undefined || ms <= KEYED_MOST_MS
      ? []
      : [
          {
            path: [...path, 'clockTolerance', side],
            message:
              "at most 1h with a keyFile: as long, somebody can send again what they recorded. Set the clock of the panel; its place's time is `timezone`",
          },
        ],
  );
}

export function isInTime(timestamp: number, now: number, { clockTolerance }: ClockOptions): boolean {
  const { ahead = AHEAD_MS, behind = BEHIND_MS } = clockTolerance ?? {};
  return timestamp <= now + ahead && timestamp >= now - behind;
}

export function isTrusted(
  timestamp: number,
  { config, clockRightAt }: { readonly config: ClockOptions; readonly clockRightAt?: number },
  now: number,
): boolean {
  if (isInTime(timestamp, now, config)) return true;
  return clockRightAt !== undefined && timestamp < now && timestamp > clockRightAt - CLOCK_TRUST_MS;
}

/**
 * The moment that a time of the wire is, where the panel writes the time of its place and not GMT. In the hour that an
 * autumn has twice it is the one nearer to now.
 */
export function inZone(time: number, timezone: string | undefined, now: number): number {
  if (timezone === undefined) return time;
  const local = Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO('UTC').toPlainDateTime();
  const [first, second] = (['earlier', 'later'] as const).map(
    (disambiguation) => local.toZonedDateTime(timezone, { disambiguation }).epochMilliseconds,
  ) as [number, number];
  return Math.abs(first - now) <= Math.abs(second - now) ? first : second;
}

/** A message whose time is a moment. */
export function placed(message: Dc09Message, { timezone }: ClockOptions, now: number): Dc09Message {
  const { timestamp } = message;
  return timestamp === undefined || timezone === undefined
    ? message
    : { ...message, timestamp: inZone(timestamp, timezone, now) };
}

/** A moment for the wire. */
export function wireTime(now: number, { timezone }: ClockOptions): string {
  if (timezone === undefined) return formatTimestamp(now);
  const { offsetNanoseconds } = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timezone);
  return formatTimestamp(now + offsetNanoseconds / 1_000_000);
}
