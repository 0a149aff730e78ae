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

/** What an analysis may take until it is told, and what clocks are apart beside their tolerance. */
const SLOW_MS = 10_000;
/** A clock that was set to nothing says nothing. */
const DAY_MS = 86_400_000;

/** An answer with notifications. */
export interface Answered {
  /** What the camera's clock said then (`CurrentTime`, ONVIF Core 9.1.3), epoch ms. */
  readonly now: number | undefined;
  /** Our own, epoch ms. */
  readonly at: number;
  /** Since the last answer that left nothing to be told, ms: what is told now happened in that time. */
  readonly sinceMs: number;
}

/** Its clock as it was when it answered: it may have stepped since it was read. */
export function readingAt(reading: ClockReading, { now, at }: Answered): ClockReading {
  if (now === undefined || Math.abs(now - at) > DAY_MS) return reading;
  const isNear = (offset: number) => Math.abs(offset - (reading.offset ?? 0)) <= AHEAD_MS;
  const { zone = 0 } = reading;
  // It says its seconds only, and some their local time.
  if (isNear(now - at) || isNear(now - at - zone))
    return reading.offset === undefined ? { ...reading, offset: 0 } : reading;
  return { ...reading, offset: now - at };
}

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
    sinceMs = LATE_MS,
  }: {
    readonly now: number;
    readonly tolerance: number;
    readonly initial: boolean;
    readonly sinceMs?: number;
  },
): { readonly time: number; readonly trusted: boolean } | undefined {
  if (at === undefined) return undefined;
  const expected = now + (offset ?? 0);
  // Some bear the time of what was told before.
  const oldest = initial ? STANDING_MS : Math.min(LATE_MS, sinceMs + SLOW_MS + tolerance);
  const fits = (time: number) =>
    time <= expected + Math.max(tolerance, AHEAD_MS) && time >= expected - oldest;
  const isGood = offset === undefined ? Math.abs(now - at) <= tolerance : Math.abs(offset) <= tolerance;
  if (fits(at)) return { time: at, trusted: isGood };
  if (zone !== undefined && zone !== 0 && fits(at - zone)) return { time: at - zone, trusted: isGood };
  return { time: at, trusted: false };
}
