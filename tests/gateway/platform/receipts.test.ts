/** Receipts, by themselves: whose turn it is to be asked for. */
import { expect, it } from 'vitest';
import { createReceipts } from '../../../gateway/platform/consumer/receipts.ts';
import { manualClock } from '../../clocks.ts';

it('asks once at a time for a campus that says online without end', async () => {
  const held = Promise.withResolvers<void>();
  const asked: (string | undefined)[] = [];
  const time = manualClock();
  const receipts = createReceipts({
    positions: async (prefix) => {
      asked.push(prefix);
      if (prefix === 'loud') await held.promise;
      return [];
    },
    publish: async () => {},
    time,
    onSent() {},
  });
  for (let number = 0; number < 20; number++) receipts.repeat('loud', `journal ${number}`);
  receipts.repeat('other', 'one');
  await time.advance(200);
  expect(asked).toEqual(['loud', 'other']);
  held.resolve();
  await time.advance(200);
  expect(asked).toEqual(['loud', 'other', 'loud']);
});

it('tells the campuses of a whole city less often than one alone, an alarm at once, and who is far ahead soon', async () => {
  const CAMPUSES = 1500;
  const time = manualClock();
  const told: { readonly prefix: string; readonly at: number; readonly text: string }[] = [];
  const receipts = createReceipts({
    positions: async () => [],
    publish: async (topic, text) => void told.push({ prefix: topic.slice(0, -4), at: time.elapsed(), text }),
    time,
    onSent() {},
  });
  const stored = (prefix: string, lane: 'urgent' | 'normal', upTo: number) =>
    receipts.add([{ prefix, journal: 'one', lane, upTo }]);
  const toldOf = (prefix: string) => told.filter((one) => one.prefix === prefix);
  stored('alone', 'normal', 1);
  for (let n = 2; n < 20; n++) {
    await time.advance(500);
    stored('alone', 'normal', n);
  }
  await time.advance(500);
  expect(toldOf('alone').length).toBeGreaterThan(15);

  let before = 0;
  for (let second = 0; second < 60; second++) {
    for (let campus = 0; campus < CAMPUSES; campus++) stored(`c${campus}`, 'normal', 2 * second + 2);
    await time.advance(1000);
    if (second === 19) before = told.length;
  }
  expect((told.length - before) / 40).toBeLessThan(CAMPUSES / 3);
  const times = toldOf('c7').map(({ at }) => at);
  const waits = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  expect(Math.max(...waits)).toBeLessThan(10_000);

  const [alarmAt, count] = [time.elapsed(), toldOf('c7').length];
  stored('c7', 'urgent', 121);
  await time.advance(20);
  expect(toldOf('c7').slice(count)).toMatchObject([
    { at: alarmAt, text: expect.stringContaining('"urgent":"121"') },
  ]);
  stored('c8', 'normal', 120 + 300);
  await time.advance(20);
  expect(toldOf('c8').at(-1)?.text).toContain('"normal":"420"');
});
