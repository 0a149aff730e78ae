/** What there is on the campus, for platforms that list it: from the config, and from what devices are known to be. */
import type { Config } from '../../config/schema.ts';
import { type ListedZone, listZones } from '../../config/zones.ts';
import type { Device } from '../../drivers/contract/driver.ts';
import { inputName, type Thing, type Things } from '../../drivers/contract/inventory.ts';
import type { Campus } from '../campus.ts';
import type { State } from '../road/states.ts';
import type { Supervisor } from './supervisor.ts';

/** Contacts of doors raise no alarm by themselves. */
const isAlarmInput = ({ kind }: ListedZone) => kind !== 'contact' && kind !== 'exit-request';

export function createThings(
  { devices, areas }: Pick<Config, 'devices' | 'areas'>,
  of: {
    readonly campus: Pick<Campus, 'cameras' | 'areaOf' | 'areasSeenBy'>;
    readonly devices: Pick<Supervisor, 'onlineAt' | 'online' | 'about' | 'onChanged'>;
    /** What was known when the gateway stopped. */
    readonly states: ReadonlyMap<string, State>;
  },
): Things {
  const { campus } = of;
  const cameras = new Set(campus.cameras.map(({ id }) => id));
  const areaOf = (id: string | undefined) => {
    const found = areas.find((area) => area.id === id);
    return found === undefined ? undefined : { id: found.id, name: found.name ?? found.id };
  };
  const zoneArea = (device: string, { zone, account }: ListedZone) =>
    areaOf(campus.areaOf(device, zone, account));
  const wasLost = (device: string) =>
    [...of.states.values()].some(
      (state) =>
        state.raised && state.device === device && (state.event.data as { kind?: unknown }).kind === 'link',
    );
  /** Devices that were not heard of since the start. */
  const lost = new Map<string, boolean>();
  const asLeft = (device: string) => {
    const known = lost.get(device) ?? wasLost(device);
    lost.set(device, known);
    return !known;
  };
  const thingsOf = (device: Device): readonly Thing[] => {
    const { id, name = id } = device;
    const about = of.devices.about(id);
    const online = of.devices.online(id) ?? asLeft(id);
    const own = { device: id, name, ...about, online };
    const seen = areaOf(campus.areasSeenBy(id)[0]);
    const camera: Thing = { ...own, kind: 'camera', id, ...(seen && { area: seen }) };
    const { ptz: _, ...rest } = own;
    const whole: Thing = { ...rest, kind: 'alarm-input', id: inputName(id, undefined, undefined) };
    const zones = listZones(device)
      .filter(isAlarmInput)
      .map((zone): Thing => {
        const area = zoneArea(id, zone);
        return {
          ...rest,
          kind: 'alarm-input',
          id: inputName(id, zone.account, { number: zone.zone, id: zone.id }),
          name: zone.name ?? [name, zone.account, zone.id ?? zone.zone].filter(Boolean).join(' '),
          online: zone.account === undefined ? online : (of.devices.onlineAt(id, zone.account) ?? online),
          ...(area && { area }),
        };
      });
    return [...(cameras.has(id) ? [camera] : []), whole, ...zones];
  };
  return {
    list() {
      const all = devices.flatMap(thingsOf);
      return [...all.filter(({ kind }) => kind === 'camera'), ...all.filter(({ kind }) => kind !== 'camera')];
    },
    onChanged: of.devices.onChanged,
  };
}
