/**
 * `npm run release -- VERSION`: the version in package.json and the lock file, in the names of packages in the docs, and in
 * CHANGELOG.md, where what stood under Unreleased is of this version from then on. Run again with the same version, it takes
 * up what was added since.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of semver 2.0.0: numbers, and what may follow a hyphen. */
const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
/**
 * A package's name as it is typed: `campus-gateway_0.9.0_amd64.deb`, `campus-gateway-0.9.0.tgz`, a bundle's, an image's
 * `campus-gateway:0.9.0`.
 */
const NAMES =
  /(campus-gateway[-_])\d+\.\d+\.\d+(?:-[0-9A-Za-z]+)?(?=_(?:amd64|arm64)|\.tgz|-debian)|(campus-gateway:)\d+\.\d+\.\d+/g;
const SECTIONS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

export const namesPackages = (text: string): readonly string[] => text.match(NAMES) ?? [];
export const withVersion = (text: string, version: string): string => text.replace(NAMES, `$1$2${version}`);

/** The sections of what stands under one heading, by name; '' has what comes before the first. */
function sectionsOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(/^(?=### )/m)) {
    const name = /^### (.*)\n/.exec(part)?.[1] ?? '';
    const body = part.replace(/^### .*\n/, '').trim();
    if (body !== '') found.set(name, [found.get(name), body].filter((one) => one !== undefined).join('\n'));
  }
  return found;
}

/**
 * The changelog (https://keepachangelog.com/en/1.1.0/) with all that is unreleased under a version: above what stands there
 * already. `day`: YYYY-MM-DD. @throws Error where there is no heading of what is unreleased.
 */
export function released(changelog: string, version: string, day: string): string {
  const [before = '', ...parts] = changelog.split(/^(?=## \[)/m);
  const headed = (name: string) => parts.findIndex((part) => part.startsWith(`## [${name}]`));
  const unreleased = parts[headed('Unreleased')];
  if (unreleased === undefined) throw new Error('CHANGELOG.md has no heading ## [Unreleased]');
  const bodyOf = (part: string) => sectionsOf(part.replace(/^## .*\n/, ''));
  const own = parts[headed(version)];
  const [fresh, standing] = [bodyOf(unreleased), own === undefined ? new Map<string, string>() : bodyOf(own)];
  const names = [...new Set(['', ...SECTIONS, ...fresh.keys(), ...standing.keys()])];
  const sections = names.flatMap((name) => {
    const lines = [fresh.get(name), standing.get(name)].filter((body) => body !== undefined);
    return lines.length === 0 ? [] : [`${name === '' ? '' : `### ${name}\n\n`}${lines.join('\n')}\n`];
  });
  const heading = own?.split('\n', 1)[0] ?? `## [${version}] - ${day}`;
  const older = parts.filter((part) => part !== unreleased && part !== own);
  return [`${before}## [Unreleased]\n`, `${heading}\n`, ...sections, ...older]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const [version = ''] = process.argv.slice(2);
  if (!VERSION.test(version)) {
    process.stderr.write('npm run release -- VERSION, such as 1.2.3\n');
    process.exit(2);
  }
  const change = (name: string, to: (text: string) => string) => {
    const text = readFileSync(join(root, name), 'utf8');
    const changed = to(text);
    if (changed !== text) writeFileSync(join(root, name), changed);
  };
  // Its own version is the first of package.json, and the first two of the lock file; packages follow.
  const own = /("name": "campus-gateway",\s+"version": ")[^"]+/g;
  for (const name of ['package.json', 'package-lock.json'])
    change(name, (text) => text.replace(own, `$1${version}`));
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  for (const name of ['README.md', 'Dockerfile', 'docs/compose.yaml', ...pages])
    change(name, (text) => withVersion(text, version));
  change('CHANGELOG.md', (text) => released(text, version, new Date().toISOString().slice(0, 10)));
}
