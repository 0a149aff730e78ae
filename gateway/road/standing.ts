/**
 * What panels raised and did not restore, by where it is. To look there costs what is found, whatever else stands: a
 * panel that names thousands of things must hold nobody up with each word about none of them.
 */
import { isAlarmKind, isZoneAlarmKind, type Observation } from '../../drivers/contract/observation.ts';

/** Enough of a thing that stands. */
export type Thing = Pick<Observation, 'kind' | 'zone' | 'cause' | 'details'>;
/** By state key. */
export type Things = Iterable<readonly [key: string, Thing]>;

/** What a cancel may mean: `burglary`, where nobody should be; `other`, of fire, of people. A cover that is open stays open. */
export type CancelClass = 'burglary' | 'other';

export interface Standing {
  set(key: string, device: string, thing: Thing): void;
  delete(key: string): void;
  /** The things of the account, zone and kind of `of`, of a cause: in its partition, or in all where it names none. */
  at(device: string, of: Thing, cause: string): Things;
  /** The alarms of the account of `of`: in its partition and in none, or in all where it names none. */
  alarms(device: string, of: Thing, which: CancelClass): Things;
}

const NOTHING: Things = [];
const accountOf = ({ details }: Thing) => details?.['account'] ?? '';
const partitionOf = ({ details }: Thing) => String(details?.['partition'] ?? '');
const classOf = ({ kind }: Thing): CancelClass | undefined => {
  if (isZoneAlarmKind(kind)) return 'burglary';
  return kind !== 'tamper' && isAlarmKind(kind) ? 'other' : undefined;
};

/** Things in groups, and in each by partition. */
function createGroups() {
  const groups = new Map<string, Map<string, Map<string, Thing>>>();
  return {
    add(group: string, key: string, thing: Thing) {
      const partitions = groups.get(group) ?? new Map<string, Map<string, Thing>>();
      const partition = partitionOf(thing);
      const things = partitions.get(partition) ?? new Map<string, Thing>();
      groups.set(group, partitions.set(partition, things.set(key, thing)));
    },
    remove(group: string, key: string, thing: Thing) {
      const partitions = groups.get(group);
      const things = partitions?.get(partitionOf(thing));
      things?.delete(key);
      if (things?.size === 0) partitions?.delete(partitionOf(thing));
      if (partitions?.size === 0) groups.delete(group);
    },
    find(group: string, partition: string): Things {
      const partitions = groups.get(group);
      if (partitions === undefined) return NOTHING;
      if (partition === '') return [...partitions.values()].flatMap((things) => [...things]);
      return ['', partition].flatMap((one) => [...(partitions.get(one) ?? [])]);
    },
  };
}

export function createStanding(): Standing {
  const all = new Map<string, { readonly device: string; readonly thing: Thing }>();
  const places = createGroups();
  const alarms = createGroups();
  const placeOf = (device: string, of: Thing, cause: string) =>
    [device, accountOf(of), of.zone?.number ?? '', of.kind, of.kind === 'arming' ? '' : cause].join('/');
  const alarmsOf = (device: string, of: Thing, which: CancelClass) =>
    [device, accountOf(of), which].join('/');
  const standing: Standing = {
    set(key, device, thing) {
      standing.delete(key);
      all.set(key, { device, thing });
      places.add(placeOf(device, thing, thing.cause ?? ''), key, thing);
      const which = classOf(thing);
      if (which !== undefined) alarms.add(alarmsOf(device, thing, which), key, thing);
    },
    delete(key) {
      const known = all.get(key);
      if (known === undefined) return;
      const { device, thing } = known;
      all.delete(key);
      places.remove(placeOf(device, thing, thing.cause ?? ''), key, thing);
      const which = classOf(thing);
      if (which !== undefined) alarms.remove(alarmsOf(device, thing, which), key, thing);
    },
    at: (device, of, cause) => places.find(placeOf(device, of, cause), partitionOf(of)),
    alarms: (device, of, which) => alarms.find(alarmsOf(device, of, which), partitionOf(of)),
  };
  return standing;
}
