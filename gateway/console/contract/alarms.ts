/** What the page of alarms is told: GET /api/alarms. */
import { z } from 'zod';

const time = z.string().describe('UTC, RFC 3339');
const named = z.object({ id: z.string(), name: z.string().optional() });

const act = z.object({
  by: z.string().describe('Who'),
  via: z.string().describe('Where: `console`, or a platform by its id in the config'),
  at: time,
});

const picture = z.object({
  reference: z.string().describe('For /api/media/'),
  contentType: z.string(),
  device: z.string().describe('The camera'),
});

/** One time that a thing alarmed: an event `alarm.raised`. */
const raising = z.object({
  id: z.string(),
  sequence: z
    .string()
    .nullable()
    .describe(
      'Its number in the journal; null: the disk has not taken it, and it cannot be acknowledged yet',
    ),
  time: time.describe('When it happened'),
  seenAt: time.describe('When the gateway saw it'),
  clock: z.enum(['device', 'gateway']).describe('Whose clock `time` is of'),
  text: z.string().optional(),
  test: z.string().optional().describe('walk-test, maintenance; a later version may know more'),
  repeats: z.number().optional().describe('So many alarms of a zone that flaps are told as this one'),
  ended: z
    .object({ at: time, how: z.enum(['restored', 'cancelled']) })
    .optional()
    .describe('A panel restored it, or a user of the panel cancelled it'),
  confirmed: z.object({ at: time }).optional().describe('Another zone or a camera confirmed it'),
  acknowledged: act.optional(),
  closed: act
    .extend({ reason: z.string().describe('A later version may know more'), note: z.string().optional() })
    .optional(),
  pictures: z.array(picture).describe('Pictures and clips of it, the oldest first'),
});

const thing = z.object({
  key: z.string().describe('Names the thing that alarms: device, zone, kind and cause'),
  kind: z.string().describe('A kind of alarm, or `forced`: a door that nobody had unlocked'),
  cause: z.string().optional(),
  device: named,
  zone: z.object({ number: z.number(), id: z.string().optional(), name: z.string().optional() }).optional(),
  account: z.string().optional().describe('Of which panel'),
  part: z.string().optional().describe('Of the device, where it is no zone'),
  area: named.optional(),
  cameras: z.array(named).describe('That see it'),
});

/** A thing that alarmed, until it is restored and each of its alarms is closed. */
const alarm = thing.extend({
  active: z.boolean().describe('It is so now; false: it was restored, or is over as it happens'),
  closes: z.boolean().describe('Somebody can take and close it; a forced door ends when it is shut'),
  raisings: z.array(raising).describe('Those that are not closed, or are active; the newest first'),
});
export type Alarm = z.output<typeof alarm>;
export type Raising = z.output<typeof raising>;
export type Picture = z.output<typeof picture>;

/** An alarm that is over and closed. */
const finishedAlarm = thing.extend({ raising });
export type FinishedAlarm = z.output<typeof finishedAlarm>;

export const alarmsSchema = z.object({
  loading: z.boolean().describe('What stands from before the start is still being read'),
  alarms: z.array(alarm).describe('Not acknowledged ones first, tests last; then the newest first'),
  more: z.number().describe('Alarms that stand and are not listed here'),
  unacknowledged: z.number().describe('Things that stand and nobody has taken, tests aside'),
  finished: z.array(finishedAlarm).describe('The last ones that were closed, the newest first'),
  sirens: z
    .array(
      z.object({
        target: z.string(),
        name: z.string().optional(),
        output: z.string(),
        on: z
          .boolean()
          .optional()
          .describe(
            'By what rules and commands did since the start; without a word: nobody switched it since',
          ),
      }),
    )
    .describe('Outputs that rules of the campus switch on for alarms'),
});
export type Alarms = z.output<typeof alarmsSchema>;
