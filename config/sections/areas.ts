/** Zones that are armed together, and when. */
import { z } from 'zod';
import { duration, identifier } from '../../drivers/contract/options.ts';
import { clockTime, onDays, zoneName } from './values.ts';

export const area = z.strictObject({
  id: identifier().describe('Its name in commands, rules and events; no device may have it'),
  name: z.string().max(100).optional().describe('Its name for people'),
  zones: z
    .array(
      zoneName.extend({
        type: z
          .enum(['instant', 'delayed', '24-hour', 'panic', 'tamper', 'fire'])
          .default('instant')
          .describe('`instant` and `delayed` alarm while the area is armed; the others always'),
      }),
    )
    .min(1)
    .describe('What belongs to it. A zone in no area always alarms'),
  cameras: z
    .array(z.string())
    .default([])
    .describe('Those that see it: what they see moving soon after an alarm of it confirms the alarm'),
  entryDelay: duration({ most: '1h' })
    .prefault('30s')
    .describe('From a `delayed` zone to its alarm: the time to disarm'),
  exitDelay: duration({ most: '1h' })
    .prefault('60s')
    .describe('From `arm` until the area is armed: the time to leave'),
  schedule: z
    .array(
      z.strictObject({
        at: clockTime().describe('In `timezone`'),
        do: z.enum(['arm', 'disarm']),
        on: onDays()
          .default('every')
          .describe('Every day, school days, days without school, or days of the week'),
      }),
    )
    .default([]),
  whenOpen: z
    .enum(['bypass', 'refuse'])
    .default('bypass')
    .describe(
      'Where the schedule arms and a zone is open: bypass that zone, or do not arm and report a fault',
    ),
});
export type AreaConfig = z.output<typeof area>;
