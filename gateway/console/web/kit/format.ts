/** Times in the campus's zone, numbers and spans, as people read them. */

import { spans } from '../words/common.ts';
import { me } from './me.ts';
import { language, t } from './words.ts';

const locale = () => (language.value === 'zh' ? 'zh-CN' : 'en-GB');
const zone = () => me.value?.campus.timezone;
const formats = new Map<string, Intl.DateTimeFormat>();
function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify([locale(), zone(), options]);
  const known = formats.get(key);
  if (known !== undefined) return known;
  const timeZone = zone();
  const made = new Intl.DateTimeFormat(locale(), {
    hourCycle: 'h23',
    ...options,
    ...(timeZone !== undefined && { timeZone }),
  });
  formats.set(key, made);
  return made;
}

type Time = string | number;
const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
const DAY = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
/** `14:03:22` */
export const timeOf = (time: Time) => format(TIME).format(new Date(time));
/** `14:03` */
export const minuteOf = (time: Time) => format({ hour: '2-digit', minute: '2-digit' }).format(new Date(time));
/** `Sat` */
export const weekdayOf = (time: Time) => format({ weekday: 'short' }).format(new Date(time));
/** Of `2026-11-28`, which is a day of its own wherever it is read. */
export const weekdayOfDate = (date: string) =>
  new Intl.DateTimeFormat(locale(), { weekday: 'short', timeZone: 'UTC' }).format(new Date(`${date}T00:00Z`));
/** `28/11/2026` */
export const dayOf = (time: Time) => format(DAY).format(new Date(time));
/** Both. */
export const momentOf = (time: Time) => format({ ...DAY, ...TIME }).format(new Date(time));
/** The time alone where it was today, else the day too. */
export const shortOf = (time: Time) => (dayOf(time) === dayOf(Date.now()) ? timeOf(time) : momentOf(time));

/** `2 min`; of milliseconds. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return t(spans.seconds, { n: seconds });
  if (seconds < 3600) return t(spans.minutes, { n: Math.floor(seconds / 60) });
  if (seconds < 86_400) return t(spans.hours, { n: Math.floor(seconds / 3600) });
  return t(spans.days, { n: Math.floor(seconds / 86_400) });
}
export const numberOf = (value: number) => new Intl.NumberFormat(locale()).format(value);
/** `1.4 MB` */
export function bytesOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** step;
  return `${step === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[step]}`;
}
