/** Devices: how they are and why, what they can be told, and what goes over their wires. */
import { z } from 'zod';
import { commandActions } from '../../../config/catalogue/actions.ts';

/** As gateway/observe/device-logs.ts has them, which the pages cannot load. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export const levelWantedSchema = z.strictObject({
  level: z.enum(logLevels),
  minutes: z.int().min(1).max(1440).describe('Then it is as before'),
});

const time = z.string().describe('UTC, RFC 3339');
const count = z.int().min(0);

/** `alarm`: an alarm stands, a tamper too; `bad`: it does not answer, or sees nothing; `warn`: a fault stands. */
export const deviceLevels = ['alarm', 'bad', 'warn', 'unknown', 'good'] as const;

const standing = z.object({
  kind: z.string().describe('An alarm, `fault`, `battery`, `power` or `video`'),
  cause: z.string().optional(),
  at: z.string().optional().describe('The number of the zone, or the part, where it is of one'),
  name: z.string().optional().describe('Of the zone, where the config has one'),
  since: time,
  reason: z.string().optional(),
});

const deviceLine = z.object({
  id: z.string(),
  name: z.string().optional(),
  driver: z.string(),
  level: z.enum(deviceLevels),
  online: z.boolean().nullable().describe('null: not heard of since the start'),
  since: time.optional().describe('Since when it answers, or does not'),
  reason: z.string().optional().describe('Why it does not answer'),
  parts: z.array(z.string()).describe('Accounts or units of it that do not answer'),
  heardAt: time.nullable().describe('When it was last heard; null: not since the start'),
  standing: z.array(standing).describe('Faults, then alarms, as they began; 20 at most'),
  faults: count,
  alarms: count,
  battery: z.enum(['good', 'low']),
  mains: z.enum(['good', 'lost']),
  discarded: count.describe('Frames and noise that made no sense, since the start'),
});
export type DeviceLine = z.output<typeof deviceLine>;
export const devicesSchema = z.object({ devices: z.array(deviceLine) });
export type Devices = z.output<typeof devicesSchema>;

const argument = z.object({
  name: z.string(),
  kind: z.enum(['text', 'number', 'flag', 'choice']),
  required: z.boolean(),
  choices: z.array(z.string()).optional().describe('Of `choice`'),
  least: z.number().optional(),
  most: z.number().optional().describe('Of a number; of a text, characters'),
  usual: z.union([z.string(), z.number(), z.boolean()]).optional().describe('Where it is left out'),
});
export type Argument = z.output<typeof argument>;
const deviceCommand = z.object({ action: z.enum(commandActions), arguments: z.array(argument) });

export const deviceSchema = deviceLine.extend({
  line: z.string().describe('The wire'),
  isOpen: z.boolean(),
  others: z.array(z.string()).describe('Other devices on the wire'),
  maker: z.string().optional(),
  model: z.string().optional(),
  firmware: z.string().optional(),
  discards: z.array(z.object({ reason: z.string(), count, detail: z.string().optional() })),
  unmapped: z
    .array(z.object({ what: z.string(), count }))
    .describe(
      'What it told and nothing maps, the most frequent first; empty for who has no right to devices',
    ),
  commands: z.array(deviceCommand).describe('What it can be told by who asks'),
  log: z
    .object({ level: z.enum(logLevels), until: time })
    .nullable()
    .describe('What its log was set to for a while; null: as the gateway was started'),
});
export type DeviceDetail = z.output<typeof deviceSchema>;

const outage = z.object({ from: time, to: time.nullable(), reason: z.string().optional() });
export type Outage = z.output<typeof outage>;
const ms = z.number().min(0);
export const availabilitySchema = z.object({
  share: z.number().nullable().describe('Of what is known of the 30 days, 0 to 1; null: nothing is'),
  days: z
    .array(
      z.object({
        day: z.string().describe("YYYY-MM-DD, in the campus's zone"),
        onlineMs: ms,
        offlineMs: ms,
        unknownMs: ms.describe('The gateway did not run, or had not heard of it'),
        outages: count,
      }),
    )
    .describe('The oldest first, today last'),
  outages: z.array(outage).describe('The newest first, 50 at most'),
});
export type Availability = z.output<typeof availabilitySchema>;

const frame = z.object({
  number: z.number().describe('Of the read or write that ended it, counted since the start'),
  at: time,
  said: z.boolean().describe('The gateway wrote it'),
  peer: z.string(),
  what: z.string().describe("The protocol's word for it"),
  detail: z.string(),
  length: count,
  hex: z.string().nullable().describe('Its beginning; null: it holds what who asks may not see'),
  holds: z.enum(['nothing', 'person', 'secret']),
});
export type Frame = z.output<typeof frame>;
export const wireSchema = z.object({
  isOpen: z.boolean(),
  isComplete: z.boolean().describe('Nothing of the last minute had to go for want of room'),
  isExplained: z.boolean().describe('The driver puts it into words'),
  frames: z.array(frame).describe('The oldest first'),
  left: count.describe('Older ones of the last minute that are not listed'),
  routine: count.describe('Polls and heartbeats that were left out'),
  next: z.number().describe('To ask for what comes after'),
});
export type WireLook = z.output<typeof wireSchema>;
