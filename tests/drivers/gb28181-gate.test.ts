/** Who may ask, over real SIP: a platform that proves itself by hand, and others. */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { fastClock } from '../clocks.ts';
import { freePort, silentLog, stream } from '../helpers.ts';
import { startPlatform } from './gb28181-peer.ts';

const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];

async function world(own: object = {}, speed = 20) {
  const platform = await startPlatform({ asks: 'nothing' });
  const port = await freePort();
  const discarded = stream<string>();
  const asked = stream<string>();
  const host = {
    clock: fastClock(speed),
    timeZone: 'Asia/Shanghai',
    log: silentLog,
    discarded: discarded.push,
    signal: new AbortController().signal,
    inventory: () => [{ kind: 'camera', id: 'yard', device: 'yard', name: 'yard', online: true }],
    campusData: () => ({ id: '45', name: '一中' }),
    onInventory: () => () => {},
    async ask({ action }: { action: string }) {
      asked.push(action);
      return { done: true };
    },
    numbers: async (_series: string, names: readonly string[]) => names.map((_, i) => i + 1),
  } as unknown as PlatformHost;
  const options = gb28181.options.parse({
    ...{ server: `127.0.0.1:${platform.port}`, serverId: PLATFORM, deviceId: DEVICE, port, video: true },
    ...own,
  });
  const open = async () => {
    const channel = await gb28181.open({ ...options, password: 'secret' }, host);
    onTestFinished(() => channel.close(100, false));
    return channel;
  };
  return { platform, port, discarded, asked, open };
}

const CAMERA = '45030000001320000001';
let serial = 0;
/** A PTZ order as bytes. */
function order(more: { from?: string; authorization?: string; branch?: string; by?: 'UDP' | 'TCP' } = {}) {
  const { from = PLATFORM, authorization, branch = `z9hG4bKgate${++serial}`, by = 'UDP' } = more;
  const body = `<Control><CmdType>DeviceControl</CmdType><SN>${serial}</SN><DeviceID>${CAMERA}</DeviceID><PTZCmd>A50F010800FF00BC</PTZCmd></Control>`;
  return [
    `MESSAGE sip:${DEVICE}@4503000000 SIP/2.0`,
    `Via: SIP/2.0/${by} 127.0.0.1:9;rport;branch=${branch}`,
    `From: <sip:${from}@3402000000>;tag=${serial}`,
    `To: <sip:${DEVICE}@4503000000>`,
    `Call-ID: gate-${serial}`,
    `CSeq: ${serial} MESSAGE`,
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** A socket of an address of this machine, and what it hears. */
async function caller(port: number, address = '127.0.0.1') {
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.bind(0, address);
  await once(socket, 'listening');
  const said = stream<string>();
  socket.on('message', (bytes) => said.push(bytes.toString()));
  return { said, send: (text: string) => socket.send(text, port, '127.0.0.1') };
}
const statusOf = (text: string) => text.split('\r\n')[0];

describe('what is asked', () => {
  it('before we are registered gets no answer, and is counted', async () => {
    const { platform, port, discarded, asked, open } = await world();
    platform.behaviour.isSilent = true;
    const opening = open();
    await platform.heard.find(({ method }) => method === 'REGISTER');
    const { said, send } = await caller(port);
    send(order());
    expect(await discarded.next()).toBe('a question before we are registered');
    platform.behaviour.isSilent = false;
    await opening;
    send(order());
    expect(statusOf(await said.next())).toBe('SIP/2.0 200 OK');
    expect(await asked.next()).toBe('move');
    expect(asked.rest()).toEqual([]);
  });

  it('in one piece with the answer that lets us in is answered', async () => {
    const { platform, asked, open } = await world({ transport: 'tcp' });
    platform.behaviour.behind = order({ by: 'TCP' });
    await open();
    expect(await asked.next()).toBe('move');
  });

  it('from another address gets no answer, by datagram and by connection', async () => {
    const { port, discarded, asked, open } = await world();
    await open();
    const stranger = await caller(port, '127.0.0.2');
    stranger.send(order());
    expect(await discarded.next()).toBe('a datagram of an unknown address');
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.write(order({ by: 'TCP' }));
    expect(await discarded.next()).toBe('a connection of an unknown address');
    await once(socket, 'close');
    const known = await caller(port);
    known.send(order());
    await known.said.next();
    expect([stranger.said.rest(), asked.rest()]).toEqual([[], ['move']]);
  });

  it('in the name of somebody else is refused, and counted', async () => {
    const { port, discarded, asked, open } = await world();
    await open();
    const { said, send } = await caller(port);
    for (const from of [DEVICE, '34020000002000000002', '']) {
      send(order({ from }));
      expect(statusOf(await said.next())).toBe('SIP/2.0 403 Forbidden');
      expect(await discarded.next()).toBe(
        'a question in the name of somebody else than the platform: look at serverId',
      );
    }
    expect(asked.rest()).toEqual([]);
  });
});

describe('a platform that has to prove itself', () => {
  /** By RFC 2617, 3.2.2, by hand. */
  const proofOf = (
    challenge: string,
    own: { password?: string; user?: string; nc?: string; qop?: boolean } = {},
  ) => {
    const { password = 'secret', user = PLATFORM, nc = '00000001', qop = true } = own;
    const uri = `sip:${DEVICE}@4503000000`;
    const of = (name: string) => new RegExp(`${name}="?([^",\\s]*)`).exec(challenge)?.[1] ?? '';
    const name = { MD5: 'md5', 'SHA-256': 'sha256', SM3: 'sm3' }[of('algorithm')] ?? '';
    const hash = (text: string) => createHash(name).update(text).digest('hex');
    const [realm, nonce] = [of('realm'), of('nonce')];
    const [first, second] = [hash(`${user}:${realm}:${password}`), hash(`MESSAGE:${uri}`)];
    const response = hash(qop ? `${first}:${nonce}:${nc}:c:auth:${second}` : `${first}:${nonce}:${second}`);
    const members = `username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}"`;
    return `Digest ${members}${qop ? `, qop=auth, nc=${nc}, cnonce="c"` : ''}`;
  };
  const challenged = async (challenge: 'MD5' | 'SHA-256' | 'SM3' = 'MD5', speed = 20) => {
    const one = await world({ challenge }, speed);
    await one.open();
    const { said, send } = await caller(one.port);
    const ask = async (authorization?: string, branch?: string) => {
      send(
        order({
          ...(authorization !== undefined && { authorization }),
          ...(branch !== undefined && { branch }),
        }),
      );
      return await said.next();
    };
    return { ...one, ask };
  };

  it.each(['MD5', 'SHA-256', 'SM3'] as const)('by %s is asked once, and then heard', async (algorithm) => {
    const { ask, asked } = await challenged(algorithm);
    const challenge = await ask();
    expect(statusOf(challenge)).toBe('SIP/2.0 401 Unauthorized');
    expect(challenge).toMatch(new RegExp(`^WWW-Authenticate: Digest realm="4503000000".*${algorithm}`, 'm'));
    expect(asked.rest()).toEqual([]);
    expect(statusOf(await ask(proofOf(challenge)))).toBe('SIP/2.0 200 OK');
    expect(await asked.next()).toBe('move');
    expect(statusOf(await ask(proofOf(challenge, { nc: '00000002' })))).toBe('SIP/2.0 200 OK');
  });

  it('is asked for it by an INVITE too, and says that it heard so', async () => {
    const { port, discarded, ask } = await challenged();
    const { said, send } = await caller(port);
    const about = (method: string, more: string) =>
      `${method} sip:${CAMERA}@4503000000 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKinvite\r\nFrom: <sip:${PLATFORM}@3402000000>;tag=i\r\nTo: <sip:${CAMERA}@4503000000>${more}\r\nCall-ID: i\r\nCSeq: 1 ${method}\r\nContent-Length: 0\r\n\r\n`;
    // Its id is made when it is asked about.
    await ask(proofOf(await ask()));
    send(about('INVITE', ''));
    const answer = await said.next();
    expect(statusOf(answer)).toBe('SIP/2.0 401 Unauthorized');
    send(about('ACK', /^To: <[^>]*>(;tag=\w+)/m.exec(answer)?.[1] ?? ''));
    await ask();
    expect(discarded.rest()).toEqual([]);
    expect(said.rest()).toEqual([]);
  });

  it('moves nothing by a proof that was overheard: it is stale', async () => {
    const { ask, asked } = await challenged();
    const challenge = await ask();
    for (const qop of [true, false]) {
      const proof = proofOf(qop ? challenge : await ask(), { qop });
      expect(statusOf(await ask(proof))).toBe('SIP/2.0 200 OK');
      const again = await ask(proof);
      expect(statusOf(again)).toBe('SIP/2.0 401 Unauthorized');
      expect(again).toContain('stale=true');
    }
    await asked.next();
    await asked.next();
    expect(asked.rest()).toEqual([]);
  });

  it('is answered again where the same message comes again: that is no new one', async () => {
    const { ask, asked } = await challenged();
    const proof = proofOf(await ask());
    serial++;
    const first = await ask(proof, 'z9hG4bK-same');
    expect(await ask(proof, 'z9hG4bK-same')).toBe(first);
    await asked.next();
    expect(asked.rest()).toEqual([]);
  });

  it.each([
    ['another password', { password: 'guess' }],
    ['another name', { user: 'admin' }],
    ['a count that is none', { nc: 'x' }],
  ])('by %s is refused, and counted', async (_what, wrong) => {
    const { ask, asked, discarded } = await challenged();
    expect(statusOf(await ask(proofOf(await ask(), wrong)))).toBe('SIP/2.0 401 Unauthorized');
    expect(await discarded.next()).toBe('a question with a proof that is wrong');
    expect(asked.rest()).toEqual([]);
  });

  it.each([
    ['of nobody', 'nonce="1.2.3"'],
    ['of another gateway', `nonce="${Math.floor(1e6)}.AAAA.${'B'.repeat(43)}"`],
  ])('by a nonce %s is asked anew', async (_what, nonce) => {
    const { ask, asked } = await challenged();
    const challenge = (await ask()).replace(/nonce="[^"]*"/, nonce);
    expect(await ask(proofOf(challenge))).toContain('stale=true');
    expect(asked.rest()).toEqual([]);
  });

  it('by a nonce of five minutes ago is asked anew', async () => {
    // Five minutes are a fifth of a second.
    const { ask } = await challenged('MD5', 1500);
    const challenge = await ask();
    await fastClock(1500).wait(310_000);
    expect(await ask(proofOf(challenge))).toContain('stale=true');
  });
});

it('a platform has its address of IPv6, and its port beside that of IPv4', async (context) => {
  const probe = createSocket('udp6');
  const has = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false));
    probe.bind(0, '::1', () => resolve(true));
  });
  if (!has) return context.skip('this machine has no IPv6');
  onTestFinished(() => void probe.close());
  const heard = stream<string>();
  probe.on('message', (bytes, from) => {
    const text = bytes.toString();
    heard.push(text);
    if (text.startsWith('SIP/')) return;
    const of = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(text)?.[1]?.trim() ?? '';
    const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${of(name)}`);
    const answer = ['SIP/2.0 200 OK', ...copied, `Contact: ${of('Contact')}`, 'Content-Length: 0', '', ''];
    probe.send(answer.join('\r\n'), from.port, from.address);
  });
  const four = await world();
  await four.open();
  const six = await world({ server: `[0:0::1]:${probe.address().port}`, port: four.port });
  await six.open();
  const register = await heard.next();
  expect(register).toContain(`Via: SIP/2.0/UDP [::1]:${four.port};`);
  expect(register).toContain(`Contact: <sip:${DEVICE}@[::1]:${four.port}>`);
  probe.send(order().replace('127.0.0.1:9', '[::1]:9'), four.port, '::1');
  expect(statusOf(await heard.find((text) => text.startsWith('SIP/')))).toBe('SIP/2.0 200 OK');
  expect(await six.asked.next()).toBe('move');
});
