import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandSchema, parseMessage, receiptSchema } from '../../gateway/uplink/intake.ts';

const parse = (schema: Parameters<typeof parseMessage>[0], value: unknown) =>
  parseMessage(schema, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

describe('what a platform sends', () => {
  it('never throws, and is a receipt only with sequences that are numbers', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array().map(String)), (text) => {
        for (const schema of [receiptSchema, commandSchema]) parse(schema, text);
      }),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('journal', 'urgent', 'normal', 'bulk'), fc.jsonValue()),
        (value) => {
          const parsed = parse(receiptSchema, value);
          if (!('value' in parsed)) return;
          const { journal, ...rest } = parsed.value as Record<string, unknown>;
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
  ])('is refused as a receipt: %s', (_name, value) => {
    expect(parse(receiptSchema, value)).toHaveProperty('wrong');
  });

  it('is refused where it is larger than any command', () => {
    expect(parse(commandSchema, 'x'.repeat(20_000))).toEqual({ wrong: 'too large', id: null });
  });
});
