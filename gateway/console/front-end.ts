/**
 * The front end as a browser gets it: the modules of web/, stripped of their types when the server starts, and the
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

const room = join(import.meta.dirname, 'web');

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
  /** A page of web/, with the import map and the version in it. */
  page(name: 'index.html' | 'gate.html'): Asset;
  /** What the pages' Content-Security-Policy allows beside what is of the console: the import map. */
  readonly scriptHash: string;
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

/** @throws Error where a module of web/ is no TypeScript that can be stripped. */
export function readFrontEnd(): FrontEnd {
  const files = readdirSync(room, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(room, file)).isFile(),
  );
  const sources = new Map(
    files.filter((file) => !file.endsWith('.json')).map((file) => [file, sourceOf(join(room, file))]),
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
    const entry = [`${main}.ts`, `${main}.js`].find((file) => existsSync(join(room, file))) ?? '';
    const lib = ['preact', 'preact/hooks', '@preact/signals', '@preact/signals-core', 'htm'].map(
      (one) => `lib/${one}.js`,
    );
    const preload = [...neededBy(entry, sources), ...lib]
      .filter(isModule)
      .map((path) => `<link rel="modulepreload" href="${base}/${path}">`)
      .join('');
    const text = (sources.get(name) ?? '')
      .replace('<!-- head -->', `<script type="importmap">${map}</script>${preload}`)
      .replaceAll('{base}', base)
      .replaceAll('{main}', `${base}/${entry}`);
    return assetOf(types['.html'] ?? '', Buffer.from(text));
  };
  const pages = {
    'index.html': pageOf('index.html', 'main'),
    'gate.html': pageOf('gate.html', 'gate'),
  };
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
    page: (name) => pages[name],
    scriptHash: `'sha256-${createHash('sha256').update(map).digest('base64')}'`,
  };
}
