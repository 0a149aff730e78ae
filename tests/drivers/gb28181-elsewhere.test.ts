/** Platforms that see us elsewhere than we are, send us elsewhere, or live in another time. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { noThings } from '../../drivers/contract/inventory.ts';
import { noMedia } from '../../drivers/contract/media.ts';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { fastClock } from '../clocks.ts';
import { freePort, silentLog, stream } from '../helpers.ts';
import { type Heard, startPlatform } from './gb28181-peer.ts';

const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];

async function gatewayOf(to: number, own: object = {}) {
  const port = await freePort();
  const warned = stream<string>();
  const host = {
    ...{
      clock: fastClock(20),
      timeZone: 'Asia/Shanghai',
      media: noMedia,
      campusData: () => ({ id: '45', name: '一中' }),
      version: '1',
    },
    log: { ...silentLog, warn: (_fields: object, sentence: string) => warned.push(sentence) },
    discarded() {},
    signal: new AbortController().signal,
    inventory: noThings.list,
    onInventory: noThings.onChanged,
    numbers: async (_series: string, names: readonly string[]) => names.map((_, i) => i + 1),
  } as unknown as PlatformHost;
  const options = gb28181.options.parse({
    ...{ server: `127.0.0.1:${to}`, serverId: PLATFORM, deviceId: DEVICE, port, keepalive: '5s', ...own },
  });
  const open = async () => {
    const channel = await gb28181.open({ ...options, password: 'secret' }, host);
    onTestFinished(() => channel.close(0, false));
    return channel;
  };
  return { port, open, warned };
}
/** Each once: over UDP, on a busy machine, one may be sent again (RFC 3261, 17.1.2.2). */
const distinct = (heard: readonly Heard[]) => [
  ...new Map(heard.map((one) => [`${one.header('Call-ID')} ${one.header('CSeq')}`, one])).values(),
];
const contactOf = (one: Heard) => /@([^>]*)>/.exec(one.header('Contact'))?.[1];

describe('behind NAT', () => {
  it('a gateway tells at once where it is seen, and again when that is another place', async () => {
    const platform = await startPlatform({ asks: 'plain' });
    const seen = new Set<string>();
    const registered = async () => {
      const one = await platform.heard.find(
        ({ method, header }) =>
          method === 'REGISTER' && header('Authorization') !== '' && !seen.has(header('CSeq')),
      );
      seen.add(one.header('CSeq'));
      return contactOf(one);
    };
    platform.behaviour.seenAs = { address: '203.0.113.9', port: 40_001 };
    const { port, open } = await gatewayOf(platform.port);
    await open();
    expect([await registered(), await registered()]).toEqual([`127.0.0.1:${port}`, '203.0.113.9:40001']);
    // A keepalive hears it.
    platform.behaviour.seenAs = { address: '203.0.113.9', port: 40_777 };
    expect(await registered()).toBe('203.0.113.9:40777');
  });

  it('that is told by the config is told to the platform, whatever that sees', async () => {
    const platform = await startPlatform({ asks: 'nothing' });
    platform.behaviour.seenAs = { address: '203.0.113.9', port: 40_001 };
    const { open } = await gatewayOf(platform.port, { advertise: '198.51.100.4:5070' });
    await open();
    expect(contactOf(await platform.heard.next())).toBe('198.51.100.4:5070');
    for (let keepalives = 0; keepalives < 3; keepalives++)
      await platform.heard.find(({ method, header }) => {
        if (method === 'REGISTER') expect(header('CSeq')).toBe('1 REGISTER');
        return method === 'MESSAGE';
      });
  });
});

it('over TCP without NAT it is called at its port, not at that of its connection', async () => {
  const platform = await startPlatform({ asks: 'nothing' });
  const { port, open } = await gatewayOf(platform.port, { transport: 'tcp', registerFor: '1m' });
  await open();
  const contacts = [];
  for (let i = 0; i < 2; i++)
    contacts.push(contactOf(await platform.heard.find(({ method }) => method === 'REGISTER')));
  expect(contacts).toEqual(Array(2).fill(`127.0.0.1:${port}`));
});

describe('a platform that answers a REGISTER', () => {
  it('by 302 is left for the one that it names, and that gets the alarms', async () => {
    const [first, second] = [
      await startPlatform({ asks: 'nothing' }),
      await startPlatform({ asks: 'qop' }),
    ] as const;
    first.behaviour.register = 302;
    first.behaviour.more = () => [`Contact: <sip:${PLATFORM}@127.0.0.1:${second.port}>`];
    const { open } = await gatewayOf(first.port);
    await open();
    expect((await second.heard.find(({ method }) => method === 'MESSAGE')).body).toContain('Keepalive');
    expect(distinct(first.heard.rest()).map(({ method }) => method)).toEqual(['REGISTER']);
  });

  it('by 302 to itself, or to nowhere, is an error', async () => {
    const platform = await startPlatform({ asks: 'nothing' });
    platform.behaviour.register = 302;
    platform.behaviour.more = () => [`Contact: <sip:${PLATFORM}@127.0.0.1:${platform.port}>`];
    const { open } = await gatewayOf(platform.port);
    await expect(open()).rejects.toThrow(`sends us on to 127.0.0.1:${platform.port}, and was there before`);
    // Nobody is asked twice (RFC 3261, 8.1.3.4).
    expect(distinct(platform.heard.rest())).toHaveLength(1);
    platform.behaviour.more = () => [];
    await expect(open()).rejects.toThrow('refuses to register us (302 Word)');
  });

  it('by 423 is asked for longer, and not for ever', async () => {
    const platform = await startPlatform({ asks: 'nothing' });
    platform.behaviour.register = 423;
    platform.behaviour.more = (one) => [`Min-Expires: ${Number(one.header('Expires')) + 100}`];
    const { open } = await gatewayOf(platform.port);
    await expect(open()).rejects.toThrow('refuses to register us (423 Word)');
    expect(distinct(platform.heard.rest()).map(({ header }) => header('Expires'))).toEqual([
      '3600',
      '3700',
      '3800',
      '3900',
    ]);
  });

  it.each([
    ['2026-11-28T15:30:00.123', 1],
    // What cannot be read says nothing.
    ['yesterday', 0],
  ])('with the Date %s, hours off or nothing, is told of in the log', async (date, times) => {
    const platform = await startPlatform({ asks: 'nothing' });
    platform.behaviour.date = () => date;
    const { open, warned } = await gatewayOf(platform.port);
    await open();
    const said = warned.rest();
    expect(said).toHaveLength(times);
    for (const one of said) expect(one).toMatch(/clock .* more than 5 s apart/);
  });
});
