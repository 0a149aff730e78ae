/** What is answered where something cannot be: `error` is a word of the server's, which has labels in words. */
import { z } from 'zod';

export const refusedSchema = z.object({ error: z.string(), detail: z.string().optional() });
export type Refusal = z.output<typeof refusedSchema>;
