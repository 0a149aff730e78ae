/** The page of one device in a real Chromium: what it is told, its days, its wire. */
import { describe, expect, it } from 'vitest';
import {
  availability,
  orders,
  strange,
  wire,
  devices as words,
} from '../../gateway/console/web/words/devices.ts';
import { labels } from '../../gateway/console/web/words/labels.ts';
import { browser } from './browser.ts';
import {
  allForms,
  desk,
  expectAccessible,
  expectNoWider,
  expectWords,
  open,
  person,
  phone,
  say,
} from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

const [chinese, , , english] = allForms;

describe('the page of a device', { timeout: 120_000 }, () => {
  it('is led to from the list; a device can be told, and its wire be watched', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const page = await open(await person(await browser(), own, english), own, '/devices');
    await page.getByRole('link', { name: '校门输入输出模块' }).click();
    await page.getByRole('heading', { level: 1, name: '校门输入输出模块' }).waitFor();
    const siren = page.getByRole('group', { name: say(labels.action.activate, english), exact: true });
    await siren.getByLabel(say(labels.argument.for, english)).fill('5');
    await siren.getByRole('button').click();
    await page.getByRole('button', { name: 'Yes, do it' }).click();
    await siren.getByText(say(orders.done, english)).waitFor();
    await page.getByText(/Answered .+ of the known time/).waitFor();
    expect(
      await page
        .getByRole('list', { name: say(availability.title, english) })
        .locator('li')
        .count(),
    ).toBe(30);

    await page.getByRole('button', { name: say(wire.show, english) }).click();
    await page.getByText('Write Single Coil').first().waitFor();
    expect(await page.getByText('Read Discrete Inputs').count()).toBe(0);
    await page.getByLabel(say(wire.routine, english)).check();
    await page
      .getByText(/Read (Coils|Discrete Inputs|Holding Registers|Input Registers)/)
      .first()
      .waitFor();
  });

  it('shows no card to who may not see persons', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const seenBy = async (name: 'technician' | 'administrator') => {
      const page = await open(await person(await browser(), own, chinese), own, '/devices/reader', name);
      await page.getByRole('button', { name: say(wire.show, chinese) }).click();
      await own.act('reader', 'card 12345678');
      const line = page.locator('.wire tbody tr').first();
      await line.waitFor();
      return await line.textContent();
    };
    expect(await seenBy('administrator')).toContain('31 32 33 34 35 36 37 38');
    const hidden = await seenBy('technician');
    expect(hidden).toContain(say(wire.person, chinese));
    expect(hidden).not.toContain('31 32 33');
  });

  it('says all in words, reflows, and is accessible in both themes', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    await own.act('panel', 'garbage');
    await own.act('panel', 'press 9');
    for (const form of [chinese, english]) {
      const page = await open(await person(await browser(), own, form), own, '/devices/panel');
      await page.getByRole('button', { name: say(wire.show, form) }).click();
      await page.locator('.wire tbody tr').first().waitFor();
      await page.getByRole('heading', { name: say(strange.discards, form) }).waitFor();
      await page.getByText(say(words.standing, form)).first().waitFor();
      await expectWords(page, form.name);
      for (const viewport of [desk, phone])
        for (const theme of ['light', 'dark'] as const) {
          await page.setViewportSize(viewport);
          await page.emulateMedia({ colorScheme: theme });
          await expectNoWider(page, `${form.name}, ${viewport.width}`);
          await expectAccessible(page, `${form.name}, ${viewport.width}, ${theme}`);
        }
    }
  });
});
