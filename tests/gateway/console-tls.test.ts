/** HTTPS of the console: its own certificate, the school's, and what browsers are told. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatError, loadConfig } from '../../config/load.ts';
import { webConnections } from '../../drivers/connections.ts';
import { selfSigned } from '../../gateway/console/certificate.ts';
import { openTls } from '../../gateway/console/tls.ts';
import { type ManualClock, manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { startConsole } from './a-console.ts';
import { PASSWORD, settle } from './console-people.ts';

const DAY = 86_400_000;

describe('a certificate of the gateway’s own', () => {
  it('names what it is for, fits its key, and is signed by it', () => {
    const names = ['gate.school', '10.0.0.9', '::1', 'fe80::1:2', '2001:db8::7', '2001:db8:1:2:3:4:5:6'];
    const now = Date.UTC(2026, 10, 28);
    const { cert, key } = selfSigned(names, now, now + 30 * DAY);
    const x509 = new X509Certificate(cert);
    expect(x509.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(x509.verify(x509.publicKey)).toBe(true);
    expect([x509.checkHost('gate.school'), x509.checkHost('evil.example')]).toEqual([
      'gate.school',
      undefined,
    ]);
    for (const address of names.slice(1)) expect(x509.checkIP(address), address).toBe(address);
    expect(x509.checkIP('10.0.0.10')).toBeUndefined();
    expect([x509.validFrom, x509.validTo]).toEqual(['Nov 28 00:00:00 2026 GMT', 'Dec 28 00:00:00 2026 GMT']);
    expect(x509.ca).toBe(false);
    // Beyond 2049 dates are written in another form.
    const late = new X509Certificate(selfSigned(names, now, Date.UTC(2060, 0, 1)).cert);
    expect(late.validTo).toBe('Jan  1 00:00:00 2060 GMT');
  });

  const opened = async (time: ManualClock, dataDir: string, names: string[] = []) => {
    const config = { host: '0.0.0.0', names, tls: 'self-signed' } as const;
    const tls = await openTls(config, dataDir, ['10.0.0.9'], { time, log: silentLog });
    if (tls === undefined) throw new Error('no TLS');
    onTestFinished(() => tls.close());
    return tls;
  };

  it('is kept over restarts, made anew for other names, before its end, and where the clock was wrong', async () => {
    const time = manualClock();
    const dataDir = temporaryDirectory();
    const first = await opened(time, dataDir);
    const file = join(dataDir, 'console.certificate');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(first.until).toBeLessThanOrEqual(time.wall() + 825 * DAY);
    const again = await opened(time, dataDir);
    expect(again.fingerprint).toBe(first.fingerprint);
    again.close();
    first.close();
    const named = await opened(time, dataDir, ['警务.school']);
    expect(named.fingerprint).not.toBe(first.fingerprint);
    expect(new X509Certificate(named.current.cert).subjectAltName).toContain('DNS:xn--');
    const changes: string[] = [];
    named.onChanged(({ cert }) => changes.push(new X509Certificate(cert).fingerprint256));
    await time.advance(600_000);
    expect(changes).toEqual([]);
    time.step(765 * DAY);
    await time.advance(600_000);
    await expect.poll(() => changes).toHaveLength(1);
    expect(changes).toEqual([named.fingerprint]);
    // A machine without a battery: its clock was years behind, and is right now.
    time.step(-10 * 365 * DAY);
    const behind = await opened(time, dataDir, ['警务.school']);
    expect(behind.until).toBeLessThan(named.until);
    writeFileSync(file, 'x');
    expect((await opened(time, dataDir)).fingerprint).not.toBe(behind.fingerprint);
  });
});

/** GET over TLS, and what came of it. */
const get = (port: number, options: RequestOptions, body?: string) =>
  new Promise<{ status: number; headers: Record<string, unknown>; fingerprint: string }>(
    (resolve, reject) => {
      const agent = new Agent();
      const asked = request({ host: '127.0.0.1', port, agent, ...options }, (response) => {
        const { fingerprint256 = '' } = (response.socket as TLSSocket).getPeerCertificate();
        response.resume();
        response.on('end', () => {
          agent.destroy();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            fingerprint: fingerprint256,
          });
        });
      });
      asked.on('error', reject);
      asked.end(body);
    },
  );

describe('the console over HTTPS', () => {
  it('is to be known by its certificate, gives cookies for TLS alone, and speaks no HTTP', async () => {
    const dataDir = temporaryDirectory();
    await settle(dataDir, [{ name: 'li', role: 'administrator' }]);
    const { port, url } = await startConsole({ tls: 'self-signed' }, {}, true, dataDir);
    expect(url).toBe(`https://127.0.0.1:${port}/`);
    const ca = readFileSync(join(dataDir, 'console.certificate'));
    const page = await get(port, { path: '/', ca });
    expect(page.status).toBe(401);
    // A browser that knows it by an exception could make none for the next one.
    expect(page.headers['strict-transport-security']).toBeUndefined();
    await expect(get(port, { path: '/' })).rejects.toThrow('self-signed');
    const headers = { 'content-type': 'application/json', origin: `https://127.0.0.1:${port}` };
    const body = JSON.stringify({ name: 'li', password: PASSWORD });
    const login = await get(port, { path: '/login', method: 'POST', ca, headers }, body);
    const cookies = login.headers['set-cookie'] as string[];
    for (const cookie of cookies) expect(cookie).toMatch(/; HttpOnly; Secure; SameSite=Strict/);
    const session = cookies.find((one) => one.startsWith('__Host-campus-session='))?.split(';')[0] ?? '';
    expect((await get(port, { path: '/api/me', ca, headers: { cookie: session } })).status).toBe(200);
    // Without the prefix somebody on another port of this host could have set it.
    const plain = session.replace('__Host-', '');
    expect((await get(port, { path: '/api/me', ca, headers: { cookie: plain } })).status).toBe(401);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  it('lets go of a stranger before somebody who is logged in, as without TLS', async () => {
    const dataDir = temporaryDirectory();
    await settle(
      dataDir,
      [{ name: 'li', role: 'administrator' }],
      [{ label: 'x', role: 'viewer', until: Date.UTC(2030, 0) }],
    );
    const { port } = await startConsole({ tls: 'self-signed' }, {}, true, dataDir);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const ca = readFileSync(join(dataDir, 'console.certificate'));
    const known = () =>
      new Promise<string>((resolve, reject) => {
        const headers = { authorization: 'Bearer secret-of-the-token-x' };
        const asked = request(
          { host: '127.0.0.1', port, agent, ca, path: '/api/me', headers },
          (response) => {
            const { localPort } = response.socket;
            response.resume();
            response.on('end', () => resolve(`${response.statusCode} ${localPort}`));
          },
        );
        asked.on('error', reject);
        asked.end();
      });
    const first = await known();
    expect(first).toMatch(/^200 /);
    const strangers = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    onTestFinished(() => {
      for (const one of strangers) one.destroy();
    });
    await expect.poll(() => strangers.filter(({ closed }) => closed).length).toBeGreaterThan(40);
    expect(webConnections.size).toBeLessThanOrEqual(256);
    // On the same connection.
    expect(await known()).toBe(first);
  });
});

describe('the school’s certificate', () => {
  it('is taken up anew as soon as it changes; while there is none, one of the gateway’s own stands in for it', async () => {
    const dataDir = temporaryDirectory();
    await settle(dataDir, [{ name: 'li', role: 'administrator' }]);
    const [certFile, keyFile] = [join(dataDir, 'a.pem'), join(dataDir, 'a.key')];
    const put = () => {
      const { cert, key } = selfSigned(['127.0.0.1'], Date.now() - DAY, Date.now() + DAY);
      writeFileSync(certFile, cert);
      writeFileSync(keyFile, key);
      return new X509Certificate(cert).fingerprint256;
    };
    const one = put();
    const { port, time, stop } = await startConsole({ tls: { certFile, keyFile } }, {}, true, dataDir);
    const seen = async (at = port) => await get(at, { path: '/', rejectUnauthorized: false });
    const first = await seen();
    expect(first.fingerprint).toBe(one);
    expect(first.headers['strict-transport-security']).toBe('max-age=31536000');
    const two = put();
    await time.advance(600_000);
    expect((await seen()).fingerprint).toBe(two);
    // Half of it is there: the one before stays.
    writeFileSync(keyFile, selfSigned(['x'], 0, DAY).key);
    await time.advance(600_000);
    expect((await seen()).fingerprint).toBe(two);
    await stop();
    rmSync(certFile);
    const after = await startConsole({ tls: { certFile, keyFile } }, {}, true, dataDir);
    const own = await seen(after.port);
    expect([one, two]).not.toContain(own.fingerprint);
    expect(own.headers['strict-transport-security']).toBeUndefined();
  });

  it('is checked before: what is no certificate, no key, and no pair', () => {
    const directory = temporaryDirectory();
    const [a, b] = [selfSigned(['a'], 0, DAY), selfSigned(['b'], 0, DAY)];
    const check = (cert: string, key: string) => {
      writeFileSync(join(directory, 'c.pem'), cert);
      writeFileSync(join(directory, 'c.key'), key);
      const file = join(directory, 'campus.yaml');
      writeFileSync(
        file,
        'campus: { id: "4503000001", name: x }\ndevices: []\nconsole:\n  port: 8080\n  tls:\n    certFile: c.pem\n    keyFile: c.key\n',
      );
      const loaded = loadConfig(file);
      return 'errors' in loaded
        ? loaded.errors.map(formatError).map((one) => one.replace(directory, ''))
        : [];
    };
    expect(check(a.cert, a.key)).toEqual([]);
    expect(check('x', a.key)).toEqual([expect.stringMatching(/:6:.*certFile: is no certificate in PEM/)]);
    expect(check(a.cert, 'x')).toEqual([expect.stringMatching(/:7:.*keyFile: is no private key in PEM/)]);
    expect(check(a.cert, b.key)).toEqual([
      expect.stringMatching(/:7:.*keyFile: is not the key of the certificate/),
    ]);
  });
});
