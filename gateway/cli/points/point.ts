/** What a row says of a device, a panel or a zone -> edits of the config. */
import { isDeepStrictEqual } from 'node:util';
import type { Edits } from '../../../config/edit.ts';
import { near } from '../../../config/explain.ts';
import { say } from '../../../config/language.ts';
import { isSameAccount } from '../../../config/zones.ts';
import { drivers } from '../../../drivers/index.ts';
import { keysOfDriver, readAddress } from './address.ts';
import type { Areas } from './areas.ts';
import { type Column, keyOfWord, type WordColumn, wordsOf } from './columns.ts';
import type { Spot } from './list.ts';
import type { Lists } from './lists.ts';
import { NOTHING, noNumber, type Row, readOptions, type Target, wholeNumber } from './row.ts';
import {
  type Cells,
  deviceCells,
  OWN_KEYS,
  ownKeysOfDevice,
  panelCells,
  unitKeyOf,
  zoneCells,
  zonesKeyOf,
} from './rows.ts';

/** What all rows share. */
export interface Points {
  readonly edits: Edits;
  readonly lists: Lists;
  readonly areas: Areas;
  /** By their ids, those that come included. */
  readonly devices: Map<string, Target>;
  /** Which rows were read, by what they are of (`keyOfPoint`). */
  readonly seen: Map<string, number>;
}

export const keyOfPoint = (device: unknown, account?: unknown, zone?: unknown): string =>
  [device, String(account ?? '').toUpperCase(), zone ?? ''].map(String).join('\n');

/** false: it was told. */
function isFirst(key: string, row: Row, { seen }: Points): boolean {
  const before = seen.get(key);
  if (before !== undefined)
    row.wrong('device', say(`stands in row ${before} already`, `与第 ${before} 行重复`));
  else seen.set(key, row.row);
  return before === undefined;
}

/** `value` undefined: the key goes. */
function put(
  { edits, lists }: Points,
  { path, raw, isNew }: Target,
  key: string,
  value: unknown,
  spot: Spot,
): void {
  if (isDeepStrictEqual(raw[key], value)) return;
  if (isNew) (raw as Record<string, unknown>)[key] = value;
  else if (value !== undefined) edits.set([...path, key], value);
  else if (raw[key] !== undefined) edits.remove([...path, key]);
  if (value !== undefined) lists.origins.push({ path: [...path, key], ...spot });
}

/** Calls back where a cell says something else than what stands there; undefined: it is to go. */
function changed(
  row: Row,
  before: Cells,
  column: Column,
  run: (cell: string | undefined, spot: Spot) => void,
): void {
  const cell = row.cells[column] ?? '';
  if (cell === '' || cell === before[column]) return;
  if (cell === NOTHING && (before[column] ?? '') === '') return;
  run(cell === NOTHING ? undefined : cell, row.spot(column));
}

const word = (row: Row, column: WordColumn, cell: string): string | undefined =>
  keyOfWord(column, cell) ??
  row.wrong(
    column,
    say(`"${cell}" is not known; there are: ${wordsOf(column)}`, `不认识“${cell}”；可用：${wordsOf(column)}`),
  );

function putOptions(points: Points, row: Row, target: Target, own: readonly string[], before: Cells): void {
  changed(row, before, 'options', (cell = '{}', spot) => {
    const options = readOptions(cell, own);
    if (typeof options === 'string') row.wrong('options', options);
    else
      for (const [key, value] of Object.entries(options))
        if (!isDeepStrictEqual(value, target.raw[key])) put(points, target, key, value ?? undefined, spot);
  });
}

function deviceOf(row: Row, { devices }: Points): Target | undefined {
  const { device = '' } = row.cells;
  if (device === '')
    return row.wrong('device', say('is empty: of which device?', '为空：请填写所属设备编号'));
  const hint = near(device, [...devices.keys()]);
  return (
    devices.get(device) ??
    row.wrong(
      'device',
      say(
        `there is no device ${device}${hint}: give it a row of its own`,
        `没有设备 ${device}${hint}：请先为其添加一行`,
      ),
    )
  );
}

const bareAccount = (account: string) => account.replace(/^0+/, '').toUpperCase();

function panelOf(row: Row, device: Target, { lists }: Points): Target | undefined {
  const { account = '' } = row.cells;
  const all = lists.itemsAt([...device.path, 'accounts'], device);
  const found =
    account === '' && all.length === 1
      ? all[0]
      : all.find(({ raw }) => isSameAccount(raw['account'], account));
  if (found !== undefined) return found;
  const id = String(device.raw['id']);
  const known = all.map(({ raw }) => String(raw['account']));
  const panelRow = say(
    `a panel that is new needs a row of its own (type panel, device ${id}, account ${account || '...'})`,
    `新主机须单独一行（类型为报警主机，设备编号 ${id}，账号 ${account || '…'}）`,
  );
  if (known.length === 0)
    return row.wrong(
      'account',
      say(`${id} has no panel yet: ${panelRow}`, `${id} 尚无报警主机：${panelRow}`),
    );
  if (account === '')
    return row.wrong(
      'account',
      say(
        `is empty: of which panel? ${id} has the accounts ${known.join(', ')}`,
        `为空：请填写主机账号；${id} 的账号有 ${known.join('、')}`,
      ),
    );
  // A spreadsheet makes 12 of 0012.
  const zeros = known.find((one) => bareAccount(one) === bareAccount(account));
  const hint = near(account, zeros === undefined ? known : [zeros]);
  return row.wrong(
    'account',
    say(
      `${id} has no account ${account}${hint}; it has: ${known.join(', ')}; ${panelRow}`,
      `${id} 没有账号 ${account}${hint}；现有：${known.join('、')}；${panelRow}`,
    ),
  );
}

export function applyDevice(row: Row, points: Points): void {
  const { device: id = '', driver = '' } = row.cells;
  const { devices, areas } = points;
  if (id === '') row.wrong('device', say('is empty: each device has an id', '为空：每台设备须有编号'));
  if (id === '' || !isFirst(keyOfPoint(id), row, points)) return;
  const found = devices.get(id) ?? newDevice(row, id, driver, points);
  if (found === undefined) return;
  devices.set(id, found);
  const before = found.isNew ? {} : deviceCells(found.raw, areas.all);
  const known = String(found.raw['driver']);
  if (driver !== '' && driver !== known)
    row.wrong(
      'driver',
      say(
        `${id} has the driver ${known}: give another kind of device another id`,
        `${id} 的驱动为 ${known}：不同类型的设备请用新编号`,
      ),
    );
  for (const column of ['name', 'place', 'profile'] as const)
    changed(row, before, column, (cell, spot) => put(points, found, column, cell, spot));
  changed(row, before, 'address', (cell, spot) => putAddress(points, row, found, cell ?? '', spot));
  changed(row, before, 'unit', (cell = '', spot) => {
    const key = unitKeyOf(known);
    const unit = wholeNumber(cell);
    if (key === undefined)
      row.wrong(
        'unit',
        say(
          `devices of the driver ${known} have none: leave it empty`,
          `驱动 ${known} 的设备没有站号：请留空`,
        ),
      );
    else if (unit === undefined) row.wrong('unit', noNumber(cell));
    else put(points, found, key, unit, spot);
  });
  changed(row, before, 'area', (cell, spot) => areas.see(id, (cell ?? '').split(/[;；]/), row, spot));
  putOptions(points, row, found, ownKeysOfDevice(known), before);
}

function putAddress(points: Points, row: Row, target: Target, cell: string, spot: Spot): void {
  const read = readAddress(cell, String(target.raw['driver']), target.raw);
  if (typeof read === 'string') {
    row.wrong('address', say(`"${cell}": write ${read}`, `“${cell}”：请写${read}`));
    return;
  }
  for (const [key, value] of Object.entries(read)) put(points, target, key, value, spot);
  if ('host' in read && !('port' in read)) put(points, target, 'port', undefined, spot);
}

export function applyPanel(row: Row, points: Points): void {
  const { lists } = points;
  const device = deviceOf(row, points);
  const { account = '' } = row.cells;
  if (account === '') row.wrong('account', say('is empty: which panel?', '为空：请填写主机账号'));
  if (device === undefined || account === '' || !isFirst(keyOfPoint(device.raw['id'], account), row, points))
    return;
  const path = [...device.path, 'accounts'];
  const found =
    lists.itemsAt(path, device).find(({ raw }) => isSameAccount(raw['account'], account)) ??
    lists.add(path, { account }, row.spot('account'), device);
  putOptions(points, row, found, OWN_KEYS.panel, found.isNew ? {} : panelCells(device.raw, found.raw));
}

export function applyZone(row: Row, points: Points): void {
  const device = deviceOf(row, points);
  const { zone = '' } = row.cells;
  const number = wholeNumber(zone);
  if (number === undefined) row.wrong('zone', noNumber(zone));
  const list = device && zonesOf(row, device, points);
  if (number === undefined || device === undefined || list === undefined) return;
  const { holder, path, account } = list;
  const id = String(device.raw['id']);
  if (!isFirst(keyOfPoint(id, account, number), row, points)) return;
  const found =
    points.lists.itemsAt(path, holder).find(({ raw }) => raw['zone'] === number) ??
    points.lists.add(path, { zone: number }, row.spot('zone'), holder);
  const before = found.isNew ? {} : zoneCells(device.raw, account, found.raw, points.areas.all);
  for (const column of ['id', 'name', 'place'] as const)
    changed(row, before, column, (cell, spot) => put(points, found, column, cell, spot));
  changed(row, before, 'kind', (cell, spot) => {
    const kind = cell === undefined ? undefined : word(row, 'kind', cell);
    if (cell === undefined || kind !== undefined) put(points, found, 'kind', kind, spot);
  });
  putOptions(points, row, found, OWN_KEYS.zone, before);
  const { alarms = '', area = '' } = row.cells;
  const type = alarms === '' || alarms === NOTHING ? undefined : word(row, 'alarms', alarms);
  const of = { device: id, ...(account !== undefined && { account }), zone: number };
  points.areas.place(of, { cell: area, before: before.area ?? '', type }, row);
}

/** Whether its zones are those of panels. */
const hasPanels = ({ raw }: Target) => keysOfDriver(raw['driver']).includes('accounts');

/** A device that is new, and could be in no config, for nothing says which panels it has. */
export function checkPanels({ devices, lists }: Points, wrong: (spot: Spot, message: string) => void): void {
  for (const [id, device] of devices) {
    const spot = lists.origins.find(({ path }) => path === device.path);
    const isBare =
      device.raw['accounts'] === undefined &&
      lists.itemsAt([...device.path, 'accounts'], device).length === 0;
    if (spot !== undefined && hasPanels(device) && isBare)
      wrong(
        spot,
        say(
          `${id} is new: each of its panels needs a row, too (type panel, device ${id}, account)`,
          `${id} 为新设备：其下每台主机也须一行（类型为报警主机，设备编号 ${id}，并填账号）`,
        ),
      );
  }
}

/** The list that a zone of a device is in, and what holds it; undefined: it was told. */
function zonesOf(
  row: Row,
  device: Target,
  points: Points,
):
  | { readonly holder: Target; readonly path: Target['path']; readonly account: string | undefined }
  | undefined {
  const { driver } = device.raw;
  if (hasPanels(device)) {
    const holder = panelOf(row, device, points);
    return holder && { holder, path: [...holder.path, 'zones'], account: String(holder.raw['account']) };
  }
  const key = zonesKeyOf(driver);
  if (key !== undefined) return { holder: device, path: [...device.path, key], account: undefined };
  return row.wrong(
    'device',
    say(`devices of the driver ${String(driver)} have no zones`, `驱动 ${String(driver)} 的设备没有防区`),
  );
}

function newDevice(row: Row, id: string, given: string, { lists, devices }: Points): Target | undefined {
  const names = drivers.map(({ name }) => name);
  const driver = given !== '' ? given : keyOfWord('type', row.cells.type ?? '') === 'camera' ? 'onvif' : '';
  if (!names.includes(driver as (typeof names)[number]))
    return row.wrong(
      'driver',
      driver === ''
        ? say(
            `there is no device ${id}${near(id, [...devices.keys()])}; where it is new: which driver? There are: ${names.join(', ')}`,
            `没有设备 ${id}${near(id, [...devices.keys()])}；若为新设备，请填写驱动；可用：${names.join('、')}`,
          )
        : say(
            `there is no driver ${driver}${near(driver, names)}; there are: ${names.join(', ')}`,
            `没有驱动 ${driver}${near(driver, names)}；可用：${names.join('、')}`,
          ),
    );
  return lists.add(['devices'], { id, driver }, row.spot('device'));
}
