import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };

describe('the packages that the gateway stands on', () => {
  it('each have their section in docs/dependencies.md, and nothing else has', () => {
    const sections = [...read('docs/dependencies.md').matchAll(/^### (\S+)\n\n((?:[- ].+\n)+)/gm)];
    expect(sections.map(([, name]) => name).sort()).toEqual(Object.keys(dependencies).sort());
    for (const [, name, text = ''] of sections)
      for (const part of ['For', 'We use', 'Kept by', 'Instead'])
        expect(text, `${name}: ${part}`).toContain(`- **${part}:** `);
  });

  it('are pinned exactly', () => {
    for (const [name, version] of Object.entries(dependencies))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('have one ws among them, of today', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { version: string }>;
    };
    const found = Object.entries(packages).filter(([path]) => path.endsWith('node_modules/ws'));
    expect(found.map(([path, { version }]) => [path, version])).toEqual([
      ['node_modules/ws', dependencies['ws']],
    ]);
  });

  it('leave the server of node-rtsp-stream, and its ws, unloaded', () => {
    const loaded = execFileSync(
      process.execPath,
      ['-e', "require('node-rtsp-stream/mpeg1muxer'); console.log(Object.keys(require.cache).join('\\n'))"],
      { cwd: root, encoding: 'utf8' },
    );
    expect(loaded.trim().split('\n')).toEqual([join(root, 'node_modules/node-rtsp-stream/mpeg1muxer.js')]);
  });
});
