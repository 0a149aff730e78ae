/** What a mistake is, in words, and where in the file it stands. */
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { Problem } from '../drivers/contract/driver.ts';
import { isSecretAt, secretKeys } from '../drivers/contract/options.ts';
import { say } from './language.ts';
import { withAlternatives } from './unions.ts';
import { fullWidthColon, type Path, type Place } from './yaml.ts';

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
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly pattern?: string;
}

/** What may stand here: itself, or its alternatives and theirs. */
const alternativesOf = (schema: Schema | undefined): readonly Schema[] => {
  const alternatives = schema?.oneOf ?? schema?.anyOf;
  if (alternatives === undefined) return schema === undefined ? [] : [schema];
  return alternatives.flatMap(alternativesOf);
};

/** What may stand at a path of this data. */
const alternativesAt = (schema: Schema, path: Path, data: unknown): readonly Schema[] => {
  const [last] = path.slice(-1);
  if (last === undefined) return alternativesOf(schema);
  return alternativesOf(within(schemaAt(schema, path.slice(0, -1), data), last));
};

/** What stands under a key, or in a list. */
function within(schema: Schema | undefined, part: PropertyKey): Schema | undefined {
  if (typeof part === 'number') return schema?.items;
  const others = schema?.additionalProperties;
  return schema?.properties?.[String(part)] ?? (typeof others === 'object' ? others : undefined);
}

/** The schema that stands at a path of this data; of alternatives, the one that shares most keys. */
function schemaAt(schema: Schema | undefined, path: Path, data: unknown): Schema | undefined {
  if ((schema?.oneOf ?? schema?.anyOf) !== undefined) {
    const alternatives = alternativesOf(schema);
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
  return schemaAt(within(schema, part), rest, (data as Record<PropertyKey, unknown> | undefined)?.[part]);
}

const valueAt = (data: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], data);

/** ` — did you mean X?` where some name is near. */
export function near(name: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const best = closest(name, names);
  if (distance(name, best) > Math.max(2, name.length / 3)) return '';
  return say(`; did you mean ${best}?`, `（是不是 ${best}？）`);
}

/** `; allowed: a, b`. */
export const allowed = (names: readonly string[]) =>
  names.length === 0 ? '' : say(`; allowed: ${names.join(', ')}`, `；可用：${names.join('、')}`);

/** `all`: of the other alternatives too; one of them may be meant. */
function unknownKey(key: string, names: readonly string[], all: readonly string[] = []): string {
  if (key.includes('：')) return fullWidthColon();
  return say('unknown key', '未知的键') + (near(key, names) || near(key, all) || allowed(names));
}

const unknownWord = (word: unknown, names: readonly string[]) =>
  `${JSON.stringify(word)}: ${say('not known', '不认识')}${near(String(word), names)}${allowed(names)}`;

function missing(path: Path, data: unknown, schema: Schema): string {
  const what = schemaAt(schema, path, data)?.description;
  // Descriptions are in English.
  return say(`missing${what === undefined ? '' : ` (${what})`}`, '缺少');
}

/** Of what stands there, so many characters are shown. */
const SHOWN_MAX = 80;

/** What stands there, as far as it may be shown; '' for a secret. */
function shownOf(path: Path, value: unknown): string {
  if (isSecretAt(path)) return '';
  const hidden = (key: string, inner: unknown) => (secretKeys.test(key) ? '…' : inner);
  const text = JSON.stringify(value, hidden) ?? 'undefined';
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** What is wrong with `data` by `model`, in words. `schema`: the same as JSON Schema. */
export const explainAll = (
  { issues }: z.core.$ZodError,
  model: z.ZodType,
  data: unknown,
  schema: Schema,
): Problem[] => withAlternatives(issues, model, data).flatMap((issue) => explain(issue, [], data, schema));

/** An issue of zod about `data`, in words: what stands there, what may stand there, what was perhaps meant. */
function explain(issue: Issue, prefix: Path, data: unknown, schema: Schema): Problem[] {
  const path = [...prefix, ...issue.path] as (string | number)[];
  const value = valueAt(data, path);
  const problem = (message: string, at = path): Problem => ({ path: at, message });
  const shown = shownOf(path, value);
  const is = shown === '' ? '' : `${shown}: `;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const taken = Object.keys(value as object);
      const found = schemaAt(schema, path, data);
      const known = found?.propertyNames?.enum ?? Object.keys(found?.properties ?? {});
      const names = known.filter((name) => !taken.includes(name));
      const all = alternativesAt(schema, path, data).flatMap(({ properties }) =>
        Object.keys(properties ?? {}),
      );
      const others = all.filter((name) => !taken.includes(name));
      return issue.keys.map((key) => problem(unknownKey(key, names, others), [...path, key]));
    }
    case 'invalid_union':
      if (value === undefined && issue.discriminator === undefined)
        return [problem(missing(path, data, schema))];
      return explainUnion(issue, path, data, schema);
    case 'invalid_type': {
      if (value === undefined) return [problem(missing(path, data, schema))];
      return [problem(`${is}${otherType(issue.expected, value, schemaAt(schema, path, data), path)}`)];
    }
    case 'invalid_value': {
      const names = issue.values.map(String);
      if (value === undefined) return [problem(missing(path, data, schema) + allowed(names))];
      return [problem(`${is}${say('not known', '不认识')}${near(String(value), names)}${allowed(names)}`)];
    }
    case 'invalid_key': {
      const names = schemaAt(schema, path.slice(0, -1), data)?.propertyNames?.enum ?? [];
      return [problem(unknownKey(String(path.at(-1)), names))];
    }
    case 'too_small':
      return [problem(`${is}${say(`at least ${issue.minimum}`, `至少 ${issue.minimum}`)}`)];
    case 'too_big':
      return [problem(`${is}${say(`at most ${issue.maximum}`, `至多 ${issue.maximum}`)}`)];
    default: {
      const zh = issue.code === 'custom' ? (issue.params?.['zh'] as string | undefined) : undefined;
      // A pattern has one message, and no place for another language.
      return [
        problem(
          `${is}${say(issue.message, zh ?? issue.message.replace(/^HOST:PORT, such as /, 'HOST:PORT，如 '))}`,
        ),
      ];
    }
  }
}

/** Durations, as `duration` of the contract has them in the schema. */
const DURATION = '(ms|s|m|h|d)';

/** A value of another type than is needed: what to write instead. */
function otherType(expected: string, value: unknown, schema: Schema | undefined, path: Path): string {
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  if (
    expected === 'string' &&
    isPlain &&
    alternativesOf(schema).some((one) => one.pattern?.includes(DURATION))
  )
    return say(
      'a duration such as 200ms, 60s, 5m, 12h or 30d: with its unit',
      '应为时长，例如 200ms、60s、5m、12h 或 30d：要写单位',
    );
  if (expected === 'string' && isPlain)
    return say('a text is needed: put it in quotes, as it is written', '应为文本：请按原样加引号');
  if (typeof value === 'string' && /^[A-Za-z][\w.-]{0,60}：/.test(value)) return fullWidthColon();
  const keys = schema?.required ?? [];
  if (path.length === 0 && expected === 'object' && keys.length > 0)
    return say(`keys are needed here: ${keys.join(', ')}`, `此处需要这些键：${keys.join('、')}`);
  return say(`${withArticle(expected)} is needed`, `应为${typeInChinese(expected)}`);
}

/** Settings of a port of our own: behind a server they are the server's. */
const PORT_SETTINGS: readonly string[] = ['baudRate', 'dataBits', 'stopBits', 'parity'];

function serverSettings(value: unknown, path: (string | number)[]): Problem[] {
  if (typeof value !== 'object' || value === null) return [];
  if (!('serialServer' in value || 'tcp' in value) || 'serial' in value) return [];
  return Object.keys(value)
    .filter((key) => PORT_SETTINGS.includes(key))
    .map((key) => ({
      path: [...path, key],
      message: say(
        `${key} is set in the serial server itself; leave it out here`,
        `${key} 请在串口服务器上设置；此处不写`,
      ),
    }));
}

const withArticle = (word: string) => `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;

type UnionIssue = Issue & { readonly code: 'invalid_union' };
type Branch = readonly Issue[];

/** What stands there as a whole is of another kind than this alternative. */
const isOther = (branch: Branch) =>
  branch.some(
    (one) => one.path.length === 0 && (one.code === 'invalid_type' || one.code === 'invalid_value'),
  );

/** Alternatives of alternatives are alternatives. */
const branchesOf = ({ errors }: UnionIssue): readonly Branch[] =>
  errors.flatMap((branch) => {
    const [only, ...more] = branch;
    const isUnion = only?.code === 'invalid_union' && only.path.length === 0 && more.length === 0;
    return isUnion && only.errors.length > 0 ? branchesOf(only) : [branch];
  });

/** Keys that each of several mappings has with a word of its own (`protocol: mqtt`). */
function tagOf(alternatives: readonly Schema[]): string | undefined {
  const mappings = alternatives.flatMap(({ properties }) => (properties === undefined ? [] : [properties]));
  const [first = {}] = mappings;
  if (mappings.length < 2) return undefined;
  return Object.keys(first).find((key) =>
    mappings.every((properties) => wordsAt(properties, key).length > 0),
  );
}

const wordsAt = (properties: Schema['properties'], key: string): readonly string[] => {
  const { const: only, enum: several } = properties?.[key] ?? {};
  return (several ?? (only === undefined ? [] : [only])).map(String);
};

function explainUnion(
  issue: UnionIssue,
  path: (string | number)[],
  data: unknown,
  schema: Schema,
): Problem[] {
  const value = valueAt(data, path);
  const elsewhere = serverSettings(value, path);
  if (elsewhere.length > 0) return elsewhere;
  const isTagged = issue.discriminator !== undefined && path.at(-1) === issue.discriminator;
  const owner = isTagged ? path.slice(0, -1) : path;
  const alternatives = alternativesAt(schema, owner, data);
  const branches = branchesOf(issue);
  const mappings = branches.filter((branch) => !isOther(branch));
  if (mappings.length === 0 && issue.discriminator === undefined)
    return [{ path, message: `${shownOf(path, value)}: ${whatIsNeeded(branches, alternatives)}` }];
  const tag = issue.discriminator ?? tagOf(alternatives);
  const isOtherWord = (one: Issue) => one.path.length === 1 && one.path[0] === tag;
  const fitting = mappings.filter((branch) => !branch.some(isOtherWord));
  if (tag !== undefined && fitting.length === 0) return [explainTag(owner, tag, data, alternatives)];
  return explainLikest(fitting, path, data, schema);
}

/** What stands there is none of the alternatives: what they are. */
function whatIsNeeded(branches: readonly Branch[], alternatives: readonly Schema[]): string {
  const words = branches.flatMap((branch) =>
    branch.flatMap((one) => (one.code === 'invalid_value' ? one.values.map(String) : [])),
  );
  const types = branches.flatMap((branch) =>
    branch.flatMap((one) => (one.code === 'invalid_type' ? [one.expected] : [])),
  );
  const isMapping = (type: string) => type === 'object' || type === 'record';
  const mappings = alternatives.filter(({ properties }) => properties !== undefined);
  const required = mappings.flatMap((one) => one.required ?? []);
  const keys = required.filter((key) => !mappings.every((one) => one.required?.includes(key)));
  const withKeys = say(' with one of ', '，含其中之一：') + [...new Set(keys)].join(', ');
  const named = types.map((type) =>
    isMapping(type) && keys.length > 0 ? withArticle(type) + withKeys : withArticle(type),
  );
  if (words.length === 0)
    return say(`${either(named)} is needed`, `应为${[...new Set(types.map(typeInChinese))].join('、')}`);
  return `${say('one of these is needed', '需要其中之一')}: ${[...new Set([...words, ...named])].join(', ')}`;
}

const typesInChinese: Readonly<Record<string, string>> = {
  object: '映射（键: 值）',
  record: '映射（键: 值）',
  array: '列表',
  string: '文本',
  number: '数字',
  int: '整数',
  boolean: ' true 或 false',
};
const typeInChinese = (type: string) => typesInChinese[type] ?? ` ${type}`;

function either(words: readonly string[]): string {
  const all = [...new Set(words)];
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}

/** No alternative has this word at the key that tells them apart. */
function explainTag(
  owner: (string | number)[],
  tag: string,
  data: unknown,
  alternatives: readonly Schema[],
): Problem {
  const value = valueAt(data, owner) as Record<string, unknown> | undefined;
  const names = [...new Set(alternatives.flatMap(({ properties }) => wordsAt(properties, tag)))];
  const given = value?.[tag];
  if (given !== undefined) return { path: [...owner, tag], message: unknownWord(given, names) };
  const misspelt = Object.keys(value ?? {}).find((key) => near(key, [tag]) !== '');
  if (misspelt !== undefined) return { path: [...owner, misspelt], message: unknownKey(misspelt, [tag]) };
  return { path: owner, message: say(`${tag} is missing`, `缺少 ${tag}`) + allowed(names) };
}

/** A key that an alternative does not have speaks against it; one that it misses does too, but less. */
const UNKNOWN_COST = 3;
const MISSING_COST = 2;

/** Of the alternatives, the one with the fewest mistakes is what was meant. */
function explainLikest(
  branches: readonly Branch[],
  path: (string | number)[],
  data: unknown,
  schema: Schema,
): Problem[] {
  const weighed = branches.map((branch) => weigh(branch, valueAt(data, path)));
  const least = Math.min(...weighed.map(({ cost }) => cost));
  const [best, ...others] = weighed.filter(({ cost }) => cost === least);
  if (best === undefined) return [];
  if (others.length === 0) return best.issues.flatMap((one) => explain(one, path, data, schema));
  const alike = [best, ...others];
  const missing = [...new Set(alike.flatMap((one) => one.missing))];
  const unknown = [...new Set(alike.flatMap((one) => one.unknown))];
  if (missing.length > 0) {
    const needed = say('one of these is needed', '需要其中之一');
    return [{ path, message: `${shownOf(path, valueAt(data, path))}: ${needed}: ${missing.join(', ')}` }];
  }
  if (unknown.length > 1) {
    const words = say('stand together; keep one', '不能同时出现，请只保留一个');
    return [{ path, message: `${unknown.join(', ')} ${words}` }];
  }
  return best.issues.flatMap((one) => explain(one, path, data, schema));
}

/** How far what stands there is from an alternative. A misspelt key is one mistake, not an unknown and a missing one. */
function weigh(branch: Branch, value: unknown) {
  const isUnknown = (one: Issue) => one.code === 'unrecognized_keys' && one.path.length === 0;
  const unknown = branch.flatMap((one) =>
    one.code === 'unrecognized_keys' && isUnknown(one) ? one.keys : [],
  );
  const isMissing = (one: Issue) => one.path.length > 0 && valueAt(value, one.path as Path) === undefined;
  const nameOf = (one: Issue) => String(one.path.at(-1));
  const misspelt = branch.filter(
    (one) => isMissing(one) && unknown.some((key) => near(key, [nameOf(one)]) !== ''),
  );
  const issues = branch.filter((one) => !misspelt.includes(one));
  const missing = issues.filter(isMissing);
  const others = issues.length - missing.length - issues.filter(isUnknown).length;
  const cost =
    (unknown.length - misspelt.length) * UNKNOWN_COST +
    missing.length * MISSING_COST +
    others +
    misspelt.length;
  return { issues, cost, unknown, missing: missing.map(nameOf) };
}
