import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { digestAuthorization, readChallenges } from '../../drivers/digest.ts';
import { ask } from '../../drivers/http.ts';
import { digestGuard } from '../../simulators/http.ts';

const run = promisify(execFile);
const digestIn = (header: string) =>
  readChallenges(header).find(({ scheme }) => scheme === 'digest')?.members ?? {};

describe('digest authentication', () => {
  // RFC 7616, 3.9.1; RFC 2617, 3.5.
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('answers as RFC 7616 does with %s', (algorithm, response) => {
    const challenge = digestIn(
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
    );
    expect(
      digestAuthorization(
        challenge,
        { username: 'Mufasa', password: 'Circle of Life' },
        { method: 'GET', uri: '/dir/index.html' },
        'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
      ),
    ).toContain(`response="${response}"`);
  });

  it('answers as RFC 2617 does', () => {
    const challenge = digestIn(
      'Basic realm="x", Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    );
    expect(
      digestAuthorization(
        challenge,
        { username: 'Mufasa', password: 'Circle Of Life' },
        { method: 'GET', uri: '/dir/index.html' },
        '0a4f113b',
      ),
    ).toContain('response="6629fae49393a05397450978507c4ef1"');
  });

  it('is understood by our simulators, and by curl there', async () => {
    const guard = digestGuard('camera', 'admin', 'pass word');
    const server = createServer((request, response) => {
      if (guard(request, response)) response.end('in');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}/a?b=c`;
    const ours = (password: string) =>
      ask(url, {
        credentials: { username: 'admin', password },
        ...{ maxBytes: 100, timeout: 5000, clock: systemClock },
      });
    const { status, body } = await ours('pass word');
    expect([status, body.toString()]).toEqual([200, 'in']);
    expect((await ours('x')).status).toBe(401);
    const curl = (password: string) =>
      run('curl', [
        '-s',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        '--digest',
        '-u',
        `admin:${password}`,
        url,
      ]);
    expect((await curl('pass word')).stdout).toBe('200');
    expect((await curl('x')).stdout).toBe('401');
  });
});
