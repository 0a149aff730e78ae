/** What it takes to list and to search a million events on the console, over HTTP, on a gateway that runs. */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventsPage } from '../../gateway/console/contract/events.ts';
import { freePort } from '../free-port.ts';
import type { Aim } from './aims.ts';
import { cookieOf } from './consoles.ts';
import { fillJournal } from './many-events.ts';
import { folder, gatewayIn, ms, quantile, stop, tell } from './parts.ts';

const EVENTS = 1_000_000;
const ASKS = 40;
/** What feels like at once. */
const LIST_MS = 100;
/** Nielsen's limit of an uninterrupted flow of thought, halved: the browser has to draw it, too. */
const SEARCH_MS = 500;

const DAY_MS = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
/** Questions, of the n-th time that they are asked: no answer is there already. */
const questions: Readonly<Record<string, (n: number) => string>> = {
  type: (n) => `types=${['alarm.raised', 'access.denied', 'device.*', 'video.*'][n % 4]}`,
  device: (n) => `device=reader-${n % 24}`,
  'device and type': (n) => `device=panel-${n % 4}&types=alarm.*&kind=${['fire', 'panic', 'fence'][n % 3]}`,
  'a day months ago': (n) => `from=${ago(150 + n)}&to=${ago(149 + n)}`,
  'a zone then': (n) => `place=zone-${n % 64}&types=alarm.raised&to=${ago(30 + n)}`,
  'a card': (n) => `person=${10_000 + ((n * 997) % 3000)}`,
  'a Chinese word': (n) => `text=${encodeURIComponent(['图书馆', '围墙', '食堂', '走廊'][n % 4] ?? '')}`,
  'two words': (n) => `text=${encodeURIComponent(`教学楼 zone-${n % 64}`)}`,
  'the beginning of a word': (n) => `text=${['re', 'pan', 'zone-1', 'cam', 'gate'][n % 5]}`,
  'what is not there': (n) => `text=nothing${n}&device=reader-${n % 24}`,
};

/** @param count of events. */
export async function searchBench(count: number = EVENTS): Promise<readonly Aim[]> {
  const directory = folder();
  const dataDir = join(directory, 'data');
  const filling = performance.now();
  fillJournal(dataDir, count);
  tell(`${count} events written in ${((performance.now() - filling) / 1000).toFixed(0)} s`);
  const port = await freePort();
  const config = { campus: { id: '45000001', name: 'bench' }, dataDir, console: { port } };
  const daemon = await gatewayIn(directory, config);
  const base = `http://127.0.0.1:${port}`;
  const cookie = await cookieOf(base, dataDir);
  const ask = async (query: string): Promise<{ readonly page: EventsPage; readonly took: number }> => {
    const begun = performance.now();
    const answer = await fetch(`${base}/api/events?${query}`, { headers: { cookie } });
    if (!answer.ok) throw new Error(`${query}: ${answer.status}`);
    return { page: (await answer.json()) as EventsPage, took: performance.now() - begun };
  };
  const indexing = performance.now();
  while ((await ask('limit=1')).page.behind > 0) await delay(1000);
  tell(`the index is there after ${((performance.now() - indexing) / 1000).toFixed(0)} s, beside all else`);

  tell(`\n${'looked for'.padEnd(26)} ${['p50', 'p95'].map((one) => one.padStart(10)).join('   ')}`);
  const measure = async (name: string, queryOf: (n: number, before: string | null) => string) => {
    const took: number[] = [];
    let before: string | null = null;
    for (let n = 0; n < ASKS; n++) {
      const one = await ask(queryOf(n, before));
      before = one.page.next;
      took.push(one.took);
    }
    tell(`${name.padEnd(26)} ${[0.5, 0.95].map((q) => ms(quantile(took, q)).padStart(10)).join('   ')}`);
    return quantile(took, 0.95);
  };
  const list = await measure('page by page', (_n, before) => (before === null ? '' : `before=${before}`));
  const searches: number[] = [];
  for (const [name, question] of Object.entries(questions)) searches.push(await measure(name, question));
  await stop(daemon);
  return [
    { what: 'p95 of a page of the list', measured: list, unit: ' ms', atMost: LIST_MS },
    {
      what: 'p95 of the slowest kind of search',
      measured: Math.max(...searches),
      unit: ' ms',
      atMost: SEARCH_MS,
    },
  ];
}
