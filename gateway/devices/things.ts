/** What there is on the campus, for platforms that list it: from the config, and from what devices are known to be. */
import type { Config } from '../../config/schema.ts';
import { type ListedZone, listZones, zoneKey } from '../../config/zones.ts';
import type { Device } from '../../drivers/contract/driver.ts';
import { inputName, type Thing, type Things } from '../../drivers/contract/inventory.ts';
import { isAlarmKind, type Observation } from '../../drivers/contract/observation.ts';
import type { Campus } from '../campus.ts';
import type { State } from '../road/states.ts';
import type { Supervisor } from './supervisor.ts';

/** Contacts of doors raise no alarm by themselves. */
const isAlarmInput = ({ kind }: ListedZone) => kind !== 'contact' && kind !== 'exit-request';

interface Zone {
  readonly area: string;
  readonly type: string;
}
/** Whether a zone alarms only while its area is armed. */
const waits = ({ type }: Zone) => type === 'instant' || type === 'delayed';

/** The alarm inputs of which an alarm stands. */
function alarmsIn(states: Iterable<State>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { raised, device, event } of states) {
    const { kind, zone, details } = event.data as unknown as Pick<Observation, 'kind' | 'zone' | 'details'>;
    if (!raised || !isAlarmKind(kind)) continue;
    const account = details?.['account'];
    names.add(inputName(device, account === undefined || account === '' ? undefined : String(account), zone));
  }
  return names;
}

export function createThings(
  { campus: school, devices, areas }: Pick<Config, 'campus' | 'devices' | 'areas'>,
  of: {
    readonly arming: { isArmed(area: string): boolean };
    readonly campus: Pick<Campus, 'cameras' | 'areasSeenBy'>;
    readonly devices: Pick<Supervisor, 'onlineAt' | 'online' | 'about' | 'onChanged'>;
    /** The latest words, from before the start too. */
    readonly states: ReadonlyMap<string, State>;
  },
): Things {
  const { campus } = of;
  const cameras = new Set(campus.cameras.map(({ id }) => id));
  const areaOf = (id: string | undefined) => {
    const found = areas.find((area) => area.id === id);
    return found === undefined ? undefined : { id: found.id, name: found.name ?? found.id };
  };
  const zonesOfAreas = new Map(
    areas.flatMap(({ id: area, zones }) => zones.map((zone) => [zoneKey(zone), { area, type: zone.type }])),
  );
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
  const guardOf = (name: string, alarms: ReadonlySet<string>, zone?: Zone): Thing['guard'] => {
    if (alarms.has(name)) return 'alarm';
    return zone === undefined || !waits(zone) || of.arming.isArmed(zone.area) ? 'armed' : 'disarmed';
  };
  const thingsOf = (device: Device, alarms: ReadonlySet<string>): readonly Thing[] => {
    const { id, name = id } = device;
    const about = of.devices.about(id);
    const online = of.devices.online(id) ?? asLeft(id);
    const own = { device: id, name, ...about, online };
    const seen = areaOf(campus.areasSeenBy(id)[0]);
    const camera: Thing = { ...own, kind: 'camera', id, ...(seen && { area: seen }) };
    const { ptz: _, ...rest } = own;
    const input = inputName(id, undefined, undefined);
    const whole: Thing = { ...rest, kind: 'alarm-input', id: input, guard: guardOf(input, alarms) };
    const zones = listZones(device)
      .filter(isAlarmInput)
      .map((zone): Thing => {
        const input = inputName(id, zone.account, { number: zone.zone, id: zone.id });
        const own = zonesOfAreas.get(zoneKey({ device: id, zone: zone.zone, account: zone.account }));
        const area = areaOf(own?.area);
        return {
          ...rest,
          kind: 'alarm-input',
          id: input,
          name: zone.name ?? [name, zone.account, zone.id ?? zone.zone].filter(Boolean).join(' '),
          online: zone.account === undefined ? online : (of.devices.onlineAt(id, zone.account) ?? online),
          guard: guardOf(input, alarms, own),
          ...(area && { area }),
        };
      });
    return [...(cameras.has(id) ? [camera] : []), whole, ...zones];
  };
  return {
    campus: school.name,
    list() {
      const alarms = alarmsIn(of.states.values());
      const all = devices.flatMap((device) => thingsOf(device, alarms));
      return [...all.filter(({ kind }) => kind === 'camera'), ...all.filter(({ kind }) => kind !== 'camera')];
    },
    onChanged: of.devices.onChanged,
  };
}
