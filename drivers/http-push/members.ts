/** The names of what came, for who writes a profile: no values, which are persons and cards. Pure. */

const NAMES_MAX = 12;
const NAME_MAX = 40;
const DEPTH_MAX = 3;

/** `list.0.type, list.0.user.id, total`: paths as a profile has them, of a few members; '' where there are none. */
export function membersOf(value: unknown): string {
  const found: string[] = [];
  const walk = (one: unknown, path: readonly string[]) => {
    if (found.length > NAMES_MAX) return;
    const members = typeof one === 'object' && one !== null ? Object.keys(one) : [];
    if (members.length === 0 || path.length === DEPTH_MAX) {
      if (path.length > 0) found.push(path.join('.'));
      return;
    }
    // Of a list the first stands for all.
    const shown = Array.isArray(one) ? ['0'] : members.slice(0, NAMES_MAX + 1);
    for (const name of shown)
      walk((one as Readonly<Record<string, unknown>>)[name], [...path, name.slice(0, NAME_MAX)]);
  };
  walk(value, []);
  const more = found.length > NAMES_MAX ? ', …' : '';
  return `${found.slice(0, NAMES_MAX).join(', ')}${more}`;
}
