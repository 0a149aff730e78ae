/** The npm package: what `npm pack` makes of the repository, with the man page, the pages, and a package.json to publish. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layPages } from './pages.ts';

const root = join(import.meta.dirname, '..');
const MAN = 'man/campus-gateway.1';
/** Folders of pages; the Debian package has them in /usr/share/doc. */
export const PAGE_FOLDERS = ['config', 'docs', 'drivers'];

interface Manifest {
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
}

/**
 * The package.json of the package. In the repository it is private, so that nobody publishes a tree by mistake. Provenance
 * wants `repository`, too: it has the one of the repository's package.json, where that names one.
 */
export function publishable({ private: _private, scripts, files, ...rest }: Manifest): Manifest {
  // What makes a package out of the repository has nothing to work on there.
  const { prepack: _prepack, postpack: _postpack, ...kept } = scripts;
  return {
    ...rest,
    files: [...new Set([...files.filter((name) => !name.startsWith('docs/')), ...PAGE_FOLDERS, 'man'])],
    man: [`./${MAN}`],
    scripts: kept,
    publishConfig: { access: 'public', provenance: true },
  };
}

/** Makes it. @returns its file. @throws Error with what npm said. */
export function makeNpmPackage(out: string): string {
  const run = (command: string, args: readonly string[], cwd = root) =>
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const pack = (cwd: string, to: string, ...args: string[]) => {
    const said = run('npm', ['pack', '--silent', '--pack-destination', to, ...args], cwd);
    return join(to, said.trim().split('\n').at(-1) ?? '');
  };
  const work = mkdtempSync(join(tmpdir(), 'campus-gateway-npm-'));
  try {
    run('tar', ['xzf', pack(root, work), '-C', work]);
    const folder = join(work, 'package');
    layPages(folder, { pictures: false });
    mkdirSync(join(folder, 'man'));
    writeFileSync(join(folder, MAN), run(process.execPath, ['docs/generate/man-page.ts']));
    const file = join(folder, 'package.json');
    const manifest = publishable(JSON.parse(readFileSync(file, 'utf8')));
    writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
    return pack(folder, out, '--ignore-scripts');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
