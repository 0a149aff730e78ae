/** Where the warnings of platforms are shown. */
import { z } from 'zod';

export const notices = z.strictObject({
  show: z.array(z.string()).default([]).describe('Devices that show a text: LED signs'),
  http: z
    .array(z.strictObject({ url: z.url({ protocol: /^https?$/, error: 'http:// or https://' }) }))
    .default([])
    .describe('Gets each notice as JSON by POST'),
});
export type NoticesConfig = z.output<typeof notices>;
