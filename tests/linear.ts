/** What parsers of foreign bytes cost: no input of n bytes may cost more than linear. */
import { expect } from 'vitest';
import { systemClock } from '../drivers/contract/clock.ts';

/** Bytes of input that are measured, in this order; each ten times the one before. */
const SIZES = [10_000, 100_000, 1_000_000] as const;
/** Ten times the input may cost so much more than ten times: caches, collections of garbage. Quadratic costs ten. */
const SLACK = 4;
/** What is quicker is not measured well: it counts as this. */
const LEAST_MS = 0.1;
/** A size is measured until so many ms are spent on it. */
const SPEND_MS = 10;
const ROUNDS = 4;
const AGAIN_BELOW_MS = 100;

/** The least that `run` cost, in ms. */
function leastCostOf(run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let spent = 0, times = 0; times < 2 || (spent < SPEND_MS && times < 100); times++) {
    const begun = systemClock.elapsed();
    run();
    const cost = systemClock.elapsed() - begun;
    spent += cost;
    least = Math.min(least, cost);
    if (cost > 1000) break;
  }
  return least;
}

/**
 * Expects that `parse` costs at most in proportion to its input: measured at 10 KB, 100 KB and 1 MB, each step of ten
 * in bytes may be at most forty in time, best of several. Ends at the first step that is too dear, so a quadratic
 * parser is not waited for at 1 MB. `input` makes an input of about so many bytes; what `parse` throws is an answer.
 *
 * ```ts
 * expectLinear((text: string) => readSoap(text), (bytes) => repeated('<a b="', bytes));
 * ```
 */
export function expectLinear<Input>(parse: (input: Input) => unknown, input: (bytes: number) => Input): void {
  const least: number[] = [];
  for (const [step, bytes] of SIZES.entries()) {
    const given = input(bytes);
    const run = () => {
      try {
        parse(given);
      } catch {}
    };
    const allowed = step === 0 ? Number.POSITIVE_INFINITY : 10 * SLACK * Math.max(least[step - 1]!, LEAST_MS);
    let cost = leastCostOf(run);
    // Again for what noise may have done; what is far beyond, and long, is not measured again.
    const isNear = () => cost < 2 * allowed || cost < AGAIN_BELOW_MS;
    for (let round = 1; round < ROUNDS && cost > allowed && isNear(); round++)
      cost = Math.min(cost, leastCostOf(run));
    least.push(cost);
    expect(cost, `ms for ${bytes} bytes; ${least.map((ms) => ms.toFixed(2)).join(', ')}`).toBeLessThan(
      allowed,
    );
  }
}

/** `unit` again and again, as far as `bytes` reach, between `head` and `tail`: the shape of most hostile inputs. */
export function repeated(unit: string, bytes: number, head = '', tail = ''): string {
  const size = Math.max(1, Buffer.byteLength(unit));
  const left = bytes - Buffer.byteLength(head) - Buffer.byteLength(tail);
  return head + unit.repeat(Math.max(1, Math.floor(left / size))) + tail;
}
