/**
 * When areas are armed and disarmed by the clock: by days of the school's calendar and times of its time zone. Pure.
 *
 * A time that summer time leaves out (02:30 where 02:00 becomes 03:00) is taken as much later as the clock jumped; one
 * that comes twice, the first time (Temporal's `compatible`, as RFC 5545 has it).
 */
import { Temporal } from 'temporal-polyfill';
import type { AreaConfig } from '../../config/sections/areas.ts';
import type { CalendarConfig } from '../../config/sections/calendar.ts';
import { fitsDay } from '../calendar.ts';

export type Schedule = AreaConfig['schedule'];

export interface Transition {
  /** Epoch ms. */
  readonly at: number;
  readonly do: 'arm' | 'disarm';
}

/** Holidays of any length have a transition in so many days, if there is one at all. */
const DAYS = 400;

/** The transitions of one day, in order. */
export function onDay(
  schedule: Schedule,
  calendar: CalendarConfig,
  timezone: string,
  date: Temporal.PlainDate,
): Transition[] {
  return schedule
    .filter(({ on }) => fitsDay(on, date, calendar))
    .map(({ at, do: what }) => ({
      at: date.toZonedDateTime({ timeZone: timezone, plainTime: Temporal.PlainTime.from(at) })
        .epochMilliseconds,
      do: what,
    }))
    .sort((a, b) => a.at - b.at);
}

/** The last transition at or before `now` (epoch ms), and the next one after it; undefined: there is none. */
export function transitionsAround(
  schedule: Schedule,
  calendar: CalendarConfig,
  timezone: string,
  now: number,
): { readonly last: Transition | undefined; readonly next: Transition | undefined } {
  if (schedule.length === 0) return { last: undefined, next: undefined };
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timezone).toPlainDate();
  const find = (step: 1 | -1, pick: (all: Transition[]) => Transition | undefined) => {
    for (let days = 0; days < DAYS; days++) {
      const found = pick(onDay(schedule, calendar, timezone, today.add({ days: days * step })));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    last: find(-1, (all) => all.findLast(({ at }) => at <= now)),
    next: find(1, (all) => all.find(({ at }) => at > now)),
  };
}
