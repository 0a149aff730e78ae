/** GB/T 28181's signalling with sipp (Debian, sip-tester) as the platform: it proves our digest by itself. */
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import { newIdentity, register } from '../../drivers/platforms/gb28181/registration.ts';
import { openEndpoint } from '../../drivers/platforms/gb28181/sip/endpoint.ts';
import { fastClock } from '../clocks.ts';
import { campus } from '../gateway/campus.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { need, until } from '../system/tools.ts';
import { sipp } from './sipp.ts';

const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];
const scenario = readFileSync(new URL('sipp-platform.xml', import.meta.url), 'utf8');

async function gateway(
  port: number,
  by: 'UDP' | 'TCP',
  password: string,
  { time = systemClock, expiresSeconds = 3600 } = {},
) {
  const own = await freePort();
  const endpoint = await openEndpoint({ address: '127.0.0.1', port: own, time, stranger() {} });
  onTestFinished(() => endpoint.close());
  endpoint.add({ isFrom: (address) => address === '127.0.0.1', asked() {}, discarded() {} });
  return register({
    ...{ endpoint, time, device: DEVICE, identity: newIdentity(), sentBy: `127.0.0.1:${own}` },
    place: { transport: by, address: '127.0.0.1', port },
    platform: { id: PLATFORM, domain: '3402000000' },
    credentials: { username: DEVICE, password },
    ...{ expiresSeconds, keepaliveMs: 60_000, keepalive: () => Buffer.from('<Notify/>') },
    signal: new AbortController().signal,
  });
}

/** A whole uplink. */
async function gatewayWith(platform: number, time: Clock, more: object = {}) {
  const uplink = { protocol: 'gb28181', port: await freePort(), serverId: PLATFORM, deviceId: DEVICE };
  const options = { ...uplink, reconnectSpread: '30s', ...more };
  return await campus(platform, options, temporaryDirectory(), { time });
}

/** What sipp says that it received, without what came twice. */
function registersOf(log: string) {
  const received = log.split(/^-{5,}.*$/m).filter((one) => /message received/.test(one));
  const found = new Map<string, { callId: string; number: number; isProof: boolean }>();
  for (const one of received) {
    if (!/^REGISTER /m.test(one)) continue;
    const of = (name: string) => new RegExp(`^${name}: *(.*?)\r?$`, 'im').exec(one)?.[1] ?? '';
    const [callId, number] = [of('Call-ID'), Number.parseInt(of('CSeq'), 10)];
    found.set(`${callId} ${number}`, { callId, number, isProof: of('Authorization') !== '' });
  }
  return [...found.values()];
}

describe('sipp as a platform', () => {
  beforeEach((context) => need(context, 'sipp'));

  it.each([
    ['UDP', true],
    ['UDP', false],
    ['TCP', true],
    ['TCP', false],
  ] as const)('over %s, with qop: %s, lets us in, and takes messages', async (by, withQop) => {
    const { port, messages } = await sipp(by, withQop ? scenario : scenario.replace(', qop="auth"', ''));
    const registration = await gateway(port, by, 'secret');
    for (const text of ['first', 'second']) {
      expect(await registration.message(Buffer.from(text))).toMatchObject({ status: 200 });
      expect(messages()).toContain(text);
    }
    await registration.close(0, false);
  });

  it('hears each refresh under one Call-ID, with a higher number', async () => {
    const { port, messages } = await sipp('UDP', scenario);
    // A refresh of 30 s is due after 24: a second here.
    const registration = await gateway(port, 'UDP', 'secret', { time: fastClock(24), expiresSeconds: 30 });
    const heard = () => registersOf(messages());
    await until('it was refreshed twice', () => heard().filter(({ isProof }) => isProof).length >= 3);
    await registration.close(0, false);
    expect(new Set(heard().map(({ callId }) => callId)).size).toBe(1);
    const numbers = heard().map(({ number }) => number);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it('that refuses three keepalives is registered at anew, under the same Call-ID', async () => {
    const [before, after] = scenario.split('<label id="message"/>') as [string, string];
    // In a test's config a secret is not looked up: it is what is written.
    const script = `${before}<label id="message"/>${after.replace('200 OK', '500 No')}`;
    const { port, messages } = await sipp('UDP', script.replace('"secret"', '"${SECRET}"'));
    await gatewayWith(port, fastClock(60), { password: '${SECRET}' });
    const proofs = () => registersOf(messages()).filter(({ isProof }) => isProof);
    await until('it registered twice', () => proofs().length === 2);
    expect(new Set(proofs().map(({ callId }) => callId)).size).toBe(1);
    const keepalives = messages().match(/^Call-ID: .*\r?\nCSeq: \d+ MESSAGE/gim);
    expect(new Set(keepalives).size).toBe(3);
  });

  it('that refuses the password hears it at most 4 times in 5 minutes', async () => {
    const { port, messages } = await sipp('UDP', scenario);
    const time = fastClock(60);
    const gateway = await gatewayWith(port, time);
    await time.wait(300_000);
    expect(gateway.uplink.state().reason).toMatch(/does not let this device id in \(403 Forbidden\)/);
    // At 0, 0.5 to 1, 1.5 to 3 and 3.5 to 7 minutes.
    const proofs = new Set(
      registersOf(messages()).flatMap(({ isProof, number }) => (isProof ? [number] : [])),
    );
    expect(proofs.size).toBeGreaterThan(0);
    expect(proofs.size).toBeLessThanOrEqual(4);
  });

  it('with another password does not', async () => {
    const { port } = await sipp('UDP', scenario);
    await expect(gateway(port, 'UDP', 'another')).rejects.toThrow(
      /does not let this device id in \(403 Forbidden\)/,
    );
  });
});
