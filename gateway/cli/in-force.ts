/**
 * The config in force, for what only asks: while somebody's change of the file is wrong, the gateway that runs is as well
 * as before, and who looks for what is wrong must be able to ask it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../../config/language.ts';
import type { Config } from '../../config/schema.ts';
import type { ConfigVersion } from '../console/contract/config.ts';
import { printable } from '../printable.ts';
import { type Terminal, tellErrors, UsageError } from './command.ts';

export interface InForce {
  readonly config: Config;
  /** The file of the version where it is not of FILE itself. */
  readonly version?: string;
}

/** A gateway that stands is not waited for by who asks how it is. */
const VERSIONS_MS = 3000;

/** The config of a file; where that is wrong, the last one in force, with a note; where there is none, its errors are told. */
export async function inForceOrErrors(
  file: string | undefined,
  terminal: Terminal,
): Promise<InForce | undefined> {
  if (file === undefined) throw new UsageError(say('which config file?', '请给出配置文件'));
  const { readConfig } = await import('../check.ts');
  const loaded = readConfig(file);
  if ('config' in loaded) return loaded;
  // A name that nothing has is a slip, and another campus's gateway no answer to it.
  const found = existsSync(file) ? await lastInForce(file, terminal).catch(() => undefined) : undefined;
  if (found === undefined) {
    await tellErrors(loaded.errors, file, terminal);
    return undefined;
  }
  const line = loaded.errors[0]?.line ?? 1;
  const { name, config, version } = found;
  const note = say(
    `${file} is wrong (line ${line}, see campus-gateway check); this is of the config in force, ${name}`,
    `${file} 有错误（第 ${line} 行，详见 campus-gateway check）；以下为生效中的配置 ${name}`,
  );
  terminal.stderr.write(`${printable(note)}\n`);
  return { config, version };
}

/** The version that the gateway of a data folder runs with; undefined: none runs there, or it may not be asked. */
export async function runningVersion(dataDir: string, { clock }: Terminal): Promise<string | undefined> {
  const { askToAct } = await import('./health/act.ts');
  try {
    const said = await askToAct(dataDir, 'config-versions', {}, clock, VERSIONS_MS);
    const { versions } = said as { readonly versions: readonly ConfigVersion[] };
    return versions.find(({ isTaken }) => isTaken)?.name;
  } catch {
    return undefined;
  }
}

/** What was kept of a file that was replaced was never in force by that (reload/back.ts). */
const NEVER_TAKEN = 'file';

async function lastInForce(
  file: string,
  terminal: Terminal,
): Promise<(Required<InForce> & { readonly name: string }) | undefined> {
  const [{ dataDirOf }, { openVersions, versionsFolder }, { loadConfig }] = await Promise.all([
    import('./reload/data-dir.ts'),
    import('../reload/versions.ts'),
    import('../../config/load.ts'),
  ]);
  const dataDir = dataDirOf(file);
  const versions = openVersions(dataDir);
  const running = await runningVersion(dataDir, terminal);
  const names = (await versions.list()).filter(({ by }) => by !== NEVER_TAKEN).map(({ name }) => name);
  for (const name of running === undefined ? names : [running]) {
    const bytes = await versions.load(name);
    if (bytes === undefined) continue;
    // It was right once; a file that it names may have gone since.
    const loaded = loadConfig(
      file,
      () => [],
      () => true,
      bytes,
    );
    if ('config' in loaded)
      return {
        name,
        config: { ...loaded.config, dataDir },
        version: join(versionsFolder(dataDir), `${name}.yaml`),
      };
  }
  return undefined;
}
