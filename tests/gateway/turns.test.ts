/** Whose turn it is on the screen of a gate. */
import { describe, expect, it } from 'vitest';
import { createTurns, SHOWN_IN_A_ROW_MS, SHOWN_MS } from '../../gateway/console/web/kit/turns.ts';
import { manualClock } from '../clocks.ts';

function screen() {
  const time = manualClock();
  const shown: [number, string][] = [];
  const begun = time.elapsed();
  const { add } = createTurns<string>(
    (one) => one.startsWith('no'),
    (one) => shown.push([time.elapsed() - begun, one ?? 'ready']),
    time,
  );
  return { add, shown, time };
}

describe('the turns of a screen', () => {
  it('show one alone for long, and each for less while others wait', async () => {
    const { add, shown, time } = screen();
    add('a');
    await time.advance(1000);
    add('b');
    add('c');
    await time.advance(20_000);
    expect(shown).toEqual([
      [0, 'a'],
      [SHOWN_IN_A_ROW_MS, 'b'],
      [SHOWN_IN_A_ROW_MS * 2, 'c'],
      [SHOWN_IN_A_ROW_MS * 2 + SHOWN_MS, 'ready'],
    ]);
    add('d');
    await time.advance(4000);
    // It was there for long enough.
    add('e');
    await time.advance(0);
    expect(shown.slice(4).map(([, one]) => one)).toEqual(['d', 'e']);
  });

  it('show a refusal at once, and then who waited', async () => {
    const { add, shown, time } = screen();
    add('a');
    await time.advance(100);
    add('b');
    add('no');
    await time.advance(200);
    add('no more');
    await time.advance(20_000);
    expect(shown).toEqual([
      [0, 'a'],
      [100, 'no'],
      [300, 'no more'],
      [300 + SHOWN_IN_A_ROW_MS, 'b'],
      [300 + SHOWN_IN_A_ROW_MS + SHOWN_MS, 'ready'],
    ]);
  });

  it('tell the last of very many', async () => {
    const { add, shown, time } = screen();
    for (let n = 0; n < 30; n++) add(`n${n}`);
    await time.advance(60_000);
    expect(shown.map(([, one]) => one)).toEqual([
      'n0',
      ...Array.from({ length: 10 }, (_, n) => `n${n + 20}`),
      'ready',
    ]);
  });
});
