/** Doors as a page shows them, and who is inside. Times are RFC 3339. */
import { z } from 'zod';
import { deviceTroubleSchema } from './troubles.ts';

export const doorSchema = z.object({
  id: z.string(),
  name: z.string().optional(),
  state: z.enum(['closed', 'unlocked', 'open', 'held', 'forced']),
  /** It is kept open until it is locked, as far as is known. */
  keptOpen: z.boolean(),
  direction: z.enum(['in', 'out']).optional(),
  /** Guardians come for children here: it has a screen. */
  pickup: z.boolean(),
  /** The device that tells whether it is open; without, it is only known to be unlocked or not. */
  contact: z.string().optional(),
  /** What moves it: none where its terminal does. */
  locks: z.array(z.object({ target: z.string(), output: z.string() })),
  readers: z.array(z.string()),
  /** Of its readers, locks and contact. */
  troubles: z.array(deviceTroubleSchema),
});
export type Door = z.output<typeof doorSchema>;

export const doorsSchema = z.object({
  doors: z.array(doorSchema),
  /** Since when only those may pass whom the config names. */
  lockdownSince: z.string().optional(),
  /** How many went in and did not come out, as far as cards tell. */
  inside: z.number(),
  /** How many visitors are here. */
  visitors: z.number(),
  /** When today began in the campus's time zone. */
  today: z.string(),
});
export type Doors = z.output<typeof doorsSchema>;

export const insideSchema = z.object({
  /** Of all that were found, these are not told. */
  more: z.number(),
  people: z.array(
    z.object({
      /** The school's id of the person. */
      holder: z.string(),
      name: z.string().optional(),
      class: z.string().optional(),
      since: z.string(),
    }),
  ),
  visitors: z.array(
    z.object({
      id: z.string(),
      stage: z.string(),
      name: z.string().optional(),
      host: z.string().optional(),
      purpose: z.string().optional(),
      until: z.string().optional(),
    }),
  ),
});
export type Inside = z.output<typeof insideSchema>;
