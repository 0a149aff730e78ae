/** A year of a school in the journal, and somebody who looks for one alarm in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { lanes } from '../../drivers/contract/lane.ts';
import { events as words } from '../../gateway/console/web/words/events.ts';
import { labels } from '../../gateway/console/web/words/labels.ts';
import { fillJournal } from '../bench/many-events.ts';
import { browser } from './browser.ts';
import { expectAccessible, expectNoWider, expectWords, forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need, until } from './tools.ts';

/** `npm run test:long -- search`: a million, whose index takes a minute. */
const COUNT = Number(process.env['SEARCHED'] ?? 200_000);
/** Of them. */
const RARE = 1000;
const ROOM = '音乐教室按钮';
/** As long as somebody waits without wondering whether it works. */
const FOUND_WITHIN_MS = 2000;

/** Every thousandth event: the alarm that is looked for. */
function needle(i: number) {
  if (i % (COUNT / RARE) !== 0) return undefined;
  const at = Date.now() - (COUNT - i) * 20_000;
  const id = uuidv7({ msecs: at });
  const time = new Date(at).toISOString();
  const data = {
    ...{ kind: 'panic', state: 'raised', device: { id: 'panel' }, zone: { number: 9, name: ROOM } },
    clock: { source: 'gateway', seenAt: time, synchronised: true },
  };
  const source = '/campus/4503000001/device/panel';
  const event = { specversion: '1.0', id, source, type: 'cn.campus.alarm.raised', time };
  const body = JSON.stringify({ ...event, datacontenttype: 'application/json', data });
  return { id, lane: lanes.indexOf('urgent'), seenAt: at, type: 'alarm.raised', device: 'panel', body };
}

describe('a search among many events', { timeout: 180_000 }, () => {
  it('finds by words, type and time at once, shows one, and takes all along', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school({
      prepare: async (directory) => fillJournal(join(directory, 'data'), COUNT, { more: needle }),
    });
    await own.accounts();
    const one = await browser();
    for (const form of forms) {
      const page = await open(await person(one, own, form), own, '/events');
      const started = performance.now();
      const behind = async () => {
        const answer = await page.request.get(`${own.base}/api/events?limit=1`);
        return ((await answer.json()) as { behind: number }).behind;
      };
      await until('the index is made', async () => (await behind()) === 0, 120_000);
      const rows = page.locator('table.rows tbody tr');
      await rows.first().waitFor();
      const indexed = performance.now() - started;
      const find = async (fill: () => Promise<unknown>) => {
        await fill();
        const asked = performance.now();
        const answer = page.waitForResponse((response) => response.url().includes('/api/events?'));
        await page.getByRole('button', { name: say(words.find, form), exact: true }).click();
        await answer;
        await rows.first().waitFor();
        return performance.now() - asked;
      };
      const byText = await find(() => page.getByLabel(say(words.text, form)).fill(ROOM));
      expect(await rows.first().innerText()).toContain(ROOM);
      const byType = await find(() => page.locator('select[name=types]').selectOption('alarm.raised'));
      expect(await rows.first().innerText()).toContain(say(labels.kind.panic, form));
      const shown = await rows.count();
      await page.getByRole('button', { name: say(words.older, form) }).click();
      await expect.poll(() => rows.count()).toBeGreaterThan(shown);
      process.stdout.write(
        `search among ${COUNT}: by words ${byText.toFixed(0)} ms, and by type ${byType.toFixed(0)} ms (${form.name}); index ${(indexed / 1000).toFixed(1)} s after the page\n`,
      );
      expect(Math.max(byText, byType)).toBeLessThan(FOUND_WITHIN_MS);

      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: say(words.csv, form) }).click(),
      ]);
      const csv = readFileSync(await file.path(), 'utf8');
      expect(csv.split('\n').filter((line) => line.includes(ROOM))).toHaveLength(RARE);
      await rows.first().getByRole('link').click();
      await page.getByRole('heading', { name: say(words.life, form) }).waitFor();
      await expectWords(page, '/events/:sequence');
      await expectNoWider(page, '/events/:sequence');
      await expectAccessible(page, '/events/:sequence');
    }
  });
});
