import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readReceipt } from '../../gateway/uplink/receipts.ts';

const read = (value: unknown) =>
  readReceipt(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

describe('a receipt', () => {
  it('never throws, and has only sequences that are numbers', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array().map(String)), (text) => void read(text)),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('journal', 'urgent', 'normal', 'bulk'), fc.jsonValue()),
        (value) => {
          const parsed = read(value);
          if (!('receipt' in parsed)) return;
          const { journal, ...rest } = parsed.receipt;
          expect(typeof journal).toBe('string');
          for (const number of Object.values(rest)) expect(Number.isSafeInteger(number)).toBe(true);
        },
      ),
    );
  });

  it.each([
    ['a number instead of a decimal string', { journal: 'j', urgent: 7 }],
    ['a negative one', { journal: 'j', urgent: '-7' }],
    ['one that no double holds', { journal: 'j', urgent: '99999999999999999999' }],
    ['no journal', { urgent: '7' }],
    ['a list', []],
  ])('is refused: %s', (_name, value) => {
    expect(read(value)).toHaveProperty('wrong');
  });

  it('is refused where it is larger than any', () => {
    expect(read('x'.repeat(20_000))).toEqual({ wrong: 'too large' });
  });
});
