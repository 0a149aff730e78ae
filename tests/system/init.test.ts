/** `init` on a real terminal: what is typed is shown but for passwords, and a Ctrl-C leaves nothing behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { startFences } from '../../simulators/fence.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { need } from './tools.ts';

const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');

/** A terminal of its own, as a person has it. */
function begin(file: string) {
  const command = `${process.execPath} ${entry} init ${file}`;
  const child = spawn('socat', ['-', `EXEC:"${command}",pty,setsid,ctty,stderr`], {
    env: { ...process.env, CAMPUS_LANG: 'en' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  return {
    ended: once(child, 'exit'),
    shown: () => shown,
    /** Answers when it is asked. */
    async answer(question: string, keys: string) {
      await expect.poll(() => shown, { timeout: 20_000, interval: 20 }).toContain(question);
      shown = shown.slice(shown.indexOf(question) + question.length);
      child.stdin.write(keys);
    },
  };
}

const toPassword: readonly (readonly [string, string])[] = [
  ['number [1]: ', '\n'],
  ['Number of the campus with the platforms: ', '4503000001\n'],
  ['Name of the school: ', '一中\n'],
  ['(empty: none): ', '\n'],
  ['Its address (empty: none): ', '\n'],
  ['[./data]: ', '\n'],
  ['number [1]: ', '\n'],
  ['Short name [police]: ', '\n'],
  ['Address: ', 'mqtt://127.0.0.1:1\n'],
  ['User (empty: none): ', 'campus\n'],
];

it('shows no password, lets it be mended, and writes when all is answered', async (context) => {
  need(context, 'socat');
  const file = join(temporaryDirectory(), 'campus/c.yaml');
  const terminal = begin(file);
  for (const [question, keys] of toPassword) await terminal.answer(question, keys);
  await terminal.answer('Password (not shown): ', 'sesaam\x7f\x7fme\r');
  for (const [question, keys] of [
    ['receipts (docs/platform.md)? [n]: ', '\n'],
    ['number [4]: ', '\n'],
    ['serial ports? [y]: ', 'n\n'],
    ['number [9]: ', '\n'],
    ['self-signed)? [n]: ', '\n'],
  ] as const) {
    await terminal.answer(question, keys);
    expect(terminal.shown()).not.toContain('ses');
  }
  await terminal.answer('1 platforms, 0 devices? [y]: ', '\n');
  await terminal.ended;
  expect(terminal.shown()).toContain('is written');
  expect(readFileSync(join(file, '../secrets/police.password'), 'utf8')).toBe('sesame\n');
});

it('a Ctrl-C at a question, and at a password, leaves nothing', async (context) => {
  need(context, 'socat');
  const file = join(temporaryDirectory(), 'campus/c.yaml');
  for (const steps of [toPassword.slice(0, 2), toPassword]) {
    const terminal = begin(file);
    for (const [question, keys] of steps) await terminal.answer(question, keys);
    await terminal.answer(': ', '\x03');
    await terminal.ended;
    expect(terminal.shown()).toContain('nothing was written');
    expect(existsSync(join(file, '..'))).toBe(false);
  }
});

it('puts what it finds into the config, beside what was answered', async () => {
  const port = await freePort();
  const [fence] = await startFences({
    ...{ end: { listen: { host: '127.0.0.1', port } }, framing: 'tcp' },
    units: [{ id: 'fence', unit: 1, model: 'pulse-fence-2zone' }],
  });
  onTestFinished(() => fence?.close());
  const folder = temporaryDirectory();
  const [answers, file] = [join(folder, 'answers.yaml'), join(folder, 'campus.yaml')];
  const discover = `{ ways: [modbus], for: 5s, nets: [127.0.0.1], tcpPorts: [${port}] }`;
  writeFileSync(
    answers,
    `campus: { id: "4503000001", name: x }\ndiscover: ${discover}\ndevices: [{ id: yard, driver: onvif, host: 10.0.0.41 }]\n`,
  );
  const child = spawn(process.execPath, [entry, 'init', file, '--answers', answers], { stdio: 'ignore' });
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(parse(readFileSync(file, 'utf8')).devices).toMatchObject([
    { id: 'yard' },
    { driver: 'modbus', connection: { tcp: `127.0.0.1:${port}` }, unit: 1 },
  ]);
});
