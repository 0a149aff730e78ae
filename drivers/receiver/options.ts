/** What the config says of an alarm receiver's line and of the panels behind it. */
import { z } from 'zod';
import { addressRange, duration, zoneOptions } from '../contract/options.ts';
import { lineConnection } from '../line.ts';

const account = z.strictObject({
  account: z
    .string()
    .regex(/^[0-9A-Fa-f]{1,16}$/, '1 to 16 hex digits in quotes')
    .describe('The account number that the receiver says; zeros before it make no difference'),
  supervision: duration({ least: '100ms' })
    .optional()
    .describe('A panel of which nothing came for longer is offline: longer than between its test reports'),
  zones: z.array(zoneOptions).default([]),
});

export const options = z.strictObject({
  connection: lineConnection
    .optional()
    .describe('Where the gateway opens the line: `serial` with its settings, or `serialServer`. Or `listen`'),
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('The address to listen on'),
      port: z.int().min(1).max(65_535).describe('TCP'),
      from: z
        .array(addressRange())
        .min(1)
        .optional()
        .describe('Where receivers may be: addresses or ranges; others are turned away. Default: anywhere'),
    })
    .optional()
    .describe('Where receivers connect to, instead of `connection`'),
  supervision: duration({ least: '100ms' })
    .optional()
    .describe('A line silent for longer is offline: three times what the receiver waits between heartbeats'),
  poll: duration({ least: '10s' })
    .optional()
    .describe('For an Ademco 685, which has no heartbeat: it is asked so often whether it is there'),
  otherAccounts: z
    .enum(['alarms', 'faults', 'ignore'])
    .default('alarms')
    .describe(
      'What comes of accounts that are not listed: alarms as alarms, and a fault that names the account; faults with what was said; or only a number, where others than this campus report to the receiver',
    ),
  accounts: z.array(account).min(1).describe('The panels behind the receiver'),
});
export type Options = z.output<typeof options>;
export type OtherAccounts = Options['otherAccounts'];
export type Account = z.output<typeof account>;

/** `001234` and `1234` are one account; '' is the receiver itself. */
export const accountKey = (account: string): string => account.toUpperCase().replace(/^0+/, '');
