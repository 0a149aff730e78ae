/** What packages have for people to read: the pages of the repository as they lie there, and what these link to. */
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const root = join(import.meta.dirname, '..');

const PAGES = ['README.md', 'SECURITY.md', 'docs/**/*.md', 'drivers/*/README.md'];
/** What pages name or show and is no source: examples, contracts, files for brokers, Grafana and Prometheus. */
const BESIDE = [
  'LICENSE',
  'config/*.yaml',
  'docs/*.{json,svg,yaml}',
  'docs/city/*',
  'docs/events/*.json',
  'docs/pictures/*',
];

const LINK = /(!?)\[([^\]]*)\]\(([^)\s]+)\)/g;
const isElsewhere = (target: string) => /^([a-z]+:|#)/.test(target);
/** Where a link leads, from the top of the repository. */
const fileOf = (page: string, target: string) =>
  normalize(join(dirname(page), decodeURIComponent(target.split('#')[0] ?? ''))).replace(/\/$/, '');

/** The relative links of a page, and where each leads. */
export const linksOf = (page: string, text: string): { readonly target: string; readonly file: string }[] =>
  [...text.matchAll(LINK)]
    .map(([, , , target = '']) => target)
    .filter((target) => !isElsewhere(target))
    .map((target) => ({ target, file: fileOf(page, target) }));

const found = (patterns: readonly string[]) =>
  patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((name) => statSync(join(root, name)).isFile())
    .sort();

/**
 * Each file by its path in the repository. Of a link to what is not among them, such as a source, the words stay.
 * `pictures`: 2 MB of what the console looks like; where there are none, a page has what each shows in words.
 */
export function pagesOf({ pictures }: { readonly pictures: boolean }): ReadonlyMap<string, Buffer> {
  const texts = new Map(found(PAGES).map((name) => [name, readFileSync(join(root, name), 'utf8')]));
  const linked = new Set([...texts].flatMap(([name, text]) => linksOf(name, text).map(({ file }) => file)));
  const beside = found(BESIDE).filter(
    (name) => !texts.has(name) && (!name.startsWith('docs/pictures/') || (pictures && linked.has(name))),
  );
  const names = new Set([...texts.keys(), ...beside]);
  // A folder, such as that of the schemas of events, is there with its files.
  for (const name of [...names])
    for (let folder = dirname(name); folder !== '.'; folder = dirname(folder)) names.add(folder);
  const rewritten = [...texts].map(([name, text]): [string, Buffer] => [
    name,
    Buffer.from(
      text.replace(LINK, (whole, _image, words: string, target: string) =>
        isElsewhere(target) || names.has(fileOf(name, target)) ? whole : words,
      ),
    ),
  ]);
  return new Map([
    ...rewritten,
    ...beside.map((name): [string, Buffer] => [name, readFileSync(join(root, name))]),
  ]);
}

/** Puts them into a folder, over what is there. @returns bytes. */
export function layPages(folder: string, of: { readonly pictures: boolean }): number {
  let bytes = 0;
  for (const [name, content] of pagesOf(of)) {
    const file = join(folder, name);
    if (!existsSync(dirname(file))) mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    bytes += content.length;
  }
  return bytes;
}
