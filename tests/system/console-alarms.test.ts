/** What a guard does with a panic, in a real browser: sees it at once, takes it, closes it, with no mouse where there is none. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { words } from '../../gateway/console/web/words/alarms.ts';
import { labels } from '../../gateway/console/web/words/labels.ts';
import { browser } from './browser.ts';
import { type Form, forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

const LATER_EVENTS = 500;
const NOTE = '学生误按，已教育';

/** The card of the panic button. */
const cardOf = (page: Page) => page.locator('article[data-key]', { hasText: '门卫室一键报警' });

/** By the Tab key alone, to what bears such a name. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let pressed = 0; pressed < 80; pressed++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<string>(
      '(document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.closest("label")?.textContent ?? document.activeElement?.textContent ?? "").trim()',
    );
    if (focused === name) return;
  }
  throw new Error(`the Tab key never comes to ${name}`);
}

const closedAs = (form: Form) => say(labels.closeReason['false-user'], form);

describe('a panic on the console', { timeout: 120_000 }, () => {
  it.for(forms)(
    'shows at once, stays through 500 events, is taken and closed: $name',
    async (form, context) => {
      need(context, 'mosquitto', 'chromium');
      const own = await school();
      await own.accounts();
      const page = await open(await person(await browser(), own, form), own, '/', 'operator');
      await page.getByText(say(words.none, form)).waitFor();

      const pressed = performance.now();
      await own.act('panel', 'press 9');
      const card = cardOf(page);
      await card.getByText(say(words.untaken, form)).waitFor();
      process.stdout.write(`panic to page ${(performance.now() - pressed).toFixed(0)} ms (${form.name})\n`);
      await page.locator('#health.alarm').waitFor();

      // The siren that a rule switched on.
      const siren = page.getByRole('button', { name: say(words.sirenOff, form).replace('{name}', '') });
      await siren.filter({ hasText: `(${say(words.sirenOn, form)})` }).click();
      await siren.filter({ hasText: `(${say(words.sirenOn, form)})` }).waitFor({ state: 'detached' });

      const pairs = Array.from({ length: LATER_EVENTS / 2 }, () => ['#1234|Nri1/AT0', '#1234|Nri1/AR0']);
      await own.report('panel', pairs.flat());
      await card.waitFor();
      await page.reload();
      await card.waitFor();
      await page.locator('#health.alarm').waitFor();

      await card.getByRole('button', { name: say(words.acknowledge, form) }).click();
      await card.getByText(`${say(words.taken, form)}: operator`).waitFor();
      await card.getByRole('button', { name: say(words.close, form) }).click();
      await page.getByLabel(closedAs(form)).check();
      await page.getByLabel(say(words.note, form)).fill(NOTE);
      await page.getByRole('button', { name: say(words.closeNow, form), exact: true }).click();
      // It is active still: closed, and there until it is restored.
      await card.getByText(say(words.active, form), { exact: true }).waitFor();
      await own.act('panel', 'release 9');
      await card.waitFor({ state: 'detached' });
      await page.getByText(say(words.none, form)).waitFor();
      const closed = say(words.closedBy, form)
        .replace('{who}', 'operator')
        .replace('{reason}', closedAs(form));
      await page.getByText(closed).waitFor();
      expect(await page.getByText(NOTE).count()).toBe(1);
    },
  );

  it('is taken and closed by keyboard alone, and another page sees who did it', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const form = forms[0];
    const own = await school();
    await own.accounts();
    const one = await browser();
    const page = await open(await person(one, own, form), own, '/', 'guard');
    const other = await open(await person(one, own, form), own);
    await own.act('panel', 'press 9');
    const card = cardOf(page);
    await card.waitFor();
    await tabTo(page, say(words.acknowledge, form));
    await page.keyboard.press('Enter');
    await card.getByText(`${say(words.taken, form)}: guard`).waitFor();
    await cardOf(other)
      .getByText(`${say(words.taken, form)}: guard`)
      .waitFor();
    await tabTo(page, say(words.close, form));
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo(page, say(labels.closeReason.real, form));
    await page.keyboard.press('Space');
    await tabTo(page, say(words.closeNow, form));
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await own.act('panel', 'release 9');
    await card.waitFor({ state: 'detached' });
    await cardOf(other).waitFor({ state: 'detached' });
  });
});
