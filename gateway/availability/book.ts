/**
 * Since when, and for how long, devices answered: their links, by days of the campus's zone. A value that follows the
 * journal entry by entry, so that a thread can make it and hand it over. While the gateway does not run nothing is known.
 */
import { Temporal } from 'temporal-polyfill';
import type { Availability, Outage } from '../console/contract/devices.ts';

export const DAYS = 30;
/** Of one device, the newest; a link that flaps has more, and days count them all. */
const OUTAGES_MAX = 50;
const REASON_MAX = 200;
/** Accounts or units of one device. */
const PARTS_MAX = 1000;

/** What is known of one device. */
interface Line {
  /** Whether each part of it answers; '' is the device as a whole. */
  readonly parts: Map<string, boolean>;
  /** Of them, how many do not. */
  down: number;
  /** Up to when it is in `days`, epoch ms; undefined: nothing is known of it. */
  since: number | undefined;
  /** By the beginning of the day, epoch ms. */
  readonly days: Map<number, Sums>;
  readonly outages: { from: number; to?: number; reason?: string }[];
}
interface Sums {
  onlineMs: number;
  offlineMs: number;
  outages: number;
}

/** A plain value: it crosses threads. */
export interface AvailabilityContent {
  readonly timezone: string;
  readonly lines: Map<string, Line>;
}

/** What is looked at of an entry of the journal. */
export interface LinkWord {
  readonly type: string;
  readonly seenAt: number;
  readonly device: string;
  /** Of `gateway.started`: when the event before it was seen, epoch ms; until then the gateway ran. */
  readonly before?: number | null;
  /** A part of the device, and why it does not answer. */
  readonly part?: string | undefined;
  readonly reason?: string | undefined;
}

export const isOfLinks = (type: string): boolean =>
  type === 'device.online' || type === 'device.offline' || type === 'gateway.started';

export const newAvailability = (timezone: string): AvailabilityContent => ({
  timezone,
  lines: new Map(),
});

/** The part and the reason in an event `device.online` or `device.offline`. */
export function linkWordIn(data: Readonly<Record<string, unknown>>): Pick<LinkWord, 'part' | 'reason'> {
  const { details, text } = data as { details?: { part?: unknown }; text?: unknown };
  const { part } = details ?? {};
  return {
    ...(typeof part === 'string' && { part }),
    ...(typeof text === 'string' && { reason: text.slice(0, REASON_MAX) }),
  };
}

/** The beginnings of days, as they are asked for. */
function createDays(timezone: string) {
  const zoned = (at: number) => Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
  let known = { from: 0, to: 0 };
  return {
    zoned,
    /** The day that a time is in. */
    of(at: number): { readonly from: number; readonly to: number } {
      if (at >= known.from && at < known.to) return known;
      const day = zoned(at).startOfDay();
      known = { from: day.epochMilliseconds, to: day.add({ days: 1 }).startOfDay().epochMilliseconds };
      return known;
    },
  };
}

export interface AvailabilityBook {
  readonly content: AvailabilityContent;
  /** One of those that `isOfLinks`, in their order. */
  note(word: LinkWord): void;
  /** Of the last days, up to `now`. */
  of(device: string, now: number): Availability;
}

export function createAvailabilityBook(content: AvailabilityContent): AvailabilityBook {
  const { lines, timezone } = content;
  const days = createDays(timezone);

  const sumsOf = (line: Line, day: number): Sums => {
    const sums = line.days.get(day) ?? { onlineMs: 0, offlineMs: 0, outages: 0 };
    line.days.set(day, sums);
    // One more than are shown: the oldest began before they did.
    for (const old of line.days.keys()) if (line.days.size > DAYS + 1) line.days.delete(old);
    return sums;
  };
  /** What was so from `from` to `to`, day by day. */
  const spend = (
    from: number,
    to: number,
    isOnline: boolean,
    add: (day: number, sums: Partial<Sums>) => void,
  ) => {
    for (let at = from; at < to; ) {
      const day = days.of(at);
      const until = Math.min(to, day.to);
      add(day.from, isOnline ? { onlineMs: until - at } : { offlineMs: until - at });
      at = until;
    }
  };
  const answers = ({ down }: Line) => down === 0;
  /** Counts what was known up to `at`; from then on it is as the caller says. */
  const settle = (line: Line, at: number, next: number) => {
    const { since } = line;
    line.since = next;
    if (since === undefined || at <= since) return;
    // What is older than a day more than is shown is never looked at again.
    const from = Math.max(since, at - (DAYS + 1) * 86_400_000);
    spend(from, at, answers(line), (day, { onlineMs = 0, offlineMs = 0 }) => {
      const sums = sumsOf(line, day);
      sums.onlineMs += onlineMs;
      sums.offlineMs += offlineMs;
    });
  };
  const begin = (line: Line, at: number, reason: string | undefined) => {
    sumsOf(line, days.of(at).from).outages++;
    line.outages.push({ from: at, ...(reason !== undefined && { reason }) });
    if (line.outages.length > OUTAGES_MAX) line.outages.shift();
  };
  const setPart = (line: Line, part: string, isOnline: boolean) => {
    const was = line.parts.get(part);
    if (was === undefined && line.parts.size >= PARTS_MAX) return;
    line.parts.set(part, isOnline);
    line.down += (was === false ? -1 : 0) + (isOnline ? 0 : 1);
  };
  const noteLink = ({ type, seenAt, device, part = '', reason }: LinkWord) => {
    const line = lines.get(device) ?? {
      parts: new Map(),
      down: 0,
      since: undefined,
      days: new Map(),
      outages: [],
    };
    lines.set(device, line);
    const before = line.parts.size === 0 ? undefined : answers(line);
    settle(line, seenAt, seenAt);
    setPart(line, part, type === 'device.online');
    const after = answers(line);
    if (!after && before !== false) begin(line, seenAt, reason);
    const last = line.outages.at(-1);
    if (after && last !== undefined && last.to === undefined) last.to = seenAt;
  };
  return {
    content,
    note(word) {
      const { type, seenAt, before } = word;
      if (type !== 'gateway.started') noteLink(word);
      else for (const line of lines.values()) settle(line, before ?? seenAt, seenAt);
    },
    of(device, now) {
      const line = lines.get(device);
      const shown = new Map(line?.days);
      if (line?.since !== undefined)
        spend(line.since, now, answers(line), (day, more) => {
          const { onlineMs = 0, offlineMs = 0, outages = 0 } = shown.get(day) ?? {};
          const sums = {
            outages,
            onlineMs: onlineMs + (more.onlineMs ?? 0),
            offlineMs: offlineMs + (more.offlineMs ?? 0),
          };
          shown.set(day, sums);
        });
      return summaryOf(shown, line?.outages ?? [], now, days.zoned);
    },
  };
}

function summaryOf(
  sums: ReadonlyMap<number, Sums>,
  outages: Line['outages'],
  now: number,
  zoned: (at: number) => Temporal.ZonedDateTime,
): Availability {
  const today = zoned(now).startOfDay();
  const days = Array.from({ length: DAYS }, (_, i) => {
    const day = today.subtract({ days: DAYS - 1 - i });
    const { onlineMs = 0, offlineMs = 0, outages: count = 0 } = sums.get(day.epochMilliseconds) ?? {};
    const ends = Math.min(now, day.add({ days: 1 }).epochMilliseconds);
    const unknownMs = Math.max(0, ends - day.epochMilliseconds - onlineMs - offlineMs);
    return { day: day.toPlainDate().toString(), onlineMs, offlineMs, unknownMs, outages: count };
  });
  const online = days.reduce((sum, { onlineMs }) => sum + onlineMs, 0);
  const known = online + days.reduce((sum, { offlineMs }) => sum + offlineMs, 0);
  const iso = (at: number) => new Date(at).toISOString();
  const told = outages.map(
    ({ from, to, reason }): Outage => ({
      from: iso(from),
      to: to === undefined ? null : iso(to),
      ...(reason !== undefined && { reason }),
    }),
  );
  return { share: known === 0 ? null : online / known, days, outages: told.reverse() };
}
