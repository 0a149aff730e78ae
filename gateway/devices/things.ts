/** What there is on the campus, for platforms that list it: from the config, and from what devices are known to be. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/schema.ts';
import { type ListedThing, listPlaces, listThings } from '../../config/things.ts';
import { inputName, type Thing, type Things } from '../../drivers/contract/inventory.ts';
import { isAlarmKind, type Observation } from '../../drivers/contract/observation.ts';
import type { State } from '../road/states.ts';
import type { Supervisor } from './supervisor.ts';

/** Whether a zone alarms only while its area is armed. */
const waits = ({ alarms }: ListedThing) => alarms === 'instant' || alarms === 'delayed';

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

type ThingsConfig = Pick<Config, 'devices' | 'areas' | 'access'>;

export function createThings(
  config: ThingsConfig,
  of: {
    readonly arming: { isArmed(area: string): boolean };
    readonly devices: Pick<Supervisor, 'onlineAt' | 'online' | 'about' | 'onChanged'>;
    /** The latest words, from before the start too. */
    readonly states: ReadonlyMap<string, State>;
  },
): Things & {
  /** The config in force is another one: platforms that list things are told. */
  configure(config: ThingsConfig): void;
} {
  let listed = listThings(config);
  let places = listPlaces(config);
  const changed = new Set<() => void>();
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
  const isOnline = ({ device, account }: ListedThing) =>
    (account === undefined ? undefined : of.devices.onlineAt(device, account)) ??
    of.devices.online(device) ??
    asLeft(device);
  const guardOf = (one: ListedThing, alarms: ReadonlySet<string>): Thing['guard'] => {
    if (alarms.has(one.id)) return 'alarm';
    return one.area === undefined || !waits(one) || of.arming.isArmed(one.area.id) ? 'armed' : 'disarmed';
  };
  return {
    list() {
      const alarms = alarmsIn(of.states.values());
      return listed.map((one): Thing => {
        const { kind, id, device, name, area, place } = one;
        const { ptz, ...about } = of.devices.about(device) ?? {};
        const more = kind === 'camera' ? { ptz } : { guard: guardOf(one, alarms) };
        const words = { ...(area && { area }), ...(place !== undefined && { place }) };
        return { kind, id, device, name, ...words, ...about, online: isOnline(one), ...more };
      });
    },
    places: () => places,
    onChanged(run) {
      changed.add(run);
      const end = of.devices.onChanged(run);
      return () => {
        changed.delete(run);
        end();
      };
    },
    configure(next) {
      const before = { listed, places };
      listed = listThings(next);
      places = listPlaces(next);
      if (!isDeepStrictEqual(before, { listed, places })) for (const run of changed) run();
    },
  };
}
