/** The other ends of the wires, driven from a browser, in a process of their own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { simulators as words } from '../../gateway/console/web/words/simulators.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { browser } from './browser.ts';
import { expectAccessible, expectNoWider, forms, person, say } from './console/pages.ts';
import { gateway, need } from './tools.ts';

describe('simulators', { timeout: 120_000 }, () => {
  it.for(forms)(
    'raise an alarm as the device would, and say why one cannot run: $name',
    async (form, context) => {
      need(context, 'chromium');
      const directory = temporaryDirectory();
      const [port, panel] = await Promise.all([freePort(), freePort()]);
      await gateway(
        {
          campus: { id: '4503000001', name: '第一小学' },
          dataDir: join(directory, 'data'),
          console: { port, simulators: true },
          devices: [
            {
              id: 'panel',
              name: '周界报警主机',
              driver: 'dc09',
              listen: { port: panel },
              accounts: [
                { account: '1234', zones: [{ zone: 9, id: 'button', kind: 'panic', name: '一键报警' }] },
              ],
            },
            { id: 'local', driver: 'wiegand', connection: { serial: '/dev/ttyS9' }, format: 'ascii' },
          ],
        },
        directory,
      );
      const base = `http://127.0.0.1:${port}`;
      const token = readFileSync(join(directory, 'data/console.operator.token'), 'utf8').trim();
      const page = await (await person(await browser(), { base }, form)).newPage();
      await page.goto(`${base}/#${token}`);
      await page.locator('#health').waitFor();
      await page.goto(`${base}/simulators`);
      await page.getByRole('button', { name: say(words.startAll, form) }).click();
      const simulated = page.getByRole('region', { name: '周界报警主机' });
      await simulated.getByText(say(words.running, form), { exact: true }).waitFor();
      const local = page.getByRole('region', { name: 'local' });
      await local.getByText(say(words.failed, form), { exact: true }).waitFor();
      await local.getByText('--serial PATH').waitFor();
      await simulated.locator('select').selectOption('press ZONE');
      await simulated.locator('input').fill('9');
      await simulated.getByRole('button', { name: say(words.do, form) }).click();
      await page.getByText('panel: press 9').waitFor();
      await page.locator('#health.alarm').waitFor();
      await expectNoWider(page, 'the simulators');
      await expectAccessible(page, 'the simulators');
      await page.getByRole('button', { name: say(words.stopAll, form) }).click();
      await simulated.getByText(say(words.stopped, form), { exact: true }).waitFor();
      await page.goto(base);
      await page.getByText('一键报警').first().waitFor();
    },
  );
});
