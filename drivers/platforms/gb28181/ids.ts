/**
 * The 20 digits by which a platform knows what is on the campus (GB/T 28181-2016, annex D): 8 of the area and 2 of the
 * industry, as the gateway's own, 3 of the type, 1 of the network, 6 of the serial number. Made once, and kept; or given
 * by the platform, and said in the config.
 */
import type { PlatformHost } from '../../contract/transport.ts';

/** Annex D.1, table D.3: what it is of. The first is that of ids that we make. */
export const types = { camera: ['132', '131'], alarmInput: ['134'] } as const;
export type IdType = keyof typeof types;
const typeNames = Object.keys(types) as readonly IdType[];

/** What 20 digits are of; undefined: of nothing that has ids here. */
export const typeOfId = (id: string): IdType | undefined =>
  typeNames.find((type) => (types[type] as readonly string[]).includes(id.slice(10, 13)));

/** Ids of the config: by the name of what has them. */
export type GivenIds = Readonly<Record<string, string | readonly string[]>>;

/** What ids are made from. */
export interface IdSource {
  /** The gateway's own. */
  readonly deviceId: string;
  readonly ids: GivenIds;
}

export interface Named {
  readonly id: string;
  readonly type: IdType;
  readonly name: string;
}

export interface Ids {
  /** Of a name among its type. @throws Error where it is not on disk. */
  of(type: IdType, name: string): Promise<string>;
  /** Of several at once, in their order: one write. @throws Error where they are not on disk. */
  all(type: IdType, names: readonly string[]): Promise<readonly string[]>;
  /** What is known already: one that was asked for before. */
  known(type: IdType, name: string): string | undefined;
  /** What has these digits: one that was asked for before. */
  named(id: string): Named | undefined;
  list(): readonly Named[];
}

/** From a serial number of its type. */
export const idFrom = (deviceId: string, type: IdType, serial: number): string =>
  `${deviceId.slice(0, 10)}${types[type][0]}${deviceId[13]}${String(serial).padStart(6, '0')}`;

const keyOf = (type: IdType, name: string) => `${type} ${name}`;

/** Those of the config, by type and name. */
export function givenIds(given: GivenIds): ReadonlyMap<string, Named> {
  const all = Object.entries(given).flatMap(([name, said]) =>
    (typeof said === 'string' ? [said] : said).flatMap((id): Named[] => {
      const type = typeOfId(id);
      return type === undefined ? [] : [{ id, type, name }];
    }),
  );
  return new Map(all.map((one) => [keyOf(one.type, one.name), one]));
}

/** `numbers`: as PlatformHost has them. */
export async function makeIds(
  { deviceId, ids: given }: IdSource,
  type: IdType,
  names: readonly string[],
  numbers: PlatformHost['numbers'],
): Promise<readonly string[]> {
  const fixed = givenIds(given);
  const taken = new Set([...fixed.values()].map(({ id }) => id));
  const make = async (wanted: readonly string[]): Promise<readonly string[]> => {
    if (wanted.length === 0) return [];
    const ids = (await numbers(types[type][0], wanted)).map((serial) => idFrom(deviceId, type, serial));
    // One that the platform gave to another: the next number, that of a name which nothing bears.
    const again = wanted.filter((_, at) => taken.has(ids[at] as string)).map((name) => `${name} `);
    const others = [...(await make(again))];
    return ids.map((id) => (taken.has(id) ? (others.shift() as string) : id));
  };
  const free = names.filter((name) => !fixed.has(keyOf(type, name)));
  const made = [...(await make(free))];
  return names.map((name) => fixed.get(keyOf(type, name))?.id ?? (made.shift() as string));
}

export function createIds(own: IdSource, { numbers }: Pick<PlatformHost, 'numbers'>): Ids {
  const known = new Map<string, string>();
  const byId = new Map<string, Named>();
  const all = async (type: IdType, wanted: readonly string[]) => {
    const fresh = [...new Set(wanted)].filter((name) => !known.has(keyOf(type, name)));
    const ids = fresh.length === 0 ? [] : await makeIds(own, type, fresh, numbers);
    for (const [at, name] of fresh.entries()) {
      const id = ids[at] as string;
      known.set(keyOf(type, name), id);
      byId.set(id, { id, type, name });
    }
    return wanted.map((name) => known.get(keyOf(type, name)) as string);
  };
  return {
    all,
    of: async (type, name) => (await all(type, [name]))[0] as string,
    known: (type, name) => known.get(keyOf(type, name)),
    named: (id) => byId.get(id),
    list: () => [...byId.values()],
  };
}
