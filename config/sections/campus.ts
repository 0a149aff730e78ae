/** Which school this is. */
import { z } from 'zod';

export const campus = z.strictObject({
  id: z
    .string()
    .regex(/^\d{4,20}$/, '4 to 20 digits in quotes')
    .describe('The number of the campus with the platforms'),
  name: z.string().min(1).max(100).describe('Its name for people'),
});
