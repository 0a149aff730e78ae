/** The cameras: what each can, its presets, what was kept of it. */
import { z } from 'zod';

export const cameraSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** The first area that it sees. */
  area: z.object({ id: z.string(), name: z.string() }).optional(),
  /** null: it was not heard of yet. */
  online: z.boolean().nullable(),
  maker: z.string().optional(),
  model: z.string().optional(),
  /** Whether it turns; null: it has not said. */
  turns: z.boolean().nullable(),
  /** Whether what was before a clip is kept too. */
  clips: z.boolean(),
  /** The actions that it can be asked for, by anybody. */
  actions: z.array(z.string()),
});
export type Camera = z.output<typeof cameraSchema>;
export const camerasSchema = z.object({ cameras: z.array(cameraSchema) });

export const presetsSchema = z.object({
  presets: z.array(
    z.object({
      /** What `preset` of a command takes. */
      token: z.string(),
      /** For people; where it has none, the token. */
      name: z.string(),
    }),
  ),
});
export type Presets = z.output<typeof presetsSchema>;

export const clipsSchema = z.object({
  /** The newest first. */
  clips: z.array(
    z.object({
      /** As /api/media/{reference} takes it. */
      id: z.string(),
      /** RFC 3339. */
      from: z.string(),
      to: z.string(),
      bytes: z.number(),
      /** The id of the alarm's event. */
      event: z.string().optional(),
    }),
  ),
  /** So many more are kept, older ones. */
  more: z.int(),
});
export type Clips = z.output<typeof clipsSchema>;
