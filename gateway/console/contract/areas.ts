/** Areas as a page shows them, and what the calendar does with them. Times are RFC 3339. */
import { z } from 'zod';
import { deviceTroubleSchema, troubleSchema } from './troubles.ts';

const what = z.enum(['arm', 'disarm']);

export const areaZoneSchema = z.object({
  device: z.string(),
  account: z.string().optional(),
  zone: z.number(),
  /** As the device's list of zones has it. */
  id: z.string().optional(),
  name: z.string().optional(),
  kind: z.string().optional(),
  type: z.string(),
  /** Whether it alarms only while the area is armed, and may be bypassed. */
  armable: z.boolean(),
  /** As far as its device has said since the gateway's start. */
  open: z.boolean(),
  /** The area is not armed because of it, unless it is bypassed. */
  blocks: z.boolean(),
  /** `forced`: by who armed the area; it ends when that is disarmed. */
  bypassed: z.object({ by: z.string(), forced: z.boolean() }).optional(),
  /** An alarm of it stands. */
  alarm: z.boolean(),
  troubles: z.array(troubleSchema),
});
export type AreaZone = z.output<typeof areaZoneSchema>;

export const areaSchema = z.object({
  id: z.string(),
  name: z.string().optional(),
  state: z.enum(['disarmed', 'exit-delay', 'armed', 'entry-delay']),
  /** Of the delay that runs: how much is left of it, ms. */
  leftMs: z.number().optional(),
  exitDelayMs: z.number(),
  entryDelayMs: z.number(),
  since: z.string().optional(),
  by: z.string().optional(),
  /** The zone that began the entry delay: somebody came in by it, or it was left open. */
  entry: z.object({ device: z.string(), zone: z.number(), zoneName: z.string().optional() }).optional(),
  zones: z.array(areaZoneSchema),
  /** Of its devices as a whole. */
  troubles: z.array(deviceTroubleSchema),
  /** Those that see it. */
  cameras: z.array(z.string()),
  /** Its schedule could not arm it. */
  notArmed: z.object({ since: z.string(), reason: z.string() }).optional(),
  /** What its schedule does next. */
  next: z.object({ at: z.string(), do: what }).optional(),
});
export type Area = z.output<typeof areaSchema>;

export const areasSchema = z.object({ areas: z.array(areaSchema) });
export type Areas = z.output<typeof areasSchema>;

export const calendarSchema = z.object({
  timezone: z.string(),
  days: z.array(
    z.object({
      /** `2026-11-28`, in the campus's time zone. */
      date: z.string(),
      school: z.boolean(),
      /** The name of the holiday that it is in. */
      holiday: z.string().optional(),
      /** It makes up for a day of a holiday 调休. */
      makeUp: z.literal(true).optional(),
      transitions: z.array(z.object({ area: z.string(), at: z.string(), do: what })),
    }),
  ),
});
export type Calendar = z.output<typeof calendarSchema>;
