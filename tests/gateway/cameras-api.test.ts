/** /api/cameras and /api/media on the closed server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Result } from '../../config/catalogue/actions.ts';
import type { Thing } from '../../drivers/contract/inventory.ts';
import type { Clip } from '../../drivers/contract/media.ts';
import { readConfig } from '../../gateway/check.ts';
import { serveCameras } from '../../gateway/console/api/cameras.ts';
import { serveMedia } from '../../gateway/console/api/media.ts';
import type { Clips } from '../../gateway/console/contract/cameras.ts';
import { createClosedServer, userOf } from '../../gateway/console/guard.ts';
import type { Role } from '../../gateway/console/rights.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

const CONFIG = `
campus: { id: "4503000001", name: 一中 }
devices:
  - { id: yard, name: 操场, driver: onvif, host: 10.0.0.41 }
  - { id: hall, driver: onvif, host: 10.0.0.42 }
  - { id: reader, driver: wiegand, connection: { serialServer: "10.0.0.9:4002" }, format: rdm6300 }
media: { clips: [yard] }
`;
const reference = 'ab'.repeat(32);

async function start({
  clips = [],
  answer = async () => ({ done: false, reason: 'its line is not open' }),
}: {
  readonly clips?: readonly Clip[];
  readonly answer?: () => Promise<Result>;
} = {}) {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, CONFIG);
  const loaded = readConfig(file);
  if (!('config' in loaded)) throw new Error(JSON.stringify(loaded));
  const clip = join(directory, 'clip.mp4');
  writeFileSync(clip, '0123456789');
  const time = manualClock();
  let asked = 0;
  const options = {
    ...{ metrics: createMetrics(), time, log: silentLog, of: loaded.config },
    things: {
      list: (): readonly Thing[] => [
        {
          ...{
            kind: 'camera',
            id: 'yard',
            device: 'yard',
            name: '操场',
            online: true,
            ptz: true,
            model: 'SC-1',
          },
          area: { id: 'wall', name: '围墙' },
        },
        { kind: 'alarm-input', id: 'hall', device: 'hall', name: 'hall', online: true },
      ],
    },
    devices: { online: (id: string) => (id === 'yard' ? true : undefined) },
    commands: {
      askPart: () => {
        asked++;
        return answer();
      },
    },
    media: {
      ofCameras: {
        clips: async (camera: string, from: number, to: number) =>
          clips.filter((one) => one.camera === camera && one.from <= to && one.to >= from),
      },
      find: async (wanted: string) =>
        wanted === reference ? { path: clip, contentType: 'video/mp4', bytes: 10 } : undefined,
    },
  };
  const server = await createClosedServer(
    { host: '127.0.0.1', names: [] },
    ({ headers }) =>
      headers['x-role'] === undefined
        ? undefined
        : userOf('one', headers['x-role'] as Role, new AbortController().signal),
    options,
  );
  onTestFinished(() => server.close());
  await server.register(serveCameras(options));
  await server.register(serveMedia(options));
  const get = (url: string, headers: object = {}, role: Role = 'guard') =>
    server.inject({ url, headers: { host: '127.0.0.1', 'x-role': role, ...headers } });
  return { get, time, asked: () => asked };
}

const clipOf = (i: number): Clip => ({
  ...{ id: String(i).padStart(64, '0'), camera: 'yard', bytes: 1000, event: `e-${i}` },
  ...{ from: 1_000_000 * i, to: 1_000_000 * i + 20_000 },
});

describe('the cameras over HTTP', () => {
  it('are listed with what each can, for who may see pictures', async () => {
    const { get } = await start();
    const { cameras } = (await get('/api/cameras')).json<{ cameras: { actions: string[] }[] }>();
    const actions = expect.arrayContaining(['snapshot', 'move', 'preset']);
    expect(cameras).toEqual([
      {
        ...{ id: 'yard', name: '操场', area: { id: 'wall', name: '围墙' }, online: true, turns: true },
        ...{ model: 'SC-1', clips: true, actions },
      },
      { id: 'hall', name: 'hall', online: null, turns: null, clips: false, actions },
    ]);
    for (const path of ['', '/yard/presets', '/yard/clips'])
      expect((await get(`/api/cameras${path}`, {}, 'viewer')).statusCode).toBe(403);
  });

  it('tell their presets when they are asked, once however many look', async () => {
    const told = Promise.withResolvers<Result>();
    const { get, asked } = await start({ answer: () => told.promise });
    const both = [get('/api/cameras/yard/presets'), get('/api/cameras/yard/presets')];
    await expect.poll(asked).toBe(1);
    const all = [
      { token: 'p1', name: 'gate' },
      { token: 'p2', name: '' },
    ];
    told.resolve({ done: true, result: { presets: [], all } });
    for (const answer of await Promise.all(both))
      expect(answer.json()).toEqual({
        presets: [
          { token: 'p1', name: 'gate' },
          { token: 'p2', name: 'p2' },
        ],
      });
    expect(asked()).toBe(1);
    await get('/api/cameras/yard/presets');
    expect(asked()).toBe(2);
  });

  it('that do not tell are told as such, in time', async () => {
    const silent = await start();
    const refused = await silent.get('/api/cameras/yard/presets');
    expect([refused.statusCode, refused.json()]).toEqual([
      502,
      { error: 'camera-silent', reason: 'its line is not open' },
    ]);
    const hanging = await start({ answer: () => new Promise(() => {}) });
    const late = await hanging.time.until(hanging.get('/api/cameras/yard/presets'), 10_000);
    expect(late.json()).toEqual({ error: 'camera-silent', reason: 'no answer within 8 s' });
    for (const none of ['reader', 'none', '..%2f..'])
      expect((await silent.get(`/api/cameras/${none}/presets`)).statusCode).toBe(404);
  });

  it('have their clips listed from the newest on, a page at a time', async () => {
    const { get } = await start({ clips: Array.from({ length: 150 }, (_, i) => clipOf(i)) });
    const first = (await get('/api/cameras/yard/clips')).json<Clips>();
    expect([first.clips.length, first.more]).toEqual([100, 50]);
    expect(first.clips[0]).toEqual({
      ...{ id: clipOf(149).id, bytes: 1000, event: 'e-149' },
      ...{ from: '1970-01-02T17:23:20.000Z', to: '1970-01-02T17:23:40.000Z' },
    });
    const before = encodeURIComponent(first.clips.at(-1)?.from ?? '');
    const second = (await get(`/api/cameras/yard/clips?before=${before}`)).json<Clips>();
    expect([second.clips.length, second.more, second.clips.at(-1)?.id]).toEqual([50, 0, clipOf(0).id]);
    expect((await get('/api/cameras/hall/clips')).json()).toEqual({ clips: [], more: 0 });
    expect((await get('/api/cameras/yard/clips?before=yesterday')).statusCode).toBe(400);
  });
});

describe('a clip over HTTP', () => {
  const path = `/api/media/${reference}`;

  it.each([
    [undefined, 200, '0123456789', undefined],
    ['bytes=0-', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-999', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-999', 206, '0123456789', 'bytes 0-9/10'],
    // What makes no sense, and what nobody must answer, is answered with all of it.
    ['bytes=4-2', 200, '0123456789', undefined],
    ['bytes=0-1,3-4', 200, '0123456789', undefined],
    ['lines=0-1', 200, '0123456789', undefined],
    ['bytes=-', 200, '0123456789', undefined],
  ])('comes by the range %s', async (range, status, body, where) => {
    const { get } = await start();
    const answer = await get(path, range === undefined ? {} : { range });
    expect([answer.statusCode, answer.body, answer.headers['content-range']]).toEqual([status, body, where]);
    expect(answer.headers['content-type']).toBe('video/mp4');
  });

  it('has nothing behind its end, is known by its content, and is for who may see pictures', async () => {
    const { get } = await start();
    const behind = await get(path, { range: 'bytes=10-' });
    expect([behind.statusCode, behind.headers['content-range']]).toEqual([416, 'bytes */10']);
    expect((await get(path, { range: 'bytes=-0' })).statusCode).toBe(416);
    const { etag } = (await get(path)).headers;
    expect((await get(path, { 'if-none-match': etag })).statusCode).toBe(304);
    expect((await get(path, { 'if-none-match': etag }, 'viewer')).statusCode).toBe(403);
    expect((await get(`/api/media/${'0'.repeat(64)}`)).statusCode).toBe(404);
  });
});
