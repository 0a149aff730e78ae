/** Where the schools of a simulated city are: as the config would have them, and none where nobody can be. */
import { expect, it } from 'vitest';
import { campusWarnings } from '../../config/check/campus.ts';
import { campusMessage } from '../../drivers/contract/campus.ts';
import { campusMessageOf } from '../../drivers/platforms/mqtt/campus.ts';
import { schoolOf } from '../../simulators/city/places.ts';
import { seeded } from '../../simulators/city.ts';

const city = (seed: number) => {
  const random = seeded(seed);
  return Array.from({ length: 1500 }, (_, i) => schoolOf(String(4_503_000_001 + i), i, random));
};

it('a seed makes the same schools, each another one, in all districts, with both datums', () => {
  const schools = city(7);
  expect(schools).toEqual(city(7));
  expect(schools).not.toEqual(city(8));
  for (const school of schools) {
    expect(campusMessage.safeParse(campusMessageOf(school)).error).toBeUndefined();
    expect(campusWarnings(school)).toEqual([]);
  }
  const of = (word: (school: (typeof schools)[number]) => unknown) => new Set(schools.map(word)).size;
  expect(of(({ district }) => district)).toBe(17);
  expect(of(({ name }) => name)).toBe(1500);
  expect(of(({ coordinates }) => `${coordinates?.latitude} ${coordinates?.longitude}`)).toBeGreaterThan(1490);
  const bySatellite = schools.filter(({ coordinates }) => coordinates?.datum === 'WGS 84').length;
  expect(bySatellite).toBeGreaterThan(100);
  expect(bySatellite).toBeLessThan(200);
});
