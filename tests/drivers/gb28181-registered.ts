/** A campus with things, registered at a platform that is written by hand: for tests of what it is told of them. */
import iconv from 'iconv-lite';
import { onTestFinished } from 'vitest';
import type { Thing } from '../../drivers/contract/inventory.ts';
import { noMedia } from '../../drivers/contract/media.ts';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { fastClock } from '../clocks.ts';
import { freePort, silentLog, stream } from '../helpers.ts';
import { type Heard, type PeerOptions, startPlatform } from './gb28181-peer.ts';

export const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];

export const camera = (id: string, more: Partial<Thing> = {}): Thing => ({
  ...{ kind: 'camera', id, device: id, name: id, online: true },
  ...more,
});
export const input = (id: string, more: Partial<Thing> = {}): Thing => ({
  ...{ kind: 'alarm-input', id, device: id.split('/')[0] ?? id, name: id, online: true, guard: 'armed' },
  ...more,
});

/** The journal's table of numbers: it outlives what asks it. */
export function numbersOf() {
  const table = new Map<string, string[]>();
  return async (series: string, names: readonly string[]) => {
    const known = table.get(series) ?? [];
    table.set(series, known);
    for (const name of names) if (!known.includes(name)) known.push(name);
    return names.map((name) => known.indexOf(name) + 1);
  };
}

/** Of a body on the wire, as GB 18030. */
export const textOf = ({ text }: Pick<Heard, 'text'>): string =>
  iconv.decode(Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1'), 'gb18030');
export const valuesOf = (xml: string, name: string): readonly string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) => match[1] ?? '');
export const itemsIn = (xml: string): readonly string[] =>
  [...xml.matchAll(/<Item>([\s\S]*?)<\/Item>/g)].map((match) => match[1] ?? '');

export async function registered(
  things: Thing[],
  own: object = {},
  more: Partial<PlatformHost> & { peer?: PeerOptions; at?: number } = {},
) {
  const { peer = { asks: 'nothing' }, at, ...hostMore } = more;
  const platform = await startPlatform(peer);
  const port = at ?? (await freePort());
  const discarded = stream<string>();
  const listeners = new Set<() => void>();
  const host = {
    clock: fastClock(20),
    timeZone: 'Asia/Shanghai',
    version: '1.2.3',
    campusData: () => ({ id: '45', name: '桂林市第一中学' }),
    uplink: 'gb',
    log: silentLog,
    discarded: discarded.push,
    signal: new AbortController().signal,
    inventory: () => things,
    onInventory(run: () => void) {
      listeners.add(run);
      return () => listeners.delete(run);
    },
    numbers: numbersOf(),
    media: noMedia,
    ...hostMore,
  } as unknown as PlatformHost;
  const options = gb28181.options.parse({
    ...{ server: `127.0.0.1:${platform.port}`, serverId: PLATFORM, deviceId: DEVICE, port },
    ...own,
  });
  const channel = await gb28181.open({ ...options, password: 'secret' }, host);
  onTestFinished(() => channel.close(100, false));
  /** Something of the inventory changed. */
  const change = () => {
    for (const run of listeners) run();
  };
  const heads = (method: string, tag: string) => [
    ...[`From: <sip:${PLATFORM}@3402000000>;tag=${tag}`, `To: <sip:${DEVICE}@4503000000>`],
    ...[`Call-ID: call-${tag}`, 'Content-Type: Application/MANSCDP+xml'],
    ...(method === 'SUBSCRIBE' ? [`Contact: <sip:${PLATFORM}@127.0.0.1:${platform.port}>`] : []),
  ];
  const query = (command: string, { sn = 17, device = DEVICE, more: inner = '' } = {}) =>
    `<?xml version="1.0" encoding="GB2312"?>\r\n<Query>\r\n<CmdType>${command}</CmdType>\r\n<SN>${sn}</SN>\r\n<DeviceID>${device}</DeviceID>\r\n${inner}</Query>\r\n`;
  let calls = 0;
  /** @returns its status line. */
  const ask = async (command: string, about: { sn?: number; device?: string; more?: string } = {}) => {
    const uri = `sip:${about.device ?? DEVICE}@4503000000`;
    const body = query(command, about);
    return (await platform.ask(port, `MESSAGE ${uri}`, heads('MESSAGE', `q${++calls}`), body)).start;
  };
  const seen = new Set<string>();
  /** The next that fits and is no repeat of the same request. */
  const next = async (fits: (heard: Heard) => boolean) =>
    await platform.heard.find((heard) => {
      const key = `${heard.header('Call-ID')} ${heard.header('CSeq')}`;
      if (!fits(heard) || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
  const response = async () => {
    const heard = await next(({ body }) => body.includes('<Response>'));
    return { heard, xml: textOf(heard) };
  };
  /** All pages of a catalogue, as they came. */
  const pages = async () => {
    const found: { heard: Heard; xml: string }[] = [];
    for (let got = 0, sum = 1; got < sum; ) {
      const page = await response();
      found.push(page);
      sum = Number(valuesOf(page.xml, 'SumNum')[0]);
      got += itemsIn(page.xml).length;
      if (sum === 0) break;
    }
    return found;
  };
  return { platform, port, discarded, channel, host, change, ask, query, heads, next, response, pages };
}
