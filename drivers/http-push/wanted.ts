/** What each terminal of a port must show to be let in: read from its files, each terminal's by itself. */
import { plainAddress } from '../addresses.ts';
import type { Host } from '../contract/driver.ts';
import { readSecretOf } from '../files.ts';
import type { Wanted } from './challenge.ts';
import type { Terminal } from './options.ts';

/** How often a file that could not be read is tried again, while its terminal comes. */
const AGAIN_MS = 1000;

/** @throws what `readSecretOf` throws. */
const read = ({ options: own }: Terminal): Wanted => ({
  from: own.from?.map(plainAddress),
  token: own.tokenFile === undefined ? undefined : readSecretOf(own.tokenFile),
  password:
    own.passwordFile === undefined
      ? undefined
      : {
          username: own.username ?? '',
          password: readSecretOf(own.passwordFile),
          digestOnly: own.authentication === 'digest',
        },
});

type Known = { readonly wanted: Wanted } | { readonly why: string; readonly at: number };

/**
 * Terminals whose files cannot be read are offline, and the others are not kept waiting for them. A file that was
 * mended is found when its terminal comes again.
 */
export function createWanted(
  terminals: readonly Terminal[],
  { clock, link }: Pick<Host, 'clock' | 'link'>,
): (terminal: Terminal) => Known {
  const known = new Map<Terminal, Known>();
  const look = (terminal: Terminal): Known => {
    let found: Known;
    try {
      found = { wanted: read(terminal) };
    } catch (error) {
      found = { why: (error as Error).message, at: clock.elapsed() };
      link(terminal.id, 'offline', found.why);
    }
    known.set(terminal, found);
    return found;
  };
  for (const terminal of terminals) look(terminal);
  return (terminal) => {
    const before = known.get(terminal);
    const isFresh = before !== undefined && ('wanted' in before || clock.elapsed() - before.at < AGAIN_MS);
    return isFresh ? before : look(terminal);
  };
}
