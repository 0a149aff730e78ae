/** Where /health and /metrics are. */
import { z } from 'zod';

export const status = z
  .strictObject({
    host: z
      .string()
      .default('127.0.0.1')
      .describe('Loopback until told otherwise: there are no accounts yet'),
    port: z.int().min(1).max(65_535),
  })
  .optional()
  .describe('Serves /health and /metrics (Prometheus)');
