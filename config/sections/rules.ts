/** What the gateway does by itself. */
import { z } from 'zod';
import { observationKinds } from '../../drivers/contract/observation.ts';
import { duration, identifier } from '../../drivers/contract/options.ts';
import { commandActions } from '../catalogue/actions.ts';
import { clockTime, eventPattern, onDays, zoneName } from './values.ts';

const MINUTES = 'Told only where, for so long,';

/** Whom a rule tells, and when. */
const notify = z.strictObject({
  to: z.array(z.string()).min(1).max(50).describe('Ids of `contacts`'),
  unacknowledgedFor: duration({ least: '1s', most: '24h' })
    .optional()
    .describe(`${MINUTES} nobody has taken the alarm or closed it: 60s`),
  platformsAwayFor: duration({ least: '0s', most: '24h' })
    .optional()
    .describe(`${MINUTES} no platform is connected, and none has the event: 5m. The last resort`),
});

export const rule = z.strictObject({
  id: identifier().describe('Its name in the audit'),
  when: z
    .strictObject({
      event: eventPattern().default('alarm.raised').describe('A type, or a class such as "alarm.*"'),
      kinds: z.array(z.enum(observationKinds)).min(1).optional().describe('Only these: panic, intrusion...'),
      devices: z.array(z.string()).min(1).optional().describe('Only of these devices or areas'),
      zones: z.array(zoneName).min(1).optional().describe('Only of these zones'),
      areas: z.array(z.string()).min(1).optional().describe('Only of zones of these areas'),
      armed: z.array(z.string()).min(1).optional().describe('Only while all of these areas are armed'),
      between: z
        .strictObject({ from: clockTime(), to: clockTime() })
        .optional()
        .describe('Only at this time of day; from 22:00 to 06:30 is the night'),
      on: onDays().optional().describe('Only on such days'),
    })
    .prefault({})
    .describe('What sets it off; everything that is named must hold'),
  do: z
    .array(
      z.strictObject({
        target: z.string().describe('A device or an area'),
        action: z.enum(commandActions),
        arguments: z.record(z.string(), z.unknown()).default({}).describe('As in a command'),
        after: duration().prefault('0s').describe('How long it waits'),
        for: duration().optional().describe('How long it lasts, for `activate` and `hold`'),
      }),
    )
    .default([])
    .describe('What is switched, opened or filmed'),
  notify: z
    .array(notify)
    .default([])
    .describe('Who is told on the phone or by mail; what the test of a walk sets off tells nobody'),
  stopOnAcknowledge: z
    .boolean()
    .default(false)
    .describe(
      'What waits is dropped and what it switched on is switched off when an operator takes the alarm or closes it',
    ),
});
export type RuleConfig = z.output<typeof rule>;
