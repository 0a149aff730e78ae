/** A campus with cameras that give what a test says, at a platform of GB/T 28181 of our own hand, over real sockets. */
import { onTestFinished } from 'vitest';
import type { CameraMedia, Clip, Unit } from '../../drivers/contract/media.ts';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { fastClock } from '../clocks.ts';
import { freePort, silentLog, stream } from '../helpers.ts';
import { createCaller, PLATFORM } from './gb28181-caller.ts';
import { startPlatform } from './gb28181-peer.ts';

export const DEVICE = '45030000001180000007';
export const GATE = '45030000001320000001';
export const YARD = '45030000001320000002';

/** Pictures of so many bytes, one of five a key picture. */
export const picture = (at: number, bytes = 3000): Unit => ({
  ...{ kind: 'video', codec: 'h264', bytes: Buffer.alloc(bytes, at + 1), isKey: at % 5 === 0 },
  ...{ pts: at * 3600, dts: at * 3600 },
});

interface Watched {
  readonly camera: string;
  readonly audio: boolean;
  readonly sink: (unit: Unit) => boolean;
  readonly lose: (why: Error) => void;
  isClosed: boolean;
}

/** What is played: `orders` as they came, `sink` to give it units. */
interface Played {
  readonly clip: Clip;
  readonly how: { readonly fromMs: number; readonly pace: 'real' | 'fast'; readonly audio: boolean };
  readonly sink: (unit: Unit) => boolean;
  readonly end: (why: Error) => void;
  readonly orders: string[];
}

function fakeMedia(clips: readonly Clip[] | Promise<readonly Clip[]>) {
  const played = stream<Played>();
  const watched: Watched[] = [];
  const began = stream<Watched>();
  const media = {
    watch(camera: string, sink: Watched['sink'], { audio }: { audio: boolean }) {
      const { promise: ended, resolve: lose } = Promise.withResolvers<Error>();
      const one: Watched = { camera, audio, sink, lose, isClosed: false };
      watched.push(one);
      began.push(one);
      return {
        ended,
        close() {
          one.isClosed = true;
        },
      };
    },
    clips: async (camera: string, from: number, to: number) =>
      (await clips).filter((one) => one.camera === camera && one.from < to && one.to > from),
    play(clip: Clip, sink: Played['sink'], how: Played['how']) {
      const { promise: ended, resolve: end } = Promise.withResolvers<Error>();
      const orders: string[] = [];
      const order =
        (name: string) =>
        (...of: number[]) =>
          void orders.push([name, ...of].join(' '));
      played.push({ clip, how, sink, end, orders });
      return {
        ended,
        close: order('close'),
        pause: order('pause'),
        resume: order('resume'),
        seek: order('seek'),
        scale: order('scale'),
      };
    },
  } as unknown as CameraMedia;
  return { media, watched, began, played };
}

export async function campus(
  own: object = {},
  by: 'UDP' | 'TCP' = 'UDP',
  clips: readonly Clip[] | Promise<readonly Clip[]> = [],
) {
  const platform = await startPlatform({ asks: 'nothing' });
  const port = await freePort();
  const { media, watched, began, played } = fakeMedia(clips);
  const discarded = stream<string>();
  const numbers = new Map<string, number>();
  const camera = (id: string, online = true, name = id) => ({ kind: 'camera', id, device: id, name, online });
  const things = [camera('gate'), camera('yard', true, '操场𠮷'), camera('away', false), camera('secret')];
  const host = {
    ...{ clock: fastClock(20), timeZone: 'Asia/Shanghai', log: silentLog, media, version: '1', campus: 'c' },
    inventory: () => things,
    campusData: () => ({ id: '45', name: '一中' }),
    onInventory: () => () => {},
    discarded: discarded.push,
    signal: new AbortController().signal,
    async numbers(series: string, names: readonly string[]) {
      return names.map((name) => {
        const key = `${series} ${name}`;
        if (!numbers.has(key)) numbers.set(key, numbers.size + 1);
        return numbers.get(key) as number;
      });
    },
  } as unknown as PlatformHost;
  const options = gb28181.options.parse({
    ...{ server: `127.0.0.1:${platform.port}`, serverId: PLATFORM, deviceId: DEVICE, port },
    ...{ video: ['gate', 'yard', 'away'], ...own },
  });
  const channel = await gb28181.open({ ...options, password: 'secret' }, host);
  onTestFinished(() => channel.close(100, false));
  const caller = await createCaller(port, by);
  return { platform, channel, caller, discarded, watched, began, played, port };
}

/** Of an answer: where it says that it sends from. */
export const portIn = (body: string) => Number(/m=video (\d+)/.exec(body)?.[1]);
