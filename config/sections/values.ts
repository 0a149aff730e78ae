/** What several sections hold: secrets, sizes, times of day, patterns of events. */
import { z } from 'zod';
import { eventClasses } from '../catalogue/events.ts';

const sizeUnits = { kB: 1000, MB: 1_000_000, GB: 1_000_000_000, TB: 1_000_000_000_000 } as const;

export function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** `500MB`, `8GB` -> bytes. */
export function size() {
  return z
    .string()
    .regex(/^\d{1,6}(kB|MB|GB|TB)$/, 'a size such as 500MB or 8GB')
    .transform((text) => {
      const unit = text.replace(/^\d+/, '') as keyof typeof sizeUnits;
      return Number.parseInt(text, 10) * sizeUnits[unit];
    });
}

export const byClass = <T extends z.ZodType>(value: T) => z.partialRecord(z.enum(eventClasses), value);

export const clockTime = () => z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time such as 06:30');
export const weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);
export const onDays = () => z.union([z.enum(['every', 'school', 'free']), z.array(weekday).min(1)]);
export type OnDays = z.output<ReturnType<typeof onDays>>;
export const eventPattern = () =>
  z
    .string()
    .regex(
      /^(\*|[a-z]+\.(\*|[a-z-]+))$/,
      '"*", a class such as "alarm.*", or a type such as "device.offline"',
    );

export const zoneName = z.strictObject({
  device: z.string(),
  account: z
    .string()
    .optional()
    .describe('Of which panel, where several accounts report to the device: the account, in quotes'),
  zone: z.int().min(0).max(9999),
});
export type ZoneName = z.output<typeof zoneName>;
