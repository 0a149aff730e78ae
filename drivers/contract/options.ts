/** What the options of drivers and platforms have in common, as zod schemas. */
import { z } from 'zod';
import type { Clash, Device, Problem } from './driver.ts';
import { type Zone, zoneKinds } from './observation.ts';

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type Length = `${number}${keyof typeof unitMs}`;

const lengthMs = (text: string) =>
  Number.parseInt(text, 10) * unitMs[text.replace(/^\d+/, '') as keyof typeof unitMs];

/**
 * `200ms`, `60s`, `5m`, `12h`, `30d` -> milliseconds. `least`, `most`: what makes sense there; ten years are more than
 * any wait, and dates stay dates.
 */
export function duration({ least = '0ms', most = '3650d' }: { least?: Length; most?: Length } = {}) {
  return z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'a duration such as 200ms, 60s, 5m, 12h or 30d')
    .transform((text, context) => {
      const ms = lengthMs(text);
      if (ms < lengthMs(least))
        context.addIssue({ code: 'custom', message: `at least ${least}`, params: { zh: `至少 ${least}` } });
      if (ms > lengthMs(most))
        context.addIssue({ code: 'custom', message: `at most ${most}`, params: { zh: `至多 ${most}` } });
      return ms;
    });
}

/** `10.0.0.9:4001` or `[::1]:502` -> host and port. */
export function hostPort() {
  return z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/, 'HOST:PORT, such as 10.0.0.9:4001')
    .transform((text, context) => {
      const colon = text.lastIndexOf(':');
      const port = Number(text.slice(colon + 1));
      if (port < 1 || port > 65_535) context.addIssue({ code: 'custom', message: 'a port from 1 to 65535' });
      return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port };
    });
}

const ranges = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

/** An address, or a range of them (CIDR, RFC 4632). */
export const addressRange = () =>
  z
    .string()
    .refine(
      (text) => ranges.safeParse(text).success,
      'an address such as 10.0.0.9, or a range such as 10.0.0.0/24',
    );

/** `::ffff:10.0.0.9` is 10.0.0.9; of `fe80::1%eth0` the zone is no part. */
export const bareAddress = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');

/** Whether a host can be reached from this machine only. */
export const isLoopback = (host: string) => /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);

/** Keys that hold secrets. A value written inline is refused; `${NAME}` takes it from the environment. */
export const secretKeys = /^(password|passphrase|token|secret|key)$/;
/** Whether a secret stands at a path of the config. The token of a relay (ONVIF) is its name, and no secret. */
export const isSecretAt = (path: readonly PropertyKey[]): boolean =>
  secretKeys.test(String(path.at(-1))) &&
  !(
    path.at(-1) === 'token' &&
    path.findLast((part) => typeof part === 'string' && part !== 'token') === 'relays'
  );
export const secret = () =>
  z
    .string()
    .regex(
      /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/,
      'a secret is not written inline: use the ...File key, or ${NAME} for the environment',
    );

/** An id that goes into topics and `source`: no space, slash, `+` or `#`. */
export function identifier() {
  return z
    .string()
    .regex(
      /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u,
      'letters, digits, ".", "_" and "-", at most 64, a letter or digit first',
    );
}

/** Where a thing hangs, in words for who runs there. */
export const place = () =>
  z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('Where it is, for people: for point lists, and the address of it in catalogues of platforms');

/** A zone as the config names it, under any driver that has zones. */
export const zoneOptions = z.strictObject({
  zone: z.int().min(0).max(9999).describe('The number of the zone 防区 in the device'),
  id: identifier().optional().describe('Its name in events (`subject`); default `zone-N`'),
  kind: z.enum(zoneKinds).optional().describe('What an alarm of this zone means'),
  name: z.string().max(100).optional().describe('Its name for people'),
  place: place(),
});

export type ZoneOptions = z.output<typeof zoneOptions>;

/** Zones of one panel or device that nobody could tell apart. `path`: of the list. */
export function repeatedZones(path: Problem['path'], zones: readonly ZoneOptions[]): Problem[] {
  return zones.flatMap(({ zone, id }, i) => {
    const before = zones.slice(0, i);
    if (before.some((other) => other.zone === zone))
      return [
        {
          path: [...path, i, 'zone'],
          message: `zone ${zone} stands here twice; the first counts: keep one`,
          zh: `防区 ${zone} 在此重复，以第一个为准：请只保留一个`,
        },
      ];
    return id !== undefined && before.some((other) => other.id === id)
      ? [{ path: [...path, i, 'id'], message: `"${id}" is another zone's id here; give each zone its own` }]
      : [];
  });
}

/** Outputs of one device of which one could not be named, or would switch another. `key`: what tells the device which. */
export function repeatedOutputs<Key extends string>(
  list: string,
  key: Key,
  outputs: readonly (Readonly<Record<Key, string | number>> & { readonly id: string })[],
): Problem[] {
  return outputs.flatMap((one, i) => {
    const before = outputs.slice(0, i);
    const first = before.find((other) => other[key] === one[key]);
    const problems: Problem[] = [];
    if (before.some(({ id }) => id === one.id))
      problems.push({ path: [list, i, 'id'], message: `"${one.id}" stands here twice` });
    if (first !== undefined)
      problems.push({
        path: [list, i, key],
        message: `${key} ${one[key]} is switched by "${first.id}" already: give each its own`,
      });
    return problems;
  });
}

type WithAccounts = Device<{ readonly accounts: readonly { readonly account: string }[] }>;

/** Accounts that devices of one port both have: what comes of one would be told as the other's. `keyOf`: what tells two apart. */
export function accountClashes(
  devices: readonly WithAccounts[],
  keyOf: (account: string) => string,
): readonly Clash[] {
  return devices.flatMap(({ id: device, options }, at) =>
    options.accounts.flatMap(({ account }, i): Clash[] => {
      const first = devices
        .slice(0, at)
        .find((one) => one.options.accounts.some((other) => keyOf(other.account) === keyOf(account)));
      if (first === undefined) return [];
      return [
        {
          device,
          path: ['accounts', i, 'account'],
          en: `${first.id} has account ${account} on the same port; keep it at one of them, or give this one a port of its own`,
          zh: `${first.id} 在同一端口上已有账号 ${account}；请只保留一处，或使用另一端口`,
        },
      ];
    }),
  );
}

/** The zone with this number, as an observation carries it; unlisted zones keep their number. */
export function zoneOf(zones: readonly ZoneOptions[], number: number): Zone {
  const found = zones.find((zone) => zone.zone === number);
  return {
    number,
    ...(found?.id !== undefined && { id: found.id }),
    ...(found?.name !== undefined && { name: found.name }),
  };
}
