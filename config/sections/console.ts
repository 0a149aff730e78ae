/** The technician's pages. */
import { z } from 'zod';
import { addressRange } from '../../drivers/contract/options.ts';
import { commandRate, commandRule } from './rights.ts';

export const consoleSchema = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('Loopback until told otherwise; elsewhere with `tls`, or a proxy with TLS before it'),
  port: z.int().min(1).max(65_535),
  tls: z
    .union([
      z.literal('self-signed'),
      z.strictObject({
        certFile: z.string().describe('PEM: the certificate, and those between it and its authority'),
        keyFile: z.string().describe('PEM: its private key'),
      }),
    ])
    .optional()
    .describe(
      'HTTPS: with a certificate of yours, or `self-signed`, which browsers ask about once; default: HTTP, for loopback',
    ),
  proxies: z
    .array(addressRange())
    .default([])
    .describe('Addresses of proxies before it: what they say of who asks, and whether by HTTPS, is believed'),
  names: z.array(z.string()).default([]).describe('Names, beside `host`, that it answers to'),
  commands: z
    .array(commandRule)
    .optional()
    .describe('Narrows what its users may command; default what their roles allow'),
  simulators: z
    .boolean()
    .default(false)
    .describe(
      'A page that simulates the devices of this config, for trials and training. What it raises goes to the platforms as if it were real',
    ),
  commandRate: commandRate.describe('How many commands each of its users may send; more are refused'),
});
export type ConsoleConfig = z.output<typeof consoleSchema>;
