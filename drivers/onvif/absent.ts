/** That a camera does not have what was named, in words that say what it has. Pure. */

/** Of what a camera has, in what people read: characters. */
const NAMES_MAX = 300;

/** It has no such thing; its message says which it has. */
export class MissingError extends Error {}

/** `it has no preset gate; it has: yard, door`. `what`: source, profile, preset, relay. */
export function hasNo(what: string, wanted: string, has: readonly string[]): string {
  const there = [...new Set(has)].filter((one) => one !== '').join(', ');
  return `it has no ${what} ${wanted}; it has: ${there.slice(0, NAMES_MAX) || 'none'}`;
}
