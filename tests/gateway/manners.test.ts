/** What the command line says to who mistyped, and to who has nobody at the other side. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemMistake } from '../../gateway/cli/mistakes.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

describe('a mistake is one sentence that says what to do, with status 2', () => {
  it.each([
    [['check', '--explian', 'x'], 'check: there is no option --explian; did you mean --explain?\n'],
    [['health', '--bogus'], /^health: there is no option --bogus; allowed: --/],
    [['demo', '--for'], 'demo: --for needs a value behind it\n'],
    [['check', '--ask=yes', 'x'], 'check: --ask takes no value\n'],
    [['demo', 'a.yaml', 'now'], /^demo: "now" is one word too many\n/],
    [['check', 'a.yaml', 'b.yaml'], /^check: "b.yaml" is one word too many\n/],
    [['watch', 'http://x'], /^watch: http:\/\/x: write mqtt:\/\/, /],
    [['simulate', 'panel', '--to', '127.0.0.1:99999'], /^simulate: --to "127.0.0.1:99999": HOST:PORT/],
  ])('%j', async (args, said) => {
    const { status, stdout, stderr } = await run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    if (typeof said === 'string') expect(stderr).toBe(said);
    else expect(stderr).toMatch(said);
  });
});

describe('what cannot run says why in words, with status 3', () => {
  it('files that are not there, folders, what this user may not', async () => {
    const folder = temporaryDirectory();
    expect(
      await run('restore', join(folder, 'x.age'), '--key', join(folder, 'k'), '--to', join(folder, 'new')),
    ).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/there is no such file or folder: look at its name\n$/),
    });
    const config = join(folder, 'c.yaml');
    writeFileSync(config, 'campus: { id: "4503000001", name: x }\n');
    mkdirSync(join(folder, 'list.csv'));
    expect(await run('points', 'import', join(folder, 'list.csv'), config)).toMatchObject({ status: 3 });
    chmodSync(config, 0o600);
    const denied = Object.assign(new Error("EACCES: permission denied, open '/x'"), {
      code: 'EACCES',
      syscall: 'open',
      path: '/x',
    });
    expect(systemMistake(denied)).toBe(
      '/x: this user may not do that: run it with sudo, or as the user campus-gateway',
    );
    const taken = Object.assign(new Error('listen EADDRINUSE: address already in use ::1:502'), {
      code: 'EADDRINUSE',
      syscall: 'listen',
      address: '::1',
      port: 502,
    });
    expect(systemMistake(taken)).toBe(
      '::1:502: another program listens there: stop it, or take another port',
    );
    // One that has words of its own keeps them.
    expect(
      systemMistake(Object.assign(new Error('port 5 is taken'), { code: 'EADDRINUSE', syscall: 'listen' })),
    ).toBeUndefined();
  });

  it.each([[[]], [['--store', 'events.sqlite']]])('watch of a broker that is not there: %j', async (more) => {
    const at = temporaryDirectory();
    const url = `mqtt://127.0.0.1:${await freePort()}`;
    const args = more.map((word) => (word.startsWith('--') ? word : join(at, word)));
    expect(await run('watch', url, ...args)).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(new RegExp(`^watch: no broker answers at ${url} \\(.*ECONNREFUSED`)),
    });
  });
});

it.each([
  ['receiver', 'press 9', '--to'],
  ['face', 'face 1', '--kind', 'hikvision', '--to'],
])(
  'a simulated %s that reaches nobody fails, and so does one that cannot do what it is told',
  async (what, action, ...to) => {
    const address = `127.0.0.1:${await freePort()}`;
    const target = what === 'face' ? `http://${address}/` : address;
    expect(await run('simulate', what, ...to, target, '--do', action, '--for', '1s')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('1 messages came to nobody: is there a gateway that listens for it?'),
    });
    expect(await run('simulate', what, ...to, target, '--do', 'dance')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('cannot "dance"; it can: '),
    });
  },
);

describe('a simulated face terminal that pushes', () => {
  const RIGHT = `Basic ${Buffer.from('face:s3cret').toString('base64')}`;
  /** Takes what comes with the right password; `digest`: a digest of it, too, of which only the name is looked at. */
  const gateway = async (challenge: string) => {
    const server = createServer((request, response) => {
      const { authorization = '' } = request.headers;
      const isRight =
        (challenge.includes('Basic') && authorization === RIGHT) ||
        /^Digest username="face", realm="r", nonce="n", uri="\/push\/face", .*response="[0-9a-f]{32}"/.test(
          authorization,
        );
      request.resume();
      response.writeHead(isRight ? 200 : 401, isRight ? {} : { 'www-authenticate': challenge }).end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}/push/face`;
  };
  const secret = (text: string) => {
    const file = join(temporaryDirectory(), 'password');
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    return file;
  };
  const tell = (to: string, ...more: string[]) =>
    run('simulate', 'face', '--kind', 'hikvision', '--to', to, ...more, '--do', 'face 12', '--for', '1s');

  it.each([['Basic realm="r"'], ['Digest realm="r", qop="auth", nonce="n"']])(
    'says its password as it is asked for: %s',
    async (challenge) => {
      const args = ['--username', 'face', '--password-file', secret('s3cret')];
      expect(await tell(await gateway(challenge), ...args)).toMatchObject({ status: 0, stderr: '' });
    },
  );
  it('fails and says so where it is refused', async () => {
    const to = await gateway('Basic realm="r"');
    for (const args of [[], ['--username', 'face', '--password-file', secret('wrong')]])
      expect(await tell(to, ...args)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^terminal: 1 messages were refused \(401\): no or a wrong password/),
      });
  });
});

it.each([
  [['reader'], 'card 12', 'reader: nobody was connected as it said it'],
  [['face', '--kind', 'dahua'], 'face 12', 'terminal: nobody was connected as it said it'],
  [['fence'], 'trip 1', 'fence: nobody has asked it'],
  [['osdp'], 'card 12', 'reader: nobody has asked it'],
])('a simulated %j that nobody is connected to fails, and says so', async (what, action, said) => {
  const listen = ['--listen', `127.0.0.1:${await freePort()}`];
  expect(await run('simulate', ...what, ...listen, '--do', action, '--for', '300ms')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(said),
  });
});
