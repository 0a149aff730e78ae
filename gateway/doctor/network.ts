/** Names and ways: whether each host that a config names is known, and whether somebody is there. Says nothing to anybody. */
import { lookup } from 'node:dns/promises';
import { realpathSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { basename } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { type Clock, within } from '../../drivers/contract/clock.ts';
import { groupName, type Hindrance, hindrance, READ, statOf, type Viewer, WRITE } from '../service-user.ts';
import { type Finding, findingsAbout, type Subject } from './finding.ts';

/** A host that something of the config needs. `of`: what, for people: `uplinks police`. */
export interface Needed {
  readonly about: Subject;
  readonly of: string;
  readonly host: string;
  /** undefined: who listens there is found out otherwise. */
  readonly port?: number | undefined;
}

const DNS_MS = 5000;
const CONNECT_MS = 3000;
/** Names asked for at once: each holds one of libuv's four threads. */
const AT_ONCE = 2;

const PORTS: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'mqtts:': 8883,
  'ws:': 80,
  'wss:': 443,
  'http:': 80,
  'https:': 443,
};

interface Place {
  readonly host: string;
  readonly port?: number | undefined;
}

/** Hosts in the options of one thing, wherever they stand: `{ host, port }`, and addresses with a scheme. */
function placesIn(value: unknown): readonly Place[] {
  if (typeof value === 'string') {
    const url = /^(mqtts?|wss?|https?):\/\//.test(value) && URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined) return [];
    const port = url.port === '' ? PORTS[url.protocol] : Number(url.port);
    return [{ host: url.hostname.replace(/^\[|\]$/g, ''), port }];
  }
  if (typeof value !== 'object' || value === null) return [];
  const { host, port, listen: _own, ...rest } = value as { host?: unknown; port?: unknown; listen?: unknown };
  const own = typeof host === 'string' ? [{ host, port: typeof port === 'number' ? port : undefined }] : [];
  return [...own, ...Object.values(rest).flatMap(placesIn)];
}

const isOurs = (host: string) => host === '0.0.0.0' || host === '::' || host === '';

export function neededHosts({
  uplinks,
  devices,
  contacts,
}: Pick<Config, 'uplinks' | 'devices' | 'contacts'>): readonly Needed[] {
  const of = (about: Subject, id: string, options: unknown): Needed[] =>
    placesIn(options).flatMap((place) => (isOurs(place.host) ? [] : [{ about, of: id, ...place }]));
  return [
    ...uplinks.flatMap(({ id, options }) => of('platforms', id, options)),
    ...devices.flatMap(({ id, options }) => of('devices', id, options)),
    ...contacts.flatMap((one) => (one.by === 'mail' ? of('contacts', one.id, one.server) : [])),
  ];
}

/** Each name once, however many things need it. */
export async function nameFindings(needed: readonly Needed[], clock: Clock): Promise<readonly Finding[]> {
  const { good, bad } = findingsAbout('names');
  const byName = new Map<string, string[]>();
  for (const { host, of } of needed)
    if (isIP(host) === 0) byName.set(host, [...(byName.get(host) ?? []), of]);
  const wrong = await inTurns([...byName], AT_ONCE, async ([host, users]) => {
    try {
      await within(lookup(host), DNS_MS, clock, () => new Error(`no answer within ${DNS_MS / 1000} s`));
      return [];
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code ?? message;
      return [
        bad(
          `${host} (${users.slice(0, 5).join(', ')}) is no name that is known here (${why}): look at the spelling and at the name server (/etc/resolv.conf)`,
          `无法解析 ${host}（${users.slice(0, 5).join('、')}；${why}）：请检查拼写和 DNS 服务器（/etc/resolv.conf）`,
        ),
      ];
    }
  });
  if (wrong.length > 0 || byName.size === 0) return wrong;
  return [
    good(
      `${byName.size} names are known: ${[...byName.keys()].slice(0, 10).join(', ')}`,
      `${byName.size} 个主机名均可解析：${[...byName.keys()].slice(0, 10).join('、')}`,
    ),
  ];
}

/** Whether it takes connections; the reason where it does not. Nothing is sent. */
export async function tryConnect({ host, port }: Required<Place>, clock: Clock): Promise<string | undefined> {
  const socket = connect({ host, port: port ?? 0 });
  const settled = new Promise<string | undefined>((resolve) => {
    socket.once('connect', () => resolve(undefined));
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message));
  });
  try {
    return await within(settled, CONNECT_MS, clock, () => new Error('no answer'));
  } catch (error) {
    return (error as Error).message;
  } finally {
    socket.destroy();
  }
}

/** Whether somebody listens where the config says. */
export async function wayFindings(needed: readonly Needed[], clock: Clock): Promise<readonly Finding[]> {
  return await inTurns(needed, 8, async ({ about, of, host, port }) => {
    if (port === undefined) return [];
    const { good, bad } = findingsAbout(about);
    const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const why = await tryConnect({ host, port }, clock);
    if (why === undefined) return [good(`${of}: ${place} takes connections`, `${of}：${place} 可以连接`)];
    return [
      bad(
        `${of}: ${place} cannot be reached (${why}): look at its power, the cable, the address, and firewalls on the way`,
        `${of}：无法连接 ${place}（${why}）：请检查电源、网线、地址和途中的防火墙`,
      ),
    ];
  });
}

/**
 * Serial lines of the config: there, and open to the gateway. They are not opened: who has one must not be disturbed.
 * `viewer`: who it runs as; undefined: we.
 */
export function serialFindings(devices: Config['devices'], viewer?: Viewer): readonly Finding[] {
  const { good, bad } = findingsAbout('devices');
  const paths = new Map<string, string[]>();
  const walk = (id: string, value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (key === 'serial' && typeof item === 'string') paths.set(item, [...(paths.get(item) ?? []), id]);
      else walk(id, item);
    }
  };
  for (const { id, options } of devices) walk(id, options);
  return [...paths].map(([path, users]) => {
    const ids = users.slice(0, 5).join(', ');
    const closed = hindrance(viewer, path, READ | WRITE);
    if (closed !== undefined) return bad(...mayNotOpen(ids, path, closed, viewer));
    if (statOf(path) !== undefined) return good(`${ids}: ${path} is there`, `${ids}：${path} 存在`);
    return bad(
      `${ids}: there is no ${path}: look at the cable, and at /dev/serial/by-id for its name`,
      `${ids}：没有 ${path}：请检查连线，并在 /dev/serial/by-id 中查找其名称`,
    );
  });
}

function mayNotOpen(
  ids: string,
  path: string,
  { isFolder, rights: { gid, mode } }: Hindrance,
  viewer: Viewer | undefined,
): readonly [en: string, zh: string] {
  const bits = READ | WRITE;
  const [en, zh] =
    viewer === undefined
      ? ['this user', '当前用户']
      : [`the service (user ${viewer.name})`, `服务（用户 ${viewer.name}）`];
  // Of uucp on some systems; where root alone has it, being in a group helps nobody.
  if (!isFolder && gid !== 0 && ((mode >> 3) & bits) === bits) {
    const run = `usermod -aG ${groupName(gid)} ${viewer?.name ?? 'campus-gateway'}`;
    return [
      `${ids}: ${en} may not open ${path}: ${run}, then restart it`,
      `${ids}：${zh}无权打开 ${path}：请执行 ${run} 后重启服务`,
    ];
  }
  const rule = `KERNEL=="${basename(realPath(path)).replace(/\d+$/, '')}[0-9]*", GROUP="dialout", MODE="0660"`;
  return [
    `${ids}: ${en} may not open ${path}, and no group may: write ${rule} into /etc/udev/rules.d/60-serial.rules, and plug it in again or restart`,
    `${ids}：${zh}无权打开 ${path}，也没有可用的组：请在 /etc/udev/rules.d/60-serial.rules 中写入 ${rule}，然后重新插拔或重启`,
  ];
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** So many at once. */
export async function inTurns<T, R>(
  all: readonly T[],
  most: number,
  each: (one: T) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const results: (readonly R[])[] = all.map(() => []);
  let next = 0;
  const work = async () => {
    while (next < all.length) {
      const i = next++;
      results[i] = await each(all[i] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, work));
  return results.flat();
}
