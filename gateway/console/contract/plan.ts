/** The plan of the campus: a picture, and what was placed on it. */
import { z } from 'zod';

export const placeKinds = ['zone', 'door', 'camera', 'reader', 'device'] as const;
export type PlaceKind = (typeof placeKinds)[number];

/** Things that may be placed. A school of 3,000 pupils has some 300; the page draws each. */
export const PLACES_MAX = 1000;

/** Where something is: of the picture's width and height, from its left upper corner. */
export const placeSchema = z.strictObject({
  kind: z.enum(placeKinds),
  /** Of a zone as alarms name it, `panel/1234/north`; else the device, or the door. */
  id: z.string().min(1).max(300),
  x: z.number().min(0).max(1),
  y: z.number().min(0).max(1),
});
export type Place = z.output<typeof placeSchema>;

/** The worst first. */
export const placeLevels = ['alarm', 'trouble', 'active', 'good', 'off', 'unknown'] as const;
export type PlaceLevel = (typeof placeLevels)[number];

/** How something is: in one word for its colour, in one for its state, and what stands of it. */
export const howSchema = z.object({
  /** `off`: it watches nothing now, as of a disarmed area; `active`: something goes on that is no alarm. */
  level: z.enum(placeLevels),
  state: z.enum([
    'online',
    'offline',
    'unknown',
    'armed',
    'disarmed',
    'bypassed',
    'closed',
    'unlocked',
    'open',
    'held',
    'forced',
    'gone',
  ]),
  /** Alarms and faults that stand there, and what a camera sees, the newest first. */
  standing: z.array(
    z.object({
      kind: z.string(),
      cause: z.string().optional(),
      /** RFC 3339. */
      since: z.string(),
    }),
  ),
});
export type How = z.output<typeof howSchema>;

/** Something that can be placed. */
export const thingSchema = z.object({
  kind: z.enum(placeKinds),
  id: z.string(),
  name: z.string(),
  /** The device that it is, or is of; of a door its first reader. */
  device: z.string(),
  /** The area that it is in, or sees. */
  area: z.object({ id: z.string(), name: z.string() }).optional(),
});
export type Thing = z.output<typeof thingSchema>;

export const planSchema = z.object({
  /** Names what was saved: whoever saves says on what it stands. */
  version: z.int(),
  picture: z
    .object({
      /** SHA-256 of the file, hex. */
      id: z.string(),
      width: z.int(),
      height: z.int(),
    })
    .nullable(),
  places: z.array(
    z.object({
      ...placeSchema.shape,
      ...thingSchema.omit({ kind: true, id: true }).shape,
      ...howSchema.shape,
    }),
  ),
});
export type Plan = z.output<typeof planSchema>;

export const thingsSchema = z.object({ things: z.array(thingSchema) });

export const savePlacesSchema = z.strictObject({
  /** On which version it stands: where another one was saved meanwhile, it is refused. */
  version: z.int().min(0),
  places: z
    .array(placeSchema)
    .max(PLACES_MAX)
    .refine(
      (all) => new Set(all.map(({ kind, id }) => `${kind} ${id}`)).size === all.length,
      'something stands twice',
    ),
});
