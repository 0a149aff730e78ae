/** What holds of every page of the console: in both languages, on a desk and on a phone, in both themes. */
import { describe, expect, it } from 'vitest';
import { browser } from './browser.ts';
import {
  desk,
  expectAccessible,
  expectNoWider,
  expectWords,
  forms,
  open,
  pagesOf,
  person,
  phone,
} from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

/** Compressed, of the first page and all that it needs to show itself. */
const FIRST_LOAD_MAX = 200_000;

describe('the first load of the console', { timeout: 60_000 }, () => {
  it('is under 200 kB, all of it from the gateway', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const page = await (await person(await browser(), own)).newPage();
    let bytes = 0;
    let files = 0;
    const sizes: Promise<void>[] = [];
    page.on('requestfinished', (request) => {
      if (new URL(request.url()).pathname.startsWith('/api/')) return;
      files++;
      sizes.push(
        request.sizes().then(({ responseBodySize, responseHeadersSize }) => {
          bytes += responseBodySize + responseHeadersSize;
        }),
      );
    });
    await page.context().addCookies([await own.session('administrator')]);
    await page.goto(own.base);
    await page.locator('main h1').first().waitFor();
    await Promise.all(sizes);
    process.stdout.write(`first load: ${files} files, ${(bytes / 1000).toFixed(0)} kB\n`);
    expect(bytes).toBeLessThan(FIRST_LOAD_MAX);
  });
});

/** Each size and each theme in each language, in half as many looks. */
const looks = {
  'zh-CN': [
    { viewport: desk, theme: 'light' },
    { viewport: phone, theme: 'dark' },
  ],
  'en-GB': [
    { viewport: desk, theme: 'dark' },
    { viewport: phone, theme: 'light' },
  ],
} as const;

/** Pages that others lead to. */
const below = ['/devices/panel', '/events/1', '/system/config', '/system/audit', '/system/users', '/account'];

describe('each page of the console', { timeout: 180_000 }, () => {
  it('says all in words, reflows, and is accessible in both themes', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const one = await browser();
    await own.act('panel', 'press 9');
    for (const form of forms) {
      const page = await open(await person(one, own, form), own);
      for (const path of [...(await pagesOf(page)), ...below]) {
        await page.goto(`${own.base}${path}`);
        await page.locator('main h1').first().waitFor();
        await expectWords(page, `${path}, ${form.locale}`);
        for (const { viewport, theme } of looks[form.locale]) {
          await page.setViewportSize(viewport);
          await page.emulateMedia({ colorScheme: theme });
          await page.locator('main h1').first().waitFor();
          const where = `${path}, ${form.locale}, ${viewport.width} px, ${theme}`;
          await expectNoWider(page, where);
          await expectAccessible(page, where);
        }
      }
    }
  });
});
