/** Who is asked next on a line where some units are silent. */
import { describe, expect, it } from 'vitest';
import { createTurns } from '../../drivers/modbus/turns.ts';
import { manualClock } from '../clocks.ts';

/** Unit 1 is polled each 200 ms and answers in 10; the others say nothing for `timeout`. */
async function line(silent: number, timeout: number, forMs: number) {
  const clock = manualClock();
  const turns = createTurns(clock);
  const asked: { readonly unit: number; readonly at: number }[] = [];
  const ask = (unit: number) =>
    turns.take({ unit }, async () => {
      asked.push({ unit, at: clock.elapsed() });
      const ms = unit === 1 ? 10 : timeout;
      await clock.wait(ms);
      turns.note(unit, unit === 1, ms);
    });
  const poll = async (unit: number) => {
    for (;;) {
      const started = clock.elapsed();
      await ask(unit);
      await clock.wait(Math.max(1, 200 - (clock.elapsed() - started)));
    }
  };
  for (let unit = 1; unit <= 1 + silent; unit++) void poll(unit);
  await clock.advance(forMs);
  const times = asked.filter(({ unit }) => unit === 1).map(({ at }) => at);
  return { clock, turns, asked, gaps: times.slice(1).map((at, i) => at - (times[i] ?? 0)) };
}

describe('the turns of a line', () => {
  it.each([1, 5, 20])('are kept by a unit that answers, whatever %i silent ones cost', async (silent) => {
    const { asked, gaps } = await line(silent, 1000, 120_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1200);
    // All silent ones together have a fifth of the line, and each has its turn.
    expect(gaps.filter((ms) => ms > 500).length).toBeLessThanOrEqual(120 / 5 + silent);
    expect(new Set(asked.map(({ unit }) => unit)).size).toBe(1 + silent);
  });

  it('are those of the silent ones alone where none answers', async () => {
    const clock = manualClock();
    const turns = createTurns(clock);
    let asked = 0;
    const poll = async (unit: number) => {
      for (;;)
        await turns.take({ unit }, async () => {
          asked++;
          await clock.wait(300);
          turns.note(unit, false, 300);
        });
    };
    void poll(1);
    void poll(2);
    await clock.advance(30_000);
    expect(asked).toBe(101);
  });

  it('are passed by what must go off now, where a question is not answered and two may be under way', async () => {
    for (const [mayPass, at] of [
      [true, 100],
      [false, 1000],
    ] as const) {
      const clock = manualClock();
      const turns = createTurns(clock, 1, () => mayPass);
      void turns.take({ unit: 1 }, async () => void (await clock.wait(1000)));
      const off = turns.take({ unit: 1, now: true, urgent: true }, async () => clock.elapsed());
      expect(await clock.until(off)).toBe(at);
    }
  });
});
