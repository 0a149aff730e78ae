/**
 * The 20 digits by which a platform knows what is on the campus (GB/T 28181-2016, annex D): 8 of the area and 2 of the
 * industry, as the gateway's own, 3 of the type, 1 of the network, 6 of the serial number. Made once, and kept.
 */
import type { PlatformHost } from '../../contract/transport.ts';

/** Annex D.1, table D.3: what it is of. */
export const types = { camera: '132', alarmInput: '134' } as const;
export type IdType = keyof typeof types;

export interface Ids {
  /** Of a name among its type. @throws Error where it is not on disk. */
  of(type: IdType, name: string): Promise<string>;
  /** Of several at once, in their order: one write. @throws Error where they are not on disk. */
  all(type: IdType, names: readonly string[]): Promise<readonly string[]>;
  /** What has these digits: one that was asked for before. */
  named(id: string): { readonly type: IdType; readonly name: string } | undefined;
}

export function createIds(deviceId: string, host: Pick<PlatformHost, 'numbers'>): Ids {
  const known = new Map<string, string>();
  const names = new Map<string, { readonly type: IdType; readonly name: string }>();
  const keyOf = (type: IdType, name: string) => `${types[type]} ${name}`;
  const all = async (type: IdType, wanted: readonly string[]) => {
    const fresh = wanted.filter((name) => !known.has(keyOf(type, name)));
    const serials = fresh.length === 0 ? [] : await host.numbers(types[type], fresh);
    for (const [at, name] of fresh.entries()) {
      const id = `${deviceId.slice(0, 10)}${types[type]}${deviceId[13]}${String(serials[at]).padStart(6, '0')}`;
      known.set(keyOf(type, name), id);
      names.set(id, { type, name });
    }
    return wanted.map((name) => known.get(keyOf(type, name)) as string);
  };
  return {
    all,
    of: async (type, name) => (await all(type, [name]))[0] as string,
    named: (id) => names.get(id),
  };
}
