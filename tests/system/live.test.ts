/** Live pictures in a real browser, from a real RTSP stream, with ffmpegs counted. */
import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import { systemClock } from '../../drivers/contract/clock.ts';
import { createLive } from '../../gateway/media/live.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { startCamera } from '../../simulators/camera.ts';
import { CLOCK_BITS, CLOCK_SQUARE } from '../../simulators/picture.ts';
import { quantile } from '../bench/parts.ts';
import { freePort, silentLog, stream, take, temporaryDirectory } from '../helpers.ts';
import { browser, openPage } from './browser.ts';
import { gstreamer } from './gstreamer.ts';
import { gateway, need, until } from './tools.ts';

async function campus(more: object = {}) {
  const directory = temporaryDirectory();
  const [port, rtspPort, consolePort] = await Promise.all([freePort(), freePort(), freePort()]);
  const camera = await startCamera({ port, rtspPort, password: 'pw' });
  onTestFinished(() => camera.close());
  writeFileSync(join(directory, 'pw'), 'pw\n');
  const running = await gateway(
    {
      campus: { id: '4503000001', name: '一中' },
      dataDir: join(directory, 'data'),
      console: { port: consolePort },
      devices: [
        {
          id: 'yard',
          driver: 'onvif',
          host: '127.0.0.1',
          port,
          username: 'admin',
          passwordFile: 'pw',
          ...more,
        },
      ],
    },
    directory,
  );
  const token = readFileSync(join(directory, 'data/console.operator.token'), 'utf8').trim();
  const ffmpegs = () =>
    spawnSync('pgrep', ['-P', String(running.child.pid), '-c', 'ffmpeg'], { encoding: 'utf8' }).stdout.trim();
  await until('the camera answers', () => running.log.some((line) => line.includes('yard answers')));
  return { camera, running, url: `http://127.0.0.1:${consolePort}`, token, ffmpegs };
}

/** The clock in the picture, ms since 1970 modulo 2^24, and that of the page; undefined: there is no picture yet. */
const clockOf = (page: Page) =>
  page.evaluate<{ clock: number; now: number } | undefined>(`(() => {
    const video = document.querySelector('video');
    if (video === null || video.videoWidth === 0 || video.readyState < 2) return undefined;
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    const now = Date.now();
    const pixels = context.getImageData(0, 8, ${CLOCK_BITS * CLOCK_SQUARE}, 1).data;
    let clock = 0;
    for (let i = 0; i < ${CLOCK_BITS}; i++) if (pixels[(i * ${CLOCK_SQUARE} + ${CLOCK_SQUARE / 2}) * 4] > 128) clock += 2 ** i;
    return { clock, now: now % 2 ** ${CLOCK_BITS} };
  })()`);
const PLAYS = "(document.querySelector('video')?.currentTime ?? 0) > 0";
/** Whether the canvas shows more than one colour. */
const PAINTED = `(() => {
  const canvas = document.querySelector('canvas');
  if (canvas === null || canvas.width < 320) return false;
  const copy = document.createElement('canvas');
  copy.width = canvas.width;
  copy.height = canvas.height;
  const context = copy.getContext('2d');
  context.drawImage(canvas, 0, 0);
  return new Set(context.getImageData(0, 0, copy.width, copy.height).data).size > 32;
})()`;

describe('a camera, live', { timeout: 90_000 }, () => {
  it('is of now, and costs one ffmpeg however many look, and none when nobody does', async (context) => {
    need(context, 'ffmpeg', 'chromium', 'pgrep');
    const { camera, url, token, ffmpegs, running } = await campus();
    const own = await browser();
    const first = await openPage(own, `${url}/#${token}`);
    await first.locator('#health').waitFor();

    const opened = performance.now();
    await first.goto(`${url}/cameras/yard`);
    await until('it plays', () => first.evaluate<boolean>(PLAYS));
    const took = performance.now() - opened;
    const latencies: number[] = [];
    while (latencies.length < 40) {
      await delay(50);
      const seen = await clockOf(first);
      if (seen !== undefined) latencies.push((seen.now - seen.clock + 2 ** CLOCK_BITS) % 2 ** CLOCK_BITS);
    }
    // A picture that is not of now would be off by minutes, or by nothing that makes sense.
    expect(quantile(latencies, 0.5)).toBeLessThan(3000);

    const pages = [first];
    const cookies = await first.context().cookies();
    for (let i = 0; i < 3; i++) {
      const page = await own.newPage();
      await page.context().addCookies(cookies);
      await page.goto(`${url}/cameras/yard`);
      await until('it plays', () => page.evaluate<boolean>(PLAYS));
      pages.push(page);
    }
    expect(ffmpegs()).toBe('1');
    expect(camera.viewers()).toBe(1);

    // The camera breaks off: everybody sees it again by themselves.
    await camera.do('drop-viewers');
    await until('the picture is back', () => camera.viewers() === 1);
    const before = await clockOf(first);
    await until('it goes on', async () => (await clockOf(first))?.clock !== before?.clock, 10_000);

    for (const page of pages) await page.close();
    await until('no ffmpeg is left', () => ffmpegs() === '0', 10_000);
    await until('the camera has nobody left', () => camera.viewers() === 0, 10_000);
    process.stdout.write(
      `live: first picture ${took.toFixed(0)} ms after opening; clock to screen p50 ${quantile(latencies, 0.5).toFixed(0)} ms, p90 ${quantile(latencies, 0.9).toFixed(0)} ms; 4 viewers, 1 ffmpeg\n`,
    );
    expect(running.log.join('\n')).not.toContain('admin:pw');
  });

  it('comes as MPEG-1 where the browser cannot play its codec, and leaves nothing behind', async (context) => {
    need(context, 'ffmpeg', 'chromium', 'pgrep');
    const { url, token, ffmpegs } = await campus();
    const page = await openPage(await browser(), `${url}/#${token}`);
    await page.locator('#health').waitFor();
    await page.goto(`${url}/cameras/yard?form=jsmpeg`);
    const painted = () => page.evaluate<boolean>(PAINTED);
    await until('a picture is painted', painted, 15_000);
    expect(ffmpegs()).toBe('1');
    await page.close();
    await until('no ffmpeg is left', () => ffmpegs() === '0', 10_000);
  });

  it('of H.265 that the browser does not know falls back by itself', async (context) => {
    need(context, 'ffmpeg', 'chromium', 'pgrep');
    const { url, token } = await campus({ stream: await gstreamer(context, 'h265') });
    const page = await openPage(await browser(), `${url}/#${token}`);
    await page.locator('#health').waitFor();
    const type = 'video/mp4; codecs="hev1.1.6.L60.B0"';
    if (await page.evaluate<boolean>(`MediaSource.isTypeSupported('${type}')`))
      context.skip('it knows H.265');
    await page.goto(`${url}/cameras/yard`);
    await until('a picture is painted', () => page.evaluate<boolean>(PAINTED), 20_000);
  });

  it('takes its ffmpegs with it when the gateway is killed', async (context) => {
    need(context, 'ffmpeg', 'chromium', 'pgrep');
    const { url, token, ffmpegs, running, camera } = await campus();
    const page = await openPage(await browser(), `${url}/#${token}`);
    await page.locator('#health').waitFor();
    await page.goto(`${url}/cameras/yard`);
    await until('it plays', () => ffmpegs() === '1' && camera.viewers() === 1);
    await running.kill();
    await until('the camera has no viewer', () => camera.viewers() === 0, 10_000);
  });
});

describe('a viewer who is slow', { timeout: 60_000 }, () => {
  it('gets nothing until the next key frame after catching up, and others do not wait', async (context) => {
    need(context, 'ffmpeg');
    const [port, rtspPort] = await Promise.all([freePort(), freePort()]);
    const camera = await startCamera({ port, rtspPort });
    onTestFinished(() => camera.close());
    const live = createLive({
      streamUrl: async () => `rtsp://127.0.0.1:${rtspPort}/main`,
      maxViewers: 2,
      sound: false,
      time: systemClock,
      log: silentLog,
      metrics: createMetrics(),
    });
    onTestFinished(async () => await live[Symbol.asyncDispose]());
    /** A socket that we can call slow. */
    const viewer = () => {
      const got = stream<string | Buffer>();
      const closed = stream<string>();
      const socket = Object.assign(new EventEmitter(), {
        bufferedAmount: 0,
        send: (data: string | Buffer) => got.push(data),
        close: (_code: number, reason: string) => closed.push(reason),
      });
      live.view('yard', socket as unknown as WebSocket, 'mse');
      return { socket, got, closed };
    };
    const [quick, slow] = [viewer(), viewer()];
    expect(await viewer().closed.next()).toBe('too many look at this camera');
    for (const one of [quick, slow])
      expect(JSON.parse(String(await one.got.next())).codec).toMatch(/^avc1\./);
    slow.socket.bufferedAmount = 2_000_000;
    await take(quick.got, 2);
    slow.got.rest();
    await take(quick.got, 40);
    expect(slow.got.rest()).toEqual([]);
    slow.socket.bufferedAmount = 0;
    // It begins anew: the codec, the head, and then a key frame.
    expect(JSON.parse(String(await slow.got.next())).codec).toMatch(/^avc1\./);
    expect((await slow.got.next()).toString('latin1', 4, 8)).toBe('ftyp');
    expect((await slow.got.next()).toString('latin1', 4, 8)).toBe('moof');
    quick.socket.emit('close');
    slow.socket.emit('close');
    await until('the camera has no viewer', () => camera.viewers() === 0);
  });
});
