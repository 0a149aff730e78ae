/** How the whole is: what every page's header shows. */
import { z } from 'zod';

/** `alarm`: an alarm stands; `bad`: alarms may be lost or late; `warn`: something is to be looked after. */
export const levels = ['good', 'warn', 'bad', 'alarm'] as const;
export type Level = (typeof levels)[number];

/** Why it is no better; each with words of its own (web/words/overview.ts). */
export const causes = [
  'alarms-standing',
  'disk-refuses',
  'disk-low',
  'events-unsaved',
  'platform-behind',
  'platform-away',
  'devices-offline',
  'faults-standing',
  'clock-unsynchronised',
] as const;

export const overviewSchema = z.object({
  /** RFC 3339: when it was looked at. */
  at: z.string(),
  level: z.enum(levels),
  because: z.array(
    z.object({
      cause: z.enum(causes),
      level: z.enum(levels),
      count: z.number(),
      /** The first of those that it is about, by their ids. */
      of: z.array(z.string()),
    }),
  ),
  /** Alarms that stand, or are not closed. */
  alarms: z.number(),
});
export type Overview = z.output<typeof overviewSchema>;
