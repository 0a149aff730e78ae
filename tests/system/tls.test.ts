/** TLS with an authority and certificates of the project's own, WebSocket, and the proxies that schools have. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStream } from '../../drivers/platforms/mqtt/stream.ts';
import { readTls } from '../../drivers/platforms/mqtt/tls.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';
import { rig } from './faults/rig.ts';
import { mosquitto, need, until } from './tools.ts';

/** An authority, a certificate of a broker (localhost) and of a gateway, by openssl. */
function authority(directory: string) {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '365',
    '-subj',
    '/CN=campus CA',
  );
  const issue = (name: string, subject: string, days: number, alternative: string) => {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    writeFileSync(join(directory, 'ext'), `subjectAltName=${alternative}\n`);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`, '-days', String(days));
  };
  return { issue, file: (name: string) => join(directory, name) };
}

function pki() {
  const directory = join(temporaryDirectory(), 'pki');
  mkdirSync(directory);
  const made = authority(directory);
  made.issue('broker', '/CN=broker', 90, 'DNS:localhost');
  made.issue('gateway', '/CN=4503000001', 365, 'DNS:gateway');
  const { file } = made;
  const lines = [
    `cafile ${file('ca.pem')}`,
    `certfile ${file('broker.pem')}`,
    `keyfile ${file('broker.key')}`,
  ];
  const tls = { caFile: file('ca.pem'), certFile: file('gateway.pem'), keyFile: file('gateway.key') };
  return { ...made, lines, tls };
}

const nothingLost = { lost: [], twice: 0 };

/** A broker with TLS for the gateway, and a plain listener for the test's platform. */
async function secured(lines: readonly string[]) {
  const plain = await freePort();
  const broker = await mosquitto([...lines, `listener ${plain} 127.0.0.1`]);
  return { port: broker.port, platformUrl: `mqtt://127.0.0.1:${plain}`, log: broker.log };
}

describe('mqtts', { timeout: 120_000 }, () => {
  it('with an own authority and a client certificate, taken up anew when the files change', async (context) => {
    need(context, 'mosquitto', 'openssl');
    const { lines, tls, issue, file } = pki();
    const { port, platformUrl } = await secured([
      ...lines,
      'require_certificate true',
      'tls_version tlsv1.2',
    ]);
    const campus = await rig({ url: `mqtts://localhost:${port}`, platformUrl, uplink: { tls } });
    campus.start();
    await until('events arrive', () => campus.events.length > 100);
    const daysOf = async (whose: string) => {
      const name = `campus_certificate_not_after_timestamp_seconds{uplink="police",whose="${whose}"}`;
      return (await campus.metric(name)) / 86_400 - Date.now() / 86_400_000;
    };
    expect(await daysOf('gateway')).toBeGreaterThan(363);
    expect(await daysOf('broker')).toBeLessThan(91);
    // One that ends in ten days: taken up within half a minute, and told of.
    issue('next', '/CN=4503000001', 10, 'DNS:gateway');
    copyFileSync(file('next.key'), file('gateway.key'));
    copyFileSync(file('next.pem'), file('gateway.pem'));
    await until(
      'the end of the certificate is told',
      () => campus.events.some(({ type }) => type === 'cn.campus.gateway.certificate-expiring'),
      60_000,
    );
    const told = campus.events.find(({ type }) => type === 'cn.campus.gateway.certificate-expiring');
    expect(told?.data['details']).toMatchObject({ uplink: 'police', whose: 'gateway', days: 9 });
    expect(await campus.settle('mqtts')).toMatchObject(nothingLost);
    expect(await campus.daemon().stop()).toBe(0);
  });

  it('refuses a broker of another authority, and one of another name, and says why', async (context) => {
    need(context, 'mosquitto', 'openssl');
    const { lines, file } = pki();
    const { port } = await secured(lines);
    const signal = AbortSignal.timeout(10_000);
    const dial = (tls: object, host = 'localhost') =>
      openStream({ url: `mqtts://${host}:${port}`, tls: readTls(tls) }, signal);
    await expect(dial({})).rejects.toThrow(/self.signed|unable to verify|issuer/);
    await expect(dial({ caFile: file('ca.pem') }, '127.0.0.1')).rejects.toThrow(/does not match|altnames/);
    const { stream } = await dial({ caFile: file('ca.pem'), serverName: 'localhost' }, '127.0.0.1');
    stream.destroy();
  });

  it('refuses TLS older than 1.2', async (context) => {
    need(context, 'openssl');
    const { file } = pki();
    const material = { cert: readFileSync(file('broker.pem')), key: readFileSync(file('broker.key')) };
    const server = createServer({
      ...material,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const tls = readTls({ caFile: file('ca.pem') });
    await expect(
      openStream({ url: `mqtts://localhost:${port}`, tls }, AbortSignal.timeout(10_000)),
    ).rejects.toThrow(/protocol version|alert|unsupported/i);
  });
});

describe('networks that let little out', { timeout: 120_000 }, () => {
  it('are crossed by wss:// through an HTTP proxy', async (context) => {
    need(context, 'mosquitto', 'openssl', 'tinyproxy');
    const { lines, tls } = pki();
    const { port, platformUrl } = await secured([...lines, 'protocol websockets']);
    const proxyPort = await freePort();
    const config = join(temporaryDirectory(), 'tinyproxy.conf');
    writeFileSync(
      config,
      `Port ${proxyPort}\nListen 127.0.0.1\nAllow 127.0.0.1\nLogLevel Connect\nMaxClients 20\nTimeout 600\nBasicAuth school secret\n`,
    );
    const log: string[] = [];
    // It logs to standard output.
    await startProcess(
      '/bin/sh',
      ['-c', `exec stdbuf -oL tinyproxy -d -c ${config} 1>&2`],
      /done sending stored logs/,
      (child) => {
        onTestFinished(() => stopProcess(child));
        child.stderr?.on('data', (chunk: Buffer) => log.push(chunk.toString()));
      },
    );
    const campus = await rig({
      url: `wss://localhost:${port}/mqtt`,
      platformUrl,
      uplink: {
        tls: { caFile: tls.caFile },
        proxy: { url: `http://127.0.0.1:${proxyPort}`, username: 'school', password: '${PROXY_PASSWORD}' },
      },
      env: { PROXY_PASSWORD: 'secret' },
    });
    campus.start();
    await until('events arrive', () => campus.events.length > 100);
    expect(await campus.settle('wss through an HTTP proxy')).toMatchObject(nothingLost);
    expect(log.join('')).toMatch(new RegExp(`CONNECT localhost:${port}`));
    expect(campus.daemon().log.join('\n')).not.toContain('secret');
    expect(await campus.daemon().stop()).toBe(0);
  });

  it('are crossed by mqtts:// through a SOCKS proxy', async (context) => {
    need(context, 'mosquitto', 'openssl', 'microsocks');
    const { lines, tls } = pki();
    const { port, platformUrl } = await secured(lines);
    const proxyPort = await freePort();
    const log: string[] = [];
    const proxy = spawn('microsocks', [
      '-i',
      '127.0.0.1',
      '-p',
      String(proxyPort),
      '-u',
      'school',
      '-P',
      'secret',
    ]);
    proxy.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString()));
    onTestFinished(() => stopProcess(proxy));
    const passwordFile = join(temporaryDirectory(), 'password');
    writeFileSync(passwordFile, 'secret\n');
    const campus = await rig({
      url: `mqtts://localhost:${port}`,
      platformUrl,
      uplink: {
        tls: { caFile: tls.caFile },
        proxy: { url: `socks5://127.0.0.1:${proxyPort}`, username: 'school', passwordFile },
      },
    });
    campus.start();
    await until('events arrive', () => campus.events.length > 100);
    expect(await campus.settle('mqtts through a SOCKS proxy')).toMatchObject(nothingLost);
    expect(log.join('')).toContain(`localhost:${port}`);
    expect(await campus.daemon().stop()).toBe(0);
  });
});
