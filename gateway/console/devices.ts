/** How each device is, and why: of the states that are recorded, and of what its session knows. */

import { listZones, placeOf, zoneKey } from '../../config/zones.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Device } from '../../drivers/contract/driver.ts';
import type { Supervisor } from '../devices/index.ts';
import { type LinkWord, linksOf, type Standing, standingOf } from '../observe/standing.ts';
import type { State } from '../road/recorder.ts';
import type { DeviceLine, deviceLevels } from './contract/devices.ts';

export type DeviceConfig = Pick<Device, 'id' | 'name' | 'driver' | 'commands' | 'options'>;

export interface DeviceStatesOptions {
  readonly of: { readonly devices: readonly DeviceConfig[] };
  readonly devices: Pick<Supervisor, 'online' | 'wireOf'>;
  readonly states: ReadonlyMap<string, State>;
  readonly time: Pick<Clock, 'elapsed'>;
}

/** What is recorded of one device. */
interface Recorded {
  readonly link: LinkWord | undefined;
  readonly standing: readonly Standing[];
  readonly faults: number;
  readonly alarms: number;
}
const NOTHING: Recorded = { link: undefined, standing: [], faults: 0, alarms: 0 };

/** A page asks every two seconds, twenty pages together ten times a second: one look is for all of them. */
const FRESH_MS = 250;

/** The names of zones in the config, by `zoneKey`. */
const zoneNames = (all: readonly DeviceConfig[]): ReadonlyMap<string, string> =>
  new Map(
    all.flatMap((one) =>
      listZones(one).flatMap(({ zone, account, name }) =>
        name === undefined ? [] : [[zoneKey({ device: one.id, zone, account }), name] as const],
      ),
    ),
  );

function lookAt(states: Iterable<State>, names: ReadonlyMap<string, string>): ReadonlyMap<string, Recorded> {
  const byDevice = new Map<string, State[]>();
  for (const state of states) {
    const own = byDevice.get(state.device) ?? [];
    own.push(state);
    byDevice.set(state.device, own);
  }
  const nameOf = ({ device, event }: State) =>
    names.get(zoneKey(placeOf({ ...(event.data as object), device })));
  return new Map(
    [...byDevice].map(([id, own]) => {
      const { faults, alarms, devices } = standingOf(own, nameOf);
      return [id, { link: linksOf(own)[id], standing: devices[id] ?? [], faults, alarms }];
    }),
  );
}

/** A camera that is covered, or has no picture, sees nothing: it is as if it did not answer. */
const isBlind = ({ kind }: Standing) => kind === 'video';

function levelOf(
  online: boolean | undefined,
  { link, standing, faults, alarms }: Recorded,
): (typeof deviceLevels)[number] {
  if (alarms > 0) return 'alarm';
  if (online === false || (online === undefined && link?.reason !== undefined) || standing.some(isBlind))
    return 'bad';
  if (faults > 0) return 'warn';
  return online === undefined ? 'unknown' : 'good';
}

/** Gives what is known of a device; looks at all states anew where the last look is old. */
export function createDeviceStates({ of, devices, states, time }: DeviceStatesOptions) {
  let last: { readonly at: number; readonly found: ReadonlyMap<string, Recorded> } | undefined;
  const names = zoneNames(of.devices);
  const look = () => {
    const at = time.elapsed();
    if (last === undefined || at - last.at > FRESH_MS) last = { at, found: lookAt(states.values(), names) };
    return last.found;
  };
  return ({ id, name, driver }: DeviceConfig, discarded: number): DeviceLine => {
    const recorded = look().get(id) ?? NOTHING;
    const online = devices.online(id);
    const { link, standing, faults, alarms } = recorded;
    // What answered before the start, and was not heard of since, is not known to answer.
    const known = online !== undefined || link?.reason !== undefined ? link : undefined;
    const heardAt = devices.wireOf(id)?.heardAt;
    const has = (kind: string) => standing.some((one) => one.kind === kind);
    return {
      ...{ id, name, driver, level: levelOf(online, recorded), online: online ?? null },
      ...{ since: known?.since, reason: known?.reason, parts: [...(known?.parts ?? [])] },
      heardAt: heardAt === undefined ? null : new Date(heardAt).toISOString(),
      ...{ standing: [...standing], faults, alarms, discarded },
      battery: has('battery') ? 'low' : 'good',
      mains: has('power') ? 'lost' : 'good',
    };
  };
}
