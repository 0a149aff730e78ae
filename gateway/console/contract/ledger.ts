/** The school's ledger: faults and hazards, the inventory, availability, days in numbers. */
import { z } from 'zod';

const time = z.string().describe('UTC, RFC 3339');
const count = z.int().min(0);
const ms = z.number().min(0);
const kind = z.enum(['fault', 'hazard']).describe('故障, 隐患');

export const entrySchema = z.object({
  number: z.int(),
  kind,
  state: z.enum(['open', 'overdue', 'closed']),
  device: z.string().nullable(),
  place: z.string().nullable().describe('The zone or the part of the device, or a place in words'),
  fault: z.string().nullable().describe('What stood, where the gateway put it in: `link`, `battery`'),
  cause: z.string().nullable(),
  reason: z.string().nullable(),
  what: z.string().nullable().describe('In words, where somebody put it in'),
  owner: z.string().nullable(),
  measure: z.string().nullable(),
  deadline: time.nullable(),
  since: time,
  openedAt: time,
  openedBy: z.string(),
  endedAt: time.nullable().describe('When the fault was over'),
  closedAt: time.nullable(),
  closedBy: z.string().nullable(),
  result: z.string().nullable().describe('How it was mended'),
});
export type LedgerEntry = z.output<typeof entrySchema>;

export const entriesQuery = z.object({
  which: z.enum(['open', 'overdue', 'closed', 'all']).default('open'),
  before: z.coerce.number().int().min(1).default(Number.MAX_SAFE_INTEGER),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export const entriesSchema = z.object({
  /** The newest first. */
  entries: z.array(entrySchema),
  /** To go on from, as `before`; absent: there are no more. */
  next: z.number().optional(),
});
export type LedgerEntries = z.output<typeof entriesSchema>;

const noteSchema = z.object({
  at: time,
  by: z.string(),
  body: z.record(z.string(), z.unknown()),
});
export type LedgerNote = z.output<typeof noteSchema>;
export const entryLifeSchema = z.object({ entry: entrySchema, history: z.array(noteSchema) });
export type LedgerEntryLife = z.output<typeof entryLifeSchema>;

/** A text that may be taken out again: null. */
const text = (most: number) =>
  z
    .string()
    .trim()
    .max(most)
    .transform((value) => (value === '' ? null : value))
    .nullable();
const words = {
  kind,
  device: text(64),
  place: text(200),
  what: z.string().trim().min(1).max(500),
  owner: text(100),
  measure: text(500),
  deadline: z
    .union([z.iso.datetime({ offset: true }), z.iso.date()])
    .nullable()
    .describe("A day is over at its end, in the campus's zone"),
};
export const newEntrySchema = z.strictObject({
  ...words,
  device: words.device.default(null),
  place: words.place.default(null),
  owner: words.owner.default(null),
  measure: words.measure.default(null),
  deadline: words.deadline.default(null),
});
export const editEntrySchema = z.strictObject(words).partial();
export const closeEntrySchema = z.strictObject({
  result: z.string().trim().min(1).max(500).describe('How it was mended'),
});

const day = z.iso.date().describe('2026-11-28');
const about = {
  maker: z.string().optional(),
  model: z.string().optional(),
  serial: z.string().optional(),
  firmware: z.string().optional(),
};
const deviceNotes = {
  ...about,
  place: z.string(),
  installedOn: z.string(),
  warrantyUntil: z.string(),
  note: z.string(),
};
export const ledgerDeviceSchema = z.object({
  id: z.string(),
  name: z.string().optional(),
  driver: z.string().nullable().describe('null: it is not in the config any more'),
  said: z.object(about).describe('As it says itself'),
  saidAt: time.nullable(),
  notes: z.object(deviceNotes).partial().describe('As people wrote it down'),
  open: count.describe('Open entries of the ledger about it'),
});
export type LedgerDevice = z.output<typeof ledgerDeviceSchema>;
export const ledgerDevicesSchema = z.object({ devices: z.array(ledgerDeviceSchema) });
export type LedgerDevices = z.output<typeof ledgerDevicesSchema>;
export const ledgerDeviceLifeSchema = ledgerDeviceSchema.extend({ history: z.array(noteSchema) });
export type LedgerDeviceLife = z.output<typeof ledgerDeviceLifeSchema>;

const note = (most: number) => z.string().trim().max(most);
export const writeDeviceSchema = z
  .strictObject({
    maker: note(100),
    model: note(100),
    serial: note(100),
    firmware: note(100),
    place: note(200),
    installedOn: z.union([day, z.literal('')]),
    warrantyUntil: z.union([day, z.literal('')]),
    note: note(1000),
  })
  .partial()
  .describe('What is given takes the place of what was; an empty text takes it out');

export const ledgerCertificatesSchema = z.object({
  certificates: z.array(
    z.object({ where: z.string(), file: z.string(), subject: z.string(), ends: time, days: z.number() }),
  ),
  unreadable: z.array(z.object({ where: z.string(), file: z.string(), reason: z.string() })),
});
export type LedgerCertificates = z.output<typeof ledgerCertificatesSchema>;

const share = z.number().min(0).max(1).nullable().describe('Of the time that is known; null: nothing is');
const sums = { share, onlineMs: ms, offlineMs: ms, outages: count };
export const ledgerLinksSchema = z.object({
  /** Of the last 30 days, those first that were away for longest. */
  devices: z.array(z.object({ device: z.string(), driver: z.string(), ...sums })),
  classes: z.array(z.object({ driver: z.string(), devices: count, ...sums })),
});
export type LedgerLinks = z.output<typeof ledgerLinksSchema>;

const tally = z.object({ opened: count, closed: count, open: count, overdue: count });
export const dayReportSchema = z.object({
  day,
  from: time,
  to: time,
  madeAt: time,
  isOver: z.boolean(),
  alarms: z.object({
    total: count.describe('Without those of tests'),
    tests: count,
    byKind: z.record(z.string(), count),
    byHour: z.array(count).describe("0 to 23, in the campus's zone"),
    byZone: z.array(
      z.object({
        device: z.string(),
        account: z.string().optional(),
        zone: z.number().optional(),
        name: z.string().optional(),
        count,
      }),
    ),
    byReason: z.record(z.string(), count).describe('What they turned out to be'),
    real: count,
    false: count,
    falseRate: share.describe('Of those that were closed as real or as false'),
    unacknowledged: count,
    waiting: z
      .array(
        z.object({
          id: z.string(),
          sequence: z.number(),
          time,
          kind: z.string(),
          device: z.string(),
          zone: z.string().optional(),
        }),
      )
      .describe('The first of those that nobody acknowledged'),
    open: count.describe('Not closed'),
    takenMs: z.object({ median: ms, worst: ms }).nullable().describe('Until somebody took it'),
    isCut: z.boolean().describe('There were too many to look at each'),
  }),
  devices: z.array(
    z.object({
      device: z.string(),
      driver: z.string(),
      onlineMs: ms,
      offlineMs: ms,
      unknownMs: ms,
      outages: count,
    }),
  ),
  ledger: z.object({ fault: tally, hazard: tally }),
});
export type LedgerDay = z.output<typeof dayReportSchema>;

export const ledgerExports = ['entries', 'devices', 'availability', 'day'] as const;
export const ledgerExportQuery = z.object({
  what: z.enum(ledgerExports),
  day: day.optional().describe('Of `day`'),
  language: z.enum(['en', 'zh']).default('en').describe('Of the heads of columns'),
});
