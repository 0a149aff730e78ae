/** What may be commanded, by whom: what a platform or the console may ask. */
import { z } from 'zod';
import { commandActions } from '../catalogue/actions.ts';

export const commandRule = z.strictObject({
  actions: z.array(z.enum(commandActions)).min(1).describe('What may be asked'),
  targets: z
    .array(z.string().min(1).max(64))
    .min(1)
    .describe('Of whom: devices, areas, `gateway`; a "*" at the end stands for anything'),
  issuers: z
    .array(z.string().min(1).max(100))
    .min(1)
    .optional()
    .describe('By whom, as the command says: believe it only where it must be signed; default anybody'),
  signed: z.boolean().default(false).describe('Only with the signature of an issuer of `commandKeys`'),
});
export type CommandRule = z.output<typeof commandRule>;

/** Of one source; more come too fast and are refused. */
export const commandRate = z
  .strictObject({
    perMinute: z.int().min(1).max(60_000).default(120).describe('So many, on average'),
    burst: z.int().min(1).max(10_000).default(30).describe('So many at once'),
  })
  .prefault({});
export type CommandRate = z.output<typeof commandRate>;
