/** Arming from a browser: refused while a zone is open, with its name; bypassed; armed. */
import { describe, it } from 'vitest';
import { areas as words } from '../../gateway/console/web/words/areas.ts';
import { labels } from '../../gateway/console/web/words/labels.ts';
import { browser } from './browser.ts';
import { forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

describe('an area', { timeout: 120_000 }, () => {
  it.for(forms)(
    'is not armed while a zone is open, and says which; bypassed, it is: $name',
    async (form, context) => {
      need(context, 'mosquitto', 'chromium');
      const own = await school();
      await own.accounts();
      const page = await open(await person(await browser(), own, form), own, '/areas', 'operator');
      const area = page.getByRole('region', { name: '围墙' });
      // While it is disarmed that is no alarm.
      await own.act('panel', 'trip 1');
      await area.getByText(say(words.keepsOpen, form)).waitFor();
      const arm = area.getByRole('button', { name: `${say(words.arm, form)} 围墙`, exact: true });
      await arm.click();
      const refused = area.getByRole('alert').filter({ hasText: say(words.refused, form) });
      await refused.getByText('北围墙').first().waitFor();
      await refused
        .getByRole('button', { name: say(words.bypass, form) })
        .first()
        .click();
      await refused.waitFor({ state: 'detached' });
      await arm.click();
      await area.getByText(say(labels.state.armed, form), { exact: true }).waitFor();
      await area.getByText(say(words.armedBypassed, form).replace('{zones}', '北围墙')).waitFor();

      // What is bypassed is silent, and its neighbour is not.
      await own.act('panel', 'restore 1');
      await own.act('panel', 'trip 1');
      await own.act('panel', 'trip 2');
      await page.locator('#health.alarm').waitFor();
      await page.goto(own.base);
      await page.locator('article[data-key]', { hasText: '南围墙' }).waitFor();
      await page.locator('article[data-key]', { hasText: '北围墙' }).waitFor({ state: 'detached' });
    },
  );
});
