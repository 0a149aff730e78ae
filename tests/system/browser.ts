/** A real Chromium, without a screen. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../helpers.ts';

/** Starts one; it goes with the test. */
export async function browser(): Promise<Browser> {
  const one = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
    ],
    env: { ...process.env, HOME: temporaryDirectory() },
  });
  onTestFinished(() => one.close());
  return one;
}

/** A page that is Chinese, and whose errors fail the test. */
export async function openPage(own: Browser, url: string): Promise<Page> {
  const page = await own.newPage({ locale: 'zh-CN', viewport: { width: 1280, height: 800 } });
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  onTestFinished(() => {
    if (errors.length > 0) throw new Error(`the page failed: ${errors.join('; ')}`);
  });
  await page.goto(url);
  return page;
}
