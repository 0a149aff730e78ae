/** Where the gateway of a config keeps its data, also where that config is wrong: the way back must not need a right one. */
import { readdirSync, readFileSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { readConfigFile } from '../../../config/load.ts';
import { CONFIG_FILE_MAX, readTextOf } from '../../../drivers/files.ts';
import { versionsFolder } from '../../reload/versions.ts';
import { usualDataDir } from '../installed.ts';

/** That of the gateway that runs with it; else where there are versions of it; else where it would be. */
export function dataDirOf(file: string): string {
  const running = runningWith(file);
  if (running !== undefined) return running.dataDir;
  const [first, ...others] = placesOf(file);
  const found = [first, ...others].find((folder) => isThere(versionsFolder(folder)));
  return found ?? first;
}

/** Where its data may be, the likeliest first. */
function placesOf(file: string): readonly [string, ...string[]] {
  const yaml = readConfigFile(file);
  const read = 'data' in yaml ? (yaml.data as { dataDir?: unknown } | null)?.dataDir : undefined;
  const named =
    typeof read === 'string' && read !== ''
      ? read
      : dataDirIn(attempt(() => readTextOf(file, CONFIG_FILE_MAX)) ?? '');
  const at = (folder: string) => resolve(dirname(resolve(file)), folder);
  const usual = at(usualDataDir(file));
  // Who named one has others' versions in ./data, unless that is what is usual there.
  if (named !== undefined) return usual === at('./data') ? [at(named)] : [at(named), usual];
  return [usual, at('./data')];
}

/** What the line of `dataDir` says, in a text that may be no YAML. One that is indented may be what is wrong with it. */
export function dataDirIn(text: string): string | undefined {
  const lines = [...text.matchAll(/^\ufeff?([ \t]*)(["']?)dataDir\2[ \t]*[:：][ \t]*(\S.*)$/gm)];
  const [, , , value = ''] = lines.find(([, indent]) => indent === '') ?? lines[0] ?? [];
  const quoted = /^"([^"]*)"|^'([^']*)'/.exec(value);
  const named = quoted === null ? value.replace(/(?:^|\s)#.*$/, '').trim() : (quoted[1] ?? quoted[2] ?? '');
  // A name of the environment is known to the gateway alone.
  return named === '' || named.startsWith('${') ? undefined : named;
}

/**
 * The process that was begun as `run FILE`, and the folder whose lock it has open. Another user's is believed only where that
 * user may read the config by its group, as the gateway's may: anybody can begin a process that is called so, and what lies
 * in its folder becomes the config.
 */
export function runningWith(file: string): { readonly pid: number; readonly dataDir: string } | undefined {
  const config = attempt(() => ({ path: realpathSync(file), stats: statSync(file) }));
  if (config === undefined) return undefined;
  for (const pid of attempt(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid || !isTrusted(pid, config.stats)) continue;
    if (attempt(() => runsWith(pid, config.path)) !== true) continue;
    for (const fd of attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const open = attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '';
      if (basename(open) === 'lock.sqlite') return { pid: Number(pid), dataDir: dirname(open) };
    }
  }
  return undefined;
}

function isTrusted(pid: string, { uid, gid }: Stats): boolean {
  const who = attempt(() => statSync(`/proc/${pid}`));
  return who !== undefined && ([0, uid, process.getuid?.()].includes(who.uid) || who.gid === gid);
}

function runsWith(pid: string, config: string): boolean {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const run = words.indexOf('run');
  if (run < 0) return false;
  const folder = readlinkSync(`/proc/${pid}/cwd`);
  return words
    .slice(run + 1)
    .some((word) => word !== '' && attempt(() => realpathSync(resolve(folder, word))) === config);
}

const isThere = (path: string) => attempt(() => statSync(path)) !== undefined;

/** Processes come and go, and not all may be looked at. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
