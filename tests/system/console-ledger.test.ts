/** The ledger in a real Chromium: an entry from its first word to its last, the inventory, availability and a day in numbers. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { labels } from '../../gateway/console/web/words/labels.ts';
import { days, entries, inventory, ledger } from '../../gateway/console/web/words/ledger.ts';
import { browser } from './browser.ts';
import { expectAccessible, expectNoWider, expectWords, forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

const told = { ledger: { open: [{ kinds: ['link'], after: '1h' }] } };

async function expectGood(page: Page, where: string) {
  await expectWords(page, where);
  await expectNoWider(page, where);
  await expectAccessible(page, where);
}

describe('the ledger', { timeout: 180_000 }, () => {
  it('is kept by hand, from what was seen to how it was mended', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school({ more: told });
    await own.accounts();
    const one = await browser();
    for (const form of forms) {
      const page = await open(await person(one, own, form), own, '/ledger', 'operator');
      await page.getByText(say(entries.none, form)).waitFor();
      await page.getByRole('button', { name: say(entries.add, form) }).click();
      const dialog = page.getByRole('dialog');
      await dialog.locator('[name=what]').fill('东墙砖块松动');
      await dialog.locator('[name=owner]').fill('总务处');
      await dialog.locator('[name=deadline]').fill('2026-01-31');
      await expectGood(page, `the form, ${form.name}`);
      await dialog.getByRole('button', { name: say(entries.put, form) }).click();
      // Its deadline is over, and it is said at once.
      await page.locator('.badge.bad', { hasText: say(entries.overdue, form) }).waitFor();
      await expectGood(page, `an entry, ${form.name}`);
      await page.goto(`${own.base}/ledger`);
      await page.locator('table.rows tbody tr').first().waitFor();
      await expectGood(page, `entries, ${form.name}`);
      await page.locator('table.rows tbody a').first().click();
      await page.locator('[name=result]').fill('已重砌');
      await page.getByRole('button', { name: say(entries.close, form) }).click();
      await page.locator('.badge.good', { hasText: say(entries.closed, form) }).waitFor();
      await page.getByRole('button', { name: say(entries.reopen, form) }).waitFor();
      const rows = await page.evaluate<string>(
        `fetch('/api/ledger/export?what=entries&language=zh').then((answer) => answer.text())`,
      );
      expect(rows).toContain('东墙砖块松动');
      // Who only looks is asked for nothing.
      const viewer = await open(await person(one, own, form), own, '/ledger', 'viewer');
      await viewer.getByText(say(entries.none, form)).waitFor();
      expect(await viewer.getByRole('button', { name: say(entries.add, form) }).count()).toBe(0);
    }
  });

  it('has what there is, how it answered, and a day in numbers', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school({ more: told });
    await own.accounts();
    await own.act('panel', 'press 9');
    const one = await browser();
    for (const form of forms) {
      const page = await open(await person(one, own, form), own, '/ledger/devices', 'technician');
      await page.getByRole('link', { name: '周界报警主机' }).click();
      await page.locator('[name=installedOn]').fill('2025-08-20');
      await page.locator('[name=warrantyUntil]').fill('2025-12-31');
      await page.locator('form.card button').click();
      await page.locator('main ul.plain li').first().waitFor();
      await expectGood(page, `a device, ${form.name}`);
      await page.goto(`${own.base}/ledger/devices`);
      await page.getByText(say(inventory.warrantyOver, form)).waitFor();
      await expectGood(page, `the inventory, ${form.name}`);
      await page.getByRole('link', { name: say(ledger.links, form) }).click();
      await page.locator('table.rows tbody tr').first().waitFor();
      await expectGood(page, `availability, ${form.name}`);
      await page.getByRole('link', { name: say(ledger.days, form) }).click();
      await page.getByText(say(labels.kind.panic, form)).first().waitFor();
      await page.getByRole('heading', { name: say(days.waiting, form) }).waitFor();
      await expectGood(page, `today, ${form.name}`);
      await page.getByRole('button', { name: say(days.before, form) }).click();
      await page.getByText(say(days.noAlarm, form)).waitFor();
      // On paper there is the day, and nothing to press.
      await page.emulateMedia({ media: 'print' });
      expect(await page.locator('.no-print:visible, header.top:visible').count()).toBe(0);
      expect(await page.locator('h1 .print-only').isVisible()).toBe(true);
    }
  });

  it('is led to by nobody where the config has none', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const page = await open(await person(await browser(), own), own, '/devices');
    await page.locator('main h1').waitFor();
    expect(await page.locator('header nav a[href="/ledger"]').count()).toBe(0);
    expect(await page.evaluate(`fetch('/api/ledger/entries').then(({ status }) => status)`)).toBe(404);
  });
});
