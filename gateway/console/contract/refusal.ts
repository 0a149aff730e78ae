/** What every API answers where it does not do what was asked. */
import { z } from 'zod';

export const refusal = z.object({
  error: z.string().describe('A short word, which has words for people on the pages'),
  detail: z.string().optional(),
});
