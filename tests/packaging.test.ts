/** What packages are made of; that they install and run: tests/system/package.test.ts. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { version } from '../gateway/version.ts';
import { strippedOf, writeDist } from '../packaging/strip.ts';
import { temporaryDirectory } from './helpers.ts';

const root = join(import.meta.dirname, '..');

describe('the sources as JavaScript', () => {
  it('name each other as they are called then, in imports, workers and modules by URL', () => {
    const folder = temporaryDirectory();
    const file = join(folder, 'a.ts');
    writeFileSync(join(folder, 'b.ts'), 'export const b = 1;\n');
    // What looks at the imports of this file takes these for none.
    const sources = (module: string) =>
      [
        'import { b } from MODULE;',
        'const url: URL = new URL(MODULE, import.meta.url);',
        'const later = () => import(MODULE);',
        "const piece = '%s.ts';",
      ].map((line) => line.replace('MODULE', `'${module}'`));
    writeFileSync(file, sources('./b.ts').join('\n'));
    const lines = strippedOf(file).split('\n');
    expect(lines.map((line) => line.replace(/\s+/g, ' ').trim())).toEqual(
      sources('./b.js').map((line) => line.replace(': URL', '')),
    );
    // A stack trace says where it is in the source, too.
    expect(lines[1]?.indexOf('new URL')).toBe(sources('./b.ts')[1]?.indexOf('new URL'));
    writeFileSync(file, sources('./gone.ts').join('\n'));
    expect(() => strippedOf(file)).toThrow(/there is no \.\/gone\.ts/);
  });

  it('are all there with what they read, and say which version they are', () => {
    const to = join(temporaryDirectory(), 'dist');
    writeDist(to);
    const files = readdirSync(to, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => file.endsWith('.ts'))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        'gateway/cli.js',
        'gateway/journal/worker.js',
        'gateway/console/web/index.html',
        'config/demo.yaml',
        'simulators/clip.h264',
      ]),
    );
    expect(statSync(join(to, 'gateway/media/ffmpeg-stream.sh')).mode & 0o111).toBe(
      statSync(join(root, 'gateway/media/ffmpeg-stream.sh')).mode & 0o111,
    );
    expect(JSON.parse(readFileSync(join(to, 'package.json'), 'utf8'))).toMatchObject({
      version,
      type: 'module',
    });
  });
});

describe('the Debian package', () => {
  it.each(['postinst', 'prerm', 'postrm', 'campus-gateway', 'is-configured'])(
    'has a %s that sh reads',
    (name) => {
      const file = join(root, 'packaging/debian', name);
      expect(spawnSync('sh', ['-n', file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    },
  );

  it('is named in the docs as it is called', () => {
    for (const name of ['README.md', 'docs/README.zh-CN.md', 'docs/install.md']) {
      const text = readFileSync(join(root, name), 'utf8');
      expect(text, name).toContain(`campus-gateway_${version}_amd64.deb`);
      expect(text, name).toContain(`campus-gateway-${version}.tgz`);
    }
  });
});
