/** What in a config only the gateway can check: event types, keys, and that what is named exists. */
import { say } from '../config/language.ts';
import { type Config, type ConfigError, loadConfig } from '../config/load.ts';
import type { Problem } from '../drivers/contract.ts';
import { readPublicKey } from './commands/command.ts';
import { eventTypes } from './event.ts';
import { matches } from './uplink/index.ts';

/** Reads a config file and checks it. */
export function readConfig(
  file: string,
): { readonly config: Config } | { readonly errors: readonly ConfigError[] } {
  return loadConfig(file, (config) => [...uplinkProblems(config), ...areaProblems(config)]);
}

function uplinkProblems({ uplinks }: Config): Problem[] {
  return uplinks.flatMap(({ events, commandKeys }, i) => [
    ...events.flatMap((pattern, k): Problem[] => {
      if (eventTypes.some((type) => matches(pattern, type))) return [];
      const message = say(
        `"${pattern}" matches no event; there are: ${eventTypes.join(', ')}`,
        `"${pattern}" 不匹配任何事件；可用：${eventTypes.join('、')}`,
      );
      return [{ path: ['uplinks', i, 'events', k], message }];
    }),
    ...commandKeys.flatMap(({ publicKeyFile }, k): Problem[] => {
      try {
        readPublicKey(publicKeyFile);
        return [];
      } catch (error) {
        const message = `${publicKeyFile}: ${say('no Ed25519 public key', '不是 Ed25519 公钥')} (${(error as Error).message})`;
        return [{ path: ['uplinks', i, 'commandKeys', k, 'publicKeyFile'], message }];
      }
    }),
  ]);
}

const isMissing = (what: string, names: readonly (string | number)[]) =>
  say(
    `there is no ${what}; there are: ${names.join(', ') || 'none'}`,
    `没有 ${what}；可用：${names.join('、') || '无'}`,
  );

/** The zones that a device's options list; undefined: it lists none, and any number may come. */
export function zonesOf(options: unknown): readonly number[] | undefined {
  const { zones, accounts } = options as {
    zones?: readonly { zone: number }[];
    accounts?: readonly { zones?: readonly { zone: number }[] }[];
  };
  const listed = zones ?? accounts?.flatMap((account) => account.zones ?? []);
  return listed === undefined || listed.length === 0 ? undefined : listed.map(({ zone }) => zone);
}

function areaProblems({ areas, devices, calendar }: Config): Problem[] {
  const taken = new Map<string, string>();
  const names = devices.map(({ id }) => id);
  const holidays = calendar.holidays.flatMap(({ from, to }, i): Problem[] =>
    from <= to
      ? []
      : [{ path: ['calendar', 'holidays', i, 'to'], message: say(`is before ${from}`, `早于 ${from}`) }],
  );
  return [
    ...holidays,
    ...areas.flatMap(({ id, zones }, i): Problem[] => {
      const own: Problem[] = [];
      if (names.includes(id) || areas.findIndex((area) => area.id === id) < i || id === 'gateway')
        own.push({ path: ['areas', i, 'id'], message: say(`"${id}" is taken`, `"${id}" 已被使用`) });
      for (const [k, { device, zone }] of zones.entries()) {
        const path = ['areas', i, 'zones', k];
        const found = devices.find((one) => one.id === device);
        const listed = found === undefined ? undefined : zonesOf(found.options);
        if (found === undefined)
          own.push({ path: [...path, 'device'], message: isMissing(`device ${device}`, names) });
        else if (listed !== undefined && !listed.includes(zone))
          own.push({ path: [...path, 'zone'], message: isMissing(`zone ${zone}`, listed) });
        const before = taken.get(`${device}/${zone}`);
        if (before !== undefined)
          own.push({ path, message: say(`belongs to ${before} already`, `已属于 ${before}`) });
        taken.set(`${device}/${zone}`, id);
      }
      return own;
    }),
  ];
}
