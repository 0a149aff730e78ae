/**
 * The bill of materials of a release (CycloneDX, JSON) to standard output: `npm sbom` of the lock file without what is
 * for developers.
 *
 * `npm sbom --omit=dev` is not it: npm 11 leaves out each package that one of the developers' packages needs as well
 * (serialport, yaml), lists what lies in node_modules by accident, and refuses an installation that has only what a
 * release has.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Manifest {
  readonly devDependencies?: unknown;
}
interface Lock {
  readonly packages: Readonly<Record<string, Manifest & { readonly dev?: boolean }>>;
}

const root = join(import.meta.dirname, '..');
const read = <T>(name: string) => JSON.parse(readFileSync(join(root, name), 'utf8')) as T;
const withoutDev = <T extends Manifest>({ devDependencies: _, ...rest }: T) => rest;

const lock = read<Lock>('package-lock.json');
const production = Object.entries(lock.packages)
  .filter(([, { dev = false }]) => !dev)
  .map(([path, one]) => [path, path === '' ? withoutDev(one) : one]);
// npm names the application after the folder.
const parent = mkdtempSync(join(tmpdir(), 'sbom-'));
const folder = join(parent, 'campus-gateway');
mkdirSync(folder);
try {
  write('package.json', withoutDev(read<Manifest>('package.json')));
  write('package-lock.json', { ...lock, packages: Object.fromEntries(production) });
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  process.exitCode = status ?? 1;
} finally {
  rmSync(parent, { recursive: true });
}

function write(name: string, content: object) {
  writeFileSync(join(folder, name), JSON.stringify(content));
}
