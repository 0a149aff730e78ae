/** What a config names: devices, their zones, areas, and what each of them can be told. */
import type { Problem } from '../../drivers/contract/driver.ts';
import { type ActionName, actionOf, commandActions } from '../catalogue/actions.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import type { ZoneName } from '../sections/values.ts';
import { accountsOf, isSameAccount } from '../zones.ts';

export type Path = Problem['path'];

/** `there is no zone 3; there are: 1, 8`. */
export const isMissing = (what: string, names: readonly (string | number)[]) =>
  say(
    `there is no ${what}; there are: ${names.join(', ') || 'none'}`,
    `没有 ${what}；可用：${names.join('、') || '无'}`,
  );

const nouns = {
  target: '目标',
  device: '设备',
  area: '区域',
  zone: '防区',
  camera: '摄像机',
  'alarm input': '报警输入',
  door: '门',
  'time table': '时间表',
  event: '事件',
  output: '输出',
  account: '账号',
  contact: '联系人',
} as const;
export type Noun = keyof typeof nouns;

/** `zone 3`, in the language of the reader. */
export const named = (noun: Noun, name: string | number) => say(`${noun} ${name}`, `${nouns[noun]} ${name}`);

/** Names of a list that are not there. `path` is of the list. */
export function missingNames(
  path: Path,
  noun: Noun,
  names: readonly string[],
  given: readonly string[] = [],
): Problem[] {
  return given.flatMap((name, i) =>
    names.includes(name) ? [] : [{ path: [...path, i], message: isMissing(named(noun, name), names) }],
  );
}

export const idsOf = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);

/** The zones that a device's options list, of an account; undefined: they list none, and any number may come. */
function zonesOf(options: unknown, account: string | undefined): readonly number[] | undefined {
  const { zones, inputs, events } = options as {
    zones?: readonly { zone: number }[];
    inputs?: readonly { zone: number }[];
    events?: readonly { zone?: number }[];
  };
  // A camera has the zones that its rules give, and no others.
  if (events !== undefined) return events.flatMap(({ zone }) => zone ?? []);
  const listed =
    zones ?? inputs ?? accountsOf(options).find((one) => isSameAccount(one.account, account))?.zones;
  return listed === undefined || listed.length === 0 ? undefined : listed.map(({ zone }) => zone);
}

const whichAccount = (device: string, zone: number, accounts: readonly string[]) =>
  say(
    `zone ${zone} of ${device}: which account? Add account: "${accounts[0]}"; there are: ${accounts.join(', ')}`,
    `${device} 的防区 ${zone} 属于哪个账号？请写明 account: "${accounts[0]}"；可用：${accounts.join('、')}`,
  );

/** A zone that a config names: its device must be there, its account, and, where zones are listed, the zone. */
export function zoneProblems(
  path: Path,
  { device, zone, account }: ZoneName,
  devices: Config['devices'],
): Problem[] {
  const found = devices.find(({ id }) => id === device);
  if (found === undefined)
    return [{ path: [...path, 'device'], message: isMissing(named('device', device), idsOf(devices)) }];
  const accounts = accountsOf(found.options).map((one) => one.account);
  if (account === undefined && accounts.length > 1)
    return [{ path, message: whichAccount(device, zone, accounts) }];
  if (account !== undefined && !accounts.some((one) => isSameAccount(one, account)))
    return [{ path: [...path, 'account'], message: isMissing(named('account', account), accounts) }];
  const listed = zonesOf(found.options, account);
  if (listed === undefined || listed.includes(zone)) return [];
  return [{ path: [...path, 'zone'], message: isMissing(named('zone', zone), listed) }];
}

/** The devices that can be told an action. */
export const devicesThatCan = (action: ActionName, devices: Config['devices']) =>
  idsOf(devices.filter(({ commands = [] }) => commands.some((one) => one.action === action)));

/** What may be asked of a target by its own name; undefined: there is none of that name. */
export function actionsOf(
  target: string,
  { devices, areas }: Pick<Config, 'devices' | 'areas'>,
): readonly ActionName[] | undefined {
  const device = devices.find(({ id }) => id === target);
  if (device !== undefined)
    return commandActions.filter((name) => device.commands?.some(({ action }) => action === name));
  const kind = target === 'gateway' ? target : idsOf(areas).includes(target) ? 'area' : undefined;
  return kind && commandActions.filter((name) => actionOf(name).of === kind);
}
