/** What is asked of a device, an area or the gateway, and what became of it. */
import { z } from 'zod';
import { type ActionName, commandActions } from '../../../config/catalogue/actions.ts';

const time = z.iso.datetime({ offset: true });

export const orderSchema = z.strictObject({
  /** Names it: a second one of the same user with it does nothing. Made where it is not given. */
  id: z.string().min(1).max(64).optional(),
  action: z.enum(commandActions as [ActionName, ...ActionName[]]),
  /** RFC 3339: as of a command of a platform; now, and half a minute later, where they are not given. */
  issuedAt: time.optional(),
  expiresAt: time.optional(),
  /** As the catalogue of actions says; `by` is filled in by the server. */
  arguments: z.record(z.string(), z.unknown()).default({}),
});
export type Order = z.input<typeof orderSchema>;

export const outcomeSchema = z.object({
  id: z.string().nullable(),
  done: z.boolean(),
  reason: z.string().optional(),
  /** It may have been carried out. */
  unknown: z.literal(true).optional(),
  result: z.record(z.string(), z.unknown()).optional(),
});
export type Outcome = z.output<typeof outcomeSchema>;
