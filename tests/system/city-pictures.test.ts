/**
 * `npm run pictures`: what docs/pictures shows of the page of a city. The city is made up: its campuses, their alarms and
 * their times. It writes only where CONSOLE_PICTURES names a folder, and is skipped elsewhere.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, it } from 'vitest';
import { browser } from './browser.ts';
import { allForms, person, phone } from './console/pages.ts';
import { campusesOfACity, type PageCity, pageCity, sessionAt } from './page-city.ts';

const folder = process.env['CONSOLE_PICTURES'];
const CAMPUSES = 1500;
const MINUTE_MS = 60_000;

/** By the names of their files. */
const pages = {
  duty: '/',
  campuses: '/campuses',
  campus: '/campuses/4503000009',
} as const;

/** An hour of alarms by the minute, and some that stand. */
function morning(own: PageCity): void {
  const minute = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  for (let i = 60; i > 0; i--) {
    const p50 = 130 + 40 * Math.sin(i / 5) + (i % 7) * 4;
    const p99 = p50 * 2.4 + (i % 11) * 30 + (i === 22 ? 900 : 0);
    own.store.latency.push({
      ...{ at: new Date(minute - i * MINUTE_MS).toISOString(), count: 8 + (i % 9) },
      ...{ p50: Math.round(p50), p99: Math.round(p99), most: Math.round(p99 * 1.2) },
    });
  }
  const of = (index: number) => campusesOfACity(CAMPUSES)[index]?.id ?? '';
  const at = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
  const when = (seconds: number) => ({
    time: at(seconds + 0.4),
    receivedAt: at(seconds + 0.2),
    storedAt: at(seconds),
  });
  own.raise(of(40), {
    ...when(1800),
    kind: 'perimeter',
    zone: { number: 2, name: '南围墙' },
    test: 'walk-test',
  });
  own.raise(of(103), {
    ...when(1260),
    ...{ kind: 'fire', zone: { number: 6, name: '厨房烟感' }, area: { id: 'canteen', name: '食堂' } },
    ...{ device: { id: 'panel', name: '报警主机' }, acknowledged: { by: '李明', at: at(1200) } },
  });
  own.raise(of(77), {
    ...when(240),
    kind: 'perimeter',
    device: { id: 'fence', name: '东侧电子围栏' },
    zone: { number: 1, name: '北围墙' },
  });
  own.raise(of(212), {
    ...when(95),
    kind: 'intrusion',
    device: { id: 'panel', name: '报警主机' },
    zone: { number: 3, name: '教学楼大厅' },
  });
  own.raise(of(8), {
    ...when(12),
    zone: { number: 9, name: '门卫室一键报警' },
    device: { id: 'panel', name: '周界报警主机' },
  });
}

describe.skipIf(folder === undefined)('pictures of a city', { timeout: 120_000 }, () => {
  it('are taken of each page', async () => {
    const own = await pageCity(CAMPUSES);
    morning(own);
    const context = await person(await browser(), own, allForms[3]);
    await context.addCookies([await sessionAt(own.base, 'operator')]);
    const page = await context.newPage();
    const to = folder ?? '';
    mkdirSync(to, { recursive: true });
    const take = async (shown: Page, path: string, name: string) => {
      await shown.goto(`${own.base}${path}`);
      await shown.locator('main h1').first().waitFor();
      // Plots, and what is asked for a second time.
      await shown.waitForTimeout(4000);
      await shown.screenshot({ path: join(to, `city-${name}.png`) });
    };
    for (const [name, path] of Object.entries(pages)) await take(page, path, name);
    await page.evaluate("localStorage.setItem('campus-language', 'zh')");
    await take(page, '/', 'duty.zh-CN');
    await take(page, '/campuses', 'campuses.zh-CN');
    await page.setViewportSize(phone);
    await page.emulateMedia({ colorScheme: 'dark' });
    await take(page, '/', 'phone');
  });
});
