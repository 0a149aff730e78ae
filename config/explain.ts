/** What a mistake is, in words, and where in the file it stands. */
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { Problem } from '../drivers/contract/driver.ts';
import { secretKeys } from '../drivers/contract/options.ts';
import { say } from './language.ts';
import type { Path, Place } from './yaml.ts';

type Issue = z.core.$ZodIssue;

/** A mistake in the config, or, with its place, in a file that the config names. */
export interface ConfigProblem extends Problem {
  readonly place?: Place;
}

/** `uplinks[0].tls: `, before a message. */
export function pathText(path: Path): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? '' : `${text.replace(/^\./, '')}: `;
}

/** A JSON Schema as z.toJSONSchema writes it, as far as it is read here. */
export interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly propertyNames?: { readonly enum?: readonly string[] };
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
}

/** The schema that stands at a path of this data; of alternatives, the one that shares most keys. */
function schemaAt(schema: Schema | undefined, path: Path, data: unknown): Schema | undefined {
  const alternatives = schema?.oneOf ?? schema?.anyOf;
  if (alternatives !== undefined) {
    const keys = typeof data === 'object' && data !== null ? Object.entries(data) : [];
    const likeness = (one: Schema) =>
      keys.filter(([key]) => one.properties?.[key] !== undefined).length +
      keys.filter(([key, value]) => one.properties?.[key]?.const === value && value !== undefined).length *
        100;
    const likest = [...alternatives].sort((a, b) => likeness(b) - likeness(a))[0];
    return schemaAt(
      { ...(schema?.description && { description: schema.description }), ...likest },
      path,
      data,
    );
  }
  const [part, ...rest] = path;
  if (schema === undefined || part === undefined) return schema;
  const next = typeof part === 'number' ? schema.items : schema.properties?.[String(part)];
  return schemaAt(next, rest, (data as Record<PropertyKey, unknown> | undefined)?.[part]);
}

const valueAt = (data: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], data);

/** ` — did you mean X?` where some name is near. */
export function near(name: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const best = closest(name, names);
  if (distance(name, best) > Math.max(2, name.length / 3)) return '';
  return say(`; did you mean ${best}?`, `；是不是 ${best}？`);
}

/** `; allowed: a, b`. */
export const allowed = (names: readonly string[]) =>
  names.length === 0 ? '' : say(`; allowed: ${names.join(', ')}`, `；可用：${names.join('、')}`);

function unknownKey(key: string, names: readonly string[]): string {
  return say('unknown key', '未知的键') + (near(key, names) || allowed(names));
}

function missing(path: Path, data: unknown, schema: Schema): string {
  const what = schemaAt(schema, path, data)?.description;
  return say('missing', '缺少') + (what === undefined ? '' : ` (${what})`);
}

/** Of what stands there, so many characters are shown. */
const SHOWN_MAX = 80;

/** An issue of zod about `data`, in words: what stands there, what may stand there, what was perhaps meant. */
export function explain(issue: Issue, prefix: Path, data: unknown, schema: Schema): Problem[] {
  const path = [...prefix, ...issue.path] as (string | number)[];
  const value = valueAt(data, path);
  const problem = (message: string, at = path): Problem => ({ path: at, message });
  const shown = secretKeys.test(String(path.at(-1))) ? '' : (JSON.stringify(value) ?? 'undefined');
  const is = shown === '' ? '' : `${shown.length > SHOWN_MAX ? `${shown.slice(0, SHOWN_MAX)}…` : shown}: `;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const taken = Object.keys(value as object);
      const found = schemaAt(schema, path, data);
      const known = found?.propertyNames?.enum ?? Object.keys(found?.properties ?? {});
      const names = known.filter((name) => !taken.includes(name));
      return issue.keys.map((key) => problem(unknownKey(key, names), [...path, key]));
    }
    case 'invalid_union':
      if (value === undefined && issue.discriminator === undefined)
        return [problem(missing(path, data, schema))];
      return explainUnion(issue, path, data, schema);
    case 'invalid_type': {
      if (value !== undefined)
        return [
          problem(
            `${is}${say(`${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected} is needed`, `应为 ${issue.expected}`)}`,
          ),
        ];
      return [problem(missing(path, data, schema))];
    }
    case 'invalid_value': {
      const names = issue.values.map(String);
      return [problem(`${is}${say('not known', '不认识')}${near(String(value), names)}${allowed(names)}`)];
    }
    case 'too_small':
      return [problem(`${is}${say(`at least ${issue.minimum}`, `至少 ${issue.minimum}`)}`)];
    case 'too_big':
      return [problem(`${is}${say(`at most ${issue.maximum}`, `至多 ${issue.maximum}`)}`)];
    default: {
      const zh = issue.code === 'custom' ? (issue.params?.['zh'] as string | undefined) : undefined;
      return [problem(`${is}${say(issue.message, zh ?? issue.message)}`)];
    }
  }
}

const OTHER_TYPE_COST = 100;

function explainUnion(
  issue: Issue & { code: 'invalid_union' },
  path: (string | number)[],
  data: unknown,
  schema: Schema,
): Problem[] {
  const discriminator = issue.discriminator;
  if (discriminator !== undefined) return explainChoice(path, discriminator, data, schema);
  // Of the alternatives, the one with the fewest mistakes is what was meant; hardly one of another type altogether.
  const cost = (issues: readonly Issue[]) =>
    issues.reduce((sum, one) => {
      if (one.code === 'unrecognized_keys') return sum + one.keys.length;
      const another = one.path.length === 0 && (one.code === 'invalid_type' || one.code === 'invalid_value');
      return sum + (another ? OTHER_TYPE_COST : 1);
    }, 0);
  const tagged = branchesOfTag(issue.errors);
  if (tagged?.length === 0) return explainTag(issue.errors, path, data);
  const branches = [...(tagged ?? issue.errors)].sort((a, b) => cost(a) - cost(b));
  const [best, second] = branches;
  if (best !== undefined && (second === undefined || cost(best) < cost(second))) {
    return best.flatMap((one) => explain(one, path, data, schema));
  }
  const value = valueAt(data, path);
  const missing = branches.flatMap((branch) =>
    branch.flatMap((one) =>
      one.code === 'invalid_type' && one.path.length === 1 ? [String(one.path[0])] : [],
    ),
  );
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const misspelt = keys.find((key) => near(key, missing) !== '');
  if (misspelt !== undefined) return [{ path: [...path, misspelt], message: unknownKey(misspelt, missing) }];
  const literals = branches.flatMap((branch) =>
    branch.flatMap((one) => (one.code === 'invalid_value' ? one.values.map(String) : [])),
  );
  const names = missing.length > 0 ? missing : literals;
  return [
    {
      path,
      message: `${JSON.stringify(value)}: ${say('one of these is needed', '需要其中之一')}: ${names.join(', ')}`,
    },
  ];
}

/** A word at a key of its own, that is none of this alternative's. */
const isOtherWord = (one: Issue) => one.code === 'invalid_value' && one.path.length === 1;

/** The alternatives whose word (`protocol: mqtt`) stands there; none: it is nobody's; undefined: no word tells them apart. */
function branchesOfTag(branches: readonly (readonly Issue[])[]): readonly (readonly Issue[])[] | undefined {
  const fitting = branches.filter((branch) => !branch.some(isOtherWord));
  return fitting.length < branches.length ? fitting : undefined;
}

/** What stands there is no alternative's word. */
function explainTag(
  branches: readonly (readonly Issue[])[],
  path: (string | number)[],
  data: unknown,
): Problem[] {
  const issues = branches.flat().filter(isOtherWord) as (Issue & { code: 'invalid_value' })[];
  const at = [...path, issues[0]?.path[0] as string];
  const names = issues.flatMap(({ values }) => values.map(String));
  const value = valueAt(data, at);
  const message = `${JSON.stringify(value)}: ${say('not known', '不认识')}${near(String(value), names)}${allowed(names)}`;
  return [{ path: at, message }];
}

/** No alternative has this value of the key that tells them apart. `path` names that key. */
function explainChoice(
  path: (string | number)[],
  discriminator: string,
  data: unknown,
  schema: Schema,
): Problem[] {
  const owner = path.at(-1) === discriminator ? path.slice(0, -1) : path;
  const value = valueAt(data, owner) as Record<string, unknown> | undefined;
  const around = schemaAt(schema, owner.slice(0, -1), data);
  const choices = around?.items?.oneOf ?? around?.items?.anyOf ?? [];
  const names = choices.flatMap(({ properties }) => {
    const { const: only, enum: several } = properties?.[discriminator] ?? {};
    return (several ?? [only]).map(String);
  });
  const given = value?.[discriminator];
  if (given !== undefined) {
    const message = `${JSON.stringify(given)}: ${say('not known', '不认识')}${near(String(given), names)}${allowed(names)}`;
    return [{ path: [...owner, discriminator], message }];
  }
  const misspelt = Object.keys(value ?? {}).find((key) => near(key, [discriminator]) !== '');
  if (misspelt !== undefined)
    return [{ path: [...owner, misspelt], message: unknownKey(misspelt, [discriminator]) }];
  return [
    { path: owner, message: say(`${discriminator} is missing`, `缺少 ${discriminator}`) + allowed(names) },
  ];
}
