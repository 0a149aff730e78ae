/** What is asked of areas, and of areas and devices alike. */
import { z } from 'zod';
import { by, define, nothing } from './action.ts';

const zone = z.strictObject({
  by,
  device: z.string(),
  account: z.string().optional().describe('Of which panel'),
  zone: z.int(),
});

/** Alarms that are none. */
export const tests = define({
  test: {
    of: 'any',
    en: 'Begin a walk test or maintenance of a device, an area or, as `gateway`, the whole campus: its alarms bear a mark',
    zh: '开始步测或维护',
    arguments: z.strictObject({
      kind: z.enum(['walk-test', 'maintenance']),
      for: z
        .number()
        .positive()
        .max(8 * 3600)
        .describe('Seconds'),
      by,
    }),
  },
  'end-test': {
    of: 'any',
    en: 'End a walk test or maintenance',
    zh: '结束步测或维护',
    arguments: z.strictObject({ by }),
  },
});

/** What an area watches. */
export const arming = define({
  arm: {
    of: 'area',
    en: 'Arm an area',
    zh: '布防',
    arguments: z.strictObject({
      by,
      force: z.boolean().default(false).describe('Bypass zones that are open'),
      exitDelay: z.number().min(0).max(3600).optional().describe('Seconds'),
    }),
  },
  disarm: { of: 'area', en: 'Disarm an area', zh: '撤防', arguments: z.strictObject({ by }) },
  bypass: {
    of: 'area',
    en: 'Bypass a zone; never a panic, tamper, fire or 24-hour zone',
    zh: '旁路防区',
    arguments: zone,
  },
  unbypass: { of: 'area', en: 'End the bypass of a zone', zh: '解除旁路', arguments: zone },
  reset: {
    of: 'any',
    en: "Switch off what the campus's own rules switched on for its alarms",
    zh: '复位联动输出',
    arguments: nothing,
  },
});
