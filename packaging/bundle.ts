/**
 * A bundle for places without internet: the gateway's Debian package, ffmpeg and all that both depend on, with a script that
 * installs from it alone. What each Debian has (Priority: required) is left out. apt on the other machine takes what it
 * lacks.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { download } from './apt.ts';
import type { Architecture } from './deb.ts';

export interface Bundle {
  readonly architecture: Architecture;
  readonly version: string;
  /** The gateway's package. */
  readonly deb: string;
  /** Where the bundle is put. */
  readonly out: string;
  readonly mirror: string;
}

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const controlOf = (deb: string) => execFileSync('dpkg-deb', ['-f', deb], { encoding: 'utf8' }).trim();
/** The names of what the gateway's package needs, without versions: `adduser, libc6 (>= 2.34)`. */
const dependsOf = (deb: string) =>
  execFileSync('dpkg-deb', ['-f', deb, 'Depends'], { encoding: 'utf8' })
    .split(',')
    .map((one) => one.trim().replace(/[ |].*$/s, ''));

/** @returns its file. @throws Error with what apt, dpkg-deb or tar said. */
export function makeBundle({ architecture, version, deb, out, mirror }: Bundle): string {
  const work = mkdtempSync(join(tmpdir(), 'campus-gateway-bundle-'));
  try {
    const place = join(work, 'apt');
    const all = download({ architecture, place, mirror }, ['ffmpeg', ...dependsOf(deb)], true);
    const name = `campus-gateway-${version}-debian12-${architecture}`;
    const folder = join(work, name);
    const packages = join(folder, 'packages');
    mkdirSync(packages, { recursive: true });
    const index: string[] = [];
    for (const file of [deb, ...all]) {
      const control = controlOf(file);
      if (/^Priority: required$/m.test(control)) continue;
      const to = join(packages, basename(file));
      copyFileSync(file, to);
      const size = statSync(to).size;
      index.push(`${control}\nFilename: ./${basename(file)}\nSize: ${size}\nSHA256: ${sha256(to)}\n`);
    }
    writeFileSync(join(packages, 'Packages'), index.join('\n'));
    copyFileSync(join(import.meta.dirname, 'debian/install.sh'), join(folder, 'install.sh'));
    // The index has the sums of all packages.
    const sums = ['packages/Packages', 'install.sh'].map((one) => `${sha256(join(folder, one))}  ${one}\n`);
    writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
    const file = join(out, `${name}.tar`);
    const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name'];
    execFileSync('tar', ['cf', file, ...owner, '-C', work, name]);
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
