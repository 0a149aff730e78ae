/** The config is changed in a real Chromium: compared, taken up, and gone back from; a backup is made and had. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeKeys } from '../../gateway/backup/age.ts';
import { backup as backupWords } from '../../gateway/console/web/words/backup.ts';
import { common } from '../../gateway/console/web/words/common.ts';
import { config as words } from '../../gateway/console/web/words/config.ts';
import { browser } from './browser.ts';
import { allForms, expectAccessible, expectNoWider, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need, until } from './tools.ts';

describe('the page of the config', { timeout: 120_000 }, () => {
  it('shows what a change would do, takes it up, and goes back; what is wrong changes nothing', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const one = await browser();
    const file = join(own.directory, 'campus.yaml');
    const before = readFileSync(file, 'utf8');
    let starts = 1;
    /** It answers who asked, and then is made anew with the other config. */
    const isThereAgain = async () => {
      starts++;
      await until(
        'the console is there again',
        () => own.log().filter((line) => line.includes('the console is there')).length >= starts,
      );
    };
    for (const form of [allForms[0], allForms[1]]) {
      const page = await open(await person(one, own, form), own, '/system/config');
      const button = (word: readonly [string, string]) =>
        page.getByRole('button', { name: say(word, form), exact: true });
      const area = page.locator('textarea.config');
      const write = async (from: string, to: string) =>
        await area.fill((await area.inputValue()).replace(from, to));
      await button(words.change).click();
      // A mistake leads to its line.
      await write('name: 东侧电子围栏', 'nmae: 东侧电子围栏');
      await button(words.compare).click();
      await page.locator('.editor ul.found button').first().press('Enter');
      expect(
        await page.evaluate<string>(
          'document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)',
        ),
      ).toContain('nmae');
      expect(await button(words.apply).isDisabled()).toBe(true);
      await write('nmae: 东侧电子围栏', 'name: 西侧电子围栏');
      await button(words.compare).click();
      await page.locator('#changes li', { hasText: 'fence' }).waitFor();
      await expectNoWider(page, `config, ${form.name}`);
      await expectAccessible(page, `config, ${form.name}`);
      await button(words.apply).click();
      await page
        .getByRole('dialog')
        .getByRole('button', { name: say(common.yes, form) })
        .click();
      await page.locator('.applied .badge.good').waitFor();
      expect(readFileSync(file, 'utf8')).toContain('西侧电子围栏');
      await isThereAgain();
      await page.locator('#versions tr', { has: page.locator('.badge.good') }).waitFor();
      await expect.poll(() => page.locator('#versions tr').count(), { timeout: 15_000 }).toBeGreaterThan(1);
      await page.getByRole('button', { name: say(words.backTo, form).replace('{name}', 'v1') }).click();
      await page
        .getByRole('dialog')
        .getByRole('button', { name: say(common.yes, form) })
        .click();
      await expect.poll(() => readFileSync(file, 'utf8'), { timeout: 15_000 }).toBe(before);
      await isThereAgain();
      await page.close();
    }
  });

  it('is only looked at by a technician', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const page = await open(await person(await browser(), own), own, '/system/config', 'technician');
    await page.locator('.lines').waitFor();
    expect(
      await page.getByRole('button', { name: say(words.change, allForms[0]), exact: true }).count(),
    ).toBe(0);
    expect(await page.locator('nav.tabs a[href="/system/backup"]').count()).toBe(0);
  });
});

describe('the page of backups', { timeout: 120_000 }, () => {
  it('makes one, tells what came of it, and gives it as a file', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const { recipient } = await makeKeys();
    const own = await school({ more: { backup: { recipients: [recipient], keep: 3 } } });
    await own.accounts();
    const one = await browser();
    for (const form of [allForms[0], allForms[1]]) {
      const page = await open(await person(one, own, form), own, '/system/backup');
      await page.getByRole('button', { name: say(backupWords.take, form) }).click();
      await page.locator('.badge.good', { hasText: say(backupWords.made, form) }).waitFor();
      const download = page.waitForEvent('download');
      await page.locator('a[download]').first().click();
      const saved = await (await download).path();
      expect(readFileSync(saved).subarray(0, 21).toString()).toBe('age-encryption.org/v1');
      await expectNoWider(page, `backup, ${form.name}`);
      await expectAccessible(page, `backup, ${form.name}`);
      await page.close();
    }
    const without = await school();
    await without.accounts();
    const page = await open(await person(one, without), without, '/system/backup');
    await page.locator('.badge.warn', { hasText: say(backupWords.none, allForms[0]).slice(0, 10) }).waitFor();
  });
});
