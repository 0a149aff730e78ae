/** What the config says of a receiver and its panels. */
import { z } from 'zod';
import { addressRange, duration, zoneOptions } from '../contract/options.ts';

const account = z.strictObject({
  account: z
    .string()
    .regex(/^[0-9A-Fa-f]{3,16}$/, '3 to 16 hex digits in quotes')
    .describe('The account number that the panel sends'),
  keyFile: z
    .string()
    .optional()
    .describe(
      'A file with the AES key: 16, 24 or 32 bytes, or the same as hex. With a key, plain frames are refused',
    ),
  from: z
    .array(addressRange())
    .min(1)
    .optional()
    .describe('Where its frames may come from: addresses or ranges; others are refused. Default: anywhere'),
  supervision: duration({ least: '100ms' }).optional().describe('A panel silent for longer is offline'),
  zones: z.array(zoneOptions).default([]),
});

export const options = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('The address to listen on'),
      port: z.int().min(1).max(65_535).describe('TCP and UDP'),
    })
    .describe('Where panels report to'),
  accounts: z.array(account).min(1).describe('The panels that may report'),
});
export type Options = z.output<typeof options>;
export type Account = z.output<typeof account>;
