/** What the schema cannot see: the environment, files that are named, secrets, device models, what stands twice. */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Device, Driver } from '../drivers/contract/driver.ts';
import { isSecretAt } from '../drivers/contract/options.ts';
import type { Transport } from '../drivers/contract/transport.ts';
import {
  CONFIG_FILE_MAX,
  EmptySecretError,
  FileTooLargeError,
  FolderError,
  fileMaxOf,
  readBytesOf,
  readSecretOf,
} from '../drivers/files.ts';
import { drivers, platforms } from '../drivers/index.ts';
import { allowed, type ConfigProblem, explainAll, near, pathText, type Schema } from './explain.ts';
import { say } from './language.ts';
import type { Config, RawConfig } from './schema.ts';
import { partUplink, type RawUplink, type UplinkConfig, versionAsProtocol } from './sections/uplinks.ts';
import { whyUnreadable } from './text.ts';
import { type Path, readYaml } from './yaml.ts';
import { withAccounts } from './zones.ts';

const profilesDirectory = join(import.meta.dirname, 'profiles');

/** Replaces `${NAME}` that is a whole value; secrets stay as written until they were checked. */
export function substitute(value: unknown, path: Path, problems: ConfigProblem[]): unknown {
  if (Array.isArray(value)) return value.map((item, i) => substitute(item, [...path, i], problems));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, substitute(item, [...path, key], problems)]),
    );
  }
  const name = typeof value === 'string' ? /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(value)?.[1] : undefined;
  if (name === undefined) return value;
  const found = process.env[name];
  const isSecret = isSecretAt(path);
  if (found === undefined || (isSecret && found.trim() === '')) {
    problems.push({
      path: path as (string | number)[],
      message:
        found === undefined
          ? say(`the environment has no ${name}`, `环境变量 ${name} 未设置`)
          : say(`${name} of the environment is empty`, `环境变量 ${name} 为空`),
    });
  }
  return isSecret ? value : found;
}

/** Paths absolute, secrets read, device models at their devices. What is wrong with them joins `problems`. */
export function resolveConfig(file: string, raw: RawConfig, problems: ConfigProblem[]): Config {
  const directory = dirname(resolve(file));
  const dataDir = resolve(directory, raw.dataDir);
  const config = { ...raw, file, dataDir };
  findRepeats(raw.uplinks, ['uplinks'], problems);
  findRepeats(raw.devices, ['devices'], problems);
  const uplinks = raw.uplinks.map((uplink, i) => resolveUplink(uplink, ['uplinks', i], directory, problems));
  const known: KnownProfiles = new Map();
  const devices = raw.devices.map((device, i) => resolveDevice(device, i, directory, problems, known));
  const access = resolveFiles(raw.access, ['access'], directory, problems);
  const console = resolveFiles(raw.console, ['console'], directory, problems);
  const backup = raw.backup && {
    ...raw.backup,
    folder:
      raw.backup.folder === undefined ? join(dataDir, 'backups') : resolve(directory, raw.backup.folder),
  };
  findRepeats(raw.contacts, ['contacts'], problems);
  const contacts = resolveFiles(raw.contacts, ['contacts'], directory, problems);
  return withAccounts({ ...config, backup, access, console, contacts, uplinks, devices });
}

function findRepeats(items: readonly { id: string }[], path: (string | number)[], problems: ConfigProblem[]) {
  const seen = new Set<string>();
  for (const [i, { id }] of items.entries()) {
    if (seen.has(id))
      problems.push({ path: [...path, i, 'id'], message: say(`"${id}" stands here twice`, `"${id}" 重复`) });
    seen.add(id);
  }
}

/** Lists of people: as their readers say, empty is one without rows. */
const LISTS: readonly string[] = ['credentialsFile', 'personsFile'];
/** Files whose first line is a secret that somebody must show. */
const SECRETS: readonly string[] = ['passwordFile', 'tokenFile', 'urlFile', 'secretFile'];

/** @throws where a file of the config cannot be what its key says. */
function lookAtFile(file: string, key: string): void {
  accessSync(file, constants.R_OK);
  const found = statSync(file);
  if (found.isDirectory()) throw new FolderError(file);
  if (found.size > fileMaxOf(key)) throw new FileTooLargeError(file, fileMaxOf(key));
  if (found.isFile() && found.size === 0 && !LISTS.includes(key)) throw new EmptySecretError(file, true);
  if (SECRETS.includes(key)) readSecretOf(file);
}

/** Makes `...File` values absolute, and checks that they can be read. */
function resolveFiles<T>(
  value: T,
  path: (string | number)[],
  directory: string,
  problems: ConfigProblem[],
  madeBy: Driver['madeBy'] = {},
): T {
  if (Array.isArray(value))
    return value.map((item, i) => resolveFiles(item, [...path, i], directory, problems, madeBy)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    if (!key.endsWith('File') || typeof item !== 'string')
      return [key, resolveFiles(item, [...path, key], directory, problems, madeBy)];
    const absolute = resolve(directory, item);
    try {
      lookAtFile(absolute, key);
    } catch (error) {
      const made = (error as NodeJS.ErrnoException).code === 'ENOENT' ? madeBy[key] : undefined;
      const hint = made === undefined ? '' : say(`; ${made.en}`, `；${made.zh}`);
      const message = `${absolute} ${whyUnreadable(error as Error)}${hint}`;
      problems.push({ path: [...path, key], message });
    }
    return [key, absolute];
  });
  return Object.fromEntries(entries) as T;
}

function resolveUplink(
  raw: RawUplink,
  path: (string | number)[],
  directory: string,
  problems: ConfigProblem[],
): UplinkConfig {
  const before = problems.length;
  const { protocol } = raw;
  if (versionAsProtocol(protocol) !== undefined && raw['mqttVersion'] !== undefined) {
    problems.push({
      path: [...path, 'mqttVersion'],
      message: say(
        `stands beside protocol: ${protocol}; say protocol: mqtt`,
        `与 protocol: ${protocol} 重复；请改为 protocol: mqtt`,
      ),
    });
  }
  const uplink = partUplink(resolveSecrets(resolveFiles(raw, path, directory, problems), path, problems));
  const transport = (platforms as readonly Transport[]).find(({ name }) => name === uplink.protocol);
  if (problems.length === before) {
    for (const { path: inside, en, zh } of transport?.problems?.(uplink.options, uplink) ?? [])
      problems.push({ path: [...path, ...inside], message: say(en, zh) });
  }
  const carries = transport?.carries?.(uplink.options, uplink);
  return carries === undefined ? uplink : { ...uplink, carries };
}

/** Reads passwords from their files or the environment, in mappings within too. */
function resolveSecrets<T extends object>(value: T, path: (string | number)[], problems: ConfigProblem[]): T {
  const { password, passwordFile, ...rest } = value as { password?: string; passwordFile?: string };
  if (password !== undefined && passwordFile !== undefined) {
    problems.push({
      path: [...path, 'password'],
      message: say('stands beside passwordFile; keep one', '与 passwordFile 重复，请只保留一个'),
    });
  }
  const members = Object.entries(rest).map(([key, item]: [string, unknown]) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? [key, resolveSecrets(item, [...path, key], problems)]
      : [key, item],
  );
  const found =
    passwordFile !== undefined
      ? passwordOf(passwordFile, [...path, 'passwordFile'], problems)
      : password === undefined
        ? undefined
        : process.env[password.slice(2, -1)];
  return Object.fromEntries([...members, ...(found === undefined ? [] : [['password', found]])]) as T;
}

/** undefined: there is none, which was told, or is told now. */
function passwordOf(file: string, path: (string | number)[], problems: ConfigProblem[]): string | undefined {
  const isTold = problems.some(({ path: other }) => other.join('/') === path.join('/'));
  if (isTold) return undefined;
  try {
    return readSecretOf(file);
  } catch (error) {
    problems.push({ path, message: `${file} ${whyUnreadable(error as Error)}` });
    return undefined;
  }
}

function resolveDevice(
  raw: RawConfig['devices'][number],
  index: number,
  directory: string,
  problems: ConfigProblem[],
  known: KnownProfiles,
): Device {
  const path = ['devices', index];
  const before = problems.length;
  const driver = drivers.find((one) => one.name === raw.driver) as Driver;
  const {
    id,
    driver: name,
    name: title,
    place,
    ...options
  } = resolveFiles(raw, path, directory, problems, driver.madeBy);
  const profile =
    driver.profile === undefined
      ? undefined
      : loadProfile(driver.profile, options as { profile?: string }, path, directory, problems, known);
  const device: Device = {
    id,
    driver: name,
    ...(title !== undefined && { name: title }),
    ...(place !== undefined && { place }),
    options,
    ...(profile !== undefined && { profile }),
  };
  if (problems.length === before) {
    const found = driver.problems?.(device as Parameters<NonNullable<Driver['problems']>>[0]) ?? [];
    problems.push(
      ...found.map(({ message, zh = message, path: inside }) => ({
        path: [...path, ...inside],
        message: say(message, zh),
      })),
    );
    const commands = driver.commands?.(device as Parameters<NonNullable<Driver['commands']>>[0]);
    return commands === undefined ? device : { ...device, commands };
  }
  return device;
}

/** Profiles that were read, by their file, for each model: a thousand devices are of a handful of kinds. */
type KnownProfiles = Map<string, { readonly model: z.ZodType; readonly data: unknown }>;

/** `pulse-fence-2zone` is a file in config/profiles/; `./my-fence.yaml` is one beside the config. */
function loadProfile(
  model: z.ZodType,
  { profile }: { profile?: string },
  path: (string | number)[],
  directory: string,
  problems: ConfigProblem[],
  known: KnownProfiles,
): unknown {
  if (profile === undefined) return undefined;
  const own = extname(profile) !== '';
  const file = own ? resolve(directory, profile) : join(profilesDirectory, `${profile}.yaml`);
  const at = [...path, 'profile'];
  const found = known.get(file);
  if (found?.model === model) return found.data;
  if (!existsSync(file)) {
    const names = readdirSync(profilesDirectory).map((entry) => basename(entry, extname(entry)));
    const hint = own ? '' : near(profile, names) + allowed(names);
    problems.push({ path: at, message: say(`there is no profile ${file}`, `没有设备模型 ${file}`) + hint });
    return undefined;
  }
  let bytes: Buffer;
  try {
    bytes = readBytesOf(file, CONFIG_FILE_MAX);
  } catch (error) {
    problems.push({ path: at, message: `${file} ${whyUnreadable(error as Error)}` });
    return undefined;
  }
  const yaml = readYaml(file, bytes);
  if ('errors' in yaml) {
    problems.push(...yaml.errors.map(({ message, ...place }) => ({ path: at, place, message })));
    return undefined;
  }
  const parsed = model.safeParse(yaml.data);
  if (parsed.success) {
    known.set(file, { model, data: parsed.data });
    return parsed.data;
  }
  const schema = z.toJSONSchema(model, { io: 'input', unrepresentable: 'any' }) as Schema;
  for (const { path: inside, message } of explainAll(parsed.error, model, yaml.data, schema))
    problems.push({ path: at, place: yaml.placeOf(inside), message: `${pathText(inside)}${message}` });
  return undefined;
}
