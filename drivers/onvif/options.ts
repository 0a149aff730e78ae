/** What the config says of a camera. */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Clash, Device } from '../contract/driver.ts';
import { duration, identifier } from '../contract/options.ts';
import { eventRule } from './mapping.ts';

/** `host: http://10.0.0.41:8080` -> how it is written. */
function asWritten(given: string): string | undefined {
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  if (!URL.canParse(text)) return undefined;
  const { hostname, port, protocol } = new URL(text);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (host === '') return undefined;
  const words = [
    `host: ${host.includes(':') ? `"${host}"` : host}`,
    ...(port === '' ? [] : [`port: ${port}`]),
    ...(protocol === 'https:' ? ['tls: {}'] : []),
  ];
  return words.join(', ');
}
/** A name (RFC 1123, and what else the DNS bears) or an address; no brackets, no port, no path. */
const HOST = /^[\p{L}\p{N}]([\p{L}\p{N}._-]*[\p{L}\p{N}.])?$/u;
const host = () =>
  z
    .string()
    .min(1)
    .max(253)
    .superRefine((given, context) => {
      if (HOST.test(given) || (isIP(given) !== 0 && !given.includes('%'))) return;
      const better = asWritten(given);
      context.addIssue({
        code: 'custom',
        message: `a name or an address alone${better === undefined ? ', such as 10.0.0.41' : `: write ${better}`}`,
        params: { zh: `只写主机名或地址${better === undefined ? '，如 10.0.0.41' : `：请写 ${better}`}` },
      });
    });

export const options = z.strictObject({
  host: host().describe('Its address or name'),
  port: z.int().min(1).max(65_535).optional().describe('Of its ONVIF service; default 80, with `tls` 443'),
  tls: z
    .strictObject({
      fingerprint: z
        .string()
        .regex(/^([0-9a-fA-F]{2}:?){32}$/, 'the SHA-256 of a certificate, 64 hex digits')
        .optional()
        .describe(
          'SHA-256 of its certificate. Without: the first one that it shows, until the gateway restarts',
        ),
      caFile: z.string().optional().describe('PEM of who signed it; its certificate must name its `host`'),
      insecure: z.boolean().default(false).describe('Whether any certificate will do'),
    })
    .optional()
    .describe('It speaks HTTPS: `tls: {}` where it has the certificate that it came with'),
  username: z.string().optional(),
  passwordFile: z.string().optional().describe('A file whose first line is the password'),
  source: z
    .string()
    .optional()
    .describe(
      'Of a recorder: the token of the channel whose events and pictures these are, of its source or its configuration',
    ),
  profile: z
    .string()
    .optional()
    .describe(
      'The token of the media profile for pictures, presets and streams; default the first of the channel',
    ),
  stream: z
    .string()
    .regex(/^rtsps?:\/\/[^\s@/]+(\/\S*)?$/, 'rtsp://HOST:PORT/PATH, without user')
    .optional()
    .describe('Where its stream is, where it does not tell that rightly itself'),
  events: z
    .array(eventRule)
    .default([])
    .describe('What its topics mean, before what they mean by themselves'),
  clearAfter: duration()
    .prefault('10m')
    .describe('A state whose end is never told ends after so long without another word'),
  clockTolerance: duration()
    .prefault('5s')
    .describe('A clock that is off by more is a fault (GB/T 29315: 5 s)'),
  relays: z
    .array(
      z.strictObject({
        id: identifier().describe('Its name in commands and rules'),
        token: z.string().describe('Of the relay, as the camera has it'),
        limit: duration({ least: '10ms' }).prefault('3m').describe('Off after so long, whatever was asked'),
      }),
    )
    .default([]),
});
export const portOf = ({ port, tls }: z.output<typeof options>): number =>
  port ?? (tls === undefined ? 80 : 443);

/** A camera, or a channel of a recorder. */
export type Own = Device<z.output<typeof options>>;

/**
 * Channels of one recorder share its connection: what another entry says of the certificate or the login would not be
 * looked at, and a fingerprint that protects nothing must not stand there.
 */
export function loginClashes([first, ...others]: readonly Own[]): readonly Clash[] {
  return others.flatMap(({ id, options: own }) =>
    (['tls', 'username', 'passwordFile'] as const).flatMap((key): Clash[] =>
      first === undefined || own[key] === undefined || isDeepStrictEqual(own[key], first.options[key])
        ? []
        : [
            {
              device: id,
              path: [key],
              en: `${first.id} is on the same address with another \`${key}\`, and they share one connection: write the same, or none here`,
              zh: `${first.id} 使用同一地址但 \`${key}\` 不同，二者共用一个连接：请写成一致，或在此处省略`,
            },
          ],
    ),
  );
}
