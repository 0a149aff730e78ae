/** What is asked of the gateway itself. */
import { z } from 'zod';
import { lanes } from '../../../drivers/contract/lane.ts';
import { closeReasons } from '../event-data.ts';
import { define, LIFETIME_MAX_MS, nothing } from './action.ts';

/** A sequence as it stands in events: a decimal string. */
const sequence = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const alarm = {
  event: z.string().max(64).describe('The `id` of the alarm'),
  sequence: sequence.describe('Its `sequence`'),
  by: z.string().min(1).max(100).describe('The operator'),
};
const notice = z.string().min(1).max(64).describe('The `id` of the warning');
const visit = z.string().min(1).max(64).describe('Your id of the visit');

/** What an operator does with an alarm, and what a platform missed or wants to know. */
export const alarms = define({
  replay: {
    of: 'gateway',
    en: 'Send a stretch of a lane once more, to the platform that asks',
    zh: '补发事件',
    harmless: true,
    arguments: z.strictObject({
      journal: z.string(),
      lane: z.enum(lanes),
      after: sequence.describe('The last one before the gap; "0": from the first'),
      upTo: sequence.describe('The last one wanted'),
    }),
  },
  acknowledge: {
    of: 'gateway',
    en: 'Take an alarm',
    zh: '确认报警',
    harmless: true,
    arguments: z.strictObject(alarm),
  },
  close: {
    of: 'gateway',
    en: 'Say what an alarm was, and that it is over',
    zh: '报警结案',
    harmless: true,
    arguments: z.strictObject({
      ...alarm,
      reason: z.enum(closeReasons),
      note: z.string().max(1000).optional(),
    }),
  },
  inventory: {
    of: 'gateway',
    en: 'Answers with the devices and whether they are there, areas, doors, the version of the cards',
    zh: '查询设备清单',
    harmless: true,
    arguments: nothing,
  },
});

/** What the school is to hear. */
export const warnings = define({
  warn: {
    of: 'gateway',
    en: 'Warn the school (see Warnings to the school)',
    zh: '下发预警',
    // A warning moves nothing, and waits for a gateway that is away.
    lifetime: 31 * LIFETIME_MAX_MS,
    arguments: z.strictObject({
      severity: z.enum(['info', 'warning', 'emergency']),
      text: z.string().min(1).max(500),
      validUntil: z.iso.datetime({ offset: true }),
      area: z.string().max(100).optional(),
    }),
  },
  'end-notice': {
    of: 'gateway',
    en: 'Take a warning back',
    zh: '撤回预警',
    arguments: z.strictObject({ notice }),
  },
  read: {
    of: 'gateway',
    en: 'Somebody at the school has read a warning',
    zh: '预警已阅',
    arguments: z.strictObject({ notice, by: z.string().min(1).max(100) }),
  },
});

const card = z.strictObject({
  number: z.string(),
  facility: z.int().min(0).max(99_999).optional(),
  format: z.string().min(1).max(40).optional(),
  holder: z.string().max(100),
  groups: z.array(z.string()).default([]),
  validFrom: z.string().optional(),
  validUntil: z.string().optional(),
  blocked: z.boolean().default(false),
  children: z.array(z.string().max(100)).max(20).default([]),
});

/** Cards, visitors, and who may come in. */
export const persons = define({
  lockdown: {
    of: 'gateway',
    en: 'Doors open for the groups of the config that may, for nobody else; answers with `notLocked`, the doors it could not lock',
    zh: '启动封控',
    arguments: nothing,
  },
  'end-lockdown': { of: 'gateway', en: 'End the lockdown', zh: '解除封控', arguments: nothing },
  credentials: {
    of: 'gateway',
    en: 'Change the cards (see Cards from your side)',
    zh: '同步凭证',
    personal: true,
    arguments: z.strictObject({
      version: z.int().min(1).describe('What the gateway has afterwards'),
      base: z
        .int()
        .min(0)
        .optional()
        .describe('What it must have before; without it, all cards of before go'),
      put: z.array(card).max(500).default([]),
      remove: z
        .array(
          z.strictObject({
            number: z.string(),
            facility: z.int().optional(),
            format: z.string().max(40).optional(),
          }),
        )
        .max(500)
        .default([]),
    }),
  },
  'expect-visitor': {
    of: 'gateway',
    en: 'Announce a visitor',
    zh: '访客预约',
    personal: true,
    arguments: z.strictObject({
      visit,
      name: z.string().min(1).max(100),
      host: z.string().max(100).optional(),
      purpose: z.string().max(200).optional(),
      until: z.iso.datetime({ offset: true }).describe('When they are to be gone again'),
    }),
  },
  'visitor-arrived': {
    of: 'gateway',
    en: 'A visitor came',
    zh: '访客到达',
    arguments: z.strictObject({ visit }),
  },
  'visitor-left': {
    of: 'gateway',
    en: 'A visitor left',
    zh: '访客离开',
    arguments: z.strictObject({ visit }),
  },
  erase: {
    of: 'gateway',
    en: "Take a person out of the campus's events and the platform's cards, for good: one of card, holder, visit; answers with `left`, the files that may name them still",
    zh: '删除个人信息',
    personal: true,
    arguments: z
      .strictObject({
        card: z.strictObject({ number: z.string().min(1), facility: z.int().optional() }).optional(),
        holder: z.string().min(1).optional(),
        visit: z.string().min(1).optional(),
      })
      .refine((one) => Object.keys(one).length === 1, 'one of card, holder, visit'),
  },
  'destroy-damaged': {
    of: 'gateway',
    en: 'Destroy the damaged copies of the journal that were set aside: nobody can be erased from them',
    zh: '销毁已隔离的损坏日志副本',
    arguments: nothing,
  },
});
