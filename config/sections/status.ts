/** Where /health and /metrics are. */
import { z } from 'zod';

export const status = z
  .strictObject({
    host: z
      .string()
      .default('127.0.0.1')
      .describe('Loopback until told otherwise: there are no accounts yet'),
    port: z.int().min(1).max(65_535),
    names: z.array(z.string()).default([]).describe('Names, beside `host`, that it answers to'),
  })
  .optional()
  .describe('Serves /health and /metrics (Prometheus)');
export type StatusConfig = NonNullable<z.output<typeof status>>;
