/** Backups: what the config says of them, the last one, and those that are in their folder. Times are RFC 3339. */
import { z } from 'zod';

const time = z.string();

const outcomeSchema = z.object({
  at: time,
  tookMs: z.number(),
  /** A user of the console; `schedule`: by itself. */
  by: z.string(),
  done: z.boolean(),
  /** Of one that was made. */
  name: z.string().optional(),
  bytes: z.number().optional(),
  files: z.number().optional(),
  /** Names that the config takes from the environment: what they stand for is not in it. */
  environment: z.array(z.string()).optional(),
  /** What was left out, and why. */
  left: z.array(z.object({ file: z.string(), why: z.string() })).optional(),
  /** Of one that failed. */
  reason: z.string().optional(),
});

export const backupsSchema = z.object({
  /** Absent: the config has no `backup`. */
  how: z
    .object({
      recipients: z.array(z.string()),
      at: z.string(),
      keep: z.number(),
      folder: z.string(),
      clips: z.boolean(),
      nextAt: time,
    })
    .optional(),
  running: z.object({ at: time, by: z.string() }).optional(),
  /** Since the start of the gateway. */
  last: outcomeSchema.optional(),
  /** In the folder, the newest first. */
  list: z.array(z.object({ name: z.string(), at: time, bytes: z.number() })),
  /** Why the folder cannot be read. */
  unreadable: z.string().optional(),
});
export type Backups = z.output<typeof backupsSchema>;

export const begunSchema = z.object({ begun: z.literal(true) });
