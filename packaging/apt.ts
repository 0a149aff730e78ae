/**
 * Debian's packages for another machine than this one: apt with a state of its own, which knows nothing to be installed, and
 * Debian's sources whatever this machine has.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './deb.ts';

export const SUITE = 'bookworm';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface DebianSource {
  readonly architecture: Architecture;
  /** An empty folder, for apt's lists and what it downloads. */
  readonly place: string;
  /** As in sources.list, such as http://deb.debian.org/debian; that of security updates is beside it. */
  readonly mirror: string;
}

/**
 * Downloads packages, newest first, with all that they depend on, or alone.
 * @returns their files. @throws Error with what apt said.
 */
export function download(
  source: DebianSource,
  names: readonly string[],
  withDependencies: boolean,
): string[] {
  const { architecture, place, mirror } = source;
  const archives = join(place, 'cache/archives');
  for (const folder of ['lists/partial', 'cache/archives/partial', 'etc'])
    mkdirSync(join(place, folder), { recursive: true });
  writeFileSync(join(place, 'status'), '');
  const from = (url: string, suite: string) => `deb [signed-by=${KEYRING}] ${url} ${suite} main\n`;
  writeFileSync(
    join(place, 'sources.list'),
    from(mirror, SUITE) + from(mirror, `${SUITE}-updates`) + from(`${mirror}-security`, `${SUITE}-security`),
  );
  const options = {
    'Dir::State': place,
    'Dir::State::status': join(place, 'status'),
    'Dir::State::lists': join(place, 'lists'),
    'Dir::Cache': join(place, 'cache'),
    'Dir::Etc::sourcelist': join(place, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::Etc::trusted': KEYRING,
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
  };
  const set = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...args: string[]) => {
    try {
      execFileSync('apt-get', [...set, '-qq', ...args], { cwd: archives, encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      const { stderr = '', message } = error as Error & { stderr?: string };
      throw new Error(`apt-get ${args.join(' ')}: ${stderr.trim() || message}`);
    }
  };
  apt('update');
  if (withDependencies) apt('install', '--yes', '--download-only', ...names);
  else apt('download', ...names);
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(archives, name));
}
