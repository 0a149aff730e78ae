/** What the code says in docs/platform.md, between `<!-- generated: NAME -->` and `<!-- end -->`; the rest is written. */
import { contractVersion } from '../../config/catalogue/events.ts';
import { actionTable, harmlessActions } from './actions.ts';

const parts: Readonly<Record<string, () => string>> = {
  'contract version': () => contractVersion,
  'harmless actions': harmlessActions,
  actions: () => `\n${actionTable()}\n`,
};

/** @param written the page as it is. @throws Error where it lacks a place for a part, or has one for another. */
export function platformPage(written: string): string {
  const filled = new Set<string>();
  const page = written.replace(
    /(<!-- generated: ([a-z ]+) -->).*?(<!-- end -->)/gs,
    (_all, begin: string, name: string, end: string) => {
      const part = parts[name];
      if (part === undefined) throw new Error(`docs/platform.md: nothing is generated as "${name}"`);
      filled.add(name);
      return `${begin}${part()}${end}`;
    },
  );
  const missing = Object.keys(parts).filter((name) => !filled.has(name));
  if (missing.length > 0) throw new Error(`docs/platform.md has no place for ${missing.join(', ')}`);
  return page;
}
