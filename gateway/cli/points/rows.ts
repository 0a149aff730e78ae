/** A config as rows of a point list: each device, each panel behind a receiver, each zone. Pure. */
import { flowText } from '../../../config/edit.ts';
import { isSameAccount } from '../../../config/zones.ts';
import { ADDRESS_KEYS, addressOf, keysOfDriver, type Raw } from './address.ts';
import { type Column, columns, headingOf, type Type, wordOf } from './columns.ts';
import type { Table } from './list.ts';

export type Cells = Readonly<Partial<Record<Column, string>>>;

/** A config as it stands in its file, as far as points are concerned. It was checked. */
export interface Written {
  readonly devices?: readonly Raw[] | null;
  readonly areas?: readonly WrittenArea[] | null;
}
export interface WrittenArea extends Raw {
  readonly id: string;
  readonly name?: string;
  readonly zones?: readonly ZoneRef[];
  readonly cameras?: readonly string[];
}
export interface ZoneRef {
  readonly device: string;
  readonly account?: string;
  readonly zone: number;
  readonly type?: string;
}

const listOf = <T = Raw>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);

/** The key of a device's list of zones; undefined: its driver knows none of its own. */
export function zonesKeyOf(driver: unknown): 'zones' | 'inputs' | undefined {
  const keys = keysOfDriver(driver);
  return keys.includes('zones') ? 'zones' : keys.includes('inputs') ? 'inputs' : undefined;
}
/** The key of its address on a line. */
export function unitKeyOf(driver: unknown): 'unit' | 'address' | undefined {
  const keys = keysOfDriver(driver);
  return keys.includes('unit') ? 'unit' : keys.includes('address') ? 'address' : undefined;
}

/** Keys of a device, a panel and a zone that have columns of their own, or rows. */
export const OWN_KEYS = {
  device: [
    'id',
    'driver',
    'name',
    'place',
    'profile',
    'unit',
    'zones',
    'inputs',
    'accounts',
    ...ADDRESS_KEYS,
  ],
  panel: ['account', 'zones'],
  zone: ['zone', 'id', 'name', 'kind', 'place'],
} as const;

/** What has no column, as one cell. */
export function optionsText(of: Raw, own: readonly string[]): string {
  const others = Object.entries(of).filter(([key]) => !own.includes(key));
  return others.length === 0 ? '' : flowText(Object.fromEntries(others));
}

export const ownKeysOfDevice = (driver: unknown): readonly string[] =>
  unitKeyOf(driver) === 'address' ? [...OWN_KEYS.device, 'address'] : OWN_KEYS.device;

export function typeOfDriver(driver: unknown): Type {
  if (driver === 'onvif') return 'camera';
  if (driver === 'osdp' || driver === 'wiegand') return 'reader';
  return driver === 'http-push' ? 'terminal' : 'device';
}

/** An area as people call it, where only one is called so. */
export function areaText({ id, name }: WrittenArea, areas: readonly WrittenArea[]): string {
  const isClear = areas.filter((one) => one.name === name || one.id === name).length === 1;
  return name !== undefined && isClear ? name : id;
}

/** Where a zone stands in the areas. */
export function refOf(
  areas: readonly WrittenArea[],
  {
    device,
    account,
    zone,
  }: { readonly device: string; readonly account?: string | undefined; readonly zone: number },
): { readonly area: number; readonly at: number; readonly ref: ZoneRef } | undefined {
  for (const [area, { zones = [] }] of areas.entries()) {
    const at = zones.findIndex(
      (one) =>
        one.device === device &&
        one.zone === zone &&
        (one.account === undefined || account === undefined || isSameAccount(one.account, account)),
    );
    const ref = zones[at];
    if (ref !== undefined) return { area, at, ref };
  }
  return undefined;
}

const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

export function deviceCells(device: Raw, areas: readonly WrittenArea[]): Cells {
  const { id, driver } = device;
  const unitKey = unitKeyOf(driver);
  const seenBy = areas.filter(({ cameras = [] }) => cameras.includes(text(id)));
  return {
    type: wordOf('type', typeOfDriver(driver)),
    device: text(id),
    driver: text(driver),
    address: addressOf(device),
    unit: unitKey === undefined ? '' : text(device[unitKey]),
    profile: text(device['profile']),
    name: text(device['name']),
    area: seenBy.map((one) => areaText(one, areas)).join(';'),
    place: text(device['place']),
    options: optionsText(device, ownKeysOfDevice(driver)),
  };
}

export const panelCells = (device: Raw, panel: Raw): Cells => ({
  type: wordOf('type', 'panel'),
  device: text(device['id']),
  account: text(panel['account']),
  options: optionsText(panel, OWN_KEYS.panel),
});

export function zoneCells(
  device: Raw,
  account: string | undefined,
  zone: Raw,
  areas: readonly WrittenArea[],
): Cells {
  const found = refOf(areas, { device: text(device['id']), account, zone: Number(zone['zone']) });
  const area = found && areas[found.area];
  return {
    type: wordOf('type', 'zone'),
    device: text(device['id']),
    account: account ?? '',
    zone: text(zone['zone']),
    id: text(zone['id']),
    name: text(zone['name']),
    kind: zone['kind'] === undefined ? '' : wordOf('kind', text(zone['kind'])),
    area: area === undefined ? '' : areaText(area, areas),
    alarms: found === undefined ? '' : wordOf('alarms', found.ref.type ?? 'instant'),
    place: text(zone['place']),
    options: optionsText(zone, OWN_KEYS.zone),
  };
}

/** The whole list, its headings first. */
export function tableOf({ devices, areas: written }: Written): Table {
  const areas = listOf<WrittenArea>(written);
  const rows = listOf(devices).flatMap((device): Cells[] => {
    const key = zonesKeyOf(device['driver']);
    const own = key === undefined ? [] : listOf(device[key]);
    return [
      deviceCells(device, areas),
      ...own.map((zone) => zoneCells(device, undefined, zone, areas)),
      ...listOf(device['accounts']).flatMap((panel) => [
        panelCells(device, panel),
        ...listOf(panel['zones']).map((zone) => zoneCells(device, text(panel['account']), zone, areas)),
      ]),
    ];
  });
  return [columns.map(headingOf), ...rows.map((row) => columns.map((column) => row[column] ?? ''))];
}
