/** When there is school. */
import { z } from 'zod';
import { weekday } from './values.ts';

export const calendar = z.strictObject({
  schoolDays: z.array(weekday).default(['mon', 'tue', 'wed', 'thu', 'fri']),
  holidays: z
    .array(
      z.strictObject({
        from: z.iso.date().describe('The first day'),
        to: z.iso.date().describe('The last day'),
        name: z.string().max(100).optional(),
      }),
    )
    .default([]),
  makeUpDays: z.array(z.iso.date()).default([]).describe('School days on a weekend or in a holiday 调休'),
});
export type CalendarConfig = z.output<typeof calendar>;
