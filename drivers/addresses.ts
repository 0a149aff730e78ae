/** Addresses as they are compared, and those of this machine: where it can listen. */
import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { bareAddress } from './contract/options.ts';

/** As one writes it to compare it: of IPv6 there are many ways. */
export function plainAddress(address: string): string {
  const bare = bareAddress(address);
  return isIPv6(bare) ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare;
}

/** As its interfaces have them now. Without those of IPv6 that need a zone (fe80::/10): nobody writes them. */
export const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .map(({ address }) => address)
    .filter((address) => !/^fe[89ab]/i.test(address));

/** Whether this machine can listen there; of a name that is not known without asking. */
export function isElsewhere(host: string, own: readonly string[] = ownAddresses()): boolean {
  if (isIP(host) === 0 || /^(0\.0\.0\.0|::|127\.|fe[89ab])/i.test(host)) return false;
  return !own.some((address) => plainAddress(address) === plainAddress(host));
}
