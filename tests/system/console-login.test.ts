/** The first start in a real browser: from the link that the gateway prints to a password, and in and out with it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { words as alarms } from '../../gateway/console/web/words/alarms.ts';
import { navigation } from '../../gateway/console/web/words/common.ts';
import { login } from '../../gateway/console/web/words/login.ts';
import { setup } from '../../gateway/console/web/words/setup.ts';
import { browser } from './browser.ts';
import { expectAccessible, expectNoWider, forms, person, phone, say } from './console/pages.ts';
import { password, school } from './console/school.ts';
import { need } from './tools.ts';

describe('the first start', { timeout: 120_000 }, () => {
  it.for(forms)('leads by a link to a password, and the link is over: $name', async (form, context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    const page = await (await person(await browser(), own, form)).newPage();
    await page.goto(own.link());
    await page.getByRole('heading', { name: say(setup.first, form) }).waitFor();
    await expectNoWider(page, 'setup');
    await expectAccessible(page, 'setup');
    await page.getByLabel(say(setup.name, form)).fill('王校长');
    await page.getByLabel(say(setup.password, form)).fill(password);
    await page.getByLabel(say(setup.again, form)).fill(password);
    await page.getByRole('button', { name: say(setup.go, form) }).click();
    await page.getByText(say(alarms.none, form)).waitFor();
    // Who is on this machine is somebody from now on: the token of the data folder is gone.
    await expect.poll(() => existsSync(join(own.directory, 'data/console.operator.token'))).toBe(false);

    if (form.viewport === phone) await page.getByRole('button', { name: say(navigation.menu, form) }).click();
    await page.locator('#logout').click();
    await page.getByRole('heading', { name: say(login.title, form) }).waitFor();
    await expectNoWider(page, 'login');
    await expectAccessible(page, 'login');
    const enter = async (text: string) => {
      await page.getByLabel(say(login.name, form), { exact: true }).fill('王校长');
      await page.getByLabel(say(login.password, form), { exact: true }).fill(text);
      await page
        .getByRole('button', { name: say(login.go, form), exact: true })
        .first()
        .click();
    };
    await enter('it was something else');
    await page.getByText(say(login.wrong, form)).waitFor();
    await enter(password);
    await page.getByText(say(alarms.none, form)).waitFor();
    // A link serves once.
    const stranger = await (await person(await browser(), own, form)).newPage();
    await stranger.goto(own.link());
    await stranger.getByText(say(setup.over, form)).waitFor();
  });
});
