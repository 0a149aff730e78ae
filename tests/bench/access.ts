/** Decisions about cards by the length of the list; the physical limit beside it is one look-up in a Map. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { configSchema } from '../../config/schema.ts';
import { cardKey } from '../../drivers/contract/card.ts';
import { loadCredentials } from '../../gateway/access/credentials.ts';
import { decide } from '../../gateway/access/decide.ts';
import { folder, quantile, tell } from './parts.ts';

const ASKED = 200_000;

export async function access(): Promise<void> {
  const {
    access: config,
    calendar,
    timezone,
  } = configSchema.parse({
    campus: { id: '4503000001', name: 'bench' },
    access: {
      timeTables: [{ id: 'day', on: 'school', from: '06:00', to: '22:00' }],
      groups: [
        { id: 'pupils', doors: ['gate'], times: ['day'] },
        { id: 'teachers', doors: ['gate'] },
      ],
      doors: [{ id: 'gate', reader: 'r', direction: 'in', passback: '1m' }],
    },
  });
  const [door] = config.doors;
  if (door === undefined) throw new Error('the bench has a door');
  const now = Date.parse('2026-11-24T07:40:00+08:00');
  tell('credentials     read (loop held at most)   decisions/s   p99      one look-up/s   (to it)');
  for (const count of [1000, 50_000, 500_000]) {
    const rows = Array.from(
      { length: count },
      (_, i) => `${i},1,p-${i},${i % 20 === 0 ? 'teachers' : 'pupils'},2026-09-01,2027-07-15,`,
    );
    const text = `number,facility,holder,groups,validFrom,validUntil,blocked\n${rows.join('\n')}`;
    const file = join(folder(), 'cards.csv');
    writeFileSync(file, text);
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    const started = performance.now();
    const found = await loadCredentials(file, ['pupils', 'teachers']);
    const read = performance.now() - started;
    loop.disable();
    const blocked = loop.max / 1e6;
    if ('errors' in found) throw new Error('the list is wrong');
    const { credentials } = found;
    const context = { credentials, config, calendar, timezone, passages: new Map(), lockdown: false };
    const cards = Array.from({ length: ASKED }, () => String(Math.floor(Math.random() * count * 1.1)));
    const lookUp = performance.now();
    let hits = 0;
    for (const number of cards) if (credentials.get(cardKey(1, number) ?? '') !== undefined) hits++;
    const looked = performance.now() - lookUp;
    const times: number[] = [];
    let granted = 0;
    const begun = performance.now();
    for (const number of cards) {
      const before = performance.now();
      if (decide({ facility: 1, number }, door, now, context).decision === 'granted') granted++;
      times.push(performance.now() - before);
    }
    const seconds = (performance.now() - begun) / 1000;
    if (granted !== hits) throw new Error(`${granted} granted of ${hits}`);
    const perSecond = ASKED / seconds;
    const limit = ASKED / (looked / 1000);
    tell(
      `${String(count).padEnd(11)} ${read.toFixed(0).padStart(6)} ms (${blocked.toFixed(0).padStart(3)} ms) ${perSecond.toFixed(0).padStart(14)}   ${(quantile(times, 0.99) * 1000).toFixed(0).padStart(5)} µs ${limit.toFixed(0).padStart(14)}   (${(perSecond / limit).toFixed(3)})`,
    );
  }
}
