/** Which files a backup is made of. */
import { type Dirent, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { readYaml } from '../../config/yaml.ts';
import { CONFIG_FILE_MAX, readBytesOf } from '../../drivers/files.ts';

/** A file, and its name in the backup. */
export interface Source {
  readonly file: string;
  readonly path: string;
  readonly mode: number;
}
export interface Left {
  readonly file: string;
  readonly why: string;
}

/**
 * What is made anew by itself (the index of the search), is of this machine alone (the lock, who is logged in), was set
 * aside, or is not whole yet.
 */
const NOT_KEPT =
  /^(lock\.sqlite|console\.search\.sqlite.*|console\.sessions|journal\.damaged-.*|journal\.sqlite\..*|before-.*|\..*)$|\.(partial|new|lock)$|\.partial-|-(wal|shm|journal)$/;
/** Pictures and clips. */
const MEDIA = ['media', 'clips'];
/** What is larger, in a data folder, is no file of ours; SQLite's are copied whatever they are. Bytes. */
const FILE_MAX = 268_435_456;
const FILES_MAX = 500_000;

const isPublic = (key: string) => ['caFile', 'certFile', 'publicKeyFile'].includes(key);

/** `without`: the folder of the backups themselves. */
export function dataFiles(
  dataDir: string,
  { clips, without }: { readonly clips: boolean; readonly without: string | undefined },
): { readonly files: readonly Source[]; readonly left: readonly Left[] } {
  const files: Source[] = [];
  const left: Left[] = [];
  const look = (folder: string, entry: Dirent, isTop: boolean) => {
    const file = join(folder, entry.name);
    if (NOT_KEPT.test(entry.name) || file === without) return;
    const isMedia = isTop && MEDIA.includes(entry.name);
    if (isMedia && !clips) return;
    if (entry.isDirectory()) return walk(file, false);
    // A socket is there as long as its gateway is.
    if (entry.isSocket()) return undefined;
    if (!entry.isFile()) return left.push({ file, why: 'it is no file' });
    const size = sizeOf(file);
    // Retention took it meanwhile.
    if (size === undefined) return;
    if (size > FILE_MAX && !entry.name.endsWith('.sqlite'))
      return left.push({ file, why: 'it is too large for a file of the gateway' });
    if (files.length >= FILES_MAX) return left.push({ file, why: `there are more than ${FILES_MAX} files` });
    files.push({ file, path: `data/${relative(dataDir, file)}`, mode: 0o600 });
  };
  const walk = (folder: string, isTop: boolean) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) look(folder, entry, isTop);
  };
  walk(dataDir, true);
  return { files, left: left.slice(0, 1000) };
}

const sizeOf = (file: string) => {
  try {
    return lstatSync(file).size;
  } catch {
    return undefined;
  }
};

/**
 * The config file and the files that it names, each with what its mode may be at most, and the names that it takes from the
 * environment. `data`: what is written in it. Looks at none of them.
 */
function namedIn(file: string, data: unknown) {
  const folder = dirname(resolve(file));
  const environment = new Set<string>();
  const found = new Map<string, number>([[resolve(file), 0o640]]);
  const walk = (value: unknown, key: string) => {
    if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) walk(item, Array.isArray(value) ? key : name);
      return;
    }
    if (typeof value !== 'string') return;
    const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(value)?.[1];
    if (name !== undefined) environment.add(name);
    // A profile of hardware is one of ours by its name, or a file.
    const isFile = key.endsWith('File') || (key === 'profile' && extname(value) !== '');
    if (name === undefined && isFile) found.set(resolve(folder, value), isPublic(key) ? 0o644 : 0o640);
  };
  walk(data, '');
  return { found, environment };
}

/** @throws Error where the file is no YAML; what the disk says. */
function writtenIn(file: string): unknown {
  const yaml = readYaml(file, readBytesOf(file, CONFIG_FILE_MAX));
  if ('errors' in yaml) throw new Error(`${file}: ${yaml.errors[0]?.message}`);
  return yaml.data;
}

/** Absolute paths of the config file and of what it names, there or not. @throws as `configFiles`. */
export const configPaths = (file: string): readonly string[] => [
  ...namedIn(file, writtenIn(file)).found.keys(),
];

/**
 * The config file, and what it names. `text`: the file with its text, where it is not itself. `dataDir` as it is written there, `environment`: the names that it takes from there.
 * @throws Error where the file is no YAML, or what it names is not there; what the disk says.
 */
export function configFiles(
  file: string,
  text = file,
): {
  readonly files: readonly Source[];
  readonly dataDir: string;
  readonly environment: readonly string[];
} {
  const data = writtenIn(text);
  const folder = dirname(resolve(file));
  const { found, environment } = namedIn(file, data);
  const files = [...found].map(([source, most]): Source => {
    const inside = relative(folder, source);
    const isInside = !inside.startsWith('..');
    const path = isInside ? `config/${inside}` : `elsewhere/${source.replace(/^\/+/, '')}`;
    const from = source === resolve(file) ? text : source;
    return { file: from, path, mode: statSync(source).mode & most };
  });
  const written = (data as { readonly dataDir?: unknown } | null)?.dataDir;
  return { files, dataDir: typeof written === 'string' ? written : './data', environment: [...environment] };
}
