/** Walk tests: what runs, what there is to try, and the reports of those that ended. */
import { z } from 'zod';
import { pointKinds } from '../../walk-test/points.ts';

const time = z.string().describe('UTC, RFC 3339');
const count = z.int().min(0);
const ms = z.number().min(0).describe('ms since its bytes came over the wire');

export const tickSchema = z.object({
  at: time.describe('The first time'),
  count,
  event: z
    .string()
    .optional()
    .describe(
      'The first that was told; absent: it was heard and not told, as of a disarmed area, and is not tested',
    ),
  disk: ms.optional(),
  platforms: z
    .record(z.string(), ms)
    .describe('By platform: it has taken it, or stored it where it sends receipts'),
  lamp: ms.optional().describe('The lamp of who pressed was lit'),
  refused: z.literal(true).optional().describe('The disk refused it'),
});
export type Tick = z.output<typeof tickSchema>;

export const pointSchema = z.object({
  id: z.string(),
  kind: z.enum(pointKinds),
  device: z.string(),
  account: z.string().optional(),
  zone: z.number().optional(),
  name: z.string(),
  areas: z.array(z.string()),
  tick: tickSchema.optional(),
  remark: z.object({ text: z.string(), by: z.string() }).optional(),
});
export type WalkPoint = z.output<typeof pointSchema>;

const other = z.object({
  why: z.enum(['unknown', 'outside']).describe('Not in the config; or not under test: it alarms as ever'),
  device: z.string(),
  account: z.string().optional(),
  zone: z.number().optional(),
  name: z.string().optional(),
  kind: z.string(),
  at: time.describe('The last time'),
  count,
});

export const walkTestSchema = z.object({
  running: z
    .object({
      id: z.string(),
      by: z.string(),
      startedAt: time,
      until: time.describe('When it ends by itself'),
      areas: z.array(z.string()).nullable().describe('null: the whole campus'),
      others: z.array(other),
      isEnding: z.boolean(),
    })
    .optional(),
  points: z.array(pointSchema).describe('Under test; while none runs, all that there are'),
  areas: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      armed: z.boolean().describe('Zones of an area that is not armed are heard, and raise no alarm'),
      points: count,
    }),
  ),
  platforms: z.array(z.string()),
});
export type WalkTestView = z.output<typeof walkTestSchema>;

/** At most what a mark may last (config/catalogue/actions/areas.ts). */
export const WALK_MINUTES_MAX = 480;
export const beginWalkSchema = z.strictObject({
  areas: z.array(z.string().max(64)).min(1).max(1000).nullable().describe('null: the whole campus'),
  minutes: z.number().min(1).max(WALK_MINUTES_MAX),
});
export const remarkSchema = z.strictObject({
  point: z.string().max(300),
  text: z.string().max(200).describe('Empty: takes it back'),
});

export const walkReportsSchema = z.object({
  canPrint: z.boolean().describe('The machine has a Chromium that makes PDFs'),
  reports: z.array(
    z.object({
      id: z.string(),
      by: z.string(),
      startedAt: time,
      endedAt: time,
      ending: z.enum(['asked', 'time', 'elsewhere']),
      areas: z.array(z.object({ id: z.string(), name: z.string() })).nullable(),
      points: count,
      tried: count,
    }),
  ),
});
export type WalkReports = z.output<typeof walkReportsSchema>;
export const endedWalkSchema = z.object({ report: z.string() });
