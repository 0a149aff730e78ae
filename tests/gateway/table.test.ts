import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placesIn } from '../../gateway/media/table.ts';
import { runs } from '../fuzz.ts';
import { box, hex, words } from './boxes.ts';

/** Five samples: two in the first chunk, two in the second, one in the third (ISO/IEC 14496-12, 8.6 and 8.7). */
const boxes = {
  stsz: box('stsz', words(0, 0, 5, 10, 20, 30, 40, 50)),
  stts: box('stts', words(0, 2, 3, 100, 2, 200)),
  ctts: box('ctts', words(0, 2, 1, 50, 4, 0)),
  stss: box('stss', words(0, 2, 1, 4)),
  stsc: box('stsc', words(0, 2, 1, 2, 1, 3, 1, 1)),
  stco: box('stco', words(0, 3, 1000, 2000, 3000)),
};
const table = (more: Partial<Record<string, Buffer>> = {}) => {
  const all: Partial<Record<string, Buffer>> = { ...boxes, ...more };
  return Buffer.concat(Object.values(all).filter((one) => one !== undefined));
};
const PLACES = [
  { at: 1000, bytes: 10, dts: 0, pts: 50, isKey: true },
  { at: 1010, bytes: 20, dts: 100, pts: 100, isKey: false },
  { at: 2000, bytes: 30, dts: 200, pts: 200, isKey: false },
  { at: 2030, bytes: 40, dts: 300, pts: 300, isKey: true },
  { at: 3000, bytes: 50, dts: 500, pts: 500, isKey: false },
];

describe('the table of a clip', () => {
  it('says where each picture is, when it comes and when it is shown', () => {
    expect(placesIn(table())).toEqual(PLACES);
  });

  it('may have offsets of 8 bytes, samples all alike, and no pictures but key pictures', () => {
    const co64 = box('co64', words(0, 3), hex('0000000100000000 0000000100001000 0000000100002000'));
    const stsz = box('stsz', words(0, 25, 5));
    const none = { stco: undefined, stss: undefined, ctts: undefined };
    expect(placesIn(table({ ...none, co64, stsz })).at(-1)).toEqual({
      ...{ at: 0x1_0000_2000, bytes: 25, dts: 500, pts: 500, isKey: true },
    });
  });

  it('takes negative offsets (ctts version 1)', () => {
    const ctts = box('ctts', words(0x01_000000, 1, 5, -100));
    expect(placesIn(table({ ctts })).map(({ pts }) => pts)).toEqual([-100, 0, 100, 200, 400]);
  });

  it.each([
    ['without sizes', { stsz: undefined }],
    ['without chunks', { stco: undefined }],
    ['with more samples than its chunks have', { stco: box('stco', words(0, 1, 1000)) }],
    ['with more entries than bytes', { stts: box('stts', words(0, 0xffff_ffff, 1, 1)) }],
    ['with more samples than a clip has', { stsz: box('stsz', words(0, 1, 0xffff_ffff)) }],
  ])('%s is told', (_what, more) => {
    expect(() => placesIn(table(more))).toThrow('does not say where');
  });

  it('of any bytes is an error with a sentence, or places', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(flips, (changes) => {
        const bytes = table();
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        try {
          expect(placesIn(bytes).length).toBeLessThanOrEqual(100_000);
        } catch (error) {
          expect((error as Error).message).toContain('does not say where');
        }
      }),
      { numRuns: runs(500) },
    );
  });
});
