/**
 * Where the addresses of a platform lead. A name may have several addresses, as of a cluster behind DNS: each is a place
 * of its own, so that one that takes connections and answers nothing does not hide the others. What a name led to last
 * is kept: a line may work while the name server does not.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../../contract/clock.ts';

export interface Place {
  readonly url: string;
  /** To be dialled instead of the name in `url`; undefined: as Node does it, which races IPv6 with IPv4 (RFC 8305). */
  readonly address?: string;
}

/** A name server that is away keeps a lookup for half a minute. */
const LOOKUP_MS = 2000;

export const nameOf = ({ url, address }: Place): string =>
  address === undefined ? url : `${url} (${address})`;

const lookupAll = async (name: string): Promise<readonly string[]> =>
  (await lookup(name, { all: true })).map(({ address }) => address);

/**
 * IPv4 before IPv6: where there are several of each, nobody races them. Never throws.
 * @param last what each name led to when it was last known; is kept up.
 */
export async function placesOf(
  urls: readonly string[],
  last: Map<string, readonly string[]>,
  time: Clock,
  look: (name: string) => Promise<readonly string[]> = lookupAll,
): Promise<readonly Place[]> {
  const places = await Promise.all(
    urls.map(async (url): Promise<readonly Place[]> => {
      const name = new URL(url).hostname;
      if (isIP(name.replace(/^\[|\]$/g, '')) !== 0) return [{ url }];
      const late = Promise.withResolvers<undefined>();
      const timer = time.after(LOOKUP_MS, () => late.resolve(undefined));
      const found = await Promise.race([look(name).catch(() => undefined), late.promise]);
      timer.stop();
      if (found !== undefined && found.length > 0) last.set(name, found);
      const addresses = (last.get(name) ?? []).toSorted((one, other) => isIP(one) - isIP(other));
      const ofFamily = (family: number) => addresses.filter((address) => isIP(address) === family).length;
      const isPlain = found !== undefined && ofFamily(4) <= 1 && ofFamily(6) <= 1;
      if (addresses.length === 0 || isPlain) return [{ url }];
      return addresses.map((address) => ({ url, address }));
    }),
  );
  return places.flat();
}
