/**
 * Which times of a camera can be those of what it tells: `CurrentTime` of its answer (ONVIF Core 9.1.3) and when it was last
 * asked bound them. Tapo bears the time of an earlier event; clocks step between
 * two looks at them.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readingAt, timeOf } from '../../drivers/onvif/times.ts';

const now = Date.UTC(2026, 10, 24, 4);
const right = { offset: 0, zone: 8 * 3_600_000 };
const rules = { now, tolerance: 5000, initial: false };

describe('the time of a notification', () => {
  it('is believed as far back as it can have waited', () => {
    expect(timeOf(now - 300_000, right, { ...rules, sinceMs: 6000 })).toMatchObject({ trusted: false });
    expect(timeOf(now - 15_000, right, { ...rules, sinceMs: 6000 })).toMatchObject({ trusted: true });
    // It was not asked for so long.
    expect(timeOf(now - 300_000, right, { ...rules, sinceMs: 320_000 })).toMatchObject({ trusted: true });
    // A state may stand for long.
    const found = { ...rules, initial: true, sinceMs: 6000 };
    expect(timeOf(now - 300_000, right, found)).toMatchObject({ trusted: true });
  });

  it('is not believed where the clock has stepped since it was read', () => {
    const answered = { now: now - 300_000, at: now, sinceMs: 6000 };
    const stepped = readingAt(right, answered);
    expect(stepped.offset).toBe(-300_000);
    expect(timeOf(now - 300_000, stepped, rules)).toEqual({ time: now - 300_000, trusted: false });
    // And is again, where it was set right meanwhile.
    const wrong = readingAt({ offset: -300_000, zone: 0 }, { now, at: now, sinceMs: 6000 });
    expect(timeOf(now - 1000, wrong, rules)).toEqual({ time: now - 1000, trusted: true });
  });

  it.each([now - 1000, now + 1500, now + 8 * 3_600_000, 0, undefined])(
    'is judged by the clock as it was read where the answer says %s',
    (said) => {
      expect(readingAt(right, { now: said, at: now, sinceMs: 0 })).toEqual(right);
    },
  );

  it('of a camera that tells its time in answers only is judged by that', () => {
    const none = { offset: undefined, zone: undefined };
    expect(readingAt(none, { now, at: now, sinceMs: 0 }).offset).toBe(0);
    expect(readingAt(none, { now: now - 60_000, at: now, sinceMs: 0 }).offset).toBe(-60_000);
  });

  it('never fails', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(), (said, at, sinceMs) => {
        const reading = readingAt(right, { now: said, at: now, sinceMs });
        expect(timeOf(at, reading, { ...rules, sinceMs })?.time).toBeTypeOf('number');
      }),
    );
  });
});
