/** What is on the campus, told to sipp (Debian, sip-tester) as the platform: a whole uplink over a real journal. */
import { readFileSync } from 'node:fs';
import iconv from 'iconv-lite';
import { beforeEach, describe, expect, it } from 'vitest';
import { noThings, type Thing, type Things } from '../../drivers/contract/inventory.ts';
import { fastClock } from '../clocks.ts';
import { camera, DEVICE, input, itemsIn, PLATFORM, valuesOf } from '../drivers/gb28181-registered.ts';
import { campus } from '../gateway/campus.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { need, until } from '../system/tools.ts';
import { receivedIn, sipp, sippCall } from './sipp.ts';

const script = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** A campus that is registered there. */
async function gatewayAt(
  platform: Awaited<ReturnType<typeof sipp>>,
  list: Thing[],
  directory: string,
  more: object = {},
) {
  const port = await freePort();
  const listeners = new Set<() => void>();
  const things: Things = {
    list: () => list,
    places: noThings.places,
    onChanged(run) {
      listeners.add(run);
      return () => listeners.delete(run);
    },
  };
  const time = fastClock(10);
  const options = {
    protocol: 'gb28181',
    port,
    serverId: PLATFORM,
    deviceId: DEVICE,
    password: 'secret',
    video: true,
  };
  const { uplink, close } = await campus(platform.port, { ...options, ...more }, directory, {
    ...{ time, things, campusData: () => ({ id: '45', name: '桂林市第一中学' }) },
  });
  await until('it is registered', () => uplink.state().state === 'connected');
  const change = () => {
    for (const run of listeners) run();
  };
  return { port, change, close, uplink };
}

/** The pages of one answer, as sipp received them. */
const pagesIn = (log: string, sn: number) =>
  receivedIn(log)
    .map(({ text, ...one }) => ({ ...one, xml: iconv.decode(Buffer.from(text, 'latin1'), 'gb18030') }))
    .filter(({ xml }) => xml.includes('<Response>') && xml.includes(`<SN>${sn}</SN>`));
const itemsOf = (log: string, sn: number) => pagesIn(log, sn).flatMap(({ xml }) => itemsIn(xml));

describe('sipp as a platform', { timeout: 120_000 }, () => {
  beforeEach((context) => need(context, 'sipp'));

  it.each([
    ['UDP', {}],
    ['TCP', { transport: 'tcp' }],
  ] as const)(
    'gets 300 channels by %s: SumNum is their number, no datagram over 1300 bytes, the ids stay after a restart',
    async (by, own) => {
      const platform = await sipp(by, script('sipp-platform.xml'));
      const list = [
        ...Array.from({ length: 290 }, (_, i) =>
          camera(`c${i}`, { name: `教学楼${i}号摄像机`, maker: '海康威视' }),
        ),
        ...Array.from({ length: 10 }, (_, i) => input(`panel/${i}`, { name: `${i}号防区` })),
      ];
      const directory = temporaryDirectory();
      const ask = async (port: number, sn: number) => {
        const call = await sippCall(port, script('sipp-query.xml').replace('SERIAL', String(sn)));
        expect(await call.done, call.errors()).toBe(0);
        await until('all of it came', () => itemsOf(platform.messages(), sn).length >= 301, 60_000);
        return itemsOf(platform.messages(), sn).map((item) => [
          valuesOf(item, 'Name')[0],
          valuesOf(item, 'DeviceID')[0],
        ]);
      };
      const first = await gatewayAt(platform, list, directory, own);
      const before = await ask(first.port, 4711);
      expect(before).toContainEqual(['教学楼7号摄像机', '45030000001320000008']);
      const pages = pagesIn(platform.messages(), 4711);
      expect(before).toHaveLength(301);
      expect(new Set(before.map(([, id]) => id)).size).toBe(301);
      for (const page of pages) {
        expect(valuesOf(page.xml, 'SumNum')).toEqual(['301']);
        expect(page.by).toBe(by);
        if (by === 'UDP') expect(page.bytes).toBeLessThanOrEqual(1300);
      }
      await first.close();
      const second = await gatewayAt(platform, [...list].reverse(), directory, own);
      const after = await ask(second.port, 4712);
      expect(Object.fromEntries(after)).toEqual(Object.fromEntries(before));
    },
  );

  it('subscribes, is told all and what changes, refreshes, and hears the end of what it does not refresh', async () => {
    const platform = await sipp('UDP', script('sipp-platform.xml'));
    const list = [camera('yard', { name: '操场' })];
    const { port, change, uplink } = await gatewayAt(platform, list, temporaryDirectory());
    const call = await sippCall(port, script('sipp-subscriber.xml'));
    await until('it was told of the camera', () => call.messages().includes('<Event>ADD'), 10_000);
    expect(uplink.state().channel?.subscriptions).toHaveLength(1);
    list[0] = camera('yard', { name: '操场', online: false });
    change();
    expect(await call.done, call.errors()).toBe(0);
    expect(uplink.state().channel?.subscriptions).toEqual([]);
  });
});
