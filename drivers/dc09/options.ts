/** What the config says of a receiver and its panels. */
import { z } from 'zod';
import { addressRange, duration, zoneOptions } from '../contract/options.ts';

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

const pictureHost = z
  .string()
  .regex(
    /^(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_][0-9A-Za-z_.-]*)(:\d{1,5})?$/,
    'one host, such as 192.168.10.40 or HOST:PORT; no patterns',
  )
  .refine((text) => {
    const [, port] = /:(\d+)$/.exec(text.replace(/^\[.*\]/, '')) ?? [];
    return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  }, 'a port from 1 to 65535');

const account = z.strictObject({
  account: z
    .string()
    .regex(/^[0-9A-Za-z]{3,16}$/, '3 to 16 letters and digits, in quotes')
    .describe('The account number that the panel sends. Case and leading zeros tell no panels apart'),
  keyFile: z
    .string()
    .optional()
    .describe(
      'A file with the AES key: 16, 24 or 32 bytes, or the same as hex; digits that may be either are tried as both. ' +
        'With a key, plain frames are refused. A file that changed is taken up without a restart',
    ),
  from: z
    .array(addressRange())
    .min(1)
    .optional()
    .describe('Where its frames may come from: addresses or ranges; others are refused. Default: anywhere'),
  clockTolerance: z
    .strictObject({
      ahead: duration({ most: '1d' }).optional().describe('Its clock may be fast by this. Default: 20s'),
      behind: duration({ most: '1d' }).optional().describe('Its clock may be slow by this. Default: 40s'),
    })
    .optional()
    .describe(
      'How far its clock may be off before an encrypted frame is refused (NAK with the time) and the time of a plain one ' +
        'is not believed. As long as `behind` a frame that somebody recorded can be sent again: at most 1h with a `keyFile`, 1d without',
    ),
  timezone: z
    .string()
    .refine(isTimezone, 'a time zone such as Asia/Shanghai')
    .optional()
    .describe(
      'For a panel that writes the time of its place: its IANA time zone. Default: GMT, as DC-09 says',
    ),
  pictures: z
    .strictObject({
      hosts: z
        .array(pictureHost)
        .min(1)
        .describe('From where pictures may be fetched: a host at any port, or HOST:PORT'),
    })
    .optional()
    .describe('Fetches the picture whose address an alarm bears (V). Default: the address is only told'),
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
