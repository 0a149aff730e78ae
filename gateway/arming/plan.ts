/**
 * What the schedules of areas will do, for people who look: kept, because many pages ask again and again, and time zones
 * cost 100 us a day and area.
 */
import { Temporal } from 'temporal-polyfill';
import type { AreaConfig } from '../../config/sections/areas.ts';
import type { CalendarConfig } from '../../config/sections/calendar.ts';
import { isSchoolDay } from '../calendar.ts';
import { onDay, type Transition, transitionsAround } from './schedule.ts';

/** A day as people plan it. */
export interface PlannedDay {
  /** `2026-11-28`, in the campus's time zone. */
  readonly date: string;
  readonly school: boolean;
  /** The name of the holiday that it is in, where that has one. */
  readonly holiday?: string;
  /** It makes up for a day of a holiday 调休. */
  readonly makeUp?: true;
  /** What areas are told to do, in order. */
  readonly transitions: readonly (Transition & { readonly area: string })[];
}

export interface Plan {
  /** A day, by how many days it is ahead of today. */
  day(ahead: number): PlannedDay;
  /** What an area is told next; undefined: nothing. */
  next(area: AreaConfig): Transition | undefined;
}

/** So often it is looked whether something else comes next: a clock may have been set. */
const FRESH_MS = 60_000;

/** `now`: epoch ms. */
export function createPlan(
  {
    areas,
    calendar,
    timezone,
  }: {
    readonly areas: readonly AreaConfig[];
    readonly calendar: CalendarConfig;
    readonly timezone: string;
  },
  now: () => number,
): Plan {
  /** Of today and what is ahead of it. */
  let days: { readonly today: string; readonly byAhead: Map<number, PlannedDay> } | undefined;
  const nextByArea = new Map<string, { readonly at: number; readonly next: Transition | undefined }>();

  const planDay = (date: Temporal.PlainDate): PlannedDay => {
    const day = date.toString();
    const holiday = calendar.holidays.find(({ from, to }) => from <= day && day <= to)?.name;
    const transitions = areas.flatMap(({ id, schedule }) =>
      onDay(schedule, calendar, timezone, date).map((one) => ({ area: id, ...one })),
    );
    return {
      date: day,
      school: isSchoolDay(date, calendar),
      ...(holiday !== undefined && { holiday }),
      ...(calendar.makeUpDays.includes(day) && { makeUp: true as const }),
      transitions: transitions.sort((a, b) => a.at - b.at),
    };
  };
  return {
    day(ahead) {
      const today = Temporal.Instant.fromEpochMilliseconds(now()).toZonedDateTimeISO(timezone).toPlainDate();
      if (days?.today !== today.toString()) days = { today: today.toString(), byAhead: new Map() };
      const found = days.byAhead.get(ahead) ?? planDay(today.add({ days: ahead }));
      days.byAhead.set(ahead, found);
      return found;
    },
    next({ id, schedule }) {
      const at = now();
      const known = nextByArea.get(id);
      const isFresh = known !== undefined && known.at <= at && at - known.at < FRESH_MS;
      if (isFresh && (known.next === undefined || known.next.at > at)) return known.next;
      const { next } = transitionsAround(schedule, calendar, timezone, at);
      nextByArea.set(id, { at, next });
      return next;
    },
  };
}
