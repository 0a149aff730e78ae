/** To a platform that is written by hand, over real SIP: events in, Notify Alarm out. */
import { createSocket } from 'node:dgram';
import iconv from 'iconv-lite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { noThings } from '../../drivers/contract/inventory.ts';
import type { Answer, Channel, PlatformHost } from '../../drivers/contract/transport.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { fastClock } from '../clocks.ts';
import { freePort, silentLog, stream } from '../helpers.ts';
import { type PeerOptions, startPlatform } from './gb28181-peer.ts';

const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];

async function connected(peer: PeerOptions = {}, own: object = {}, more: Partial<PlatformHost> = {}) {
  const platform = await startPlatform(peer);
  const port = await freePort();
  const discarded = stream<string>();
  const numbers: string[] = [];
  const host = {
    clock: fastClock(20),
    timeZone: 'Asia/Shanghai',
    log: silentLog,
    discarded: discarded.push,
    signal: new AbortController().signal,
    campusData: () => ({ id: '45', name: '' }),
    inventory: noThings.list,
    onInventory: noThings.onChanged,
    async numbers(_series: string, names: readonly string[]) {
      for (const name of names) if (!numbers.includes(name)) numbers.push(name);
      return names.map((name) => numbers.indexOf(name) + 1);
    },
    ...more,
  } as unknown as PlatformHost;
  const options = gb28181.options.parse({
    ...{ server: `127.0.0.1:${platform.port}`, serverId: PLATFORM, deviceId: DEVICE, port },
    ...own,
  });
  const open = async (): Promise<Channel> => {
    const channel = await gb28181.open({ ...options, password: 'secret' }, host);
    onTestFinished(() => channel.close(100, false));
    return channel;
  };
  const alarm = () => platform.heard.find(({ body }) => body.includes('<CmdType>Alarm'));
  return { platform, port, discarded, open, alarm };
}

const event = (sequence: string | undefined, type: string, data: object) => ({
  ...{ address: 'panel', type, device: 'panel', lane: 'urgent' as const },
  body: JSON.stringify({
    ...{
      id: '019ac3a0-0000-7000-8000-000000000001',
      type: `cn.campus.${type}`,
      time: '2026-11-28T15:30:00.250Z',
    },
    data: { state: 'raised', device: { id: 'panel', name: '门卫主机' }, ...data },
    ...(sequence !== undefined && { sequence }),
  }),
});
const send = (channel: Channel, ...one: Parameters<typeof event>) =>
  new Promise<Answer>((resolve) => channel.send(event(...one), resolve));
const zone = { number: 3, name: '三号楼' };

describe('a platform that is silent', () => {
  it('that was started anew, and answers nobody whom it does not know, gets the alarm soon, as one question', async () => {
    const { platform, open } = await connected();
    const channel = await open();
    platform.heard.rest();
    platform.behaviour.message = undefined;
    const answer = send(channel, '4711', 'alarm.raised', { kind: 'panic', zone });
    await platform.heard.find(
      ({ method, header }) => method === 'REGISTER' && header('Authorization') !== '',
    );
    platform.behaviour.message = 200;
    expect(await answer).toEqual({ is: 'taken' });
  });

  it('that is left hears no more of an alarm that it did not answer', async () => {
    const { platform, open, alarm } = await connected({}, {}, { clock: fastClock(20) });
    const channel = await open();
    platform.behaviour.message = undefined;
    const answer = send(channel, '4711', 'alarm.raised', { kind: 'panic', zone });
    await alarm();
    await channel.close(100, false);
    expect(await answer).toMatchObject({ is: 'busy', reason: expect.stringContaining('given up') });
  });
});

describe('a platform of GB/T 28181', () => {
  it('gets a panic as an alarm of a device, of its own input, in the words of the standard', async () => {
    const { open, alarm } = await connected({ asks: 'plain' });
    const channel = await open();
    const answer = send(channel, '4711', 'alarm.raised', { kind: 'panic', zone });
    const { text, header } = await alarm();
    expect(await answer).toEqual({ is: 'taken' });
    expect(header('Content-Type')).toBe('Application/MANSCDP+xml');
    const body = iconv.decode(Buffer.from(text.split('\r\n\r\n')[1] ?? '', 'latin1'), 'gb18030');
    const of = (name: string) => new RegExp(`<${name}>(.*)</${name}>`).exec(body)?.[1];
    expect(body).toMatch(/^<\?xml version="1.0" encoding="GB2312"\?>\r\n<Notify>/);
    expect(of('SN')).toBe('4711');
    expect(of('DeviceID')).toBe('45030000001340000001');
    expect([of('AlarmPriority'), of('AlarmMethod')]).toEqual(['1', '2']);
    expect(of('AlarmTime')).toBe('2026-11-28T23:30:00');
    expect(of('AlarmDescription')).toBe('一键报警 三号楼');
    expect(body).not.toContain('AlarmType');
  });

  it('knows each zone by one id, and gets the same words when an alarm is sent again', async () => {
    const { open, alarm } = await connected({ asks: 'nothing' });
    const channel = await open();
    const heard = [];
    for (const [sequence, number] of [
      ['1', 3],
      ['2', 4],
      ['1', 3],
    ] as const) {
      await send(channel, sequence, 'alarm.raised', { kind: 'panic', zone: { number } });
      heard.push((await alarm()).body);
    }
    expect(heard[2]).toBe(heard[0]);
    expect(heard.map((body) => /<DeviceID>(\d+)/.exec(body)?.[1]?.slice(-6))).toEqual([
      '000001',
      '000002',
      '000001',
    ]);
  });

  it('that breaks on rare characters gets none, in alarms too', async () => {
    const { open, alarm } = await connected({ asks: 'nothing' }, { characters: 'gb2312' });
    const channel = await open();
    await send(channel, '1', 'alarm.raised', { kind: 'panic', zone: { number: 1, name: '王堃办公室' } });
    const { text } = await alarm();
    expect(iconv.decode(Buffer.from(text, 'latin1'), 'gb18030')).toContain('一键报警 王?办公室<');
  });

  it('is told no end, no card, and nothing else that the standard has no alarm for', async () => {
    const { platform, open } = await connected({ asks: 'nothing' });
    const channel = await open();
    expect(await send(channel, '1', 'alarm.restored', { kind: 'panic', state: 'restored' })).toEqual({
      is: 'taken',
    });
    expect(await send(channel, '2', 'access.granted', { kind: 'credential' })).toEqual({ is: 'taken' });
    expect(await send(channel, '3', 'gateway.started', { device: undefined })).toEqual({ is: 'taken' });
    // It may be sent again (RFC 3261, 17.1.2.2).
    expect(new Set(platform.heard.rest().map(({ method }) => method))).toEqual(new Set(['REGISTER']));
    // Nor does it get an id.
    expect(channel.state?.().ids).toEqual({});
  });

  it.each([
    [403, 'forbidden'],
    [486, 'busy'],
    [503, 'busy'],
    [413, 'too-large'],
    [488, 'refused'],
  ] as const)('that answers %i is understood: %s', async (status, is) => {
    const { platform, open } = await connected({ asks: 'nothing' });
    const channel = await open();
    platform.behaviour.alarm = status;
    expect(await send(channel, '1', 'alarm.raised', { kind: 'panic' })).toMatchObject({ is, code: status });
  });

  it.each([401, 403, 404])(
    'that was started anew and answers %i is asked at once whether it knows us',
    async (status) => {
      const { platform, open } = await connected({ asks: 'nothing' }, { keepalive: '1h' });
      const channel = await open();
      platform.heard.rest();
      platform.behaviour.message = status;
      const answers: Answer[] = [];
      channel.send(event('1', 'alarm.raised', { kind: 'panic' }), (answer) => answers.push(answer));
      expect((await channel.ended).message).toMatch(/does not know us any more/);
      // It is in doubt, and goes first in the next registration.
      expect(answers).toEqual([]);
      // By UDP each may come again.
      const words = platform.heard.rest().map(({ body }) => /<CmdType>(\w+)/.exec(body)?.[1]);
      expect([...new Set(words)]).toEqual(['Alarm', 'Keepalive']);
    },
  );
});

describe('whatever happens', () => {
  it('a platform gets an alarm though the disk gives no number: of the gateway itself, with one SN', async () => {
    const { open, alarm } = await connected(
      { asks: 'nothing' },
      {},
      { numbers: () => Promise.reject(new Error('full')) },
    );
    const channel = await open();
    const heard = [];
    for (let i = 0; i < 2; i++) {
      expect(await send(channel, undefined, 'alarm.raised', { kind: 'panic', zone })).toEqual({
        is: 'taken',
      });
      heard.push((await alarm()).body);
    }
    expect(heard[0]).toContain(`<DeviceID>${DEVICE}</DeviceID>`);
    expect(heard[0]).toMatch(/<SN>\d+<\/SN>/);
    expect(heard[1]).toBe(heard[0]);
  });

  it('a platform that asks what is not carried out hears that it came, and that is counted; nonsense is 400', async () => {
    const { platform, port, discarded, open } = await connected({ asks: 'nothing' });
    await open();
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    const said = stream<string>();
    socket.on('message', (bytes) => said.push(bytes.toString().split('\r\n')[0] ?? ''));
    const ask = (method: string, body: string) =>
      socket.send(
        [
          ...[
            `${method} sip:${DEVICE}@127.0.0.1 SIP/2.0`,
            `Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${method}${body.length}`,
          ],
          ...[`From: <sip:${PLATFORM}@x>;tag=1`, `To: <sip:${DEVICE}@x>`, 'Call-ID: 1', `CSeq: 1 ${method}`],
          ...[`Content-Length: ${body.length}`, '', body],
        ].join('\r\n'),
        port,
        '127.0.0.1',
      );
    const strange = `<Control><CmdType>Broadcast</CmdType><SN>1</SN><DeviceID>${DEVICE}</DeviceID></Control>`;
    ask('MESSAGE', strange);
    expect(await said.next()).toBe('SIP/2.0 200 OK');
    expect(await discarded.next()).toBe('a question or an order that is not carried out here');
    ask('MESSAGE', 'nonsense');
    expect(await said.next()).toBe('SIP/2.0 400 Bad Request');
    ask('PUBLISH', '');
    expect(await said.find((line) => !line.includes('100'))).toBe('SIP/2.0 405 Method Not Allowed');
    expect(platform.behaviour.isSilent).toBe(false);
  });

  it('a platform that goes away ends the channel; the port is free again once no uplink needs it', async () => {
    const { platform, port, open } = await connected({ asks: 'nothing' }, { keepalive: '5s' });
    const channel = await open();
    platform.behaviour.message = 500;
    expect((await channel.ended).message).toMatch(/answered none of 3 keepalives/);
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(port, '0.0.0.0', resolve));
    socket.close();
  });

  it('it is told since when a platform knows us, until when, and how far its clock is from ours', async () => {
    const { open } = await connected({ asks: 'nothing', expires: 600 });
    const { registered, clockOffsetMs = 0 } = (await open()).state?.() ?? {};
    const [since, until] = [registered?.since, registered?.until].map((at) => Date.parse(at ?? ''));
    expect((until ?? 0) - (since ?? 0)).toBeCloseTo(600_000, -4);
    // Its Date is Beijing's, without saying so.
    expect((since ?? 0) + clockOffsetMs).toBeCloseTo(Date.parse('2026-11-28T07:30:00.123Z'), -4);
  });

  it('two platforms share the port', async () => {
    const first = await connected({ asks: 'nothing' });
    const second = await connected({ asks: 'nothing' }, { port: first.port });
    const channels = [await first.open(), await second.open()];
    for (const [i, { alarm }] of [first, second].entries()) {
      expect(await send(channels[i] as Channel, '1', 'alarm.raised', { kind: 'panic' })).toEqual({
        is: 'taken',
      });
      await alarm();
    }
    await channels[0]?.close(0, false);
    expect(await send(channels[1] as Channel, '2', 'alarm.raised', { kind: 'panic' })).toEqual({
      is: 'taken',
    });
  });
});

it('what cannot work is said before it is tried', () => {
  const problems = (own: object) =>
    gb28181
      .problems?.(
        gb28181.options.parse({
          server: '10.0.0.1:5060',
          serverId: PLATFORM,
          deviceId: DEVICE,
          passwordFile: 'pw',
          ...own,
        }),
        { names: false, pictures: false },
      )
      .map(({ path }) => path.join());
  expect(problems({})).toEqual([]);
  expect(problems({ deviceId: PLATFORM })).toEqual(['deviceId']);
  expect(problems({ passwordFile: undefined })).toEqual(['passwordFile']);
});

it('one id at one platform is that of one uplink', () => {
  const uplink = (id: string, own: object = {}) => ({
    id,
    options: gb28181.options.parse({
      ...{ server: '10.0.0.1:5060', serverId: PLATFORM, deviceId: DEVICE, passwordFile: 'pw', ...own },
    }),
  });
  const clashes = (...uplinks: ReturnType<typeof uplink>[]) =>
    gb28181.clashes?.(uplinks, '45').map((one) => [one.uplink, one.path.join(), one.en.slice(0, 16)]);
  expect(clashes(uplink('a'), uplink('b'))).toEqual([['b', 'deviceId', 'is the one of `a']]);
  expect(clashes(uplink('a'), uplink('b', { server: '10.0.0.2:5060' }))).toEqual([]);
  expect(clashes(uplink('a'), uplink('b', { deviceId: '45030000001180000009' }))).toEqual([]);
});

it('that pictures leave the campus is said aloud, and none do unless the config says so', () => {
  const said = (own: object) =>
    gb28181.warnings?.(
      gb28181.options.parse({ server: '10.0.0.1:5060', serverId: PLATFORM, deviceId: DEVICE, ...own }),
      { names: false, pictures: false },
    );
  expect(said({})).toEqual([]);
  expect(said({ video: true })).toMatchObject([
    { path: ['video'], en: expect.stringMatching(/all cameras/) },
  ]);
  expect(said({ video: ['gate', 'yard'] })).toMatchObject([{ en: expect.stringMatching(/gate, yard/) }]);
});
