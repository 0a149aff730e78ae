/** The page of the system in a real Chromium: the config as it is and what is wrong with it, the audit and its chain. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { system as words } from '../../gateway/console/web/words/system.ts';
import { browser } from './browser.ts';
import { allForms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

describe('the page of the system', { timeout: 120_000 }, () => {
  it('tells what is wrong with a changed config at its line, and that it is not the one that runs', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const one = await browser();
    const file = join(own.directory, 'campus.yaml');
    const [form] = allForms;
    const page = await open(await person(one, own, form), own, '/system/config');
    await page.getByText(say(words.isTaken, form)).waitFor();
    // It is checked, and would be taken up: there may be warnings.
    await page.locator('p.line[role="status"]').waitFor();
    expect(await page.locator('.lines .told.error').count()).toBe(0);
    appendFileSync(file, 'statsu: { port: 9464 }\n# password: Hu4-Zm1x9\n');
    await page.reload();
    await page.getByText(say(words.isOther, form)).waitFor();
    const told = page.locator('.lines .told.error');
    await told.waitFor();
    expect(await told.textContent()).toContain('status');
    const line = await page.locator('.one', { hasText: 'statsu' }).getAttribute('id');
    // What is found leads to its line, by the keyboard too.
    await page.locator('ul.found button').first().press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe(line);
    expect(await page.locator('main').textContent()).not.toContain('Hu4-Zm1x9');
  });

  it('follows the chain of the audit, and finds the entry that somebody changed', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const form = allForms[1];
    const page = await open(await person(await browser(), own, form), own, '/system/audit');
    await page.getByText(say(words.whole, form), { exact: true }).waitFor();
    await page.locator('table.rows tbody tr').first().waitFor();
    const db = new Database(join(own.directory, 'data/journal.sqlite'));
    db.exec(`UPDATE audit SET body = replace(body, '"config"', '"konfig"') WHERE number = 1`);
    db.close();
    await page.getByRole('button', { name: say(words.verify, form) }).click();
    const broken = say(words.broken, form).split('{n}')[0] ?? '';
    await page.getByText(`${broken}1`).waitFor();
    await page.getByRole('searchbox').fill('konfig');
    await page.getByRole('searchbox').press('Enter');
    await expect.poll(() => page.locator('table.rows tbody tr').count()).toBe(1);
  });

  it('is for technicians and administrators; nobody else is led there', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const page = await open(await person(await browser(), own), own, '/platforms', 'operator');
    await page.locator('section.card').first().waitFor();
    expect(await page.locator('header nav a[href="/system"]').count()).toBe(0);
    expect(await page.evaluate(`fetch('/api/system').then(({ status }) => status)`)).toBe(403);
  });
});
