import { describe, expect, it } from 'vitest';
import { follow, measure } from '../../drivers/modbus/follow.ts';
import { imageKey, profileSchema, readsOf } from '../../drivers/modbus/profile.ts';

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
    expect(readsOf(tension)).toMatchObject([
      { function: 1, address: 7, count: 1 },
      { function: 4, address: 0, count: 2 },
    ]);
  });

  it('raises over and under its limits with hysteresis, only while armed, and reads inverted contacts', () => {
    const step = follow(tension, 'd', [{ zone: 2, kind: 'panic' }]);
    const at = (armed: number, newtons: number, contact = 1) =>
      step
        .take(image({ [imageKey(4, 0)]: armed, [imageKey(4, 1)]: newtons, [imageKey(1, 7)]: contact }), 0)
        .map(({ observation }) => observation)
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

describe('numbers in registers', () => {
  it.each([
    // IEEE 754: 123.456 is 42 F6 E9 79; how devices lay it into two registers.
    ['float32', 'ABCD', [0x42f6, 0xe979], 123.456],
    ['float32', 'CDAB', [0xe979, 0x42f6], 123.456],
    ['float32', 'BADC', [0xf642, 0x79e9], 123.456],
    ['float32', 'DCBA', [0x79e9, 0xf642], 123.456],
    ['int32', 'ABCD', [0xffff, 0xfffe], -2],
    ['uint32', 'CDAB', [0x5678, 0x1234], 0x12345678],
    ['int16', 'ABCD', [0xfff6], -10],
    ['uint16', 'BADC', [0x3412], 0x1234],
  ])('numbers: %s %s', (type, order, words, expected) => {
    const point = profileSchema.parse({
      title: { en: 't', zh: 't' },
      verified: false,
      points: [{ function: 3, address: 0, type, order, name: 'v' }],
    }).points[0] as Parameters<typeof measure>[1];
    const image = new Map(words.map((word, i) => [imageKey(3, i), word]));
    expect(measure(image, point)).toBeCloseTo(expected, 3);
  });
});

const parse = (...points: object[]) =>
  profileSchema.parse({ title: { en: 't', zh: 't' }, verified: false, points });
/** Feeds holding registers from 0 on, at `now`; what is told, without the states as found. */
const feeder = (...points: object[]) => {
  const follower = follow(parse(...points), 'd', []);
  return {
    follower,
    feed: (words: readonly (number | undefined)[], now = 0) =>
      follower
        .take(new Map(words.flatMap((word, i) => (word === undefined ? [] : [[imageKey(3, i), word]]))), now)
        .map(({ observation }) => observation)
        .filter(({ initial }) => !initial)
        .map(({ kind, cause, state }) => `${kind}${cause === undefined ? '' : ` ${cause}`} ${state}`),
  };
};
const at = { function: 3, address: 0 };

describe('what points can say', () => {
  it('scale, offset and sign: a register of tenths over -40', () => {
    const { follower } = feeder(
      { ...at, name: 'celsius', scale: 0.1, offset: -40, above: 60, zone: 1 },
      { ...at, address: 1, name: 'bar', scale: 0.1, signed: true },
    );
    const [told] = follower.take(
      new Map([
        [imageKey(3, 0), 1010],
        [imageKey(3, 1), 0xfff6],
      ]),
      0,
    );
    expect(told?.observation).toMatchObject({ state: 'raised', details: { celsius: 61, bar: -1 } });
  });

  it('one of several values, a byte, and a bit of a byte', () => {
    const { feed } = feeder(
      { ...at, equals: [3, 7], kind: 'fence' },
      { ...at, mask: 0xff00, equals: 1, kind: 'tamper' },
      { ...at, mask: 0xff00, bit: 7, kind: 'power' },
    );
    feed([0]);
    expect(feed([7])).toEqual(['fence raised']);
    expect(feed([3])).toEqual([]);
    expect(feed([0x0100])).toEqual(['fence restored', 'tamper raised']);
    expect(feed([0x8000])).toEqual(['tamper restored', 'power raised']);
  });

  it('a meaning for each value; one that has none changes nothing and is counted', () => {
    const { feed, follower } = feeder({
      ...at,
      kind: 'fence',
      values: {
        1: { cause: 'touched' },
        2: { cause: 'broken-wire' },
        5: { cause: 'touched' },
        9: { kind: 'tamper' },
      },
      normal: [0, 4],
    });
    feed([0]);
    expect(feed([1])).toEqual(['fence touched raised']);
    expect(feed([5])).toEqual([]);
    expect(feed([77])).toEqual([]);
    expect(feed([77])).toEqual([]);
    expect(follower.strange()).toEqual([{ address: 0, value: 77 }]);
    expect(feed([2])).toEqual(['fence touched restored', 'fence broken-wire raised']);
    expect(feed([9])).toEqual(['fence broken-wire restored', 'tamper raised']);
    expect(feed([4])).toEqual(['tamper restored']);
    expect(follower.strange()).toEqual([]);
  });

  it('nothing of what was not read, or is no value', () => {
    const { feed } = feeder(
      { ...at, name: 'volts', below: 10, invalid: [0xffff], kind: 'battery' },
      { ...at, address: 1, bit: 0, kind: 'fence', when: 'armed' },
      { ...at, address: 2, bit: 0, kind: 'arming', name: 'armed' },
    );
    feed([12, 1, 1]);
    expect(feed([0xffff, 1, undefined])).toEqual([]);
    expect(feed([undefined, undefined, 1])).toEqual([]);
    expect(feed([9, 1, 0])).toEqual(['battery raised', 'fence restored', 'arming restored']);
  });

  it('several conditions: all must hold', () => {
    const { feed } = feeder(
      { ...at, bit: 0, kind: 'fence', when: { armed: true, service: false, mode: [1, 2] } },
      { ...at, address: 1, bit: 0, kind: 'arming', name: 'armed' },
      { ...at, address: 2, bit: 0, kind: 'fault', name: 'service' },
      { ...at, address: 3, mask: 0x0f00, equals: 15, name: 'mode' },
    );
    feed([1, 0, 0, 0x100]);
    expect(feed([1, 1, 0, 0x100])).toEqual(['fence raised', 'arming raised']);
    expect(feed([1, 1, 1, 0x100])).toEqual(['fence restored', 'fault raised']);
    expect(feed([1, 1, 0, 0x200])).toEqual(['fence raised', 'fault restored']);
    expect(feed([1, 1, 0, 0x300])).toEqual(['fence restored']);
  });

  it('debounce: what stands for less is nothing', () => {
    const { feed } = feeder({ ...at, bit: 0, kind: 'panic', debounce: '300ms' });
    feed([0], 0);
    expect(feed([1], 1000)).toEqual([]);
    expect(feed([0], 1200)).toEqual([]);
    expect(feed([1], 1400)).toEqual([]);
    expect(feed([1], 1699)).toEqual([]);
    expect(feed([1], 1700)).toEqual(['panic raised']);
  });

  it('gaps are read over only where the profile says so', () => {
    const points = [0, 10, 12].map((address) => ({ ...at, address }));
    const title = { en: 't', zh: 't' };
    const reads = (more: object) =>
      readsOf(profileSchema.parse({ title, verified: false, points, ...more })).map(
        ({ address, count }) => `${address}+${count}`,
      );
    expect(reads({})).toEqual(['0+1', '10+1', '12+1']);
    expect(reads({ maxGap: 1 })).toEqual(['0+1', '10+3']);
    expect(reads({ maxGap: 20 })).toEqual(['0+13']);
    expect(reads({ maxGap: 20, maxRegisters: 12 })).toEqual(['0+11', '12+1']);
  });
});

describe('points together', () => {
  it('a bit of a word as a condition, by its value', () => {
    const { feed } = feeder(
      { ...at, bit: 0, kind: 'fence', when: { armed: 1, service: [0] } },
      { ...at, address: 1, bit: 4, kind: 'arming', name: 'armed' },
      { ...at, address: 1, bit: 5, kind: 'fault', name: 'service' },
    );
    feed([1, 0]);
    expect(feed([1, 0x11])).toEqual(['fence raised', 'arming raised']);
    expect(feed([1, 0x31])).toEqual(['fence restored', 'fault raised']);
  });

  it('one alarm of several points of one meaning: it ends with the last of them', () => {
    const { feed, follower } = feeder(
      { ...at, bit: 0, zone: 1, kind: 'fence' },
      { ...at, bit: 1, zone: 1, kind: 'fence' },
      { ...at, bit: 2, zone: 2, kind: 'fence' },
    );
    const found = follower.take(new Map([[imageKey(3, 0), 1]]), 0).map(({ observation }) => observation);
    expect(found.map(({ zone, state }) => `${zone?.number} ${state}`)).toEqual(['1 raised', '2 restored']);
    expect(feed([3])).toEqual(['fence raised']);
    expect(feed([2])).toEqual([]);
    expect(feed([0])).toEqual(['fence restored']);
  });
});
