/** What telling people takes from the config and from the platforms. */
import type { Config } from '../../config/schema.ts';
import { listZones, zoneKey } from '../../config/zones.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { AreaOf } from '../campus.ts';
import { createPersons } from '../persons/index.ts';
import type { Uplinks } from '../uplink/index.ts';
import type { NotifyOptions } from './index.ts';

export function notifyOptionsOf(
  config: Pick<Config, 'contacts' | 'dataDir' | 'campus' | 'timezone' | 'access' | 'areas' | 'devices'>,
  of: {
    readonly areaOf: AreaOf;
    readonly uplinks: Pick<Uplinks, 'states' | 'details'>;
    readonly log: Log;
    readonly time: Pick<Clock, 'wall'>;
  },
): Pick<
  NotifyOptions,
  | 'contacts'
  | 'dataDir'
  | 'campus'
  | 'timezone'
  | 'areaOf'
  | 'placeOf'
  | 'platformsAwayMs'
  | 'isDelivered'
  | 'persons'
> {
  const { contacts, dataDir, campus, timezone, areas } = config;
  const names = new Map(areas.map(({ id, name }) => [id, name ?? id]));
  return {
    ...{ contacts, dataDir, timezone, campus: campus.name },
    persons: createPersons(config.access.personsFile, of.log),
    areaOf: (...zone) => names.get(of.areaOf(...zone) ?? ''),
    placeOf: placesOf(config.devices),
    platformsAwayMs() {
      if (Object.values(of.uplinks.states()).some(({ state }) => state === 'connected')) return undefined;
      // With none there is nobody but those who are told.
      const sinces = of.uplinks.details().map(({ since }) => since);
      return sinces.length === 0
        ? Number.POSITIVE_INFINITY
        : Math.max(0, of.time.wall() - Math.max(...sinces));
    },
    isDelivered: (lane, sequence) =>
      of.uplinks
        .details()
        .some(({ lanes }) => lanes.some((one) => one.lane === lane && one.cursor >= sequence)),
  };
}

/** Where each zone is, as the point list says it; where that says nothing, or it is no zone, where its device is. */
export function placesOf(devices: Config['devices']): NotifyOptions['placeOf'] {
  const zones = new Map(
    devices.flatMap((device) =>
      listZones(device).map((one) => [zoneKey({ device: device.id, ...one }), one.place] as const),
    ),
  );
  const whole = new Map(devices.map(({ id, place }) => [id, place]));
  return (device, zone, account) => zones.get(zoneKey({ device, zone, account })) ?? whole.get(device);
}
