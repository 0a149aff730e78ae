import { describe, expect, it } from 'vitest';
import { createPace } from '../../drivers/onvif/pace.ts';

/** How often a camera is asked in so many seconds that answers within so many ms, always the same way. */
function asked(seconds: number, tookMs: number, answer: { readonly told: number; readonly news: number }) {
  let now = 0;
  const paceOf = createPace({ elapsed: () => now });
  let count = 0;
  for (; now < seconds * 1000; count++) {
    now += tookMs;
    now += paceOf(tookMs, answer);
  }
  return count;
}

describe('a camera', () => {
  it('that answers when something happens is asked at once', () => {
    expect(asked(60, 1000, { told: 1, news: 1 })).toBe(60);
    expect(asked(60, 1000, { told: 1, news: 0 })).toBe(60);
  });

  it('that always says again what was said is asked five times a second, after a burst', () => {
    const often = asked(60, 2, { told: 1, news: 0 });
    expect(often).toBeLessThanOrEqual(5 * 60 + 25);
    expect(often).toBeGreaterThanOrEqual(5 * 60);
  });

  it('that always has something new is asked fast, and not without end', () => {
    expect(asked(60, 2, { told: 1, news: 1 })).toBeLessThanOrEqual(20 * 60 + 100);
  });

  it('whose alarm comes after silence is not kept waiting, nor what follows within moments', () => {
    let now = 0;
    const paceOf = createPace({ elapsed: () => now });
    for (let i = 0; i < 60; i++) expect(paceOf(2, { told: 1, news: 1 })).toBe(0);
    now += 10_000;
    expect(paceOf(2, { told: 1, news: 1 })).toBe(0);
  });

  it('that answers at once with nothing is asked ever less', () => {
    expect(asked(60, 2, { told: 0, news: 0 })).toBeLessThanOrEqual(65);
  });
});
