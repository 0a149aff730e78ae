/** The doctor's page, and the level of a device's log, in a real Chromium. */
import { describe, expect, it } from 'vitest';
import { deviceLog } from '../../gateway/console/web/words/devices.ts';
import { doctor as words } from '../../gateway/console/web/words/doctor.ts';
import { browser } from './browser.ts';
import { allForms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

describe('the doctor in the console', { timeout: 120_000 }, () => {
  it('examines on request, in each language and on a phone, and leaves what it found', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const one = await browser();
    for (const form of [allForms[0], allForms[1]] as const) {
      const page = await open(await person(one, own, form), own, '/system/doctor');
      await page.getByRole('button', { name: say(words.examine, form) }).click();
      await page.locator('.found-by-doctor').first().waitFor();
      const text = await page.locator('main').textContent();
      expect(text).toContain(say(words.disk, form));
      expect(text).toContain(say(words.platforms, form));
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      await page.reload();
      await page.locator('.found-by-doctor').first().waitFor();
    }
  });

  it('lets the log say more of one device, and says until when', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const [form] = allForms;
    const page = await open(await person(await browser(), own, form), own, '/devices/panel');
    await page.getByText(say(deviceLog.usual, form)).waitFor();
    await page.getByRole('button', { name: say(deviceLog.set, form) }).click();
    await page.locator('p[role="status"]', { hasText: say(deviceLog.debug, form) }).waitFor();
    await own.act('panel', 'press 9');
    await expect.poll(() => own.log().some((line) => line.includes('it observed'))).toBe(true);
  });
});
