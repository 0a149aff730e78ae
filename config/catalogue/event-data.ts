/** The shapes of what events carry: `data` in docs/events/. */
import { z } from 'zod';
import { alarmKinds, visitStages } from '../../drivers/contract/observation.ts';

export const iso = z.iso.datetime({ offset: false }).describe('UTC, RFC 3339');

const clock = z
  .strictObject({
    source: z.enum(['device', 'gateway']).describe('Whose clock `time` is of'),
    deviceTime: iso.optional().describe('What the device said, believed or not'),
    seenAt: iso.describe('When the gateway saw it'),
    synchronised: z
      .boolean()
      .nullable()
      .describe("Whether the gateway's clock was synchronised; null: not known"),
  })
  .describe('How far `time` can be trusted');

const code = z
  .strictObject({
    sia: z.string().optional().describe('SIA DC-03'),
    contactId: z.string().optional().describe('Contact ID with its qualifier: E new, R restore'),
    gb28181: z
      .strictObject({
        priority: z.int().min(1).max(4).describe('AlarmPriority, 1 is highest'),
        method: z.int().min(1).max(7).describe('AlarmMethod'),
        type: z.int().optional().describe('AlarmType under this method'),
      })
      .optional()
      .describe('GB/T 28181'),
  })
  .describe('The standard codes of what happened');

/** What the events of devices have in common. */
const observed = {
  state: z.enum(['raised', 'restored']),
  device: z.strictObject({ id: z.string(), name: z.string().optional() }),
  zone: z
    .strictObject({ number: z.int(), id: z.string().optional(), name: z.string().optional() })
    .optional()
    .describe('防区'),
  cause: z.string().optional().describe('More finely, e.g. broken-wire'),
  code: code.optional(),
  text: z.string().optional(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  test: z
    .enum(['walk-test', 'maintenance'])
    .optional()
    .describe('Caused by a test that somebody announced: nobody needs to come'),
  momentary: z
    .literal(true)
    .optional()
    .describe('It was over as it happened: no end of it comes, and it is never in `active`'),
  picture: z
    .string()
    .optional()
    .describe(
      'A picture of it: the SHA-256 of the file, hex, as in `{prefix}/media`; only where the uplink says `pictures: true`',
    ),
  raw: z.string().optional().describe('What the device sent, decrypted'),
  reduced: z
    .array(z.string())
    .optional()
    .describe("What was left out, because the broker's maximum packet size is too small for it"),
  clock,
};

/** What an alarm turned out to be. */
export const closeReasons = [
  'real',
  'test',
  'false-user',
  'false-device',
  'false-environment',
  'unknown',
] as const;

/** An alarm, or what is said of one later. */
const alarmWith = (more: z.ZodRawShape = {}) =>
  z.strictObject({ kind: z.enum(alarmKinds), ...observed, ...more });
export const alarm = alarmWith();
export const cancelled = z.strictObject({ kind: z.enum([...alarmKinds, 'cancel']), ...observed });
const ofAlarm = z.uuidv7().describe('The `id` of the alarm');
const operator = {
  by: z.string().describe('The operator'),
  uplink: z.string().describe('The platform that said so, by its id in the config'),
};
export const acknowledged = alarmWith({ acknowledged: z.strictObject({ event: ofAlarm, ...operator }) });
export const confirmed = alarmWith({
  confirmed: z.strictObject({
    event: ofAlarm,
    by: z
      .uuidv7()
      .describe(
        'The `id` of what confirms it: an alarm of another zone of the same area, or what a camera saw',
      ),
  }),
});
export const closed = alarmWith({
  closed: z.strictObject({
    event: ofAlarm,
    reason: z.enum(closeReasons).describe('What it was'),
    note: z.string().optional(),
    ...operator,
  }),
});
const credential = z
  .strictObject({
    format: z.string(),
    facility: z.int().optional(),
    number: z.string().optional().describe('Only where the config of the uplink says `cardNumbers: plain`'),
    hash: z
      .string()
      .optional()
      .describe('HMAC-SHA-256 of facility and number under a key of the campus, base64url'),
    erased: z.literal(true).optional().describe('It was erased on request'),
  })
  .describe(
    'The card; by default its number stays on the campus. Of what was typed on keys there is only the format `keypad`',
  );
export const access = z.strictObject({
  kind: z.literal('credential'),
  ...observed,
  credential,
  access: z
    .strictObject({
      door: z.string(),
      decision: z.enum(['granted', 'denied', 'unknown']),
      reason: z
        .string()
        .optional()
        .describe(
          'Why not: blocked, not-yet-valid, expired, not-this-door, not-now, lockdown, passback, not-bound (no children), second-person (one more must show a card), pin-needed (the card is good, its PIN must follow), no-pin, wrong-code, card-first (a PIN without a card), no-codes (the door takes none), locked-out (after too many wrong codes)',
        ),
      holder: z
        .string()
        .optional()
        .describe("The school's id of the person; only where the config of the uplink says `holders: true`"),
      direction: z.enum(['in', 'out']).optional(),
      children: z
        .array(z.string())
        .optional()
        .describe(
          "The school's ids of the children to be taken away; only where the config says `children: true`",
        ),
    })
    .optional()
    .describe('What the gateway decided; none where the reader is at no door of it'),
});
export const door = z.strictObject({
  kind: z.enum(['contact', 'exit-request', 'forced', 'held', 'lockdown']),
  ...observed,
});
export const device = z.strictObject({
  kind: z.enum(['fault', 'battery', 'power', 'link', 'test']),
  ...observed,
});
export const arming = z.strictObject({ kind: z.enum(['arming', 'bypass', 'entry']), ...observed });
export const video = z.strictObject({ kind: z.literal('video'), ...observed });
export const visitor = z.strictObject({
  kind: z.literal('visit'),
  ...observed,
  visit: z
    .strictObject({
      id: z.string(),
      stage: z.enum(visitStages),
      until: z.string().optional().describe('When they are to be gone again'),
      name: z.string().optional().describe('Only where the config of the uplink says `names: true`'),
      host: z.string().optional().describe('Whom they come to see; likewise'),
      purpose: z.string().optional().describe('Likewise'),
    })
    .describe('Its id is the same from expected to left'),
});
export const notice = z.strictObject({ kind: z.literal('notice'), ...observed });
const media = {
  picture: z.string().describe('The SHA-256 of the file, hex'),
  contentType: z.string().describe('image/jpeg, image/png, video/mp4'),
  bytes: z.int().describe('Of the whole file'),
  device: z.strictObject({ id: z.string() }).describe('The camera or terminal'),
  event: z.uuidv7().optional().describe('The `id` of the alarm, or of another event, that it belongs to'),
  clock,
};
export const picture = z.strictObject({
  ...media,
  of: z.string().optional().describe('The type of that event: alarm.raised, video.person; where it is known'),
});
export const piece = z.strictObject({
  ...media,
  part: z.int().min(1),
  parts: z.int().min(1),
  content: z.string().optional().describe('base64; none where the file is not there any more'),
});
export const gateway = z.strictObject({ clock, details: z.record(z.string(), z.unknown()) });

const count = z.int().min(0);
const entryKind = z.enum(['fault', 'hazard']).describe('故障, 隐患');
export const ledgerEntry = z.strictObject({
  clock,
  details: z
    .strictObject({
      number: z.int().min(1).describe('Of the entry, never used twice'),
      entry: entryKind,
      device: z.string().optional(),
      place: z.string().optional().describe('The zone or the part of the device, or a place in words'),
      fault: z.string().optional().describe('The kind of what stood: fault, battery, power, link, video'),
      cause: z.string().optional(),
      what: z.string().optional().describe('In words, where somebody put it in'),
      since: iso.describe('Since when it stands'),
      deadline: iso.optional().describe('By when it is to be mended'),
      state: z.enum(['open', 'overdue', 'closed']),
    })
    .describe('Who looks after it, what is done and how it ended stay in the school'),
});
const tally = z.strictObject({
  opened: count.describe('In this time'),
  closed: count.describe('In this time'),
  open: count.describe('At its end'),
  overdue: count.describe('Of those'),
});
const share = z.number().min(0).max(1).nullable();
const links = {
  devices: count,
  share: share.describe('Of the time that is known, how much they answered; null: nothing is known'),
  offlineHours: z.number().min(0),
};
export const ledgerDigest = z.strictObject({
  clock,
  details: z.strictObject({
    period: z.enum(['day', 'month']),
    of: z.string().describe("2026-11-28, or 2026-11, in the campus's time zone"),
    from: iso,
    to: iso,
    alarms: z.strictObject({
      total: count.describe('Without tests'),
      tests: count,
      byKind: z.record(z.string(), count),
      real: count.describe('Closed as real'),
      false: count.describe('Closed as false, of whatever reason'),
      falseRate: share.describe('Of those that were closed as real or as false; null: none was'),
      unacknowledged: count,
      open: count.describe('Not closed'),
    }),
    links: z.strictObject({
      ...links,
      byClass: z.record(z.string(), z.strictObject(links)).describe('By the driver of the config'),
    }),
    faults: tally,
    hazards: tally,
  }),
});
