/**
 * The one schema of the config file. Validation, types, the editor's JSON Schema (docs/config.schema.json) and the
 * reference page (docs/config.md) all come from it.
 */
import { z } from 'zod';
import type { Device } from '../drivers/contract/driver.ts';
import { access } from './sections/access.ts';
import { area } from './sections/areas.ts';
import { type BackupConfig, backup } from './sections/backup.ts';
import { calendar } from './sections/calendar.ts';
import { campus } from './sections/campus.ts';
import { consoleSchema } from './sections/console.ts';
import { contact } from './sections/contacts.ts';
import { device } from './sections/devices.ts';
import { ledger } from './sections/ledger.ts';
import { media } from './sections/media.ts';
import { notices } from './sections/notices.ts';
import { retention } from './sections/retention.ts';
import { rule } from './sections/rules.ts';
import { status } from './sections/status.ts';
import { type UplinkConfig, uplink } from './sections/uplinks.ts';
import { isTimezone } from './sections/values.ts';

export const configSchema = z.strictObject({
  campus: campus.describe('Which school this is'),
  dataDir: z.string().default('./data').describe('Where the journal lives, relative to this file'),
  retention,
  status,
  uplinks: z.array(uplink).default([]).describe('The platforms that get events'),
  devices: z.array(device).default([]).describe('The hardware'),
  timezone: z
    .string()
    .refine(isTimezone, 'a time zone such as Asia/Shanghai')
    .default('Asia/Shanghai')
    .describe('For the times of schedules and rules, and of platforms that write local time'),
  calendar: calendar.prefault({}).describe('When there is school'),
  areas: z.array(area).default([]).describe('Zones that are armed together'),
  media,
  access: access.prefault({}).describe('Cards at doors, decided by the gateway'),
  console: consoleSchema.optional().describe("The technician's pages; none without it"),
  ledger: ledger
    .optional()
    .describe('台账: what there is, faults and hazards with owner and deadline, digests; none without it'),
  notices: notices
    .prefault({})
    .describe('Where the warnings of platforms are shown; `commands` must allow `warn`. Rules sound them'),
  backup: backup
    .optional()
    .describe('Copies of all of it each day, encrypted; by hand alone without it (`campus-gateway backup`)'),
  contacts: z
    .array(contact)
    .default([])
    .describe('Who can be told by `notify` of rules: groups of WeCom, DingTalk and Feishu, webhooks, mail'),
  rules: z
    .array(rule)
    .default([])
    .describe('What the gateway does by itself when something happens, uplink or not'),
});

export type RawConfig = z.output<typeof configSchema>;

/** A config that was read: its paths are absolute, its secrets there, its devices as their drivers know them. */
export interface Config extends Omit<RawConfig, 'devices' | 'uplinks' | 'backup'> {
  readonly file: string;
  readonly backup?: BackupConfig | undefined;
  readonly uplinks: UplinkConfig[];
  readonly devices: readonly Device[];
}

/** The JSON Schema of the file as a person writes it. */
export function configJsonSchema() {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
}
