import { describe, expect, it } from 'vitest';
import { expectLinear, repeated } from './linear.ts';

describe('what a parser costs', () => {
  it('is linear where each byte is looked at a fixed number of times', () => {
    expectLinear(
      (text: string) => text.split(',').map(Number),
      (bytes) => repeated('1,', bytes),
    );
  });

  it('is linear where a parser gives up', () => {
    expectLinear(JSON.parse, (bytes) => repeated('[1,2', bytes));
  });

  it.each<[string, (text: string) => unknown]>([
    [
      'a regular expression that starts anew at each byte',
      (text) => /<a[^>]*>$/.test(text.slice(0, 100_000)),
    ],
    [
      'a buffer that is copied with each chunk',
      (text) => {
        let pending = Buffer.alloc(0);
        for (let at = 0; at < text.length; at += 100)
          pending = Buffer.concat([pending, Buffer.from(text.slice(at, at + 100))]);
      },
    ],
  ])('is seen to be more: %s', (_name, parse) => {
    expect(() => expectLinear(parse, (bytes) => repeated('<a b="c" d', bytes))).toThrow(/ms for \d+ bytes/);
  });
});
