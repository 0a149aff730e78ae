/** What a camera's clock says, and which of its times can be believed. Pure. */

/** A camera's clock beside ours. */
export interface ClockReading {
  /** How far it is ahead of ours, ms; undefined: it does not tell its time. */
  readonly offset: number | undefined;
  /** How far its local time is ahead of UTC, ms, where it tells both, or only that. */
  readonly zone: number | undefined;
}

/** GetSystemDateAndTime, as it stands, epoch ms. */
export interface DateAndTime {
  readonly utc: number | undefined;
  readonly local: number | undefined;
}

const QUARTER_MS = 900_000;
/** UTC-12 to UTC+14. */
const ZONE_MAX_MS = 14 * 3_600_000;

/** The time zone that a local time is in, where its clock is about right; undefined: it is not. */
export function zoneOf(local: number, utc: number): number | undefined {
  const zone = Math.round((local - utc) / QUARTER_MS) * QUARTER_MS;
  return Math.abs(zone) <= ZONE_MAX_MS ? zone : undefined;
}

/** `now`: our own time of the moment when it was read. */
export function clockReadingOf({ utc, local }: DateAndTime, now: number): ClockReading {
  if (utc !== undefined)
    return { offset: utc - now, zone: local === undefined ? undefined : zoneOf(local, utc) };
  if (local === undefined) return { offset: undefined, zone: undefined };
  // Only its local time: how far it is off within its zone, which is not said in a form to rely on.
  const zone = zoneOf(local, now);
  return { offset: local - (zone ?? 0) - now, zone };
}

/** A notification is asked for within seconds, and waits for no longer than a subscription lasts. */
export const LATE_MS = 600_000;
/** A state that is told as found may have begun so long ago. */
const STANDING_MS = 30 * 86_400_000;
/** Its clock and ours may differ by so much in what is still the same moment. */
const AHEAD_MS = 2000;

/**
 * The time of one notification, judged by itself: some say 1970, some their local time with a Z, and some the right
 * time in the next one.
 */
export function timeOf(
  at: number | undefined,
  { offset, zone }: ClockReading,
  {
    now,
    tolerance,
    initial,
  }: { readonly now: number; readonly tolerance: number; readonly initial: boolean },
): { readonly time: number; readonly trusted: boolean } | undefined {
  if (at === undefined) return undefined;
  const expected = now + (offset ?? 0);
  const fits = (time: number) =>
    time <= expected + Math.max(tolerance, AHEAD_MS) && time >= expected - (initial ? STANDING_MS : LATE_MS);
  const isGood = offset === undefined ? Math.abs(now - at) <= tolerance : Math.abs(offset) <= tolerance;
  if (fits(at)) return { time: at, trusted: isGood };
  if (zone !== undefined && zone !== 0 && fits(at - zone)) return { time: at - zone, trusted: isGood };
  return { time: at, trusted: false };
}
