/** What devices told and no rule maps: kept by what it was, so that an installer sees what could be mapped. */

/** Of one device; a camera has a few dozen topics. */
const KINDS_MAX = 100;
const OTHERS = '(others)';
/** Characters: somebody else wrote them. */
const WORDS_MAX = 150;

export interface Unmapped {
  note(device: string, what: string): void;
  /** It is of the config no longer, or otherwise. */
  forget(device: string): void;
  /** How often, by device and what. */
  list(): Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export function createUnmapped(): Unmapped {
  const counts = new Map<string, Map<string, number>>();
  return {
    note(device, what) {
      const of = counts.get(device) ?? new Map<string, number>();
      counts.set(device, of);
      const words = what.slice(0, WORDS_MAX);
      const key = of.has(words) || of.size < KINDS_MAX ? words : OTHERS;
      of.set(key, (of.get(key) ?? 0) + 1);
    },
    forget: (device) => void counts.delete(device),
    list: () => Object.fromEntries([...counts].map(([device, of]) => [device, Object.fromEntries(of)])),
  };
}
