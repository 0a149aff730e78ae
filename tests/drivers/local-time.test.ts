import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readLocalTime } from '../../drivers/local-time.ts';

it.each([
  ['2026-11-28T15:30:00.123', '2026-11-28T07:30:00.123Z'],
  ['2026-11-28 15:30:00', '2026-11-28T07:30:00.000Z'],
  ['2026-11-28T15:30:00+08:00', '2026-11-28T07:30:00.000Z'],
  ['2026-11-28T07:30:00Z', '2026-11-28T07:30:00.000Z'],
  // RFC 3261, 20.17.
  ['Sat, 13 Nov 2010 23:29:00 GMT', '2010-11-13T23:29:00.000Z'],
])('%s is read as the moment that it is in Beijing', (said, at) => {
  expect(new Date(readLocalTime(said, 'Asia/Shanghai') ?? Number.NaN).toISOString()).toBe(at);
});

it.each([
  '',
  'now',
  '2026-02-31T15:30:00',
  '2026-11-28T25:30:00',
  '28.11.2026',
  'Sat, 13 Nuf 2010 23:29:00 GMT',
])('%j is no time', (said) => {
  expect(readLocalTime(said, 'Asia/Shanghai')).toBeUndefined();
});

it('whatever comes, it throws nothing', () => {
  const digits = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), digits), (said) => {
      const at = readLocalTime(said, 'Asia/Shanghai');
      if (at !== undefined) expect(at).not.toBeNaN();
    }),
  );
});
