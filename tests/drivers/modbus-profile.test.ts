import { describe, expect, it } from 'vitest';
import { follow, imageKey, profileSchema, readsOf } from '../../drivers/modbus/profile.ts';

describe('a profile', () => {
  const image = (values: Record<string, number>) => new Map(Object.entries(values));
  const tension = profileSchema.parse({
    title: { en: 't', zh: 't' },
    verified: false,
    points: [
      { function: 4, address: 0, bit: 0, kind: 'arming', name: 'armed' },
      {
        function: 4,
        address: 1,
        zone: 1,
        kind: 'fence',
        name: 'newtons',
        above: 300,
        below: 40,
        hysteresis: 10,
        when: 'armed',
      },
      { function: 1, address: 7, inverted: true, zone: 2 },
    ],
  });

  it('covers its points with as few reads as neighbours allow', () => {
    expect(readsOf(tension)).toEqual([
      { function: 1, address: 7, count: 1 },
      { function: 4, address: 0, count: 2 },
    ]);
  });

  it('raises over and under its limits with hysteresis, only while armed, and reads inverted contacts', () => {
    const step = follow(tension, 'd', [{ zone: 2, kind: 'panic' }]);
    const at = (armed: number, newtons: number, contact = 1) =>
      step(image({ [imageKey(4, 0)]: armed, [imageKey(4, 1)]: newtons, [imageKey(1, 7)]: contact }))
        .filter(({ initial }) => !initial)
        .map(({ kind, state }) => `${kind} ${state}`);
    expect(at(0, 500)).toEqual([]);
    expect(at(1, 150)).toEqual(['arming raised']);
    expect(at(1, 301)).toEqual(['fence raised']);
    expect(at(1, 295)).toEqual([]);
    expect(at(1, 289)).toEqual(['fence restored']);
    expect(at(1, 39)).toEqual(['fence raised']);
    expect(at(1, 45)).toEqual([]);
    expect(at(1, 51)).toEqual(['fence restored']);
    expect(at(1, 150, 0)).toEqual(['panic raised']);
    expect(at(0, 500, 0)).toEqual(['arming restored']);
  });
});
