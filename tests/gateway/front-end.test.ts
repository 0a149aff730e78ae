/** What a browser gets: modules that name each other, and nothing that is not there. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readFrontEnd } from '../../gateway/console/front-end.ts';
import { cityPages, citySite } from '../../gateway/platform/site.ts';

const IMPORT = /^(?:import|export)\b[^'"\n;]*from '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm;

const sites = [
  { of: 'the console', folder: '', made: () => readFrontEnd(), index: 'index.html' },
  { of: 'a city', folder: 'platform/web/', made: () => readFrontEnd(citySite), index: cityPages.index },
] as const;

describe.each(sites)('the front end of $of', ({ folder, made, index }) => {
  const { version, page, asset } = made();
  const base = `/web/${version}`;
  const html = page(index).bytes.toString();
  const { imports } = JSON.parse(/importmap">([^<]+)/.exec(html)?.[1] ?? '') as {
    imports: Record<string, string>;
  };
  const textOf = (path: string) => asset(path)?.bytes.toString();

  it('names modules that are served, from its first one on', () => {
    const found = new Set<string>();
    const follow = (path: string, from: string) => {
      if (found.has(path)) return;
      found.add(path);
      const text = textOf(path);
      expect(text, `${from} imports ${path}`).toBeDefined();
      if (path.startsWith('lib/')) return;
      for (const [, plain, lazy, bare] of text?.matchAll(IMPORT) ?? []) {
        const name = plain ?? lazy ?? bare ?? '';
        const target = name.startsWith('.')
          ? new URL(name, `http://x/${path}`).pathname.slice(1)
          : (imports[name] ?? `${base}/no such package: ${name}`).slice(base.length + 1);
        follow(target, path);
      }
    };
    follow(`${folder}main.ts`, 'the page');
    expect([...found].filter((path) => path.startsWith(`${folder}pages/`)).length).toBeGreaterThan(1);
    for (const [, path = ''] of html.matchAll(/(?:href|src)="([^"]+)"/g))
      expect(textOf(path.slice(base.length + 1)), path).toBeDefined();
  });

  it('is one that a browser may keep for ever, and gets compressed', () => {
    const main = asset(`${folder}main.ts`);
    expect(main?.type).toBe('text/javascript; charset=utf-8');
    const whole = main?.bytes.toString();
    expect(textOf(`${folder}app.ts`)).not.toMatch(/: Level|: readonly Route/);
    expect(main?.encoded('')).toBeUndefined();
    expect(gunzipSync(main?.encoded('gzip, deflate')?.bytes ?? '').toString()).toBe(whole);
    const brotli = main?.encoded('gzip, deflate, br, zstd');
    expect([brotli?.encoding, brotliDecompressSync(brotli?.bytes ?? '').toString()]).toEqual(['br', whole]);
  });

  it('asks nobody else: no address of another server stands in it', () => {
    expect(html).not.toMatch(/(?:src|href)="(?!\/)/);
    for (const [, path = ''] of html.matchAll(/href="([^"]+\.css)"/g))
      expect(textOf(path.slice(base.length + 1))).not.toMatch(/url\(|@import/);
  });

  it('gives nothing but its own files', () => {
    for (const path of [
      '../server.ts',
      '',
      index,
      `${folder}tsconfig.json`,
      '__proto__',
      `lib/../${folder}main.ts`,
    ])
      expect(asset(path), path).toBeUndefined();
  });
});
