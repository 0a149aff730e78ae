/** What stands at a device or a zone and keeps it from telling of an alarm. */
import { z } from 'zod';

export const troubleSchema = z.object({
  /** `link`: it does not answer; else as events have it: `fault`, `battery`, `power`, `tamper`, `video`. */
  kind: z.string(),
  cause: z.string().optional(),
  /** Of a panel behind a receiver. */
  account: z.string().optional(),
  /** Of a part of the device: an account, a unit. */
  part: z.string().optional(),
  reason: z.string().optional(),
  /** RFC 3339. */
  since: z.string(),
});
export type Trouble = z.output<typeof troubleSchema>;

/** One of several devices' troubles. */
export const deviceTroubleSchema = troubleSchema.extend({ device: z.string() });
export type DeviceTrouble = z.output<typeof deviceTroubleSchema>;
