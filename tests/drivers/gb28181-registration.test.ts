import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  newIdentity,
  type RegistrationOptions,
  register,
} from '../../drivers/platforms/gb28181/registration.ts';
import { openEndpoint } from '../../drivers/platforms/gb28181/sip/endpoint.ts';
import type { Place } from '../../drivers/platforms/gb28181/sip/transactions.ts';
import { fastClock } from '../clocks.ts';
import { freePort, stream } from '../helpers.ts';
import { type PeerOptions, startPlatform } from './gb28181-peer.ts';

const PLATFORM = '34020000002000000001';
const DEVICE = '34020000001180000001';
/** A keepalive is 0.06 s. */
const time = fastClock(100);

/** A SIP port, and what strangers did there. */
async function openPort() {
  const strangers = stream<string>();
  const endpoint = await openEndpoint({
    address: '127.0.0.1',
    port: await freePort(),
    time,
    stranger: strangers.push,
  });
  onTestFinished(() => endpoint.close());
  return { endpoint, strangers };
}

async function registered(
  peer: PeerOptions = {},
  own: Partial<RegistrationOptions> & { by?: Place['transport'] } = {},
) {
  const platform = await startPlatform(peer);
  const { endpoint, strangers } = await openPort();
  const asked = stream<string>();
  endpoint.add({
    isFrom: (address) => address === '127.0.0.1',
    asked: ({ request, answer }) => {
      asked.push(request.body.toString());
      answer({ status: 200, reason: 'OK' });
    },
    discarded: strangers.push,
  });
  const options: RegistrationOptions = {
    endpoint,
    place: { transport: own.by ?? 'UDP', address: '127.0.0.1', port: platform.port },
    platform: { id: PLATFORM, domain: '3402000000' },
    device: DEVICE,
    credentials: { username: DEVICE, password: 'secret' },
    sentBy: `127.0.0.1:${endpoint.port}`,
    expiresSeconds: 3600,
    keepaliveMs: 6000,
    identity: newIdentity(),
    signal: new AbortController().signal,
    time,
    keepalive: () => Buffer.from('<Notify/>'),
    ...own,
  };
  return { platform, endpoint, strangers, asked, options, begin: () => register(options) };
}

describe('a gateway', () => {
  it.each([
    ['qop', 'UDP'],
    ['plain', 'UDP'],
    ['SM3', 'TCP'],
    ['nothing', 'TCP'],
  ] as const)('registers where a platform asks by %s, over %s', async (asks, by) => {
    const { platform, begin } = await registered({ asks }, { by, version: '3.0' });
    const registration = await begin();
    const first = await platform.heard.next();
    expect(first.by).toBe(by);
    expect(first.start).toBe(`REGISTER sip:${PLATFORM}@3402000000 SIP/2.0`);
    for (const name of ['From', 'To']) expect(first.header(name)).toContain(`<sip:${DEVICE}@3402000000>`);
    expect(first.header('Via')).toMatch(new RegExp(`^SIP/2.0/${by} 127.0.0.1:\\d+;rport;branch=z9hG4bK`));
    expect(first.header('Expires')).toBe('3600');
    expect(first.header('Max-Forwards')).toBe('70');
    expect(first.header('X-GB-Ver')).toBe('3.0');
    expect(first.header('Contact')).toMatch(new RegExp(`<sip:${DEVICE}@127.0.0.1:\\d+>`));
    expect(registration.date?.said).toBe('2026-11-28T15:30:00.123');
    await registration.close(1000, true);
    const last = await platform.heard.find(({ header }) => header('Expires') === '0');
    expect(last.header('Call-ID')).toBe(first.header('Call-ID'));
  });

  it('with another password is refused after one proof, in plain words', async () => {
    const { platform, begin } = await registered({ password: 'another' });
    await expect(begin()).rejects.toThrow(/refuses the password/);
    const proofs = platform.heard.rest().filter(({ header }) => header('Authorization') !== '');
    // Over UDP, on a busy machine, one may be sent again (RFC 3261, 17.1.2.2): the same one.
    expect(new Set(proofs.map(({ header }) => header('CSeq'))).size).toBe(1);
  });

  it('that is not let in says so', async () => {
    const { platform, begin } = await registered();
    platform.behaviour.register = 403;
    await expect(begin()).rejects.toThrow(/does not let this device id in \(403 Word\)/);
  });

  it('refreshes in time, with the same Call-ID and a higher number', async () => {
    const { platform, begin } = await registered({ expires: 30, asks: 'nothing' });
    const registration = await begin();
    const first = await platform.heard.find(({ method }) => method === 'REGISTER');
    // Not what is sent again for want of an answer (RFC 3261, 17.1.2.2).
    const second = await platform.heard.find(
      ({ method, header }) => method === 'REGISTER' && header('CSeq') !== first.header('CSeq'),
    );
    expect(second.header('Call-ID')).toBe(first.header('Call-ID'));
    expect(second.header('CSeq')).toBe('2 REGISTER');
    // Behind NAT: as the platform saw us.
    expect(second.header('Contact')).toContain(`${DEVICE}@127.0.0.1:`);
    await registration.close(0, false);
  });

  it('is not registered any more after three keepalives without an answer, and one answer makes good for two', async () => {
    const { platform, begin } = await registered({ asks: 'nothing' });
    platform.behaviour.message = undefined;
    platform.behaviour.messages.push(500, 500, 200, 500, 500, 500);
    const registration = await begin();
    expect((await registration.ended).message).toMatch(/answered none of 3 keepalives/);
    const keepalives = platform.heard.rest().filter(({ method }) => method === 'MESSAGE');
    expect(new Set(keepalives.map(({ header }) => header('Content-Type')))).toEqual(
      new Set(['Application/MANSCDP+xml']),
    );
    expect(new Set(keepalives.map(({ header }) => `${header('Call-ID')} ${header('CSeq')}`)).size).toBe(6);
  });

  it('that the platform has forgotten is told at once', async () => {
    const { platform, begin } = await registered({ asks: 'nothing' });
    const registration = await begin();
    platform.behaviour.message = 403;
    expect((await registration.ended).message).toMatch(/does not know us any more/);
  });

  it('sends by TCP what is too large for a datagram', async () => {
    const { platform, begin } = await registered({ asks: 'nothing' });
    const registration = await begin();
    await registration.message(Buffer.alloc(700, 'a'));
    await registration.message(Buffer.alloc(1100, 'b'));
    const sizes = [
      await platform.heard.find(({ body }) => body[0] === 'a'),
      await platform.heard.find(({ body }) => body[0] === 'b'),
    ];
    expect(sizes.map(({ by }) => by)).toEqual(['UDP', 'TCP']);
    await registration.close(0, false);
  });

  it('over TCP hears at once that the connection has ended, and makes another', async () => {
    const { platform, begin } = await registered({ asks: 'nothing' }, { by: 'TCP' });
    const registration = await begin();
    platform.behaviour.message = undefined;
    const lost = registration.message(Buffer.from('x'));
    await platform.heard.find(({ body }) => body === 'x');
    platform.drop();
    await expect(lost).rejects.toMatchObject({ code: 'E_SIP_CLOSED' });
    platform.behaviour.message = 200;
    await expect(registration.message(Buffer.from('y'))).resolves.toMatchObject({ status: 200 });
    await registration.close(0, false);
  });
});

it.each([
  ['0', 0, 24_000],
  ['nothing that is a number', Number.NaN, 2_880_000],
])('a gateway that is known for %s is in no hurry', async (_what, expires, leastMs) => {
  const own = fastClock(expires === 0 ? 100 : 10_000);
  // Keepalives are not what this is about.
  const { platform, begin } = await registered({ expires, asks: 'nothing' }, { time: own, keepaliveMs: 1e9 });
  const registration = await begin();
  const first = await platform.heard.find(({ method }) => method === 'REGISTER');
  const at = own.elapsed();
  await platform.heard.find(
    ({ method, header }) => method === 'REGISTER' && header('CSeq') !== first.header('CSeq'),
  );
  expect(own.elapsed() - at).toBeGreaterThan(leastMs * 0.9);
  await registration.close(0, false);
});

describe('the port', () => {
  const question = (body: string, extra = '') =>
    Buffer.from(
      [
        ...[`MESSAGE sip:${DEVICE}@127.0.0.1 SIP/2.0`, 'Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK1'],
        ...[
          `From: <sip:${PLATFORM}@3402000000>;tag=1`,
          `To: <sip:${DEVICE}@3402000000>`,
          'Call-ID: 1',
          'CSeq: 1 MESSAGE',
        ],
        ...[`Content-Length: ${body.length}${extra}`, '', body],
      ].join('\r\n'),
    );

  it('answers over UDP and TCP, by the way that the question came, and 400 to what makes no sense', async () => {
    const { endpoint, asked } = await registered();
    const udp = createSocket('udp4');
    onTestFinished(() => void udp.close());
    const said = stream<string>();
    udp.on('message', (bytes) => said.push(bytes.toString().split('\r\n')[0] ?? ''));
    udp.send(question('over UDP'), endpoint.port, '127.0.0.1');
    expect(await asked.next()).toBe('over UDP');
    expect(await said.next()).toBe('SIP/2.0 200 OK');
    udp.send(question('x', '99').toString().replace('z9hG4bK1', 'z9hG4bK2'), endpoint.port, '127.0.0.1');
    expect(await said.next()).toBe('SIP/2.0 400 Bad Request');
    const tcp = connect(endpoint.port, '127.0.0.1');
    onTestFinished(() => void tcp.destroy());
    tcp.write(Buffer.from(question('over TCP').toString().replace('z9hG4bK1', 'z9hG4bK3')));
    const [answer] = await once(tcp, 'data');
    expect(String(answer)).toMatch(/^SIP\/2.0 200 OK/);
    tcp.write('nonsense\r\n\r\n');
    await once(tcp, 'close');
  });

  it('answers nobody whom it does not know, and counts them', async () => {
    const { endpoint, strangers } = await openPort();
    const udp = createSocket('udp4');
    onTestFinished(() => void udp.close());
    udp.on('message', () => expect.fail('it answered'));
    udp.send(question('x'), endpoint.port, '127.0.0.1');
    expect(await strangers.next()).toBe('a datagram of an unknown address');
    const tcp = connect(endpoint.port, '127.0.0.1');
    await once(tcp, 'close');
    expect(await strangers.next()).toBe('a connection of an unknown address');
  });

  it('that is taken is an error in plain words', async () => {
    const { endpoint } = await registered();
    await expect(
      openEndpoint({ address: '127.0.0.1', port: endpoint.port, time, stranger: () => {} }),
    ).rejects.toThrow(/is taken by another program/);
  });
});
