/**
 * `npm run pictures`: what docs/pictures shows of the console, taken of a school whose hardware is simulated. It writes
 * only where CONSOLE_PICTURES names a folder, and is skipped elsewhere.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { describe, it } from 'vitest';
import { browser } from './browser.ts';
import { allForms, open, person, phone } from './console/pages.ts';
import { type School, school } from './console/school.ts';

const folder = process.env['CONSOLE_PICTURES'];

/** By the names of their files. */
const pages = {
  alarms: '/',
  plan: '/plan',
  areas: '/areas',
  doors: '/doors',
  cameras: '/cameras',
  events: '/events',
  devices: '/devices',
  device: '/devices/panel',
  simulators: '/simulators',
  platforms: '/platforms',
  system: '/system',
} as const;

/** A school from above: what somebody would scan or draw. */
const DRAWING = `<body style="margin:0"><svg xmlns="http://www.w3.org/2000/svg" width="1200" height="640" font-family="sans-serif" font-size="22" text-anchor="middle">
  <rect width="1200" height="640" fill="#e8efe2"/><rect x="30" y="30" width="1140" height="560" fill="#f6f4ec" stroke="#8a8578" stroke-width="6"/>
  <g fill="#d9d3c3" stroke="#8a8578" stroke-width="2"><rect x="90" y="90" width="360" height="130"/><rect x="90" y="290" width="150" height="210"/><rect x="300" y="290" width="150" height="110"/><rect x="980" y="420" width="140" height="110"/></g>
  <ellipse cx="740" cy="280" rx="200" ry="130" fill="#c9744f"/><ellipse cx="740" cy="280" rx="150" ry="88" fill="#7fae6b"/>
  <rect x="520" y="560" width="120" height="30" fill="#f6f4ec"/><path d="M580 590V400" stroke="#cfc8b8" stroke-width="36"/>
  <g fill="#4c4a42"><text x="270" y="160">教学楼</text><text x="165" y="400">图书馆</text><text x="375" y="350">食堂</text><text x="740" y="288">操场</text><text x="1050" y="480">体育馆</text><text x="580" y="630">校门</text></g>
</svg></body>`;

/** Where things are on it, by their names. */
const places: readonly (readonly [name: string, x: number, y: number])[] = [
  ['北围墙', 0.4, 0.05],
  ['南围墙', 0.25, 0.92],
  ['教学楼大厅', 0.22, 0.3],
  ['图书馆', 0.14, 0.55],
  ['体育馆', 0.88, 0.68],
  ['厨房烟感', 0.33, 0.5],
  ['门卫室一键报警', 0.58, 0.88],
  ['校门读卡器', 0.45, 0.86],
  ['gate', 0.483, 0.93],
  ['操场摄像机', 0.62, 0.16],
  ['东侧电子围栏', 0.975, 0.4],
];

async function drawPlan(own: School, one: Browser, page: Page): Promise<void> {
  const canvas = await one.newPage({ viewport: { width: 1200, height: 640 } });
  await canvas.setContent(DRAWING);
  const buffer = await canvas.screenshot();
  await canvas.close();
  await page.goto(`${own.base}/plan`);
  await page.locator('input[type=file]').setInputFiles({ name: 'plan.png', mimeType: 'image/png', buffer });
  await page.locator('.plan-picture').waitFor();
  const get = async <T>(path: string) => (await (await page.request.get(`${own.base}${path}`)).json()) as T;
  const { things } = await get<{ things: { kind: string; id: string; name: string }[] }>('/api/plan/things');
  const { version } = await get<{ version: number }>('/api/plan');
  const placed = places.flatMap(([name, x, y]) => {
    const found = things.find((thing) => thing.name === name);
    return found === undefined ? [] : [{ kind: found.kind, id: found.id, x, y }];
  });
  await page.request.put(`${own.base}/api/plan/places`, { data: { version, places: placed } });
}

/** As long as is seen in the plot. */
const AWAY_MS = 12_000;

/** What a morning brings: cards, a platform that is away for a moment, an outage, and a panic at its end. */
async function morning(own: School): Promise<void> {
  await own.heard('reader');
  for (const card of ['100001', '100002', '100009', '100001']) await own.act('reader', `card ${card}`);
  await own.report('panel', ['#1234|Nri1/BA3', '#1234|Nri1/BR3', '#1234|Nri1/YT0']);
  await own.broker.stop();
  await own.report('panel', ['#1234|Nri1/FA6', '#1234|Nri1/FR6']);
  await delay(AWAY_MS);
  await own.broker.start();
  await own.act('fence', 'weak 2');
  await own.act('panel', 'press 9');
}

describe.skipIf(folder === undefined)('pictures of the console', { timeout: 300_000 }, () => {
  it('are taken of each main page', async () => {
    const own = await school({
      camera: true,
      more: {
        rules: [
          { id: 'look', when: { kinds: ['panic'] }, do: [{ target: 'yard', action: 'snapshot' }] },
          {
            id: 'siren',
            when: { kinds: ['panic'] },
            do: [{ target: 'io', action: 'activate', arguments: { output: 'siren' }, for: '60s' }],
          },
        ],
      },
    });
    await own.accounts();
    await own.heard('yard');
    const one = await browser();
    const page = await open(await person(one, own, allForms[3]), own);
    await drawPlan(own, one, page);
    await morning(own);
    const to = folder ?? '';
    mkdirSync(to, { recursive: true });
    const take = async (shown: Page, path: string, name: string) => {
      await shown.goto(`${own.base}${path}`);
      await shown.locator('main h1').first().waitFor();
      await shown.locator('main [role=status]', { hasText: '…' }).waitFor({ state: 'detached' });
      // Live pictures, plots and what is asked for a second time.
      await shown.waitForTimeout(4000);
      await shown.screenshot({ path: join(to, `console-${name}.png`) });
    };
    for (const [name, path] of Object.entries(pages)) await take(page, path, name);
    // As somebody who chose the other language, and as a guard who looks at his phone at night.
    await page.evaluate("localStorage.setItem('campus-language', 'zh')");
    await take(page, '/', 'alarms.zh-CN');
    await page.goto(`${own.base}/account`);
    await page.setViewportSize(phone);
    await page.emulateMedia({ colorScheme: 'dark' });
    await take(page, '/', 'phone');
  });
});
