/** An event without a number is told from others as it stands in bytes, however its JSON is laid out. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isFromMemory } from '../gateway/platform/received.ts';

const bytes = (text: string) => Buffer.from(text);

it.each([
  ['{"sequence":"0","lane":"urgent"}', true],
  ['{"id": "a", "sequence": "0"}', true],
  ['{\r\n  "sequence" :\r\n\t"0"\r\n}', true],
  ['{"sequence":"4711","data":{"sequence":"0"}}', true],
  ['{"sequence":"01"}', false],
  ['{"sequence":"4711","previous":"0"}', false],
  ['{"sequence":0}', false],
  ['"sequence"', false],
  ['', false],
])('%s: %s', (text, is) => {
  expect(isFromMemory(bytes(text))).toBe(is);
});

it('however it is indented, whatever stands beside it', () => {
  const indent = fc.constantFrom(undefined, 1, 4, '\t');
  fc.assert(
    fc.property(fc.boolean(), indent, fc.json(), (is, space, data) => {
      const event = { data: { text: data }, sequence: is ? '0' : '17', previous: '0' };
      expect(isFromMemory(bytes(JSON.stringify(event, undefined, space)))).toBe(is);
    }),
  );
});
