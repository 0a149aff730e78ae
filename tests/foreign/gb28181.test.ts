/** GB/T 28181's signalling with sipp (Debian, sip-tester) as the platform: it proves our digest by itself. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { newIdentity, register } from '../../drivers/platforms/gb28181/registration.ts';
import { openEndpoint } from '../../drivers/platforms/gb28181/sip/endpoint.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { need, until } from '../system/tools.ts';

const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];
const scenario = readFileSync(new URL('sipp-platform.xml', import.meta.url), 'utf8');

/** As the kernel lists ports. */
const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');

async function sipp(by: 'UDP' | 'TCP', withQop: boolean) {
  const directory = temporaryDirectory();
  const file = join(directory, 'platform.xml');
  writeFileSync(file, withQop ? scenario : scenario.replace(', qop="auth"', ''));
  const port = await freePort();
  const log = join(directory, 'messages');
  const wire = ['-i', '127.0.0.1', '-p', String(port), '-t', by === 'UDP' ? 'u1' : 't1'];
  const child = spawn('sipp', ['-sf', file, ...wire, '-nostdin', '-trace_msg', '-message_file', log], {
    stdio: 'ignore',
    cwd: directory,
  });
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  const messages = () => {
    try {
      return readFileSync(log, 'utf8');
    } catch {
      return '';
    }
  };
  const listens = () =>
    readFileSync(`/proc/net/${by.toLowerCase()}`, 'utf8').includes(`0100007F:${hex(port)} 00000000`);
  await until('sipp listens', listens);
  return { port, messages };
}

async function gateway(port: number, by: 'UDP' | 'TCP', password: string) {
  const own = await freePort();
  const time = systemClock;
  const endpoint = await openEndpoint({ address: '127.0.0.1', port: own, time, stranger() {} });
  onTestFinished(() => endpoint.close());
  endpoint.add({ isFrom: (address) => address === '127.0.0.1', asked() {}, discarded() {} });
  return register({
    ...{ endpoint, time, device: DEVICE, identity: newIdentity(), sentBy: `127.0.0.1:${own}` },
    place: { transport: by, address: '127.0.0.1', port },
    platform: { id: PLATFORM, domain: '3402000000' },
    credentials: { username: DEVICE, password },
    ...{ expiresSeconds: 3600, keepaliveMs: 60_000, keepalive: () => Buffer.from('<Notify/>') },
    signal: new AbortController().signal,
  });
}

describe('sipp as a platform', { timeout: 20_000 }, () => {
  beforeEach((context) => need(context, 'sipp'));

  it.each([
    ['UDP', true],
    ['UDP', false],
    ['TCP', true],
  ] as const)('over %s, with qop: %s, lets us in, and takes messages', async (by, withQop) => {
    const { port, messages } = await sipp(by, withQop);
    const registration = await gateway(port, by, 'secret');
    for (const text of ['first', 'second']) {
      expect(await registration.message(Buffer.from(text))).toMatchObject({ status: 200 });
      expect(messages()).toContain(text);
    }
    await registration.close(0, false);
  });

  it('with another password does not', async () => {
    const { port } = await sipp('UDP', true);
    await expect(gateway(port, 'UDP', 'another')).rejects.toThrow(
      /does not let this device id in \(403 Forbidden\)/,
    );
  });
});
