/** Days and months in numbers, as platforms are told of them; and when they are. Pure. */
import { Temporal } from 'temporal-polyfill';
import type { Entry, Tallies } from './entry.ts';
import { stateOf } from './entry.ts';
import type { AlarmNumbers, DayReport, DeviceDay } from './report.ts';

const HOUR_MS = 3_600_000;
const isoOf = (ms: number) => new Date(ms).toISOString();

/** The day before the one in which a time is: `2026-11-27`; and the month before it, on its first day. */
export function periodsBefore(now: number, timezone: string) {
  const local = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timezone);
  const today = local.toPlainDate();
  return {
    time: local.toPlainTime().toString({ smallestUnit: 'minute' }),
    today: today.toString(),
    day: today.subtract({ days: 1 }).toString(),
    month: today.toPlainYearMonth().subtract({ months: 1 }).toString(),
  };
}

/** Epoch ms of the beginning of a day, and of the next. @throws RangeError where it is none. */
export function boundsOfDay(day: string, timezone: string): { readonly from: number; readonly to: number } {
  const date = Temporal.PlainDate.from(day);
  const at = (one: Temporal.PlainDate) => one.toZonedDateTime(timezone).epochMilliseconds;
  return { from: at(date), to: at(date.add({ days: 1 })) };
}

/** The days of `2026-11`. */
export function daysOfMonth(month: string): readonly string[] {
  const first = Temporal.PlainYearMonth.from(month);
  return Array.from({ length: first.daysInMonth }, (_, i) => first.toPlainDate({ day: i + 1 }).toString());
}

const round = (value: number) => Math.round(value * 100) / 100;
const roundShare = (value: number | null) => (value === null ? null : Math.round(value * 10_000) / 10_000);

function linksOf(days: readonly DeviceDay[]) {
  const devices = new Set(days.map(({ device }) => device)).size;
  const online = days.reduce((sum, { onlineMs }) => sum + onlineMs, 0);
  const offline = days.reduce((sum, { offlineMs }) => sum + offlineMs, 0);
  const share = online + offline === 0 ? null : online / (online + offline);
  return { devices, share: roundShare(share), offlineHours: round(offline / HOUR_MS) };
}

function alarmsOf(all: readonly AlarmNumbers[]) {
  const sum = (of: (one: AlarmNumbers) => number) => all.reduce((total, one) => total + of(one), 0);
  const byKind: Record<string, number> = {};
  for (const one of all)
    for (const [kind, count] of Object.entries(one.byKind)) byKind[kind] = (byKind[kind] ?? 0) + count;
  const [real, wrong] = [sum((one) => one.real), sum((one) => one.false)];
  return {
    ...{ total: sum((one) => one.total), tests: sum((one) => one.tests), byKind, real, false: wrong },
    falseRate: real + wrong === 0 ? null : roundShare(wrong / (real + wrong)),
    ...{ unacknowledged: sum((one) => one.unacknowledged), open: sum((one) => one.open) },
  };
}

/** The details of `ledger.digest`. `reports`: of its days, the oldest first; `ledger`: of the whole time. */
export function digestOf(
  period: 'day' | 'month',
  of: string,
  reports: readonly DayReport[],
  { fault, hazard }: Tallies,
): Readonly<Record<string, unknown>> {
  const days = reports.flatMap(({ devices }) => devices);
  const drivers = [...new Set(days.map(({ driver }) => driver))].sort();
  return {
    ...{ period, of },
    ...{ from: isoOf(reports[0]?.from ?? 0), to: isoOf(reports.at(-1)?.to ?? 0) },
    alarms: alarmsOf(reports.map(({ alarms }) => alarms)),
    links: {
      ...linksOf(days),
      byClass: Object.fromEntries(
        drivers.map((driver) => [driver, linksOf(days.filter((one) => one.driver === driver))]),
      ),
    },
    faults: fault,
    hazards: hazard,
  };
}

/** The details of `ledger.opened`, `ledger.closed` and `ledger.overdue`: nothing of persons is in them. */
export function detailsOf(entry: Entry, now: number): Readonly<Record<string, unknown>> {
  const { number, kind, device, place, fault, cause, what, since, deadline } = entry;
  const known = Object.entries({ device, place, fault, cause, what }).filter(([, value]) => value !== null);
  return {
    ...{ number, entry: kind },
    ...Object.fromEntries(known),
    since: isoOf(since),
    ...(deadline !== null && { deadline: isoOf(deadline) }),
    state: stateOf(entry, now),
  };
}
