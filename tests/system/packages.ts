/** The packages, made as a release is, once for all suites that need them: kept as long as no file of ours changes. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const cache = join(root, 'node_modules/.cache/packages');
/** Debian's name of this machine. */
export const here = process.arch === 'arm64' ? 'arm64' : 'amd64';

export interface Packages {
  readonly tarball: string;
  readonly deb: string;
}

/** Of all that git knows and that stands here. */
function stateOfSources(): string {
  const names = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const hash = createHash('sha256');
  for (const name of names.split('\0').filter((one) => one !== '' && !one.startsWith('tests/'))) {
    const file = join(root, name);
    hash.update(`${name}\0`).update(existsSync(file) ? readFileSync(file) : '');
  }
  return hash.digest('hex').slice(0, 32);
}

/** Makes them where they are not there yet: minutes. `architecture`: Debian's name of it. */
export function makePackages(architecture: string = here): Packages {
  const folder = join(cache, `${stateOfSources()}-${architecture}`);
  if (!existsSync(folder)) {
    const now = existsSync(cache) ? readdirSync(cache) : [];
    for (const old of now) if (old.endsWith(architecture)) rmSync(join(cache, old), { recursive: true });
    const partial = `${folder}.partial`;
    mkdirSync(partial, { recursive: true });
    const args = ['--out', partial, '--deb', architecture, '--compression', 'none'];
    execFileSync(process.execPath, [join(root, 'packaging/package.ts'), ...args], {
      cwd: root,
      stdio: 'pipe',
    });
    renameSync(partial, folder);
  }
  const named = (end: string) => join(folder, readdirSync(folder).find((name) => name.endsWith(end)) ?? end);
  return { tarball: named('.tgz'), deb: named('.deb') };
}
