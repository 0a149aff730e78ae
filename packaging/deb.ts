/**
 * A Debian package: the npm package as it is, its production packages, a Node of its own, a user, a unit. Nothing in it is
 * compiled: native modules bring their binaries. Made by dpkg-deb alone.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SCHEMA_VERSION } from '../gateway/journal/schema.ts';
import { PAGE_FOLDERS } from './npm.ts';
import { layPages } from './pages.ts';

const root = join(import.meta.dirname, '..');
const debian = join(import.meta.dirname, 'debian');

/** Debian's names of machines, and Node's. */
export const architectures = { amd64: 'x64', arm64: 'arm64' } as const;
export type Architecture = keyof typeof architectures;

export interface Deb {
  readonly architecture: Architecture;
  /** The npm package. */
  readonly tarball: string;
  /** Where the package is put. */
  readonly out: string;
  /** Of what is in it (CycloneDX). */
  readonly sbom: string;
  /** xz takes a minute and makes half the size. */
  readonly compression: 'xz' | 'gzip' | 'none';
}

interface Manifest {
  readonly version: string;
  readonly description: string;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8')) as Manifest;

/** Runs a program to its end. @throws Error with what it said. */
function run(command: string, args: readonly string[], cwd: string = root): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(
      `${command} ${args.join(' ')}: ${stderr.trim().split('\n').slice(-5).join('\n') || message}`,
    );
  }
}

/** Makes it. @returns its file. @throws Error with what a program said. */
export function makeDeb(deb: Deb): string {
  const { version } = read('package.json');
  const folder = mkdtempSync(join(tmpdir(), 'campus-gateway-deb-'));
  try {
    // dpkg-deb takes modes as they are, whatever the umask of who builds it.
    chmodSync(folder, 0o755);
    const inside = join(folder, 'usr/lib/campus-gateway');
    mkdirSync(join(inside, 'bin'), { recursive: true });
    run('tar', ['xzf', deb.tarball, '-C', inside, '--strip-components=1']);
    // All that is to be read is in /usr/share.
    for (const pages of [...PAGE_FOLDERS, 'man']) rmSync(join(inside, pages), { recursive: true });
    run(
      'npm',
      ['ci', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'],
      inside,
    );
    leaveOutOthers(join(inside, 'node_modules'), deb.architecture);
    copyFileSync(nodeFor(deb.architecture), join(inside, 'bin/node'));
    layFiles(folder, deb);
    allowAllToRead(folder);
    writeControl(folder, deb);
    const file = join(deb.out, `campus-gateway_${version}_${deb.architecture}.deb`);
    run('dpkg-deb', ['--root-owner-group', `-Z${deb.compression}`, '--build', folder, file]);
    return file;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Node for this machine as the repository has it; for another one from the npm registry, the same version.
 * @throws Error where that is not to be had.
 */
function nodeFor(architecture: Architecture): string {
  const name = architectures[architecture];
  const own = join(root, 'node_modules/node/bin/node');
  if (name === process.arch && process.platform === 'linux') return own;
  const version = read('package.json').devDependencies['node'];
  const folder = join(root, 'node_modules/.cache/node', `${version}-${name}`);
  const node = join(folder, 'package/bin/node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const wanted = `node-linux-${name}@${version}`;
  const packed = run('npm', ['pack', '--silent', '--pack-destination', folder, wanted]).trim();
  run('tar', ['xzf', join(folder, packed), '-C', folder]);
  rmSync(join(folder, packed));
  return node;
}

/** What only other machines can use, or only who compiles it. */
function leaveOutOthers(modules: string, architecture: Architecture): void {
  const name = architectures[architecture];
  const sqlite = join(modules, 'better-sqlite3');
  for (const folder of ['deps', 'src']) rmSync(join(sqlite, folder), { recursive: true, force: true });
  const keep = (folder: string, isOurs: (file: string) => boolean) => {
    const all = readdirSync(folder);
    if (!all.some(isOurs)) throw new Error(`${folder} has nothing for ${architecture}`);
    for (const one of all) if (!isOurs(one)) rmSync(join(folder, one), { recursive: true });
  };
  keep(join(sqlite, 'prebuilds'), (file) => file === `linux-${name}.node`);
  rmSync(join(modules, '@serialport/bindings-cpp/src'), { recursive: true });
  const serial = join(modules, '@serialport/bindings-cpp/prebuilds');
  keep(serial, (folder) => folder === `linux-${name}`);
  keep(join(serial, `linux-${name}`), (file) => file.includes('glibc'));
}

/** All that is not the npm package: the command, the unit, the config, what is to be read. */
function layFiles(folder: string, { sbom }: Deb): void {
  const put = (from: string, to: string, mode = 0o644) => {
    const file = join(folder, to);
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(from, file);
    chmodSync(file, mode);
  };
  put(join(debian, 'campus-gateway'), 'usr/bin/campus-gateway', 0o755);
  put(join(debian, 'is-configured'), 'usr/lib/campus-gateway/is-configured', 0o755);
  put(join(debian, 'guide'), 'usr/lib/campus-gateway/guide', 0o755);
  put(join(debian, 'trial'), 'usr/lib/campus-gateway/trial', 0o755);
  for (const unit of ['campus-gateway.service', 'campus-gateway-trial.service'])
    put(join(debian, unit), join('lib/systemd/system', unit));
  // What an upgrade's trial reads of it without running it.
  writeFileSync(join(folder, 'usr/lib/campus-gateway/version'), `${read('package.json').version}\n`);
  writeFileSync(join(folder, 'usr/lib/campus-gateway/journal-schema'), `${SCHEMA_VERSION}\n`);
  put(join(debian, 'campus.yaml'), 'usr/share/campus-gateway/campus.yaml');
  put(join(root, 'docs/config.schema.json'), 'usr/share/campus-gateway/config.schema.json');
  const doc = 'usr/share/doc/campus-gateway';
  const bytes = layPages(join(folder, doc), { pictures: true });
  process.stdout.write(`pages to read: ${(bytes / 1e6).toFixed(1)} MB\n`);
  put(join(debian, 'copyright'), join(doc, 'copyright'));
  put(sbom, join(doc, 'campus-gateway.cdx.json'));
  const changes = join(folder, doc, 'changelog.gz');
  writeFileSync(changes, gzipSync(readFileSync(join(root, 'CHANGELOG.md'))));
  layHelp(folder);
}

/** The man page, and what shells complete: made of the commands. */
function layHelp(folder: string): void {
  const put = (to: string, bytes: string | Uint8Array) => {
    const file = join(folder, to);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  };
  const ask = (...args: string[]) => run(process.execPath, args);
  const entry = 'gateway/campus-gateway.js';
  put('usr/share/man/man1/campus-gateway.1.gz', gzipSync(ask('docs/generate/man-page.ts')));
  put('usr/share/bash-completion/completions/campus-gateway', ask(entry, 'completion', 'bash'));
  put('usr/share/zsh/vendor-completions/_campus-gateway', ask(entry, 'completion', 'zsh'));
}

/** The files of a folder, however deep. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name));

/** npm and the umask of who builds it have their own ideas of modes: whoever may execute is kept, all else is 0644. */
function allowAllToRead(folder: string): void {
  for (const one of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(one.parentPath, one.name);
    if (one.isSymbolicLink()) continue;
    chmodSync(path, one.isDirectory() || (statSync(path).mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}

function writeControl(folder: string, { architecture }: Deb): void {
  const { version, description } = read('package.json');
  const files = filesIn(folder);
  const kilobytes = Math.ceil(files.reduce((sum, file) => sum + statSync(file).size, 0) / 1024);
  const control = join(folder, 'DEBIAN');
  mkdirSync(control);
  const put = (name: string, text: string, mode = 0o644) => {
    writeFileSync(join(control, name), text);
    chmodSync(join(control, name), mode);
  };
  put(
    'control',
    `Package: campus-gateway
Version: ${version}
Architecture: ${architecture}
Maintainer: Campus Gateway maintainers <maintainers@campus-gateway.invalid>
Installed-Size: ${kilobytes}
Depends: adduser, libc6 (>= 2.34), libstdc++6 (>= 11), systemd
Recommends: ffmpeg
Section: net
Priority: optional
Description: ${description.split(',')[0]}
 It runs on a mini-PC in a school: puts each event of alarm panels, fences, readers, terminals and cameras on disk before
 anyone is told that it was taken, and delivers it to each platform at least once, alarms first. It brings its own Node.
`,
  );
  for (const name of ['preinst', 'postinst', 'prerm', 'postrm'])
    put(name, readFileSync(join(debian, name), 'utf8'), 0o755);
  const sums = files.map(
    (file) => `${createHash('md5').update(readFileSync(file)).digest('hex')}  ${relative(folder, file)}\n`,
  );
  put('md5sums', sums.join(''));
}
