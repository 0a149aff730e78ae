/** What the config has that a platform may list: cameras and alarm inputs. Pure. */
import { inputName, type Places, type Thing } from '../drivers/contract/inventory.ts';
import type { Config } from './schema.ts';
import { isSameZone, type ListedZone, listZones, zoneKey } from './zones.ts';

export interface ListedThing extends Pick<Thing, 'kind' | 'id' | 'device' | 'name' | 'area' | 'place'> {
  /** Of a zone: the panel that it is of, behind a receiver. */
  readonly account?: string | undefined;
  /** Of a zone in an area: `instant`, as the config says when it alarms. */
  readonly alarms?: string | undefined;
}

/** Contacts of doors raise no alarm by themselves. */
const isAlarmInput = ({ kind }: ListedZone) => kind !== 'contact' && kind !== 'exit-request';

type Part = Pick<Config, 'devices' | 'areas'>;

/** The devices that take pictures. */
export const camerasIn = ({ devices }: Pick<Config, 'devices'>): Config['devices'] =>
  devices.filter(({ commands = [] }) => commands.some(({ action }) => action === 'snapshot'));

/** The cameras first, then each device and each of its zones that alarms, in the order of the config. */
export function listThings(config: Part): readonly ListedThing[] {
  const { devices, areas } = config;
  const zonesOfAreas = new Map(
    areas.flatMap((area) => area.zones.map((zone) => [zoneKey(zone), { area, type: zone.type }] as const)),
  );
  const shown = ({ id, name = id }: Part['areas'][number]) => ({ id, name });
  const cameras = camerasIn(config).map(({ id, name = id, place }): ListedThing => {
    const area = areas.find((one) => one.cameras.includes(id));
    return { kind: 'camera', id, device: id, name, place, ...(area && { area: shown(area) }) };
  });
  const inputs = devices.flatMap((one): ListedThing[] => {
    const { id: device, name = device, place } = one;
    const zones = listZones(one).filter(isAlarmInput);
    const whole = {
      kind: 'alarm-input',
      id: inputName(device, undefined, undefined),
      device,
      name,
      place,
    } as const;
    return [
      whole,
      ...zones.map(({ zone: number, id, account, name: title, place: own = place }): ListedThing => {
        const found = zonesOfAreas.get(zoneKey({ device, zone: number, account }));
        return {
          ...{ kind: 'alarm-input', device, account },
          id: inputName(device, account, { number, id }),
          place: own,
          name: title ?? [name, account, id ?? number].filter(Boolean).join(' '),
          ...(found && { area: shown(found.area), alarms: found.type }),
        };
      }),
    ];
  });
  return [...cameras, ...inputs];
}

/** Areas and doors, in the order of the config. */
export function listPlaces({ devices, areas, access }: Pick<Config, 'devices' | 'areas' | 'access'>): Places {
  const contactOf = (place: Config['access']['doors'][number]['contact']) => {
    const device = devices.find(({ id }) => id === place?.device);
    if (place === undefined || device === undefined) return undefined;
    const zone = listZones(device).find((one) => isSameZone({ ...one, device: device.id }, place));
    return { device: device.id, subject: zone?.id ?? `zone-${place.zone}` };
  };
  return {
    areas: areas.map(({ id, name = id }) => ({ id, name })),
    doors: access.doors.map(({ id, name = id, contact }) => ({ id, name, contact: contactOf(contact) })),
  };
}
