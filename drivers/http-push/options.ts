/** What the config says of a terminal. */
import { z } from 'zod';
import type { Device } from '../contract/driver.ts';
import { duration } from '../contract/options.ts';
import type { Profile } from './profile.ts';
import { offset } from './reading.ts';

export const terminalOptions = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('The address to listen on'),
      port: z.int().min(1).max(65_535),
    })
    .optional()
    .describe('Where terminals push to; several may share it'),
  pull: z
    .strictObject({
      url: z.url({ protocol: /^https?$/, error: 'http:// or https://' }),
      username: z.string().min(1),
      passwordFile: z.string(),
      missed: duration({ most: '23h' })
        .default(43_200_000)
        .describe(
          'How far back it is asked what happened while nobody read, at the start; later, since it was last heard. 0s: never',
        ),
      offset: offset.default('+08:00').describe('Of its local time'),
    })
    .optional()
    .describe('A terminal whose endless answer is read instead: alertStream, eventManager'),
  profile: z.string().describe('How its messages are read: a file of config/profiles, or a path'),
  from: z.array(z.string()).min(1).optional().describe('The addresses that it may push from'),
  username: z.string().min(1).optional().describe('Its name, of Digest or Basic authentication'),
  authentication: z
    .enum(['any', 'digest'])
    .default('any')
    .describe(
      'Of username and passwordFile: `digest` refuses Basic, which tells the password to who listens',
    ),
  passwordFile: z.string().optional().describe('A file whose first line is the password'),
  tokenFile: z
    .string()
    .optional()
    .describe('A file whose first line must stand in the URL: /push/{device}?token=...'),
  serial: z.string().optional().describe("ZKTeco: the terminal's serial number (SN)"),
  pictures: z.boolean().default(false).describe('Whether the pictures that it sends are kept'),
  supervision: duration({ least: '100ms' })
    .optional()
    .describe('Silent for longer, it is offline; needs a terminal that sends heartbeats'),
});
/** Where it is heard: terminals that push to one port share it; a stream is one terminal's. */
export const lineOf = ({ options: { listen, pull } }: Pick<Terminal, 'options'>): string =>
  listen === undefined ? `http ${pull?.url ?? ''}` : `http ${listen.host}:${listen.port}`;
export type Terminal = Device<z.output<typeof terminalOptions>, Profile>;
