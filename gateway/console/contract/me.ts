/** Who looks, at what. */
import { z } from 'zod';
import { type Right, rights, roles } from '../rights.ts';

export const meSchema = z.object({
  name: z.string(),
  role: z.enum(roles),
  /** It logged in by one, and may change it. */
  hasPassword: z.boolean(),
  rights: z.array(z.enum(Object.keys(rights) as [Right, ...Right[]])),
  version: z.string(),
  campus: z.object({ id: z.string(), name: z.string(), timezone: z.string() }),
  /** What devices and areas are called by people, by their ids. */
  names: z.record(z.string(), z.string()),
  cameras: z.array(z.object({ id: z.string(), name: z.string().optional() })),
  /** The doors that have a screen. */
  gates: z.array(z.string()),
  /** The config has a ledger. */
  ledger: z.boolean(),
});
export type Me = z.output<typeof meSchema>;
