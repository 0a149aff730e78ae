/** A device that somebody unplugs, on the pages of a technician: red, with its reason. */
import { describe, expect, it } from 'vitest';
import { labels } from '../../gateway/console/web/words/labels.ts';
import { browser } from './browser.ts';
import { expectWords, forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

describe('a device that is unplugged', { timeout: 120_000 }, () => {
  it.for(forms)('turns red, says why, and green again when it is back: $name', async (form, context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const page = await open(await person(await browser(), own, form), own, '/devices', 'technician');
    const fence = page.locator('tr', { hasText: '东侧电子围栏' });
    await fence.locator('.badge.good', { hasText: say(labels.state.online, form) }).waitFor();
    await own.act('fence', 'cut');
    await fence.locator('.badge.bad', { hasText: say(labels.state.offline, form) }).waitFor();
    const why = await fence.locator('small').allInnerTexts();
    // In the language of the page: the gateway itself says it in English.
    const pattern = form.language === 1 ? /无|断|失/ : /answer|reached|gone|ended|lost/;
    expect(
      why.some((text) => pattern.test(text)),
      why.join('; '),
    ).toBe(true);
    await page.locator('#health.warn').waitFor();
    await fence.getByRole('link').click();
    await page.locator('.badge.bad').first().waitFor();
    await expectWords(page, '/devices/fence');
    await own.act('fence', 'mend');
    await page
      .locator('.badge.good', { hasText: say(labels.state.online, form) })
      .first()
      .waitFor();
  });
});
