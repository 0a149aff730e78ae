/** Worlds of some seeds hold; and each of some known bugs, planted, is found in a few. `npm run world` runs many. */
import { describe, expect, it } from 'vitest';
import { plants } from './world/plants.ts';
import { runWorld } from './world.ts';

const SEEDS = 10;
/** In as many a planted bug is found: so many at least hold. */
const FOUND_WITHIN = 5;

describe('a world', { timeout: 120_000 }, () => {
  it(`holds, of each of ${SEEDS} seeds`, async () => {
    const sum = { events: 0, lives: 0, moved: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { wrong, counts } = await runWorld(seed);
      expect({ seed, wrong }).toEqual({ seed, wrong: [] });
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += counts[key];
    }
    // That much happens in them: an empty world holds too.
    expect(sum.events).toBeGreaterThan(50 * SEEDS);
    expect(sum.lives).toBeGreaterThan(2 * SEEDS);
    expect(sum.moved).toBeGreaterThan(5 * SEEDS);
  });

  it('of one seed is the same world each time', async () => {
    const [one, other] = [await runWorld(7), await runWorld(7)];
    expect(one).toEqual(other);
    expect((await runWorld(8)).counts).not.toEqual(one.counts);
  });
});

describe('a bug that is planted is found', { timeout: 120_000 }, () => {
  it.each(Object.entries(plants))('%s', async (_name, { shows, ...plant }) => {
    const found: string[] = [];
    for (let seed = 1; seed <= FOUND_WITHIN && !found.some((one) => shows.test(one)); seed++)
      found.push(...(await runWorld(seed, plant)).wrong);
    expect(found).toContainEqual(expect.stringMatching(shows));
  });
});
