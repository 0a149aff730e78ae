/** A camera in the console: turned by hand, sent to presets, its pictures and clips, in a real browser. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { cameras as words } from '../../gateway/console/web/words/cameras.ts';
import { runFfmpeg } from '../../gateway/media/ffmpeg.ts';
import { writeAbout, writeMedia } from '../../gateway/media/files.ts';
import { startCamera } from '../../simulators/camera.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { browser } from './browser.ts';
import { allForms, expectAccessible, person, say } from './console/pages.ts';
import { gateway, need, until } from './tools.ts';

/** As much of a page's <video> as is asked for here. */
interface Video {
  readonly readyState: number;
  readonly duration: number;
  readonly seeking: boolean;
  currentTime: number;
  pause(): void;
}

/** A clip of 5 s that ffmpeg made, kept as of some time ago. */
async function keepClip(dataDir: string) {
  const file = join(temporaryDirectory(), 'clip.mp4');
  const source = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=s=320x180:r=10:d=5',
    '-c:v',
    'libx264',
    '-pix_fmt',
    'yuv420p',
  ];
  expect(await runFfmpeg([...source, '-movflags', '+faststart', '-y', file], 20_000, systemClock)).toBe(0);
  const bytes = readFileSync(file);
  const reference = createHash('sha256').update(bytes).digest('hex');
  const at = Date.now() - 60_000;
  const directory = join(dataDir, 'media');
  const kept = { reference, contentType: 'video/mp4', bytes, at };
  await writeMedia(directory, kept);
  await writeAbout(directory, reference, { camera: 'yard', from: at, to: at + 5000 }, at);
}

async function campus() {
  const directory = temporaryDirectory();
  const dataDir = join(directory, 'data');
  const [port, rtspPort, consolePort] = await Promise.all([freePort(), freePort(), freePort()]);
  const told: string[] = [];
  const camera = await startCamera({ port, rtspPort, did: (what) => told.push(what) });
  onTestFinished(() => camera.close());
  await keepClip(dataDir);
  const running = await gateway(
    {
      campus: { id: '4503000001', name: '一中' },
      dataDir,
      console: { port: consolePort },
      media: { clips: ['yard'] },
      devices: [{ id: 'yard', driver: 'onvif', host: '127.0.0.1', port }],
    },
    directory,
  );
  await until('the camera answers', () => running.log.some((line) => line.includes('yard answers')));
  const token = readFileSync(join(dataDir, 'console.operator.token'), 'utf8').trim();
  return { told, base: `http://127.0.0.1:${consolePort}`, token };
}

describe('a camera on its page', { timeout: 90_000 }, () => {
  it('turns while a button is held, by pointer or by keyboard, and stops when its page is left', async (context) => {
    need(context, 'ffmpeg', 'chromium');
    const { told, base, token } = await campus();
    const form = allForms[3];
    const page = await (await person(await browser(), { base }, form)).newPage();
    await page.goto(`${base}/#${token}`);
    await page.locator('#health').waitFor();
    await page.goto(`${base}/cameras`);
    await page.getByRole('link', { name: 'yard' }).click();

    const button = (name: readonly [string, string]) =>
      page.getByRole('button', { name: say(name, form), exact: true });
    await button(words.up).hover();
    await page.mouse.down();
    await expect.poll(() => told.at(-1)).toMatch(/^move 0 0\.5 0 for PT5S/);
    await page.mouse.up();
    await expect.poll(() => told.at(-1)).toBe('stop');
    await button(words.left).focus();
    await page.keyboard.down(' ');
    await expect.poll(() => told.at(-1)).toMatch(/^move -0\.5 0 0 /);
    // A key that is held says so again and again; the camera is told once.
    await page.keyboard.down(' ');
    await page.keyboard.up(' ');
    await expect.poll(() => told.at(-1)).toBe('stop');
    expect(told.filter((what) => what.startsWith('move'))).toHaveLength(2);
    await button(words.zoomIn).focus();
    await page.keyboard.down('Enter');
    await expect.poll(() => told.at(-1)).toMatch(/^move 0 0 0\.5 /);
    await page.evaluate('history.back()');
    await expect.poll(() => told.at(-1)).toBe('stop');
  });

  it('goes to its presets, keeps new ones, takes pictures, and shows what is kept of it', async (context) => {
    need(context, 'ffmpeg', 'chromium');
    const { told, base, token } = await campus();
    const form = allForms[0];
    const page = await (await person(await browser(), { base }, form)).newPage();
    await page.goto(`${base}/#${token}`);
    await page.locator('#health').waitFor();
    await page.goto(`${base}/cameras/yard`);

    await page.getByRole('button', { name: `${say(words.goTo, form)} yard` }).click();
    await expect.poll(() => told.at(-1)).toBe('preset yard');
    await page.getByLabel(say(words.presetName, form)).fill('roof');
    await page.getByRole('button', { name: say(words.savePreset, form) }).click();
    await page.getByRole('button', { name: `${say(words.goTo, form)} roof` }).waitFor();
    expect(told.at(-1)).toBe('save preset roof');

    await page.getByRole('button', { name: say(words.snapshot, form) }).click();
    const width = (selector: string) =>
      page
        .locator(selector)
        .first()
        .evaluate((one) => (one as unknown as { naturalWidth: number }).naturalWidth);
    await page.locator('figure img').waitFor();
    await expect.poll(() => width('figure img')).toBeGreaterThan(0);
    // It is found again among what is kept, by the event that told of it.
    await page.locator('.pictures img').first().waitFor();
    await expect.poll(() => width('.pictures img')).toBeGreaterThan(0);

    await page.getByRole('button', { name: say(words.play, form) }).click();
    const clip = page.locator('video[controls]');
    const state = () =>
      clip.evaluate((one) =>
        (one as unknown as Video).readyState === 4 ? (one as unknown as Video).duration : 0,
      );
    await expect.poll(state).toBeCloseTo(5, 0);
    await clip.evaluate((one) => {
      const video = one as unknown as Video;
      video.pause();
      video.currentTime = 4;
    });
    const where = () =>
      clip.evaluate((one) => !(one as unknown as Video).seeking && (one as unknown as Video).currentTime);
    await expect.poll(where).toBe(4);
    await expectAccessible(page, 'a camera');
  });
});
