import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { freePort, temporaryDirectory } from './helpers.ts';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');

/** The files of the page: a path in backquotes with a colon, then a block of TypeScript. */
const files = [...page.matchAll(/^`([^`]+\.ts)`:\n\n```ts\n(.*?)^```/gms)].map(
  ([, path = '', text = '']) => ({ path, text }),
);
/** Its changes: "In `file`, ...", then a diff. */
const diffs = [...page.matchAll(/^In `([^`]+)`,.*?```diff\n(.*?)^```/gms)].map(
  ([, path = '', text = '']) => ({ path, lines: text.trimEnd().split('\n') }),
);

/** Applies a diff of whole lines; imports go to the other imports. */
function patch(text: string, lines: readonly string[]): string {
  let patched = text;
  const removed = lines.find((line) => line.startsWith('-'))?.slice(1) ?? '';
  expect(patched).toContain(removed);
  const added = lines.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
  const imports = added.filter((line) => line.startsWith('import'));
  patched = patched.replace(removed, added.filter((line) => !line.startsWith('import')).join('\n'));
  return patched.replace(/^import /m, `${imports.join('\n')}\nimport `);
}

it('the page "write a driver", followed to the letter, gives a driver that is validated, documented, simulated and delivers', {
  timeout: 120_000,
}, async () => {
  expect(files.map(({ path }) => path)).toEqual([
    'drivers/ringer/codec.ts',
    'drivers/ringer/driver.ts',
    'simulators/ringer.ts',
  ]);
  const code = files.flatMap(({ text }) => text.split('\n').filter((line) => line.trim() !== ''));
  expect(code.length + 4).toBeLessThan(100);

  const copy = temporaryDirectory();
  for (const part of [
    'gateway',
    'drivers',
    'config',
    'simulators',
    'docs',
    'package.json',
    'tsconfig.json',
    '.dependency-cruiser.js',
  ]) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const { path, text } of files) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), text);
  }
  for (const { path, lines } of diffs) {
    const file = join(copy, path);
    writeFileSync(file, patch(readFileSync(file, 'utf8'), lines));
  }
  const run = async (command: string, ...args: string[]) => {
    const env = { ...process.env, CAMPUS_LANG: 'en' };
    return (await promisify(execFile)(command, args, { cwd: copy, env })).stdout;
  };
  const bin = (name: string) => join(root, 'node_modules/.bin', name);

  const cruised = ['gateway', 'drivers', 'config', 'simulators'];
  await Promise.all([
    run(bin('tsc'), '--noEmit'),
    run(bin('depcruise'), '--config', '.dependency-cruiser.js', ...cruised),
    run(process.execPath, 'docs/generate.ts'),
  ]);
  expect(readFileSync(join(copy, 'docs/config.md'), 'utf8')).toContain('### `driver: ringer`');

  const [broker, box] = [await freePort(), await freePort()];
  const config = join(copy, 'campus.yaml');
  const yaml = (key: string) => `campus: { id: "45000001", name: 一中 }
uplinks: [{ id: p, url: "mqtt://127.0.0.1:${broker}" }]
devices:
  - id: box
    driver: ringer
    connection: { ${key}: "127.0.0.1:${box}" }
    zones: [{ zone: 9, id: gatehouse }]
`;
  writeFileSync(config, yaml('tpc'));
  const cli = join(copy, 'gateway/campus-gateway.js');
  await expect(run(process.execPath, cli, 'check', config)).rejects.toThrow(
    /connection\.tpc: unknown key; did you mean tcp\?/,
  );
  writeFileSync(config, yaml('tcp'));
  // The demo's ordinary day presses button 9 of whatever can `press`.
  const seen = await run(process.execPath, cli, 'demo', config, '--for', '1s', '--rate', '200');
  expect(seen).toMatch(/alarm\.raised +box\/gatehouse +panic/);
  expect(seen).toMatch(/\d+ events seen, (\d+) on disk, \1 delivered, 0 lost\n$/);
});
