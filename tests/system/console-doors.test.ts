/** Doors from a browser: unlocked, kept open, locked down; what happened today, and who is told whose card it was. */
import { describe, expect, it } from 'vitest';
import { common } from '../../gateway/console/web/words/common.ts';
import { doors as words } from '../../gateway/console/web/words/doors.ts';
import { labels } from '../../gateway/console/web/words/labels.ts';
import { browser } from './browser.ts';
import { expectNoWider, forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

describe('a door', { timeout: 120_000 }, () => {
  it.for(forms)('is opened, kept open and locked down, and its log says so: $name', async (form, context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    await own.heard('reader');
    await own.heard('io');
    const page = await open(await person(await browser(), own, form), own, '/doors', 'guard');
    const door = page.getByRole('region', { name: 'gate', exact: true });
    const button = (word: readonly [string, string]) =>
      door.getByRole('button', { name: `${say(word, form)} gate`, exact: true });
    const sure = () =>
      page
        .getByRole('dialog')
        .getByRole('button', { name: say(common.yes, form) })
        .click();
    await button(words.unlock).click();
    await door.getByText(say(labels.state.unlocked, form), { exact: true }).waitFor();
    await button(words.hold).click();
    await sure();
    await door.getByText(say(words.keptOpen, form), { exact: true }).waitFor();

    await page.getByRole('button', { name: say(words.lockdown, form) }).click();
    await sure();
    await page.getByRole('button', { name: say(words.endLockdown, form) }).waitFor();
    await door.getByText(say(words.keptOpen, form), { exact: true }).waitFor({ state: 'detached' });
    await own.act('reader', 'card 100001');
    const log = page.getByRole('row', { name: '李小明' });
    await log.getByText(say(labels.reason.lockdown, form)).waitFor();
    await page.getByRole('button', { name: say(words.endLockdown, form) }).click();
    await sure();
    await page.getByRole('button', { name: say(words.lockdown, form) }).waitFor();
    await expectNoWider(page, 'the doors');

    // Who repairs the reader sees that a card was shown, and not whose.
    const other = await open(await person(await browser(), own, form), own, '/doors', 'technician');
    await other.getByText(say(labels.reason.lockdown, form)).first().waitFor();
    expect(await other.locator('main').innerText()).not.toMatch(/李小明|g-1|c-1/);
    await other.getByRole('button', { name: say(words.lockdown, form) }).waitFor({ state: 'detached' });
  });
});
