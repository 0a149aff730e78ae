/** What the screen at a gate is told. */
import { z } from 'zod';

export const gateHello = z.object({
  /** What people call the door. */
  door: z.string(),
  campus: z.string(),
  webVersion: z.string(),
});
export type GateHello = z.output<typeof gateHello>;

export const pickupSchema = z.object({
  decision: z.enum(['granted', 'denied', 'unknown']),
  reason: z.string().optional(),
  children: z.array(z.object({ name: z.string(), class: z.string().optional() })),
});
export type Pickup = z.output<typeof pickupSchema>;
