/** Warnings of platforms to the school. That one was read is a command, `read`, like all that is done. */
import { z } from 'zod';

export const noticesSchema = z.array(
  z.object({
    id: z.string(),
    severity: z.string(),
    text: z.string(),
    /** RFC 3339. */
    validUntil: z.string(),
    area: z.string().optional(),
    /** Who has read it since the gateway started. */
    readers: z.array(z.object({ by: z.string(), at: z.string() })),
  }),
);
export type Notice = z.output<typeof noticesSchema>[number];
