/**
 * What an installer is told of who sent to a port and is no terminal of the config: mostly one with a slip in its
 * address or its serial number. Strangers wrote it: it is short, quoted, without the query, where tokens are. Pure.
 */
import { closest, distance } from 'fastest-levenshtein';

/** Characters of what came, and so many of those that there are. */
const SHOWN_MAX = 60;
const NAMES_MAX = 5;

const quoted = (text: string) =>
  JSON.stringify(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text);

/** `; did you mean gate?` where one is near, else those that there are. */
function meant(said: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const short = said.slice(0, SHOWN_MAX);
  const best = closest(short, names);
  if (distance(short, best) <= Math.max(2, short.length / 3)) return `; did you mean ${best}?`;
  const more = names.length > NAMES_MAX ? `, and ${names.length - NAMES_MAX} more` : '';
  return `; there are ${names.slice(0, NAMES_MAX).join(', ')}${more}`;
}

interface Stranger {
  readonly address: string;
  /** As it stands in the first line. */
  readonly url: string;
  /** What it says to be: a member of the path, or ZKTeco's SN. */
  readonly device?: string | undefined;
  readonly serial?: string | undefined;
}

/** Where it came from, what it asked for, and what was perhaps meant. */
export function whoCame(
  { address, url, device, serial }: Stranger,
  there: { readonly ids: readonly string[]; readonly serials: readonly string[] },
): string {
  const [path = ''] = url.split('?', 1);
  const came = `${address} at ${quoted(path)}`;
  if (serial !== undefined) return `${came}, SN ${quoted(serial)}${meant(serial, there.serials)}`;
  if (device !== undefined) return `${came}${meant(device, there.ids)}`;
  return came;
}

/** For a path that there is not: those of the terminals. */
export const whichPath = (address: string, url: string, paths: readonly string[]): string => {
  const [path = ''] = url.split('?', 1);
  return `${address} at ${quoted(path)}${meant(path, paths)}`;
};
