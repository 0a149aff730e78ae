/** What in a config only the gateway can check: event types, keys, and that what is named exists. */
import { readFileSync } from 'node:fs';
import { eventTypes } from '../config/catalogue/events.ts';
import { matches } from '../config/catalogue/filter.ts';
import { say } from '../config/language.ts';
import { type Config, type ConfigError, loadConfig } from '../config/load.ts';
import type { DeviceCommand, Problem } from '../drivers/contract/driver.ts';
import { readCredentials } from './access/credentials.ts';
import { readPublicKey } from './commands/command.ts';

/** Reads a config file and checks it. */
export function readConfig(
  file: string,
): { readonly config: Config } | { readonly errors: readonly ConfigError[] } {
  return loadConfig(file, (config) => [
    ...uplinkProblems(config),
    ...areaProblems(config),
    ...ruleProblems(config),
    ...noticeProblems(config),
    ...accessProblems(config),
    ...mediaProblems(config),
  ]);
}

function uplinkProblems({ uplinks, devices, areas }: Config): Problem[] {
  const targets = ['gateway', ...devices.map(({ id }) => id), ...areas.map(({ id }) => id)];
  return uplinks.flatMap(({ events, commands, commandKeys }, i) => [
    ...commands.flatMap((rule, k) => [
      ...rule.targets.flatMap((target, n): Problem[] =>
        target.endsWith('*') || targets.includes(target)
          ? []
          : [
              {
                path: ['uplinks', i, 'commands', k, 'targets', n],
                message: isMissing(`target ${target}`, targets),
              },
            ],
      ),
      ...(rule.signed && commandKeys.length === 0
        ? [
            {
              path: ['uplinks', i, 'commands', k, 'signed'],
              message: say('needs commandKeys beside it', '需要同时配置 commandKeys'),
            },
          ]
        : []),
    ]),
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
  const { zones, inputs, accounts } = options as {
    zones?: readonly { zone: number }[];
    inputs?: readonly { zone: number }[];
    accounts?: readonly { zones?: readonly { zone: number }[] }[];
  };
  const listed = zones ?? inputs ?? accounts?.flatMap((account) => account.zones ?? []);
  return listed === undefined || listed.length === 0 ? undefined : listed.map(({ zone }) => zone);
}

/** A zone that a config names: its device must be there, and, where it lists its zones, the zone. */
function zoneProblems(
  path: Problem['path'],
  { device, zone }: { readonly device: string; readonly zone: number },
  devices: Config['devices'],
): Problem[] {
  const names = devices.map(({ id }) => id);
  const found = devices.find(({ id }) => id === device);
  if (found === undefined)
    return [{ path: [...path, 'device'], message: isMissing(`device ${device}`, names) }];
  const listed = zonesOf(found.options);
  if (listed === undefined || listed.includes(zone)) return [];
  return [{ path: [...path, 'zone'], message: isMissing(`zone ${zone}`, listed) }];
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
    ...areas.flatMap(({ id, zones, cameras }, i): Problem[] => {
      const own: Problem[] = [];
      const seeing = camerasOf(devices);
      for (const [k, camera] of cameras.entries())
        if (!seeing.includes(camera))
          own.push({ path: ['areas', i, 'cameras', k], message: isMissing(`camera ${camera}`, seeing) });
      if (names.includes(id) || areas.findIndex((area) => area.id === id) < i || id === 'gateway')
        own.push({ path: ['areas', i, 'id'], message: say(`"${id}" is taken`, `"${id}" 已被使用`) });
      for (const [k, { device, zone }] of zones.entries()) {
        const path = ['areas', i, 'zones', k];
        own.push(...zoneProblems(path, { device, zone }, devices));
        const before = taken.get(`${device}/${zone}`);
        if (before !== undefined)
          own.push({ path, message: say(`belongs to ${before} already`, `已属于 ${before}`) });
        taken.set(`${device}/${zone}`, id);
      }
      return own;
    }),
  ];
}

function ruleProblems({ rules, devices, areas }: Config): Problem[] {
  const deviceNames = devices.map(({ id }) => id);
  const areaNames = areas.map(({ id }) => id);
  const named = (
    path: Problem['path'],
    what: string,
    names: readonly string[],
    given: readonly string[] = [],
  ) =>
    given.flatMap((name, k): Problem[] =>
      names.includes(name) ? [] : [{ path: [...path, k], message: isMissing(`${what} ${name}`, names) }],
    );
  return rules.flatMap(({ id, when, do: actions }, i): Problem[] => {
    const path = ['rules', i];
    const problems: Problem[] = [
      ...named([...path, 'when', 'devices'], 'device', [...deviceNames, ...areaNames], when.devices),
      ...named([...path, 'when', 'areas'], 'area', areaNames, when.areas),
      ...named([...path, 'when', 'armed'], 'area', areaNames, when.armed),
    ];
    if (rules.findIndex((rule) => rule.id === id) < i)
      problems.push({ path: [...path, 'id'], message: say(`"${id}" stands here twice`, `"${id}" 重复`) });
    if (!eventTypes.some((type) => matches(when.event, type)))
      problems.push({
        path: [...path, 'when', 'event'],
        message: isMissing(`event ${when.event}`, eventTypes),
      });
    for (const [k, named] of (when.zones ?? []).entries())
      problems.push(...zoneProblems([...path, 'when', 'zones', k], named, devices));
    for (const [k, { target, action, arguments: wanted, for: length }] of actions.entries()) {
      const at = [...path, 'do', k];
      const device = devices.find((one) => one.id === target);
      const can = device?.commands ?? (areaNames.includes(target) ? areaActions : undefined);
      if (device === undefined && can === undefined) {
        problems.push({
          path: [...at, 'target'],
          message: isMissing(`target ${target}`, [...deviceNames, ...areaNames]),
        });
        continue;
      }
      const fitting = (can ?? []).filter((one) => one.action === action);
      const outputs = fitting.flatMap(({ output }) => output ?? []);
      if (fitting.length === 0)
        problems.push({
          path: [...at, 'action'],
          message: isMissing(`${action} of ${target}`, [...new Set((can ?? []).map((one) => one.action))]),
        });
      else if (outputs.length > 0 && !outputs.includes(String(wanted['output'])))
        problems.push({
          path: [...at, 'arguments'],
          message: isMissing(`output ${String(wanted['output'])}`, outputs),
        });
      if (length !== undefined && action !== 'activate' && action !== 'hold')
        problems.push({
          path: [...at, 'for'],
          message: say(`${action} does not last`, `${action} 没有持续时间`),
        });
    }
    return problems;
  });
}

const areaActions = ['arm', 'disarm', 'bypass', 'unbypass'].map((action): DeviceCommand => ({ action }));

function noticeProblems({ notices, devices }: Config): Problem[] {
  const signs = devices.filter(({ commands = [] }) => commands.some(({ action }) => action === 'show'));
  const names = signs.map(({ id }) => id);
  return notices.show.flatMap((target, i): Problem[] =>
    names.includes(target)
      ? []
      : [{ path: ['notices', 'show', i], message: isMissing(`device ${target} that shows texts`, names) }],
  );
}

const camerasOf = (devices: Config['devices']) =>
  devices.filter(({ commands = [] }) => commands.some(({ action }) => action === 'clip')).map(({ id }) => id);

function mediaProblems({ media, devices }: Config): Problem[] {
  const names = camerasOf(devices);
  return media.clips.flatMap((camera, i): Problem[] =>
    names.includes(camera)
      ? []
      : [{ path: ['media', 'clips', i], message: isMissing(`camera ${camera}`, names) }],
  );
}

function accessProblems({ access, devices }: Config): Problem[] {
  const { doors, groups, timeTables, credentialsFile } = access;
  const deviceNames = devices.map(({ id }) => id);
  const doorNames = doors.map(({ id }) => id);
  const tableNames = timeTables.map(({ id }) => id);
  const problems: Problem[] = [];
  const tell = (path: Problem['path'], message: string) =>
    problems.push({ path: ['access', ...path], message });
  for (const [i, door] of doors.entries()) {
    const { reader: readers, unlock, direction, passback, contact, exitRequest } = door;
    for (const reader of readers) {
      if (!deviceNames.includes(reader))
        tell(['doors', i, 'reader'], isMissing(`device ${reader}`, deviceNames));
      if (doors.findIndex((other) => other.reader.includes(reader)) < i)
        tell(['doors', i, 'reader'], say(`${reader} is at another door already`, `${reader} 已用于另一扇门`));
    }
    for (const [name, zone] of Object.entries({ contact, exitRequest }))
      if (zone !== undefined) problems.push(...zoneProblems(['access', 'doors', i, name], zone, devices));
    if (passback !== undefined && direction === undefined)
      tell(['doors', i, 'passback'], say('needs direction beside it', '需要同时配置 direction'));
    for (const [k, { target, output }] of unlock.entries()) {
      const outputs = devices
        .find(({ id }) => id === target)
        ?.commands?.flatMap((one) => (one.action === 'unlock' ? (one.output ?? []) : []));
      if (outputs === undefined)
        tell(['doors', i, 'unlock', k, 'target'], isMissing(`device ${target}`, deviceNames));
      else if (!outputs.includes(output))
        tell(['doors', i, 'unlock', k, 'output'], isMissing(`door ${output} of ${target}`, outputs));
    }
  }
  for (const [i, { doors: own, times = [] }] of groups.entries()) {
    for (const [k, door] of own.entries())
      if (!doorNames.includes(door)) tell(['groups', i, 'doors', k], isMissing(`door ${door}`, doorNames));
    for (const [k, table] of times.entries())
      if (!tableNames.includes(table))
        tell(['groups', i, 'times', k], isMissing(`time table ${table}`, tableNames));
  }
  for (const [i, { from, to }] of timeTables.entries())
    if (from >= to) tell(['timeTables', i, 'to'], say(`is not after ${from}`, `不晚于 ${from}`));
  if (credentialsFile !== undefined) {
    const found = readCredentials(
      readFileSync(credentialsFile, 'utf8'),
      groups.map(({ id }) => id),
    );
    const errors = 'errors' in found ? found.errors : [];
    for (const { line, message } of errors.slice(0, 20))
      tell(['credentialsFile'], `${credentialsFile}:${line}: ${message}`);
    if (errors.length > 20)
      tell(
        ['credentialsFile'],
        say(`and ${errors.length - 20} more errors`, `另有 ${errors.length - 20} 处错误`),
      );
  }
  return problems;
}
