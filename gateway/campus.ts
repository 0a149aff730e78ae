/** What the config says of the place: names, which zone is in which area, what a camera sees, what a target is. Pure. */
import type { Config } from '../config/schema.ts';
import { camerasIn } from '../config/things.ts';
import { zoneKey } from '../config/zones.ts';
import type { TargetKind } from './commands/registry.ts';

/** The area of a zone of a device, and of an account of that; undefined: it belongs to none. */
export type AreaOf = (device: string, zone: number | undefined, account?: unknown) => string | undefined;

export interface Campus {
  readonly id: string;
  /** What devices and areas are called by people, by their ids. */
  readonly names: ReadonlyMap<string, string | undefined>;
  /** The ids of all that has a state: devices and areas. */
  readonly targets: readonly string[];
  /** What a target of a command is; undefined: there is none of that name. */
  kindOf(target: string): TargetKind | undefined;
  readonly areaOf: AreaOf;
  /** The areas that a camera sees. */
  areasSeenBy(camera: string): readonly string[];
  /** The devices that take pictures. */
  readonly cameras: readonly { readonly id: string; readonly name?: string | undefined }[];
  /** The readers that can show whether a card was good. */
  readonly indicators: ReadonlySet<string>;
}

/** The place as the config in force has it: what was given it once knows of another config, too. */
export interface Place extends Campus {
  /** Those of the cameras. */
  readonly cameraIds: readonly string[];
  /** Another config is in force: lists and sets are other ones inside, and the same objects. */
  take(config: PlaceConfig): void;
}

type PlaceConfig = Pick<Config, 'campus' | 'devices' | 'areas'>;

export function createPlace(config: PlaceConfig): Place {
  let now = readCampus(config);
  const names = new Map(now.names);
  const targets = [...now.targets];
  const cameras = [...now.cameras];
  const cameraIds = now.cameras.map(({ id }) => id);
  const indicators = new Set(now.indicators);
  return {
    id: now.id,
    ...{ names, targets, cameras, cameraIds, indicators },
    kindOf: (target) => now.kindOf(target),
    areaOf: (device, zone, account) => now.areaOf(device, zone, account),
    areasSeenBy: (camera) => now.areasSeenBy(camera),
    take(next) {
      now = readCampus(next);
      names.clear();
      for (const [id, name] of now.names) names.set(id, name);
      targets.splice(0, Number.POSITIVE_INFINITY, ...now.targets);
      cameras.splice(0, Number.POSITIVE_INFINITY, ...now.cameras);
      cameraIds.splice(0, Number.POSITIVE_INFINITY, ...now.cameras.map(({ id }) => id));
      indicators.clear();
      for (const id of now.indicators) indicators.add(id);
    },
  };
}

export function readCampus({ campus, devices, areas }: PlaceConfig): Campus {
  const kinds = new Map<string, TargetKind>([
    ['gateway', 'gateway'],
    ...areas.map(({ id }) => [id, 'area'] as const),
    ...devices.map(({ id }) => [id, 'device'] as const),
  ]);
  const areaOfZone = new Map<string, string>();
  for (const { id, zones } of areas) for (const zone of zones) areaOfZone.set(zoneKey(zone), id);
  const devicesThatCan = (action: string) =>
    devices.filter(({ commands = [] }) => commands.some((known) => known.action === action));
  return {
    id: campus.id,
    names: new Map([...devices, ...areas].map(({ id, name }) => [id, name])),
    targets: [...devices, ...areas].map(({ id }) => id),
    kindOf: (target) => kinds.get(target),
    areaOf: (device, zone, account) => areaOfZone.get(zoneKey({ device, zone, account })),
    areasSeenBy: (camera) => areas.filter(({ cameras }) => cameras.includes(camera)).map(({ id }) => id),
    cameras: camerasIn({ devices }).map(({ id, name }) => ({ id, name })),
    indicators: new Set(devicesThatCan('indicate').map(({ id }) => id)),
  };
}
