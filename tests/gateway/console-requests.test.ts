/** Requests that nobody should send: out of folders, too large, too many, in the name of another. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { codeOf, PASSWORD, schoolConsole } from './console-people.ts';

describe('a request', () => {
  /** As it is written: a browser would put the path right. */
  const raw = (port: number, path: string, head = '') =>
    new Promise<string>((resolve) => {
      const line = connect(port, '127.0.0.1');
      let text = '';
      line.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      line.on('close', () => resolve(text));
      line.on('error', () => resolve(text));
      line.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n${head}\r\n`);
    });

  it('leads out of no folder', async () => {
    const { port, loggedIn, base } = await schoolConsole();
    const li = await loggedIn('li');
    const cookie = `cookie: campus-session=${li.cookies.get('campus-session')}\r\n`;
    const version = /\/web\/([\w-]+)\//.exec(await (await fetch(`${base}/`)).text())?.[1];
    const outs = ['..', '%2e%2e', '..%2f..', '....', '%252e%252e', '..%5c', '%c0%ae%c0%ae', '.%00.'];
    for (const place of [`/web/${version}/`, '/web/x/', '/api/media/', '/api/plan/', '/gate/', '/'])
      for (const out of outs)
        for (const file of ['console.accounts', 'server.ts', 'etc/passwd', 'package.json']) {
          const text = await raw(port, `${place}${out}/${out}/${file}`, cookie);
          expect(text, `${place}${out}`).not.toMatch(/scrypt|root:|buildServer|"dependencies"/);
          expect(text).toMatch(/^HTTP\/1\.1 (4\d\d|200)/);
        }
  });

  it('with a head that is too large is refused', async () => {
    const { port } = await schoolConsole();
    expect(await raw(port, '/', `x: ${'x'.repeat(20_000)}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw(port, `/${'x'.repeat(5000)}`)).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it('is answered so many times a minute to who is nobody, and to who is known all the same', async () => {
    const { base, loggedIn } = await schoolConsole();
    const own = await loggedIn('wang');
    const codes = new Map<number, number>();
    for (let i = 0; i < 620; i++) {
      const code = await codeOf(fetch(`${base}/api/me`));
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect([...codes]).toEqual([
      [401, 600],
      [429, 20],
    ]);
    expect(await codeOf(own.ask('/api/me'))).toBe(200);
  });

  it('by a proxy that is named counts for who stands behind it, and by another does not', async () => {
    const from = async (own: object) => {
      const { base, audits } = await schoolConsole({}, own);
      const proxied = {
        'x-forwarded-for': '10.7.7.7',
        'x-forwarded-proto': 'https',
        'content-type': 'application/json',
      };
      const body = JSON.stringify({ name: 'wang', password: PASSWORD });
      const answer = await fetch(`${base}/login`, { method: 'POST', headers: proxied, body });
      return [(await audits.find(({ kind }) => kind === 'login'))['from'], answer.headers.get('set-cookie')];
    };
    expect(await from({})).toEqual(['127.0.0.1', expect.not.stringContaining('Secure')]);
    const [address, cookie] = await from({ proxies: ['127.0.0.0/8'] });
    expect(address).toBe('10.7.7.7');
    expect(cookie).toMatch(/__Host-campus-session=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Strict/);
  });
});
