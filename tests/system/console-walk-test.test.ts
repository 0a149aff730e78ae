/**
 * A walk test as an installer does it: begun on a phone, points tripped at simulated hardware, ended; its report as a PDF
 * that a real Chromium printed. And the same from the command line, which needs no browser of its own.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { walkTest as words } from '../../gateway/console/web/words/walk-test.ts';
import { browser } from './browser.ts';
import { expectAccessible, expectNoWider, expectWords, forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

/** What is printed in it. */
const textOf = (pdf: string): string =>
  execFileSync('pdftotext', ['-layout', pdf, '-'], { encoding: 'utf8' });
const pictures = process.env['CONSOLE_PICTURES'];

describe('a walk test', { timeout: 240_000 }, () => {
  it.for(forms)('is begun, followed and ended, and its report downloaded: $name', async (form, context) => {
    need(context, 'mosquitto', 'chromium', 'pdftotext');
    const own = await school();
    await own.accounts();
    const page = await open(await person(await browser(), own, form), own, '/walk-test', 'technician');
    await page.getByLabel(say(words.area, form).replace('{name}', '围墙').replace('{n}', '3')).check();
    await page.getByRole('button', { name: say(words.begin, form), exact: true }).click();
    await page.getByRole('dialog').getByRole('button').nth(1).click();
    await page
      .getByText(say(words.tried, form).replace('{n}', '0').replace('{of}', '3'), { exact: true })
      .waitFor();

    // One of it; one that is not in it, and one that nobody knows, which alarm as ever.
    await own.act('panel', 'press 9');
    await own.act('panel', 'trip 6');
    await own.act('panel', 'trip 44');
    const pressed = page.locator('.tried', { hasText: '门卫室一键报警' });
    await pressed.getByText(/police \d/).waitFor();
    const others = page.getByRole('region', { name: say(words.others, form) });
    await others.getByText(say(words.outside, form)).waitFor();
    await others.getByText(say(words.unknown, form)).waitFor();
    // The walls are disarmed: heard, and nothing is sent, which is no pass.
    await own.act('panel', 'trip 1');
    await page.locator('.heard', { hasText: '北围墙' }).getByText(say(words.silent, form)).waitFor();

    await page.getByRole('button', { name: `${say(words.addWhy, form)} 南围墙` }).click();
    await page.getByLabel(say(words.why, form).replace('{name}', '南围墙')).fill('雨');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('雨', { exact: true }).waitFor();
    await expectWords(page, form.name);
    await expectNoWider(page, form.name);
    await expectAccessible(page, form.name);
    if (pictures !== undefined && form.locale === 'en-GB')
      await page.screenshot({ path: join(pictures, 'console-walk-test.png'), animations: 'disabled' });

    await page.getByRole('button', { name: say(words.end, form) }).click();
    await page.getByRole('dialog').getByRole('button').nth(1).click();
    const row = page.locator('#walk-reports tr').first();
    await row.waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download', { timeout: 60_000 }),
      row.getByRole('link', { name: say(words.pdf, form) }).click(),
    ]);
    const text = textOf(await download.path());
    for (const word of ['第一小学', '4503000001', '门卫室一键', '南围墙', '雨', 'technician', 'SHA-256'])
      expect(text).toContain(word);
    await page.getByRole('button', { name: say(words.begin, form), exact: true }).waitFor();
  });

  it('goes from the command line alone, until every point was tried, into a file of its owner', async (context) => {
    need(context, 'mosquitto', 'chromium', 'pdftotext');
    // Of a disarmed area nothing would be told: these always alarm.
    const zones = [
      { device: 'panel', zone: 1, type: '24-hour' },
      { device: 'panel', zone: 2, type: '24-hour' },
      { device: 'panel', zone: 9, type: 'panic' },
    ];
    const own = await school({ more: { areas: [{ id: 'walls', name: '围墙', zones }] } });
    const folder = mkdtempSync(join(tmpdir(), 'walk-'));
    const out = join(folder, 'report.pdf');
    const config = join(own.directory, 'simulated.yaml');
    const args = ['gateway/campus-gateway.js', 'walk-test', config, '--area', 'walls', '--until-complete'];
    const walk = spawn(process.execPath, [...args, '--for', '10m', '--out', out], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CAMPUS_LANG: 'en' },
    });
    onTestFinished(() => void walk.kill());
    let said = '';
    walk.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await expect.poll(() => said, { timeout: 30_000 }).toContain('the walk test began: 3 points');
    for (const action of ['press 9', 'trip 1', 'trip 2']) await own.act('panel', action);
    const [status] = (await once(walk, 'close')) as [number];
    expect(said).toContain('3 of 3 points were tested');
    expect(status).toBe(0);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(textOf(out)).toContain('Every point was tested.');
  });
});
