/**
 * A front end as a browser gets it: the modules of its folders, stripped of their types when the server starts, and the
 * packages that they stand on, from node_modules, by an import map. There is no build step.
 *
 * All of it stands below a path that names its content, so that it may be kept by browsers for ever.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

export interface FrontEndSource {
  /** What the paths of modules begin at. */
  readonly root: string;
  /** Folders below it that are served, whole. */
  readonly folders: readonly string[];
  /** Paths of pages, and of the module, without its ending, that each begins with. */
  readonly pages: Readonly<Record<string, string>>;
}

/** The console's own. */
const CONSOLE: FrontEndSource = {
  root: join(import.meta.dirname, 'web'),
  folders: ['.'],
  pages: { 'index.html': 'main', 'gate.html': 'gate' },
};

/** By the names that modules import them under. */
const packages = {
  preact: 'preact',
  'preact/hooks': 'preact/hooks',
  '@preact/signals': '@preact/signals',
  '@preact/signals-core': '@preact/signals-core',
  htm: 'htm',
  uplot: 'uplot/dist/uPlot.esm.js',
  jsmpeg: '@cycjimmy/jsmpeg-player',
} as const;
const styles = { 'uplot.css': 'uplot/dist/uPlot.min.css' } as const;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  /** The same compressed, once: undefined where the browser takes no such thing. */
  encoded(accepted: string): { readonly encoding: 'br' | 'gzip'; readonly bytes: Buffer } | undefined;
}

function assetOf(type: string, bytes: Buffer): Asset {
  let brotli: Buffer | undefined;
  let gzip: Buffer | undefined;
  return {
    type,
    bytes,
    encoded(accepted) {
      if (/\bbr\b/.test(accepted)) {
        brotli ??= brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
        return { encoding: 'br', bytes: brotli };
      }
      if (!/\bgzip\b/.test(accepted)) return undefined;
      gzip ??= gzipSync(bytes);
      return { encoding: 'gzip', bytes: gzip };
    },
  };
}

export interface FrontEnd {
  /** Names the content of all. */
  readonly version: string;
  /** Below `/web/{version}/`. */
  asset(path: string): Asset | undefined;
  /** A page, with the import map and the version in it. @throws Error where it has none of this path. */
  page(path: string): Asset;
  /** What the pages' Content-Security-Policy allows beside what is of the console: what stands in them. */
  readonly scriptHashes: readonly string[];
}

const sourceOf = (file: string) => {
  const text = readFileSync(file, 'utf8');
  return extname(file) === '.ts' ? stripTypeScriptTypes(text) : text;
};

const isModule = (file: string) => ['.ts', '.js'].includes(extname(file));

/** The modules that one needs at once, and what those need. */
function neededBy(first: string, sources: ReadonlyMap<string, string>): readonly string[] {
  const found = new Set<string>();
  const follow = (path: string) => {
    if (found.has(path)) return;
    found.add(path);
    for (const [, target = ''] of (sources.get(path) ?? '').matchAll(
      /^(?:import|export)[^'"]*from '(\.[^']+)'/gm,
    ))
      follow(join(path, '..', target));
  };
  follow(first);
  return [...found];
}

/**
 * In the page itself, before all else: where a module or a style is not had, because the gateway ends or takes up another
 * config just then, the page is asked for again once somebody answers. Without it, it would stay empty for ever.
 */
const AGAIN = `addEventListener('error', ({ target }) => {
  if (!(target instanceof HTMLScriptElement) && !(target instanceof HTMLLinkElement && target.rel === 'stylesheet')) return;
  const again = () => setTimeout(() => fetch(location.pathname, { cache: 'no-store' }).then(() => location.reload(), again), 1000);
  again();
}, { capture: true, once: true });`;

const read = new Map<FrontEndSource, FrontEnd>();
/**
 * Read and compressed once: the console is made anew with another config, and its pages are the same.
 * @throws Error where a module is no TypeScript that can be stripped.
 */
export function readFrontEnd(source: FrontEndSource = CONSOLE): FrontEnd {
  const found = read.get(source) ?? makeFrontEnd(source);
  read.set(source, found);
  return found;
}

function makeFrontEnd({ root, folders, pages }: FrontEndSource): FrontEnd {
  const files = folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      ),
    )
    .filter((file) => statSync(join(root, file)).isFile());
  const sources = new Map(
    files.filter((file) => !file.endsWith('.json')).map((file) => [file, sourceOf(join(root, file))]),
  );
  for (const [name, from] of Object.entries(packages))
    sources.set(`lib/${name}.js`, readFileSync(fileURLToPath(import.meta.resolve(from)), 'utf8'));
  for (const [name, from] of Object.entries(styles))
    sources.set(`lib/${name}`, readFileSync(fileURLToPath(import.meta.resolve(from)), 'utf8'));

  const hash = createHash('sha256');
  for (const [path, source] of sources) hash.update(`${path}\n${source}\n`);
  const version = hash.digest('base64url').slice(0, 12);
  const base = `/web/${version}`;
  const map = JSON.stringify({
    imports: Object.fromEntries(Object.keys(packages).map((name) => [name, `${base}/lib/${name}.js`])),
  });

  const pageOf = (name: string, main: string) => {
    const entry = [`${main}.ts`, `${main}.js`].find((file) => existsSync(join(root, file))) ?? '';
    const lib = ['preact', 'preact/hooks', '@preact/signals', '@preact/signals-core', 'htm'].map(
      (one) => `lib/${one}.js`,
    );
    const preload = [...neededBy(entry, sources), ...lib]
      .filter(isModule)
      .map((path) => `<link rel="modulepreload" href="${base}/${path}">`)
      .join('');
    const text = (sources.get(name) ?? '')
      .replace('<!-- head -->', `<script>${AGAIN}</script><script type="importmap">${map}</script>${preload}`)
      .replaceAll('{base}', base)
      .replaceAll('{main}', `${base}/${entry}`);
    return assetOf(types['.html'] ?? '', Buffer.from(text));
  };
  const made = new Map(Object.entries(pages).map(([path, main]) => [path, pageOf(path, main)]));
  const assets = new Map(
    [...sources]
      .filter(([path]) => extname(path) !== '.html')
      .map(([path, source]) => [
        path,
        assetOf(types[extname(path)] ?? 'application/octet-stream', Buffer.from(source)),
      ]),
  );
  return {
    version,
    asset: (path) => assets.get(path),
    page(path) {
      const found = made.get(path);
      if (found === undefined) throw new Error(`there is no page ${path}`);
      return found;
    },
    scriptHashes: [AGAIN, map].map(
      (script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    ),
  };
}
