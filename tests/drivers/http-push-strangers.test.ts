import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Host } from '../../drivers/contract/driver.ts';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { createIntake } from '../../drivers/http-push/intake.ts';
import { servePort } from '../../drivers/http-push/serve.ts';
import { createIsolated } from '../../gateway/lifecycle/isolated.ts';
import { fakeHost, freePort, temporaryDirectory } from '../helpers.ts';
import { terminalProfile } from './terminal-profile.ts';

const run = promisify(execFile);
const STALL_MS = 400;

/** A port of one terminal, `face`, of a visitor kiosk, with a password. */
async function served(own: object = {}, more: Partial<Host> = {}, stallMs = STALL_MS) {
  const port = await freePort();
  const fake = fakeHost();
  const host = { ...fake.host, ...more };
  const file = join(temporaryDirectory(), 'secret');
  writeFileSync(file, 's3cret\n');
  const options = httpPush.options.parse({
    profile: 'x',
    listen: { port },
    username: 'face',
    passwordFile: file,
    ...own,
  });
  const terminal = { id: 'face', driver: 'http-push', options, profile: terminalProfile('visitor-kiosk') };
  const server = await servePort(
    [{ terminal, intake: createIntake(terminal, host) }],
    host,
    () => {},
    stallMs,
  );
  onTestFinished(() => server.close());
  const url = `http://127.0.0.1:${port}/push/face`;
  const curl = async (...args: string[]) =>
    (await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', ...args, url])).stdout;
  return { ...fake, port, url, curl };
}

const basic = `Basic ${Buffer.from('face:s3cret').toString('base64')}`;
const visit = (id: string) => JSON.stringify({ visit: id, event: 'arrived' });
const post = (url: string, body: string, headers: Record<string, string> = { authorization: basic }) =>
  fetch(url, { method: 'POST', body, headers });

/** A connection, and all that was answered on it. */
async function dial(port: number, text: string) {
  const socket = connect({ host: '127.0.0.1', port });
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(text);
  const isOver = (one: Socket) => one.closed || once(one, 'close');
  return { socket, answer: () => answer, over: async () => void (await isOver(socket)) };
}
const head = (more: string, path = '/push/face') => `POST ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

describe('an address that is typed, and a head as terminals write it', () => {
  const authorization = `Authorization: Basic ${Buffer.from('face:s3cret').toString('base64')}\r\n`;
  it.each([
    ['two strokes', '//push//face', 'Host: x\r\n'],
    ['a stroke at its end', '/push/face/?x=1', 'Host: x\r\n'],
    ['no Host', '/push/face', ''],
    ['no type', '/push/face', 'Host: x\r\n'],
    ['a type that is none', '/push/face', 'Host: x\r\nContent-Type: text\r\n'],
    ['an empty type', '/push/face', 'Host: x\r\nContent-Type: \r\n'],
  ])('costs nothing: %s', async (_name, path, more) => {
    const { port, reports } = await served();
    const body = visit('a');
    const text = `POST ${path} HTTP/1.1\r\n${more}${authorization}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
    const one = await dial(port, text);
    await one.over();
    expect(one.answer()).toMatch(/^HTTP\/1\.1 200 /);
    expect(await reports.next()).toMatchObject({ visit: { id: 'a' } });
  });
});

describe('a password at the terminals’ port', () => {
  it('is taken from curl by Digest and by Basic, and none other', async () => {
    const { curl, reports } = await served();
    expect(await curl('--digest', '-u', 'face:s3cret', '-d', visit('a'))).toBe('200');
    expect(await curl('--anyauth', '-u', 'face:s3cret', '-d', visit('b'))).toBe('200');
    expect(await curl('-u', 'face:s3cret', '-d', visit('c'))).toBe('200');
    expect(await curl('--digest', '-u', 'face:s3cre', '-d', visit('d'))).toBe('401');
    expect(await curl('--digest', '-u', 'fac:s3cret', '-d', visit('e'))).toBe('401');
    expect(await curl('-d', visit('f'))).toBe('401');
    expect(reports.rest().map((one) => one.visit?.id)).toEqual(['a', 'b', 'c']);
  });

  it('is taken by Digest alone where the config says so, with a body of any size', async () => {
    const { curl, reports } = await served({ authentication: 'digest' });
    expect(await curl('-u', 'face:s3cret', '-d', visit('a'))).toBe('401');
    const body = `{"visit":"b","event":"left","picture":"${'A'.repeat(900_000)}"}`;
    const file = join(temporaryDirectory(), 'body');
    writeFileSync(file, body);
    expect(await curl('--digest', '-u', 'face:s3cret', '--data-binary', `@${file}`)).toBe('200');
    expect(reports.rest().map((one) => one.visit?.id)).toEqual(['b']);
  });

  it('by Digest is of no use to who hears it', async () => {
    const { url } = await served();
    const { stderr } = await run('curl', ['-sv', '--digest', '-u', 'face:s3cret', '-d', visit('a'), url]);
    const [, authorization = ''] =
      /> Authorization: (Digest .*)\r?\n/.exec(stderr.split('< HTTP').at(-2) ?? '') ?? [];
    expect(authorization).toMatch(/response=/);
    const again = await post(url, visit('b'), { authorization });
    expect(again.status).toBe(401);
    expect(again.headers.get('www-authenticate')).toMatch(/^Digest .*stale=true/);
  });
});

describe('who is not known yet', () => {
  it('is not asked for a body', async () => {
    const { port, reports } = await served();
    const expecting = (authorization: string) =>
      head(`Content-Length: 34\r\nExpect: 100-continue\r\nAuthorization: ${authorization}\r\n`);
    const stranger = await dial(port, expecting('Basic eDp5'));
    await once(stranger.socket, 'data');
    expect(stranger.answer()).toMatch(/^HTTP\/1\.1 401 /);
    const known = await dial(port, expecting(basic));
    await once(known.socket, 'data');
    expect(known.answer()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    known.socket.write(visit('a').padEnd(34));
    await once(known.socket, 'data');
    expect(known.answer()).toMatch(/\r\nHTTP\/1\.1 200 /);
    expect(await reports.next()).toMatchObject({ visit: { id: 'a' } });
  });

  it('cannot send one without an end', async () => {
    const { port, reports } = await served();
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const stranger = await dial(port, head('Transfer-Encoding: chunked\r\n'));
    let sent = 0;
    while (!stranger.socket.destroyed && sent < 60_000_000) {
      sent += chunk.length;
      if (!stranger.socket.write(chunk))
        await Promise.race([once(stranger.socket, 'drain').catch(() => {}), stranger.over()]);
    }
    await stranger.over();
    // What is thrown away, and what the system holds on the way.
    expect(sent).toBeLessThan(20_000_000);
    expect(reports.rest()).toEqual([]);
  });

  it.each([
    ['half a head', 'POST /push/face HTTP/1.1\r\nHost: x\r\n'],
    ['nothing', ''],
    ['half a body', head('Content-Length: 100\r\n')],
  ])('is ended who sends %s and stalls', async (_name, text) => {
    const { port } = await served();
    const begun = systemClock.elapsed();
    await (await dial(port, text)).over();
    expect(systemClock.elapsed() - begun).toBeLessThan(STALL_MS + 2500);
  });

  it('is ended who sends a head that is too long', async () => {
    const { port, discards } = await served();
    const stranger = await dial(port, `POST /push/face HTTP/1.1\r\nX: ${'a'.repeat(9000)}\r\n`);
    await stranger.over();
    expect(stranger.answer()).toMatch(/^HTTP\/1\.1 431 /);
    expect(await discards.next()).toMatchObject({
      device: `http 127.0.0.1:${port}`,
      reason: 'a request that cannot be read',
    });
  });

  it('makes no names of their own in what is counted, and is counted for the port, not for a terminal', async () => {
    const { port, discards } = await served();
    for (const path of [
      '/push/evil',
      '/push/%65vil%0A',
      '/evil',
      '/iclock/cdata?SN=evil',
      '/push/%zz',
      '//x/push/face',
    ])
      await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: '{' }).then((answer) =>
        expect(answer.status).toBeGreaterThanOrEqual(400),
      );
    const counted = discards.rest();
    expect(counted.length).toBeGreaterThan(3);
    const line = `http 127.0.0.1:${port}`;
    expect(counted.filter(({ device, reason }) => device !== line || reason.includes('evil'))).toEqual([]);
  });
});

describe('who guesses', () => {
  it('waits longer and longer, while the right one behind the same address gets in at once', async () => {
    const { url, reports } = await served({}, {}, 10_000);
    const guess = async (n: number) =>
      (await post(url, '{}', { authorization: `Basic ${Buffer.from(`face:${n}`).toString('base64')}` }))
        .status;
    for (let n = 0; n < 5; n++) expect(await guess(n)).toBe(401);
    const begun = systemClock.elapsed();
    const waiting = [5, 6, 7].map(guess);
    expect((await post(url, visit('a'))).status).toBe(200);
    const rightAfter = systemClock.elapsed() - begun;
    expect(await reports.next()).toMatchObject({ visit: { id: 'a' } });
    expect(await Promise.all(waiting)).toEqual([401, 401, 401]);
    expect(systemClock.elapsed() - begun).toBeGreaterThan(950);
    expect(rightAfter).toBeLessThan(900);
  });
});

describe('who is known', () => {
  it('is asked to try again where a message could not be read in time, and the next is read', async () => {
    const large = `{"visit":"a","event":"left","x":${JSON.stringify('y '.repeat(20_000))}}`;
    let jobs = 0;
    const isolated = createIsolated({ time: systemClock });
    onTestFinished(() => isolated.close());
    const { url, reports, discards } = await served(
      {},
      {
        isolated: (job) =>
          jobs++ === 0 ? Promise.reject(new Error('no answer within 2 s')) : isolated.run(job),
      },
    );
    expect((await post(url, large)).status).toBe(503);
    expect(await discards.next()).toMatchObject({ reason: 'a message that could not be read in time' });
    expect((await post(url, large)).status).toBe(200);
    expect(await reports.next()).toMatchObject({ visit: { id: 'a', stage: 'left' } });
    expect((await post(url, `{"x":"${'y '.repeat(600_000)}"}`)).status).toBe(413);
    expect(await discards.next()).toMatchObject({ reason: 'a message that is too long' });
    expect((await post(url, visit('b'))).status).toBe(200);
    expect(jobs).toBe(3);
  });

  it('holds no more bytes than there is room for', async () => {
    const { port, discards, url } = await served();
    const half = () => dial(port, head(`Content-Length: 4000000\r\nAuthorization: ${basic}\r\n`).concat('{'));
    const [first] = await Promise.all([half(), half(), half()]);
    const fourth = await half();
    await once(fourth.socket, 'data');
    expect(fourth.answer()).toMatch(/^HTTP\/1\.1 503 /);
    expect(await discards.find(({ reason }) => /bytes/.test(reason))).toMatchObject({ device: 'face' });
    await first?.over();
    expect((await post(url, visit('a'))).status).toBe(200);
  });
});
