/** The page of a city in a real Chromium, over its real server; the city behind it is in memory, and does what a test wants. */
import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { words } from '../../gateway/console/web/words/alarms.ts';
import { labels } from '../../gateway/console/web/words/labels.ts';
import type { SendCommand } from '../../gateway/platform/api/acts.ts';
import * as city from '../../gateway/platform/web/words/city.ts';
import { browser } from './browser.ts';
import {
  allForms,
  expectAccessible,
  expectNoWider,
  expectWords,
  type Form,
  forms,
  person,
  say,
} from './console/pages.ts';
import { campusesOfACity, type PageCity, type Person, pageCity, sessionAt } from './page-city.ts';
import { need } from './tools.ts';

const CAMPUSES = 1500;
const idOf = (index: number) => String(4_503_000_001 + index);

async function openAs(
  own: PageCity,
  form: Form,
  name: Person = 'operator',
  path = '/',
  theme: 'light' | 'dark' = 'light',
) {
  const context = await person(await browser(), own, form, theme);
  await context.addCookies([await sessionAt(own.base, name)]);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${own.base}${path}`);
  await page.locator('#health:not(.unheard)').waitFor();
  await page.locator('main h1').first().waitFor();
  return page;
}
const cardOf = (page: Page, id: string) => page.locator(`article[data-id="${id}"]`);
const button = (within: Page | Locator, name: string) => within.getByRole('button', { name, exact: true });

describe('the page of a city', { timeout: 240_000 }, () => {
  it('is for everybody: in both languages, on a desk and a phone, light and dark', async (context) => {
    need(context, 'chromium');
    const own = await pageCity(CAMPUSES);
    const alarm = own.raise(idOf(3));
    own.raise(idOf(40), { kind: 'fire', test: 'walk-test' });
    own.raise(idOf(77), { kind: 'perimeter', acknowledged: { by: '李明', at: new Date().toISOString() } });
    const minute = Math.floor(Date.now() / 60_000) * 60_000;
    for (let i = 30; i > 0; i--)
      own.store.latency.push({
        at: new Date(minute - i * 60_000).toISOString(),
        count: 9,
        p50: 140,
        p99: 460 + i,
        most: 700,
      });
    const paths = [
      '/',
      '/campuses',
      `/campuses/${alarm.campus.id}`,
      '/condition',
      '/system/users',
      '/account',
    ];
    for (const [i, form] of allForms.entries()) {
      const page = await openAs(own, form, 'administrator', '/', i % 2 === 0 ? 'light' : 'dark');
      for (const path of paths) {
        await page.goto(`${own.base}${path}`);
        await page.locator('main h1').first().waitFor();
        await expect.poll(() => page.locator('main [role=status]', { hasText: '…' }).count()).toBe(0);
        const where = `${path}, ${form.name}`;
        await expectNoWider(page, where);
        await expectAccessible(page, where);
        await expectWords(page, where);
      }
      await page.close();
    }
  });
});

describe('an alarm of a city', { timeout: 120_000 }, () => {
  it.each(forms)('is there at once, on top, and is taken and closed at its campus: $name', async (form) => {
    const own = await pageCity(60);
    own.raise(idOf(1), { kind: 'perimeter' });
    const page = await openAs(own, form);
    await page.evaluate('window.mark = 1');
    const from = performance.now();
    const alarm = own.raise(idOf(8));
    const card = cardOf(page, alarm.id);
    await card.waitFor();
    process.stdout.write(`alarm to page ${(performance.now() - from).toFixed(0)} ms (${form.name})\n`);
    expect(await page.locator('article').first().getAttribute('data-id')).toBe(alarm.id);
    await card.getByText(say(labels.kind.panic, form)).waitFor();
    expect(await card.locator('.of-campus').textContent()).toContain(own.store.campuses.get(idOf(8))?.name);
    expect(await page.title()).toContain('(2)');
    await button(card, say(words.acknowledge, form)).click();
    await card.locator('.outcome.done').waitFor();
    expect(await card.locator('.outcome').textContent()).toMatch(/\d/);
    expect(own.store.alarms.get(alarm.id)?.acknowledged).toMatchObject({ by: 'operator' });
    // Whom somebody looks after already is below who waits.
    await page.locator('article:nth-of-type(2)').and(cardOf(page, alarm.id)).waitFor();
    await button(card, say(words.close, form)).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(say(labels.closeReason['false-user'], form)).check();
    await dialog.locator('textarea').fill('误按，已核实');
    await button(dialog, say(words.closeNow, form)).click();
    await dialog.waitFor({ state: 'detached' });
    expect(own.store.alarms.get(alarm.id)?.closed).toMatchObject({
      reason: 'false-user',
      note: '误按，已核实',
      by: 'operator',
    });
    // It stays until it is over.
    await card.getByText(say(labels.closeReason['false-user'], form)).waitFor();
    own.store.putAlarm({ ...own.store.alarms.get(alarm.id)!, standing: false });
    await card.waitFor({ state: 'detached' });
    expect(await page.evaluate('window.mark')).toBe(1);
  });

  it('tells why its campus has not done it, and who was first', async (context) => {
    need(context, 'chromium');
    const refusing = (): SendCommand => async () => ({ done: false, reason: 'no-answer' });
    const own = await pageCity(20, refusing);
    const [form] = forms;
    const page = await openAs(own, form);
    const deaf = own.raise(idOf(2));
    await button(cardOf(page, deaf.id), say(words.acknowledge, form)).click();
    await cardOf(page, deaf.id)
      .locator('.outcome.wrong', { hasText: say(city.actReason['no-answer'], form) })
      .waitFor();
    const late = own.raise(idOf(3));
    await cardOf(page, late.id).waitFor();
    own.store.alarms.set(late.id, { ...late, acknowledged: { by: '王芳', at: new Date().toISOString() } });
    await button(cardOf(page, late.id), say(words.acknowledge, form)).click();
    await cardOf(page, late.id).locator('.outcome.wrong', { hasText: '王芳' }).waitFor();
  });

  it('is found by district, campus and place, and gives a viewer no buttons and nobody to call', async (context) => {
    need(context, 'chromium');
    const own = await pageCity(30);
    const [form] = forms;
    const [one, other] = [own.raise(idOf(0)), own.raise(idOf(1), { zone: { number: 4, name: '图书馆' } })];
    const page = await openAs(own, form, 'viewer');
    await cardOf(page, other.id).waitFor();
    expect(await page.locator('article button').count()).toBe(0);
    await page.locator('select[name=district]').selectOption('450302');
    await cardOf(page, other.id).waitFor({ state: 'detached' });
    await cardOf(page, one.id).waitFor();
    await page.locator('select[name=district]').selectOption('');
    await page.locator('input[name=place]').fill('图书');
    await cardOf(page, one.id).waitFor({ state: 'detached' });
    await page.locator('input[name=place]').fill('');
    await page.locator('input[name=campus]').fill(idOf(0));
    await cardOf(page, other.id).waitFor({ state: 'detached' });
    await page.goto(`${own.base}/campuses/${idOf(0)}`);
    await page.getByText(say(city.campus.hidden, form)).waitFor();
    expect(await page.locator('main').textContent()).not.toContain('13800000000');
    const operator = await openAs(own, form, 'operator', `/campuses/${idOf(0)}`);
    await operator.locator('a[href="tel:13800000000"]').waitFor();
  });
});

describe('an alarm that no campus can close', { timeout: 120_000 }, () => {
  it.each(forms)(
    'is closed at the desk where its campus is silent, or knows no such alarm: $name',
    async (form) => {
      const unknown: SendCommand = async (_prefix, _target, _action, args) => {
        const { event, sequence } = args as Record<string, string>;
        return { done: false, reason: `there is no alarm ${event} with the sequence ${sequence}` };
      };
      const own = await pageCity(20, () => unknown);
      const page = await openAs(own, form);
      const [silent, there] = [own.raise(idOf(7)), own.raise(idOf(2))];
      await button(cardOf(page, there.id), say(words.acknowledge, form)).click();
      await cardOf(page, there.id).locator('.outcome.wrong').waitFor();
      for (const { id } of [silent, there]) {
        const card = cardOf(page, id);
        await button(card, say(city.duty.acknowledgeHere, form)).click();
        await card.getByText(say(city.duty.atDesk, form)).waitFor();
        await expectAccessible(page, `at the desk, ${form.name}`);
        await expectWords(page, `at the desk, ${form.name}`);
        await expectNoWider(page, `at the desk, ${form.name}`);
        await button(card, say(city.duty.closeHere, form)).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel(say(labels.closeReason.test, form)).check();
        await button(dialog, say(words.closeNow, form)).click();
        await card.waitFor({ state: 'detached' });
        expect(own.store.alarms.get(id)).toMatchObject({
          closed: { by: 'operator', here: true, reason: 'test' },
        });
      }
    },
  );
});

describe('a page of a city', { timeout: 120_000 }, () => {
  it('turns grey within 5 s when the platform is gone, and comes back with what came meanwhile', async (context) => {
    need(context, 'chromium');
    const own = await pageCity(30);
    const [form] = forms;
    const page = await openAs(own, form);
    await page.evaluate('window.mark = 1');
    await own.stop();
    const from = performance.now();
    await page.locator('#health.unheard', { hasText: say(city.states.unheard, form) }).waitFor();
    const grey = performance.now() - from;
    expect(grey).toBeLessThan(5500);
    expect(await page.locator('main.unheard').count()).toBe(1);
    const alarm = own.raise(idOf(5));
    await own.start();
    const started = performance.now();
    await cardOf(page, alarm.id).waitFor();
    await page.locator('#health.alarm').waitFor();
    process.stdout.write(
      `grey after ${grey.toFixed(0)} ms; back ${(performance.now() - started).toFixed(0)} ms after the start\n`,
    );
    expect(await page.evaluate('window.mark')).toBe(1);
    own.store.state.isAway = true;
    await page.locator('#health.bad', { hasText: say(city.states.blind, form) }).waitFor();
    own.store.state.isAway = false;
    await page.locator('#health.alarm').waitFor();
    // Whatever stands: of what comes now nobody would hear.
    own.store.state.isDeaf = true;
    await page.locator('#health.bad', { hasText: say(city.states.deaf, form) }).waitFor();
    own.store.state.isDeaf = false;
    await page.locator('#health.alarm').waitFor();
  });
});

const shown = (page: Page) => page.evaluate<number>("document.querySelectorAll('.marks .mark').length");
const scale = (page: Page) => page.locator('.map .scale text').textContent();

describe('the list of 1,500 campuses', { timeout: 120_000 }, () => {
  it('is searched, ordered and narrowed without a stutter', async (context) => {
    need(context, 'chromium');
    const own = await pageCity(CAMPUSES);
    const [form] = forms;
    const page = await openAs(own, form, 'viewer', '/campuses');
    await page.locator('.campus-line').first().waitFor();
    // From a key to the picture with what it found.
    const slowest = await page.evaluate<number>(`(async () => {
      const input = document.querySelector('input[name=text]');
      let slowest = 0;
      for (const text of ['第', '第1', '第12', '第123', '第1234', '小学', '', '450302 9', '幼儿园', '']) {
        const from = performance.now();
        input.value = text;
        input.dispatchEvent(new Event('input', { bubbles: true }));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        slowest = Math.max(slowest, performance.now() - from);
      }
      return slowest;
    })()`);
    process.stdout.write(`searching 1,500 campuses: a key is answered within ${slowest.toFixed(0)} ms\n`);
    expect(slowest).toBeLessThan(400);
    await page.locator('input[name=text]').fill('第123幼儿园');
    await expect.poll(() => page.locator('.campus-line').count()).toBe(1);
    await page.locator('input[name=text]').fill('');
    await page.locator('select[name=state]').selectOption('silent');
    const silent = campusesOfACity(CAMPUSES).filter(({ state }) => state === 'silent').length;
    await page
      .getByText(say(city.campuses.counts, form).replace('{n}', String(silent)).replace('{all}', '1500'))
      .waitFor();
    await page.locator('select[name=state]').selectOption('');
    // All of them can be had by going on.
    await expect
      .poll(async () => {
        await page.locator('.campus-line').last().scrollIntoViewIfNeeded();
        return await page.locator('.campus-line').count();
      })
      .toBeGreaterThan(200);
    // A campus that changes is changed in its place.
    const [first] = await page
      .locator('.campus-line')
      .evaluateAll((all) => all.map((one) => (one as unknown as { dataset: { id: string } }).dataset.id));
    const view = own.store.campuses.get(first ?? '');
    if (view === undefined) throw new Error('the list has a campus that nobody knows');
    own.store.putCampus({ ...view, state: 'online', reasons: [], untaken: 3, standing: 3 });
    await page.locator(`.campus-line[data-id="${first}"] .badge.alarm`).waitFor();
  });
});

describe('the map of 1,500 campuses', { timeout: 120_000 }, () => {
  it('shows the city by mouse and keyboard, down to one campus', async (context) => {
    need(context, 'chromium');
    const own = await pageCity(CAMPUSES);
    const page = await openAs(own, allForms[3], 'viewer', '/campuses');
    const room = page.locator('.map-room');
    await page.locator('.marks .mark').first().waitFor();
    const [all, far] = [await shown(page), await scale(page)];
    expect(all).toBeGreaterThan(5);
    expect(all).toBeLessThan(200);
    const said = page.locator('.districts title');
    expect((await said.allTextContents()).length).toBe(6);
    await room.focus();
    for (const key of ['+', '+', '+', 'ArrowLeft', 'ArrowUp']) await page.keyboard.press(key);
    await expect.poll(() => scale(page)).not.toBe(far);
    await page.keyboard.press('0');
    await expect.poll(() => scale(page)).toBe(far);
    const box = (await room.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, -600);
    await expect.poll(() => scale(page)).not.toBe(far);
    const before = await page.locator('.marks .mark').first().getAttribute('transform');
    await page.mouse.down();
    await page.mouse.move(x + 90, y + 40, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => page.locator('.marks .mark').first().getAttribute('transform')).not.toBe(before);
    await button(page, say(city.map.all, allForms[3])).click();
    // From many to one.
    for (let i = 0; i < 12 && (await page.locator('.marks .mark.many').count()) > 0; i++)
      await page.locator('.marks .mark.many').first().click({ force: true });
    await page.locator('.marks .mark.one').first().click({ force: true });
    const link = page.locator('.chosen a');
    const name = await link.textContent();
    await link.click();
    await page.locator('main h1', { hasText: name ?? '' }).waitFor();
  });

  it('is moved and zoomed by fingers, and lists who tells no coordinates', async (context) => {
    need(context, 'chromium');
    const own = await pageCity(120);
    const form = allForms[1];
    const page = await openAs(own, form, 'viewer', '/campuses');
    await page.locator('.marks .mark').first().waitFor();
    await page.locator('.map-room').scrollIntoViewIfNeeded();
    const far = await scale(page);
    const box = (await page.locator('.map-room').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const hands = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', apart: number) =>
      hands.send('Input.dispatchTouchEvent', {
        type,
        touchPoints:
          type === 'touchEnd'
            ? []
            : [
                { x: x - apart, y, id: 1 },
                { x: x + apart, y, id: 2 },
              ],
      });
    await touch('touchStart', 20);
    for (const apart of [40, 70, 110]) await touch('touchMove', apart);
    await touch('touchEnd', 0);
    await expect.poll(() => scale(page)).not.toBe(far);
    const without = campusesOfACity(120).filter(({ coordinates }) => coordinates === undefined);
    await page.locator('.without summary').click();
    expect(await page.locator('.without li').count()).toBe(without.length);
  });
});
