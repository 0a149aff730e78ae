/** Which files with secrets other users of the machine can read: told by `check`, by `doctor` and at the start. */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { say } from '../config/language.ts';
import { isSecretAt } from '../drivers/contract/options.ts';
import { CONFIG_FILE_MAX, readTextOf } from '../drivers/files.ts';

/** A file that others can read or change. */
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
 * since then, or is gone, is looked at with the next config.
 */
export function openSecrets(file: string, dataDir: string): readonly OpenSecret[] {
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
  return [...[...files].flatMap(openSecret), ...openData(dataDir)];
}

/** Of a data folder. */
export function openData(directory: string): readonly OpenSecret[] {
  const names = attempt(() => readdirSync(directory)) ?? [];
  return names
    .filter((name) => SECRETS_OF_DATA.test(name))
    .flatMap((name) => openSecret(join(directory, name)));
}

function openSecret(file: string): readonly OpenSecret[] {
  const found = attempt(() => statSync(file));
  const whose = found === undefined ? undefined : whoElse(found, process.getuid?.() ?? -1);
  if (found === undefined || whose === undefined) return [];
  const mode = (found.mode & 0o7777).toString(8).padStart(4, '0');
  const quoted = /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`;
  return [{ file, mode, run: `chmod ${whose}= ${quoted}` }];
}

/**
 * Who else is let in, as chmod has it. A group is fine where it is how the gateway itself reads what root owns
 * (root:campus 0640).
 */
function whoElse({ mode, uid, gid }: Stats, user: number): 'go' | 'o' | undefined {
  const throughGroup = uid !== user || (uid === 0 && gid !== 0);
  if ((mode & 0o070) !== 0 && !throughGroup) return 'go';
  return (mode & 0o007) === 0 ? undefined : 'o';
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
