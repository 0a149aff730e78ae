/** Which files with secrets other users of the machine can read: told by `check`, by `doctor` and at the start. */
import { readdirSync, realpathSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { say } from '../config/language.ts';
import { isSecretAt } from '../drivers/contract/options.ts';
import { CONFIG_FILE_MAX, readTextOf } from '../drivers/files.ts';
import { foldersTo, groupName, may, quoted, READ, statOf, type Viewer } from './service-user.ts';

/** A file that others can read or change: by its own mode, and by each folder on the way to it. */
export interface OpenSecret {
  readonly file: string;
  /** As `ls` and `chmod` have it, e.g. `0644`. */
  readonly mode: string;
  /** The command that mends it. */
  readonly run: string;
}

/** These keys of the config name files that everybody may read: certificates and public keys. */
const isPublic = (key: string) => ['caFile', 'certFile', 'publicKeyFile'].includes(key);
/** `scheme://name:password@host`. */
const URL_WITH_PASSWORD = /^[a-z0-9+.-]{1,20}:\/\/[^/@\s:]{0,200}:[^/@\s]{1,200}@/i;
const SECRETS_OF_DATA = /^(card\.key|console\..*|enrolment\..*|journal\..*|notify\..*)$/;

export const inWords = ({ file, mode, run }: OpenSecret): string =>
  say(
    `${file} (mode ${mode}) can be read by other users of this machine; run: ${run}`,
    `${file}（权限 ${mode}）可被本机其他用户读取；请执行：${run}`,
  );

/**
 * Of a config file that was checked: what it names, and itself where a secret is written in it. One that became another
 * since then, or is gone, is looked at with the next config. `viewer`: who has to read them all the same; undefined:
 * ourselves.
 */
export function openSecrets(file: string, dataDir: string, viewer?: Viewer): readonly OpenSecret[] {
  const written: unknown = attempt(() => parse(readTextOf(file, CONFIG_FILE_MAX)));
  const files = new Set<string>();
  const walk = (value: unknown, path: readonly string[] = []) => {
    const key = path.at(-1) ?? '';
    if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value))
        walk(item, Array.isArray(value) ? path : [...path, name]);
    } else if (typeof value === 'string') {
      if (key.endsWith('File') && !isPublic(key)) files.add(resolve(dirname(file), value));
      const isSecret = isSecretAt(path) && !value.startsWith('${');
      if (isSecret || URL_WITH_PASSWORD.test(value)) files.add(resolve(file));
    }
  };
  walk(written);
  return [...[...files].flatMap((one) => openSecret(one, viewer)), ...openData(dataDir, viewer)];
}

/** Of a data folder. */
export function openData(directory: string, viewer?: Viewer): readonly OpenSecret[] {
  const names = attempt(() => readdirSync(directory)) ?? [];
  return names
    .filter((name) => SECRETS_OF_DATA.test(name))
    .flatMap((name) => openSecret(join(directory, name), viewer));
}

function openSecret(file: string, viewer: Viewer | undefined): readonly OpenSecret[] {
  const found = statOf(file);
  const folder = statOf(dirname(file));
  if (found === undefined || folder === undefined) return [];
  const whose = whoElse(found, reachable(file, found), process.getuid?.() ?? -1);
  if (whose === undefined) return [];
  const mode = (found.mode & 0o7777).toString(8).padStart(4, '0');
  const group = groupThatMust(found, whose, folder, viewer);
  const run =
    group === undefined
      ? `chmod ${whose}= ${quoted(file)}`
      : `chgrp ${groupName(group)} ${quoted(file)} && chmod 640 ${quoted(file)}`;
  return [{ file, mode, run }];
}

/** The group by which the gateway is to read what else it could not, once the file is closed; undefined: it can. */
function groupThatMust(
  { uid, gid, mode }: Stats,
  whose: 'go' | 'o',
  folder: Stats,
  viewer: Viewer | undefined,
): number | undefined {
  const group = folder.gid === 0 ? viewer?.groups[0] : folder.gid;
  const closed = { uid, gid, mode: mode & (whose === 'go' ? 0o700 : 0o770) };
  // Of root's own in a folder of another group, that group is the gateway's, whoever looks.
  const isOfFolder = uid === 0 && gid === 0 && folder.gid !== 0;
  const keeps = viewer === undefined || may(viewer, closed, READ);
  return isOfFolder || !keeps ? group : undefined;
}

/** The bits of a mode that let somebody in: not those of whom a folder on the way keeps out. */
function reachable(file: string, { gid }: Stats): number {
  let bits = 0o077;
  for (const path of foldersTo(attempt(() => realpathSync(file)) ?? file)) {
    const folder = statOf(path);
    const forOthers = folder !== undefined && (folder.mode & 0o001) !== 0;
    const forGroup = folder !== undefined && folder.gid === gid && (folder.mode & 0o010) !== 0;
    if (!forOthers) bits &= forGroup ? 0o070 : 0;
  }
  return bits;
}

/**
 * Who else is let in, as chmod has it. A group is fine where it is how the gateway itself reads what root owns
 * (root:campus 0640).
 */
function whoElse({ mode, uid, gid }: Stats, bits: number, user: number): 'go' | 'o' | undefined {
  const throughGroup = uid !== user || (uid === 0 && gid !== 0);
  if ((mode & bits & 0o070) !== 0 && !throughGroup) return 'go';
  return (mode & bits & 0o007) === 0 ? undefined : 'o';
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
