/**
 * YAML -> validated config. Every mistake is told at once, each with its line, column, what stands there and what
 * may stand there.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { closest, distance } from 'fastest-levenshtein';
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parse,
  parseDocument,
} from 'yaml';
import type { z } from 'zod';
import type { Device, Driver, Problem } from '../drivers/contract/driver.ts';
import { drivers } from '../drivers/index.ts';
import { say } from './language.ts';
import { configJsonSchema, configSchema, type RawConfig } from './schema.ts';
import type { UplinkConfig } from './sections/uplinks.ts';
import { secretKeys } from './sections/values.ts';

export interface Config extends Omit<RawConfig, 'devices'> {
  readonly file: string;
  readonly uplinks: UplinkConfig[];
  readonly devices: readonly Device[];
}

/** One mistake, ready to print: `FILE:LINE:COLUMN: message`. */
export interface ConfigError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
export const formatError = ({ file, line, column, message }: ConfigError) =>
  `${file}:${line}:${column}: ${message}`;

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;
const profilesDirectory = join(import.meta.dirname, 'profiles');

/**
 * Reads, checks and resolves a config file. `verify` adds checks that only the caller can make.
 */
export function loadConfig(
  file: string,
  verify: (config: Config) => readonly Problem[] = () => [],
): { readonly config: Config } | { readonly errors: readonly ConfigError[] } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? '';
    const message = say(`cannot be read (${reason})`, `无法读取（${reason}）`);
    return { errors: [{ file, line: 1, column: 1, message }] };
  }
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, logLevel: 'silent' });
  const at = (offset: number, message: string): ConfigError => {
    const { line, col } = counter.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  // What YAML only warns of (unknown tags and directives) has no place in a config either.
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) return { errors: wrong.map((error) => at(error.pos[0], error.message)) };
  let written: unknown;
  try {
    written = document.toJS();
  } catch (error) {
    // An alias without its anchor, or aliases that grow without end.
    return { errors: [at(0, (error as Error).message)] };
  }

  const missing: Problem[] = [];
  const data = substitute(written ?? {}, [], missing);
  const tell = ({ path, message }: Problem) => at(offsetOf(document, path), `${pathText(path)}${message}`);
  const parsed = configSchema.safeParse(data);
  if (!parsed.success) {
    const schema = configJsonSchema() as Schema;
    const problems = parsed.error.issues.flatMap((issue) => explain(issue, [], data, schema));
    return { errors: inOrder([...missing, ...problems].map(tell)) };
  }
  const problems = [...missing];
  const config = resolveConfig(file, parsed.data, problems);
  if (problems.length === 0) problems.push(...verify(config));
  return problems.length > 0 ? { errors: inOrder(problems.map(tell)) } : { config };
}

const inOrder = (errors: ConfigError[]) => errors.sort((a, b) => a.line - b.line || a.column - b.column);

// --- the environment ---

/** Replaces `${NAME}` that is a whole value; secrets stay as written until they were checked. */
function substitute(value: unknown, path: Path, problems: Problem[]): unknown {
  if (Array.isArray(value)) return value.map((item, i) => substitute(item, [...path, i], problems));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, substitute(item, [...path, key], problems)]),
    );
  }
  const name = typeof value === 'string' ? /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(value)?.[1] : undefined;
  if (name === undefined) return value;
  const found = process.env[name];
  if (found === undefined) {
    problems.push({
      path: path as (string | number)[],
      message: say(`the environment has no ${name}`, `环境变量 ${name} 未设置`),
    });
  }
  return secretKeys.test(String(path.at(-1))) ? value : found;
}

// --- where a problem stands ---

function pathText(path: Path): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? '' : `${text.replace(/^\./, '')}: `;
}

/** The offset of the key (or item) at a path, or of the nearest thing around it. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === part);
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[part as number];
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

// --- what a problem is ---

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly propertyNames?: { readonly enum?: readonly string[] };
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
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
    return schemaAt([...alternatives].sort((a, b) => likeness(b) - likeness(a))[0], path, data);
  }
  const [part, ...rest] = path;
  if (schema === undefined || part === undefined) return schema;
  const next = typeof part === 'number' ? schema.items : schema.properties?.[String(part)];
  return schemaAt(next, rest, (data as Record<PropertyKey, unknown> | undefined)?.[part]);
}

const valueAt = (data: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], data);

/** ` — did you mean X?` where some name is near. */
function near(name: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const best = closest(name, names);
  if (distance(name, best) > Math.max(2, name.length / 3)) return '';
  return say(`; did you mean ${best}?`, `；是不是 ${best}？`);
}

const allowed = (names: readonly string[]) =>
  names.length === 0 ? '' : say(`; allowed: ${names.join(', ')}`, `；可用：${names.join('、')}`);

function unknownKey(key: string, names: readonly string[]): string {
  return say('unknown key', '未知的键') + (near(key, names) || allowed(names));
}

function explain(issue: Issue, prefix: Path, data: unknown, schema: Schema): Problem[] {
  const path = [...prefix, ...issue.path] as (string | number)[];
  const value = valueAt(data, path);
  const problem = (message: string, at = path): Problem => ({ path: at, message });
  const is = secretKeys.test(String(path.at(-1))) ? '' : `${JSON.stringify(value)}: `;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const taken = Object.keys(value as object);
      const found = schemaAt(schema, path, data);
      const known = found?.propertyNames?.enum ?? Object.keys(found?.properties ?? {});
      const names = known.filter((name) => !taken.includes(name));
      return issue.keys.map((key) => problem(unknownKey(key, names), [...path, key]));
    }
    case 'invalid_union':
      return explainUnion(issue, path, data, schema);
    case 'invalid_type': {
      if (value !== undefined)
        return [
          problem(
            `${is}${say(`${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected} is needed`, `应为 ${issue.expected}`)}`,
          ),
        ];
      const what = schemaAt(schema, path, data)?.description;
      return [problem(say('missing', '缺少') + (what === undefined ? '' : ` (${what})`))];
    }
    case 'invalid_value': {
      const names = issue.values.map(String);
      return [problem(`${is}${say('not known', '不认识')}${near(String(value), names)}${allowed(names)}`)];
    }
    case 'too_small':
      return [problem(`${is}${say(`at least ${issue.minimum}`, `至少 ${issue.minimum}`)}`)];
    case 'too_big':
      return [problem(`${is}${say(`at most ${issue.maximum}`, `至多 ${issue.maximum}`)}`)];
    default:
      return [problem(`${is}${issue.message}`)];
  }
}

function explainUnion(
  issue: Issue & { code: 'invalid_union' },
  path: (string | number)[],
  data: unknown,
  schema: Schema,
): Problem[] {
  const discriminator = issue.discriminator;
  if (discriminator !== undefined) return explainChoice(path, discriminator, data, schema);
  // Of the alternatives, the one with the fewest mistakes is what was meant.
  const cost = (issues: readonly Issue[]) =>
    issues.reduce((sum, one) => sum + (one.code === 'unrecognized_keys' ? one.keys.length : 1), 0);
  const branches = [...issue.errors].sort((a, b) => cost(a) - cost(b));
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
  const names = choices.map((one) => String(one.properties?.[discriminator]?.const));
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

// --- what the schema cannot see ---

function resolveConfig(file: string, raw: RawConfig, problems: Problem[]): Config {
  const directory = dirname(resolve(file));
  const config = { ...raw, file, dataDir: resolve(directory, raw.dataDir) };
  findRepeats(raw.uplinks, ['uplinks'], problems);
  findRepeats(raw.devices, ['devices'], problems);
  const uplinks = raw.uplinks.map((uplink, i) => resolveUplink(uplink, ['uplinks', i], directory, problems));
  const devices = raw.devices.map((device, i) => resolveDevice(device, i, directory, problems));
  const access = resolveFiles(raw.access, ['access'], directory, problems);
  return { ...config, access, uplinks, devices };
}

function findRepeats(items: readonly { id: string }[], path: (string | number)[], problems: Problem[]) {
  const seen = new Set<string>();
  for (const [i, { id }] of items.entries()) {
    if (seen.has(id))
      problems.push({ path: [...path, i, 'id'], message: say(`"${id}" stands here twice`, `"${id}" 重复`) });
    seen.add(id);
  }
}

/** Makes `...File` values absolute, and checks that they can be read. */
function resolveFiles<T>(value: T, path: (string | number)[], directory: string, problems: Problem[]): T {
  if (Array.isArray(value))
    return value.map((item, i) => resolveFiles(item, [...path, i], directory, problems)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    if (!key.endsWith('File') || typeof item !== 'string')
      return [key, resolveFiles(item, [...path, key], directory, problems)];
    const absolute = resolve(directory, item);
    try {
      accessSync(absolute, constants.R_OK);
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code;
      problems.push({
        path: [...path, key],
        message: say(`${absolute} cannot be read (${reason})`, `${absolute} 无法读取（${reason}）`),
      });
    }
    return [key, absolute];
  });
  return Object.fromEntries(entries) as T;
}

function resolveUplink(
  raw: UplinkConfig,
  path: (string | number)[],
  directory: string,
  problems: Problem[],
): UplinkConfig {
  const { proxy, ...uplink } = resolveFiles(raw, path, directory, problems);
  const { url, tls } = uplink;
  if (tls !== undefined && !/^(mqtts|wss):/.test(url)) {
    problems.push({
      path: [...path, 'tls'],
      message: say(
        `stands beside ${url}, which has no TLS; use mqtts:// or wss://`,
        `${url} 不使用 TLS；请改用 mqtts:// 或 wss://`,
      ),
    });
  }
  if (tls !== undefined && (tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    const [has, lacks] = tls.certFile === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
    problems.push({
      path: [...path, 'tls', has],
      message: say(`needs ${lacks} beside it`, `需要同时给出 ${lacks}`),
    });
  }
  return {
    ...resolveSecrets(uplink, path, problems),
    ...(proxy !== undefined && { proxy: resolveSecrets(proxy, [...path, 'proxy'], problems) }),
  };
}

/** Reads a password from its file or the environment. */
function resolveSecrets<T extends { password?: string | undefined; passwordFile?: string | undefined }>(
  secretive: T,
  path: (string | number)[],
  problems: Problem[],
): Omit<T, 'password' | 'passwordFile'> & { password?: string } {
  const { password, passwordFile, ...rest } = secretive;
  if (password !== undefined && passwordFile !== undefined) {
    problems.push({
      path: [...path, 'password'],
      message: say('stands beside passwordFile; keep one', '与 passwordFile 重复，请只保留一个'),
    });
  }
  if (passwordFile !== undefined && existsSync(passwordFile)) {
    return { ...rest, password: readFileSync(passwordFile, 'utf8').split(/\r?\n/, 1)[0] ?? '' };
  }
  const found = password === undefined ? undefined : process.env[password.slice(2, -1)];
  return found === undefined ? rest : { ...rest, password: found };
}

function resolveDevice(
  raw: RawConfig['devices'][number],
  index: number,
  directory: string,
  problems: Problem[],
): Device {
  const path = ['devices', index];
  const before = problems.length;
  const { id, driver: name, name: title, ...options } = resolveFiles(raw, path, directory, problems);
  const driver = drivers.find((one) => one.name === name) as Driver;
  const profile =
    driver.profile === undefined
      ? undefined
      : loadProfile(driver, options as { profile?: string }, path, directory, problems);
  const device: Device = {
    id,
    driver: name,
    ...(title !== undefined && { name: title }),
    options,
    ...(profile !== undefined && { profile }),
  };
  if (problems.length === before) {
    const found = driver.problems?.(device as Parameters<NonNullable<Driver['problems']>>[0]) ?? [];
    problems.push(...found.map((problem) => ({ ...problem, path: [...path, ...problem.path] })));
    const commands = driver.commands?.(device as Parameters<NonNullable<Driver['commands']>>[0]);
    return commands === undefined ? device : { ...device, commands };
  }
  return device;
}

/** `pulse-fence-2zone` is a file in config/profiles/; `./my-fence.yaml` is one beside the config. */
function loadProfile(
  driver: Driver,
  { profile }: { profile?: string },
  path: (string | number)[],
  directory: string,
  problems: Problem[],
): unknown {
  if (profile === undefined) return undefined;
  const own = extname(profile) !== '';
  const file = own ? resolve(directory, profile) : join(profilesDirectory, `${profile}.yaml`);
  const at = [...path, 'profile'];
  if (!existsSync(file)) {
    const names = readdirSync(profilesDirectory).map((entry) => basename(entry, extname(entry)));
    const hint = own ? '' : near(profile, names) + allowed(names);
    problems.push({ path: at, message: say(`there is no profile ${file}`, `没有设备模型 ${file}`) + hint });
    return undefined;
  }
  try {
    const parsed = driver.profile?.safeParse(parse(readFileSync(file, 'utf8')));
    if (parsed?.success === true) return parsed.data;
    const issues = parsed?.error?.issues.map((issue) => `${pathText(issue.path)}${issue.message}`) ?? [];
    problems.push({ path: at, message: `${file}: ${issues.join('; ')}` });
  } catch (error) {
    problems.push({ path: at, message: `${file}: ${(error as Error).message}` });
  }
  return undefined;
}
