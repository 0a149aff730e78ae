/** The plan of the campus, drawn in a browser by hand. */
import { describe, expect, it } from 'vitest';
import { common } from '../../gateway/console/web/words/common.ts';
import { plan as words } from '../../gateway/console/web/words/plan.ts';
import { stillPicture } from '../../simulators/picture.ts';
import { browser } from './browser.ts';
import { forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

/** Places for ten things, of the width and the height of the picture. */
const places = Array.from({ length: 10 }, (_, i) => ({
  x: 0.1 + (i % 5) * 0.2,
  y: 0.25 + Math.floor(i / 5) * 0.5,
}));

describe('a plan', { timeout: 120_000 }, () => {
  it.for(forms)(
    'is uploaded, ten things are placed on it, and an alarm shows there: $name',
    async (form, context) => {
      need(context, 'mosquitto', 'chromium', 'ffmpeg');
      const own = await school();
      await own.accounts();
      const page = await open(await person(await browser(), own, form), own, '/plan');
      const picture = { name: 'campus.jpg', mimeType: 'image/jpeg', buffer: await stillPicture(0) };
      await page.locator('input[type=file]').setInputFiles(picture);
      await page.getByRole('button', { name: say(words.edit, form) }).click();

      const board = page.locator('.plan-picture');
      for (const [i, { x, y }] of places.entries()) {
        const thing = page.locator('[data-thing]').first();
        await thing.click();
        // Every second one by hand, the others by keyboard alone.
        if (i % 2 === 0) {
          const box = await board.boundingBox();
          await board.click({ position: { x: x * (box?.width ?? 0), y: y * (box?.height ?? 0) } });
        } else {
          await page.getByRole('button', { name: say(words.middle, form) }).press('Enter');
          await page.keyboard.press(i % 4 === 1 ? 'Shift+ArrowLeft' : 'Shift+ArrowUp');
        }
        await expect.poll(() => page.locator('.plan [data-place]').count()).toBe(i + 1);
      }
      await page.getByRole('button', { name: say(common.save, form), exact: true }).click();
      await page.getByRole('button', { name: say(words.edit, form) }).waitFor();

      // It is on disk, and as live as before.
      await own.kill();
      await own.start();
      await page.reload();
      await expect.poll(() => page.locator('.plan [data-place]').count()).toBe(places.length);
      await own.act('panel', 'press 9');
      const button = page.locator('.plan [data-place].alarm', { hasText: '门卫室一键报警' });
      await button.first().waitFor();
      await button.first().click();
      await page.waitForURL(/\/devices\/panel$/);
    },
  );
});
