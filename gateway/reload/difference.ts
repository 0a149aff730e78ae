/** What differs between two configs, in words, without a value: any of them may be a secret. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/schema.ts';
import type { ConfigChange } from '../console/contract/config.ts';

/** Sections that are lists of things with an id. */
const LISTS = ['devices', 'uplinks', 'areas', 'rules', 'contacts'] as const;
/** Of one change; of all of them. */
const KEYS_MAX = 12;
const CHANGES_MAX = 500;

interface Thing {
  readonly id: string;
}

/** The sections first that say what there is. */
export function differenceOf(before: Config, next: Config): ConfigChange[] {
  const sections = [...new Set([...Object.keys(before), ...Object.keys(next)])] as (keyof Config)[];
  return sections
    .filter((section) => section !== 'file' && !isDeepStrictEqual(before[section], next[section]))
    .flatMap((section) => changesOf(section, before[section], next[section]))
    .slice(0, CHANGES_MAX);
}

function changesOf(section: keyof Config, before: unknown, next: unknown): ConfigChange[] {
  if (!(LISTS as readonly string[]).includes(section)) {
    const what = before === undefined ? 'added' : next === undefined ? 'removed' : 'changed';
    return [change(section, undefined, what, what === 'changed' ? keysOf(before, next) : [])];
  }
  const [old, now] = [before, next].map(
    (list) => new Map(((list ?? []) as readonly Thing[]).map((one) => [one.id, one])),
  );
  const found: ConfigChange[] = [];
  for (const [id, one] of now ?? []) {
    const was = old?.get(id);
    if (was === undefined) found.push(change(section, id, 'added', []));
    else if (!isDeepStrictEqual(was, one)) found.push(change(section, id, 'changed', keysOf(was, one)));
  }
  for (const id of old?.keys() ?? [])
    if (now?.has(id) !== true) found.push(change(section, id, 'removed', []));
  if (found.length > 0) return found;
  // Nothing of it but the order: of areas and rules it says what comes first.
  return [change(section, undefined, 'changed', ['(order)'])];
}

const verbs = {
  added: { en: 'added', zh: '新增' },
  removed: { en: 'removed', zh: '删除' },
  changed: { en: 'changed', zh: '修改' },
} as const;

function change(
  section: string,
  id: string | undefined,
  what: ConfigChange['what'],
  keys: readonly string[],
): ConfigChange {
  const name = id === undefined ? section : `${section} ${id}`;
  const shown = keys.slice(0, KEYS_MAX);
  const more = keys.length > shown.length ? ', …' : '';
  const where = shown.length === 0 ? '' : `${shown.join(', ')}${more}`;
  return {
    section,
    ...(id !== undefined && { id }),
    what,
    keys: shown,
    en: `${name}: ${verbs[what].en}${where && ` (${where})`}`,
    zh: `${name}：${verbs[what].zh}${where && `（${where}）`}`,
  };
}

/** What a driver made of its options is told by those. */
const DERIVED: readonly string[] = ['commands'];

/** Where two values differ: `connection.tcp.port`, `zones[3].name`, `doors.main.persons`. */
function keysOf(before: unknown, next: unknown): string[] {
  const keys: string[] = [];
  const walk = (one: unknown, other: unknown, path: string) => {
    if (keys.length > KEYS_MAX || isDeepStrictEqual(one, other)) return;
    if (!isTree(one) || !isTree(other) || Array.isArray(one) !== Array.isArray(other)) {
      keys.push(path);
      return;
    }
    const names = new Set([...membersOf(one).keys(), ...membersOf(other).keys()]);
    for (const name of names)
      if (path !== '' || !DERIVED.includes(name))
        walk(membersOf(one).get(name), membersOf(other).get(name), joined(path, name));
  };
  walk(before, next, '');
  return keys;
}

const isTree = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Of a list by the ids of its members, where they have one. */
function membersOf(tree: object): ReadonlyMap<string, unknown> {
  if (!Array.isArray(tree)) return new Map(Object.entries(tree));
  const nameOf = (one: unknown, i: number) => {
    const id = isTree(one) ? (one as { id?: unknown }).id : undefined;
    return typeof id === 'string' ? id : `[${i}]`;
  };
  return new Map(tree.map((one, i) => [nameOf(one, i), one]));
}

/** As the file has it: a device's options stand beside its id there. */
function joined(path: string, name: string): string {
  if (path === '' || path === 'options')
    return path === 'options' && name.startsWith('[') ? `options${name}` : name;
  return name.startsWith('[') ? `${path}${name}` : `${path}.${name}`;
}
