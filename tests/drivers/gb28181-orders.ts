/** The orders of a platform that is written by hand, over real SIP, and the gateway as it asks for what is ordered. */
import { createSocket } from 'node:dgram';
import { expect, onTestFinished } from 'vitest';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { fastClock } from '../clocks.ts';
import { freePort, silentLog, stream } from '../helpers.ts';
import { startPlatform } from './gb28181-peer.ts';

export const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];
export const [YARD, HALL, ZONE] = ['45030000001320000001', '45030000001320000002', '45030000001340000001'];
const alarm = (id: string, kind: string, zone: number) => ({
  ...{ id, type: 'cn.campus.alarm.raised', time: '2026-11-28T15:30:00Z' },
  data: { kind, state: 'raised', device: { id: 'panel' }, zone: { number: zone } },
});

export async function world(own: object = {}, more: Partial<PlatformHost> = {}) {
  const platform = await startPlatform({ asks: 'nothing' });
  const port = await freePort();
  const discarded = stream<string>();
  const asked = stream<Parameters<PlatformHost['ask']>[0]>();
  const refreshed = stream<string>();
  const numbers = new Map<string, string[]>();
  const camera = (id: string) => ({ kind: 'camera', id, device: id, name: id, online: true });
  const host = {
    clock: fastClock(20),
    timeZone: 'Asia/Shanghai',
    log: silentLog,
    discarded: discarded.push,
    signal: new AbortController().signal,
    campusData: () => ({ id: '45', name: '' }),
    inventory: () => [
      ...['yard', 'hall'].map(camera),
      { kind: 'alarm-input', id: 'panel/3', device: 'panel', name: '三', online: true },
    ],
    onInventory: () => () => {},
    media: {
      async refresh(id: string) {
        refreshed.push(id);
        return true;
      },
    },
    async ask(order: Parameters<PlatformHost['ask']>[0]) {
      asked.push(order);
      return { done: true };
    },
    untaken: async () =>
      [alarm('a3', 'panic', 3), alarm('a2', 'tamper', 3), alarm('a1', 'panic', 4)].map((event, i) => ({
        ...{ sequence: 30 - i, body: JSON.stringify(event) },
      })),
    async numbers(series: string, names: readonly string[]) {
      const known = numbers.get(series) ?? [];
      numbers.set(series, known);
      for (const name of names) if (!known.includes(name)) known.push(name);
      return names.map((name) => known.indexOf(name) + 1);
    },
    ...more,
  } as unknown as PlatformHost;
  const options = gb28181.options.parse({
    ...{ server: `127.0.0.1:${platform.port}`, serverId: PLATFORM, deviceId: DEVICE, port, video: ['yard'] },
    ...own,
  });
  const channel = await gb28181.open({ ...options, password: 'secret' }, host);
  onTestFinished(() => channel.close(100, false));
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  const said = stream<string>();
  socket.on('message', (bytes) => said.push(bytes.toString().split('\r\n')[0] ?? ''));
  let sent = 0;
  const order = async (
    device: string,
    xml: string,
    by: { branch?: string; sn?: number; answer?: string } = {},
  ) => {
    const { branch = `z9hG4bK${++sent}`, sn = sent, answer = 'SIP/2.0 200 OK' } = by;
    const body = `<?xml version="1.0" encoding="GB2312"?>\r\n<Control>\r\n<CmdType>${xml.startsWith('<SnapShot') ? 'DeviceConfig' : 'DeviceControl'}</CmdType>\r\n<SN>${sn}</SN>\r\n<DeviceID>${device}</DeviceID>\r\n${xml}\r\n</Control>\r\n`;
    const lines = [
      ...[`MESSAGE sip:${DEVICE}@4503000000 SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=${branch}`],
      ...[`From: <sip:${PLATFORM}@3402000000>;tag=${sn}`, `To: <sip:${DEVICE}@4503000000>`],
      ...[`Call-ID: call-${sn}`, `CSeq: ${sn} MESSAGE`, 'Content-Type: Application/MANSCDP+xml'],
      ...[`Content-Length: ${body.length}`, '', body],
    ];
    socket.send(lines.join('\r\n'), port, '127.0.0.1');
    expect(await said.next()).toBe(answer);
  };
  const result = async () => {
    const { body } = await platform.heard.find((one) => one.body.includes('<Response>'));
    const of = (name: string) => new RegExp(`<${name}>(.*)</${name}>`).exec(body)?.[1];
    return [of('CmdType'), of('SN'), of('DeviceID'), of('Result')].join(' ');
  };
  return { platform, channel, discarded, asked, refreshed, order, result };
}

export const what = ({ action, target, arguments: wanted }: Parameters<PlatformHost['ask']>[0]) => [
  action,
  target,
  wanted,
];
