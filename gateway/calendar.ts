/** On which days there is school, and which days a timetable, a rule or a time table means. Pure. */
import type { Temporal } from 'temporal-polyfill';
import type { CalendarConfig } from '../config/sections/calendar.ts';
import { type OnDays, weekday } from '../config/sections/values.ts';

/** Monday first, as in ISO 8601. */
const weekdays = weekday.options;

/** Whether a school has lessons on a day: its weekdays, without holidays, with the days that make up for them 调休. */
export function isSchoolDay(date: Temporal.PlainDate, calendar: CalendarConfig): boolean {
  const day = date.toString();
  if (calendar.makeUpDays.includes(day)) return true;
  if (calendar.holidays.some(({ from, to }) => from <= day && day <= to)) return false;
  return calendar.schoolDays.includes(weekdays[date.dayOfWeek - 1] ?? 'mon');
}

/** Whether a day is one of those that are meant. */
export function fitsDay(on: OnDays, date: Temporal.PlainDate, calendar: CalendarConfig): boolean {
  if (typeof on !== 'string') return on.includes(weekdays[date.dayOfWeek - 1] ?? 'mon');
  return on === 'every' || (on === 'school') === isSchoolDay(date, calendar);
}
