/**
 * Puts a new config and its secrets on disk: first beside their place, where they are checked, then there; the config last,
 * by one rename. Whatever ends it early leaves what was there.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { say } from '../../../config/language.ts';
import { formatError } from '../../../config/load.ts';
import { configJsonSchema } from '../../../config/schema.ts';
import { readConfig } from '../../check.ts';
import { belong } from '../../lifecycle/belonging.ts';
import { makeFolder, PRIVATE_FILE, PRIVATE_FOLDER } from '../../lifecycle/private-files.ts';
import { replaceFile } from '../../lifecycle/replace-file.ts';
import type { Composed } from './compose.ts';

/** Where the Debian package, the npm package and the repository have it. */
const schemas = [
  '/usr/share/campus-gateway/config.schema.json',
  resolve(import.meta.dirname, '../../../docs/config.schema.json'),
  resolve(import.meta.dirname, '../../../../docs/config.schema.json'),
];

/** A path of the schema that exists; where there is none, it is written beside the config. */
export function schemaFor(file: string): string {
  const found = schemas.find((one) => existsSync(one));
  if (found !== undefined) return found;
  const own = join(dirname(resolve(file)), 'config.schema.json');
  writeFileSync(own, JSON.stringify(configJsonSchema(), undefined, 2));
  return own;
}

type Done =
  | { readonly errors: readonly string[] }
  /** `kept`: the copy of the old config. `made`: the folder that was not there. */
  | { readonly kept: string | undefined; readonly made: string | undefined };

/** @returns what is wrong with it, a line each, and then nothing was written; or what was done. */
export function writeConfig(file: string, { text, secrets }: Composed, stamp: string): Done {
  const folder = dirname(resolve(file));
  const made = makeFolder(folder);
  let isWritten = false;
  const staging = mkdtempSync(join(folder, '.init-'));
  // Nothing below waits for anything: a Ctrl-C is heard when all is there.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    const staged = join(staging, basename(file));
    writeFileSync(staged, text, { mode: PRIVATE_FILE });
    mkdirSync(join(staging, 'secrets'), { mode: PRIVATE_FOLDER });
    for (const [name, secret] of secrets)
      writeFileSync(join(staging, 'secrets', name), `${secret}\n`, { mode: PRIVATE_FILE });
    showWhatIsThere(folder, staging);
    const loaded = readConfig(staged);
    if ('errors' in loaded)
      return {
        errors: loaded.errors.map((error) =>
          (error.file === staged ? ofAnswers(error.message) : formatError(error)).replaceAll(staging, folder),
        ),
      };
    const kept = moveInPlace(file, staging, text, secrets, stamp);
    isWritten = true;
    return { kept, made: made === undefined ? undefined : folder };
  } finally {
    rmSync(staging, { recursive: true, force: true });
    if (!isWritten && made !== undefined) removeEmpty(folder, made);
    process.off('SIGINT', ignore);
  }
}

/**
 * An error of a config that nobody will see, in the words of the answers: by its key, `devices[2].host`, without a line.
 * Its uplinks are their platforms.
 */
const ofAnswers = (message: string): string => message.replace(/^uplinks(?=[[.:])/, 'platforms');

/** Folders that were made for nothing, the innermost first; one in which somebody put something stays. */
function removeEmpty(folder: string, outermost: string): void {
  try {
    for (let at = folder; at.startsWith(outermost); at = dirname(at)) rmdirSync(at);
  } catch {
    // It is not empty, or not ours any more.
  }
}

/** What a config names beside itself, lists and profiles and secrets of before, is found by the check where it is staged. */
function showWhatIsThere(folder: string, staging: string): void {
  for (const part of ['', 'secrets']) {
    const from = join(folder, part);
    for (const name of existsSync(from) ? readdirSync(from) : [])
      if (join(from, name) !== staging && !existsSync(join(staging, part, name)))
        symlinkSync(join(from, name), join(staging, part, name));
  }
}

/** @returns the copy of the config that was there. */
function moveInPlace(
  file: string,
  staging: string,
  text: string,
  secrets: Composed['secrets'],
  stamp: string,
): string | undefined {
  const folder = dirname(resolve(file));
  // The gateway reads what root puts there.
  const give = (path: string) => {
    chmodSync(path, PRIVATE_FILE);
    belong(path, folder);
  };
  const kept = existsSync(file) ? `${file}.${stamp}` : undefined;
  if (kept !== undefined) {
    copyFileSync(file, kept);
    give(kept);
  }
  if (secrets.size > 0) {
    const own = join(folder, 'secrets');
    makeFolder(own);
    for (const name of secrets.keys()) {
      const from = join(staging, 'secrets', name);
      give(from);
      const to = join(own, name);
      // One that another config may need: it is kept as that config is.
      if (kept !== undefined && existsSync(to)) renameSync(to, `${to}.${stamp}`);
      renameSync(from, to);
    }
  }
  replaceFile(file, text);
  // One that was there kept its own rights.
  if (process.getuid?.() === 0) give(realpathSync(file));
  return kept;
}

/** Whether the config that is there is the one that the package brought: nobody's work. */
export const untouched = '/usr/share/campus-gateway/campus.yaml';

/** For names of copies: 20261129T015900Z. */
export const stampOf = (wallMs: number): string =>
  `${new Date(wallMs).toISOString().replace(/[-:]|\.\d+/g, '')}`;

export const isThere = (file: string): string =>
  say(
    `${file} is there already: add --replace (a copy of it is kept), or name another file`,
    `${file} 已存在：请加 --replace（会保留副本），或换文件名`,
  );
