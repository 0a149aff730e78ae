import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { freePort, stream, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');

/** A page of it: the files (a path in backquotes with a colon, then a block of TypeScript or YAML) and the changes that it says. */
function pageOf(title: string) {
  const [, text = ''] = new RegExp(`^## ${title}\n(.*?)(?=^## |$(?![^]))`, 'ms').exec(page) ?? [];
  const files = [...text.matchAll(/^`([^`]+\.(?:ts|yaml))`:\n\n```(?:ts|yaml)\n(.*?)^```/gms)];
  const diffs = [...text.matchAll(/^In `([^`]+)`,.*?```diff\n(.*?)^```/gms)];
  return {
    files: files.map(([, path = '', text = '']) => ({ path, text })),
    diffs: diffs.map(([, path = '', text = '']) => ({ path, lines: text.trimEnd().split('\n') })),
  };
}

/**
 * Applies a diff of whole lines; imports go to the other imports. A list that has more by now (who followed the page
 * has left it so) gets what the page adds.
 */
function patch(text: string, lines: readonly string[]): string {
  const removed = lines.find((line) => line.startsWith('-'))?.slice(1) ?? '';
  const added = lines.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
  const imports = added.filter((line) => line.startsWith('import'));
  const rest = added.filter((line) => !line.startsWith('import')).join('\n');
  const head = removed.slice(0, removed.indexOf('[') + 1);
  const now = text.split('\n').find((line) => (head === '' ? line === removed : line.startsWith(head))) ?? '';
  expect(now).not.toBe('');
  const more = rest.slice(removed.indexOf(']'), rest.lastIndexOf(']'));
  const patched = text.replace(now, now === removed ? rest : now.replace(/\]/, `${more}]`));
  return patched.replace(/^import /m, `${imports.join('\n')}\nimport `);
}

/** A copy of the project with what a page says; checked, and its docs made. @returns how to run programs in it. */
async function follow({ files, diffs }: ReturnType<typeof pageOf>) {
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
  return { copy, run, cli: join(copy, 'gateway/campus-gateway.js') };
}

const codeLines = ({ files }: ReturnType<typeof pageOf>) =>
  files
    .filter(({ path }) => path.endsWith('.ts'))
    .flatMap(({ text }) => text.split('\n').filter((line) => line.trim() !== '')).length;

it('the page "write a driver", followed to the letter, gives a driver that is validated, documented, simulated and delivers', {
  timeout: 120_000,
}, async () => {
  const driver = pageOf('Write a driver');
  expect(driver.files.map(({ path }) => path)).toEqual([
    'drivers/ringer/codec.ts',
    'drivers/ringer/driver.ts',
    'simulators/ringer.ts',
    'drivers/ringer/scale.yaml',
  ]);
  expect(codeLines(driver) + 4).toBeLessThan(100);
  const { copy, run, cli } = await follow(driver);
  expect(readFileSync(join(copy, 'docs/config.md'), 'utf8')).toContain('### `driver: ringer`');
  expect(readFileSync(join(copy, 'docs/devices.md'), 'utf8')).toContain(
    '| `hardware` | todo | no box was met yet |',
  );

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
  await expect(run(process.execPath, cli, 'check', config)).rejects.toThrow(
    /connection\.tpc: unknown key; did you mean tcp\?/,
  );
  writeFileSync(config, yaml('tcp'));
  // The demo's ordinary day presses button 9 of whatever can `press`.
  const seen = await run(process.execPath, cli, 'demo', config, '--for', '1s', '--rate', '200');
  expect(seen).toMatch(/alarm\.raised +box\/gatehouse +panic/);
  expect(seen).toMatch(/\d+ events seen, (\d+) on disk, \1 delivered, 0 lost\n$/);
});

/** A platform that speaks lines: what it hears, and a way to say something. */
async function telegraphOffice(port: number) {
  const heard = stream<string>();
  let say: (line: string) => void = () => {};
  const server = createServer((socket) => {
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    say = (line) => void socket.write(`${line}\n`);
    createInterface({ input: socket }).on('line', heard.push);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const event = async () => {
    const [, n = '', json = ''] = /^EVENT (\d+) (.*)$/.exec(await heard.next()) ?? [];
    return { n, event: JSON.parse(json) as { type: string; sequence: string; journal: string } };
  };
  return { heard, event, say: (line: string) => say(line) };
}

it('the page "write a platform protocol", followed to the letter, gives one that is validated, documented and delivers', {
  timeout: 120_000,
}, async () => {
  const platform = pageOf('Write a platform protocol');
  expect(platform.files.map(({ path }) => path)).toEqual([
    'drivers/platforms/telegraph/codec.ts',
    'drivers/platforms/telegraph/transport.ts',
    'drivers/platforms/telegraph/scale.yaml',
  ]);
  expect(codeLines(platform) + 2).toBeLessThan(120);
  const { copy, run, cli } = await follow(platform);
  expect(readFileSync(join(copy, 'docs/config.md'), 'utf8')).toContain('### `protocol: telegraph`');

  const port = await freePort();
  const office = await telegraphOffice(port);
  const config = join(copy, 'campus.yaml');
  const yaml = (key: string) => `campus: { id: "45000001", name: 一中 }
uplinks:
  - id: p
    protocol: telegraph
    ${key}: "127.0.0.1:${port}"
    receipts: true
    receiptTimeout: 60s
    commands: [replay]
devices: []
`;
  writeFileSync(config, yaml('sever'));
  await expect(run(process.execPath, cli, 'check', config)).rejects.toThrow(
    /uplinks\[0\]\.sever: unknown key; did you mean server\?/,
  );
  writeFileSync(config, yaml('server').replace('telegraph', 'telegrph'));
  await expect(run(process.execPath, cli, 'check', config)).rejects.toThrow(
    /"telegrph": not known; did you mean telegraph\?; allowed: mqtt, auto, 5, 3\.1\.1, gb28181, gat1400, telegraph/,
  );
  writeFileSync(config, yaml('server').replace(/server: "[^"]+"/, 'url: "mqtt://h"'));
  await expect(run(process.execPath, cli, 'check', config)).rejects.toThrow(/url: unknown key/);
  writeFileSync(config, yaml('server'));
  const gateway = spawn(process.execPath, [cli, 'run', config], { cwd: copy, stdio: 'ignore' });
  onTestFinished(() => stopProcess(gateway));

  // Busy: it comes again.
  const first = await office.event();
  expect(first.event).toMatchObject({ type: 'cn.campus.gateway.started', sequence: '1' });
  office.say(`BUSY ${first.n}`);
  const again = await office.event();
  expect(again.event).toEqual(first.event);
  office.say('hello?');
  office.say(`TAKEN ${again.n}`);
  const { journal } = again.event;
  office.say(`STORED ${JSON.stringify({ journal, normal: '1' })}`);
  // A command, allowed, and done: the same event once more, beside the live ones.
  const wanted = { journal, lane: 'normal', after: '0', upTo: '1' };
  office.say(`COMMAND gateway ${JSON.stringify({ id: 'r1', action: 'replay', arguments: wanted })}`);
  for (;;) {
    const line = await office.heard.next();
    const [, n, json = ''] = /^EVENT (\d+) (.*)$/.exec(line) ?? [];
    if (n === undefined) {
      expect(line).toMatch(/^REPLY \{"id":"r1","done":true,"result":\{"events":1\}\}$/);
      break;
    }
    expect(Number((JSON.parse(json) as { sequence: string }).sequence)).toBeGreaterThan(0);
    office.say(`TAKEN ${n}`);
  }
});
