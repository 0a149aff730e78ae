/** That somebody listens is written down, so that what nobody heard is no silence of a campus. */
import { expect, it } from 'vitest';
import { createListening } from '../../../gateway/platform/consumer/listening.ts';
import { manualClock } from '../../clocks.ts';

it('writes down each minute that it listens, while it is connected', async () => {
  const time = manualClock(0);
  const written: string[] = [];
  const store = { listen: async (root: string, now: number) => void written.push(`${root} ${now}`) };
  let isConnected = true;
  const listening = createListening(store, 'campus/v1', time);
  listening.begin(() => isConnected);
  await time.advance(60_000);
  isConnected = false;
  await time.advance(120_000);
  isConnected = true;
  await time.advance(60_000);
  expect(written).toEqual(['campus/v1 0', 'campus/v1 60000', 'campus/v1 240000']);
  listening.stop();
  expect(time.pending).toBe(0);
});
