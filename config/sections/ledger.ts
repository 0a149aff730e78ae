/** The school's ledger: inventory, faults and hazards, digests. */
import { z } from 'zod';
import { duration } from '../../drivers/contract/options.ts';
import { clockTime } from './values.ts';

/** What stands and may be put into the ledger. */
export const ledgerFaults = ['fault', 'battery', 'power', 'link', 'video', 'tamper', 'certificate'] as const;
export type LedgerFault = (typeof ledgerFaults)[number];

const opening = z.strictObject({
  kinds: z
    .array(z.enum(ledgerFaults))
    .min(1)
    .default([...ledgerFaults])
    .describe(
      '`link`: it does not answer; `video`: a camera is covered or has no picture; `certificate`: one ends within 30 days',
    ),
  causes: z.array(z.string()).min(1).optional().describe('Only of these causes'),
  devices: z.array(z.string()).min(1).optional().describe('Only of these devices'),
  after: duration().prefault('30m').describe('How long it must stand'),
  entry: z.enum(['fault', 'hazard']).default('fault').describe('As what it is put in: 故障 or 隐患'),
  owner: z.string().max(100).optional().describe('Who looks after it'),
  measure: z.string().max(500).optional().describe('What is to be done'),
  deadline: duration({ least: '1h' }).prefault('3d').describe('By when, from when it is put in'),
  close: z
    .enum(['ended', 'hand'])
    .default('ended')
    .describe('`ended`: it is closed when the fault is over; `hand`: somebody has to say how it was mended'),
});
export type OpeningConfig = z.output<typeof opening>;

export const ledger = z.strictObject({
  open: z
    .array(opening)
    .prefault([{}])
    .describe('Which faults that stand are put in; the first that fits counts. Empty: none, all by hand'),
  remind: duration({ least: '1h' }).prefault('1d').describe('How often `ledger.overdue` is told of an entry'),
  digest: z
    .strictObject({
      at: clockTime()
        .default('07:30')
        .describe(
          'In `timezone`: `ledger.digest` of the day before, and on the first of a month of the month before',
        ),
      monthly: z.boolean().default(true).describe('Of months, too'),
    })
    .optional()
    .describe('Tells platforms each day in numbers; none without it'),
});
export type LedgerConfig = z.output<typeof ledger>;
