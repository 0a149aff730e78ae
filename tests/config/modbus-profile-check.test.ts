/**
 * What cannot work in a profile is an error of `check` at its line, with what mends it. What is right comes from the
 * application protocol V1.1b3: addresses from 0 to 65535 (4.4), registers of 16 bits, inputs of one (4.3).
 */
import { describe, expect, it } from 'vitest';
import { mistakes, profileOf } from './modbus-campus.ts';

/** Of a profile, its first point on line 4. */
const profile = (...points: readonly string[]) =>
  mistakes(['{ id: d, driver: modbus, connection: { tcp: "h:1" }, profile: own.yaml }'], profileOf(points));

/** Points, and what is said of them: of holding register 0 where they say no function. */
const wrong: readonly (readonly [point: string, message: RegExp])[] = [
  ['{ function: 2, address: 0, equals: 3 }', /equals: 3: a bit is 0 or 1/],
  ['bit: 2, equals: [1, 4]', /equals\[1\]: 4: a bit is 0 or 1/],
  ['{ function: 1, address: 0, equals: [0, 1] }', /equals: .*always one of these/],
  ['equals: 70000', /equals: 70000: it is never 70000: it reads 0 to 65535/],
  ['equals: [1, -1]', /equals\[1\]: -1: .*as unsigned/],
  ['mask: 0x0F00, equals: 16', /equals: 16: .*0 to 15 behind its mask/],
  ['mask: 0xFF00, bit: 8', /bit: 8: the mask/],
  ['mask: 0x10000', /mask: 65536: .*at most 0xFFFF/],
  ['{ function: 2, address: 0, mask: 1 }', /mask: 1: coils and inputs are one bit/],
  [
    '{ function: 2, address: 0, type: float32, name: v }',
    /type: "float32": it takes two registers, and coils/,
  ],
  ['{ function: 3, address: 65535, type: float32, name: v }', /address: 65535: it takes two registers/],
  ['{ function: 3, address: 65536 }', /address: 65536: at most 65535/],
  ['{ function: 2, address: 0, zone: 99999 }', /zone: 99999: at most 9999/],
  ['name: v, scale: 0, below: 3', /scale: 0: it makes every value the same/],
  ['name: v, below: 300, above: 40', /below: 300: every value is under 300 or over 40/],
  ['name: v, below: 40, above: 50, hysteresis: 6', /hysteresis: 6: once raised it would never be restored/],
  ['name: v, above: 70000', /above: 70000: it would never be raised: it reads 0 to 65535/],
  ['name: v, scale: 0.1, above: 6553.5', /above: 6553.5: .*0 to 6553.5/],
  ['name: v, below: 0', /below: 0: it would never be raised/],
  [
    '{ function: 4, address: 0, type: int16, name: v, below: 40000 }',
    /below: 40000: it would always be raised: it reads -32768 to 32767/,
  ],
  ['name: v, above: 5, hysteresis: 10', /hysteresis: 10: once raised/],
  ['name: v, scale: 0.1, kind: battery', /kind: "battery": it is never raised without/],
  ['type: uint32, signed: true, name: v', /signed: true: .*type: int32/],
  ['type: float32, mask: 255, name: v', /mask: 255: a float/],
  ['equals: [3, 7], invalid: [7]', /equals\[1\]: 7: it stands in `invalid` too/],
  ['{ function: 2, address: 0, inverted: true, invalid: [0] }', /invalid: \[0\]: it could never be raised/],
  ['invalid: [-1]', /invalid\[0\]: -1: .*as unsigned/],
  ['values: { 70000: { kind: fence } }', /values\.70000: .*it is never 70000/],
  ['values: { "007": { kind: fence } }', /values\.007: .*write it as 7/],
  ['values: { 0: { kind: fence } }', /values\.0: .*`normal` too/],
  ['values: { 9: { kind: fence } }, invalid: [9]', /values\.9: .*`invalid` too/],
  ['values: {}', /values: \{\}: no value means anything/],
  [
    '{ function: 2, address: 0, name: armed, when: { armed: false } }',
    /when\.armed: false: it is this point itself/,
  ],
  ['{ function: 2, address: 1, when: { mode: [] } }', /when\.mode: \[\]: .*never holds/],
  ['{ function: 2, address: 1, when: { mode: 16 } }', /when\.mode: 16: it is never 16/],
  ['{ function: 2, address: 1, when: { armed: 2 } }', /when\.armed: 2: "armed" is a bit/],
  ['{ function: 2, address: 1, when: volts }', /when: "volts": .*give it `below` or `above`/],
];
const wholePoint = (text: string) => (text.startsWith('{') ? text : `{ function: 3, address: 0, ${text} }`);

describe('a point', () => {
  it.each<[string, readonly string[]]>([
    ['a bit that is off', ['{ function: 3, address: 0, bit: 3, equals: 0 }']],
    ['codes of a byte', ['{ function: 3, address: 0, mask: 0xFF00, equals: [1, 255] }']],
    ['the last register', ['{ function: 3, address: 65535, bit: 15 }']],
    ['the last two', ['{ function: 3, address: 65534, type: float32, name: v, below: 10 }']],
    ['limits', ['{ function: 3, address: 0, name: v, scale: 0.1, below: 40, above: 300, hysteresis: 10 }']],
    [
      'a sign',
      ['{ function: 4, address: 0, name: v, scale: 0.1, signed: true, below: -0.5, hysteresis: 0.2 }'],
    ],
    [
      'one bit, with and without',
      [
        '{ function: 2, address: 0, kind: arming }',
        '{ function: 2, address: 0, inverted: true, kind: fault }',
      ],
    ],
    [
      'one bit in two zones',
      [
        '{ function: 2, address: 0, zone: 1, kind: fire }',
        '{ function: 2, address: 0, zone: 2, kind: fire }',
      ],
    ],
    [
      'one bit by day and by night',
      [
        '{ function: 2, address: 0, kind: fault, when: { night: false } }',
        '{ function: 2, address: 0, kind: fence, when: { night: true } }',
        '{ function: 2, address: 1, kind: power, name: night }',
      ],
    ],
    ['a number without limits', ['{ function: 3, address: 0, name: kilovolts, scale: 0.1, zone: 9999 }']],
    ['no value', ['{ function: 3, address: 0, name: v, below: 10, invalid: [65535] }']],
  ])('may say %s', (_name, points) => {
    expect(profile(...points)).toEqual([]);
  });

  it.each(wrong)('is told of %s', (text, message) => {
    const point = wholePoint(text);
    const more = [
      '{ function: 3, address: 10, mask: 0x0F00, equals: 1, name: mode, kind: fault }',
      '{ function: 3, address: 11, bit: 4, name: armed, kind: arming }',
      '{ function: 3, address: 12, scale: 0.1, name: volts }',
    ];
    const told = profile(
      point,
      ...more.filter((one) => !(point.includes('name: armed') && one.includes('name: armed'))),
    );
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^4: points\[0\]/);
    expect(told[0]).toMatch(message);
  });

  it('is told at its own line where another says the same bit, or the same name', () => {
    const bit = (more: string) => `{ function: 3, address: 0, bit: 2, ${more} }`;
    expect(profile(bit('zone: 1, kind: fence'), bit('zone: 1, kind: tamper'))).toEqual([
      expect.stringMatching(/^5: points\[1\]\.kind: "tamper": another point tells the same bit as fence/),
    ]);
    expect(profile(bit('zone: 1'), bit('zone: 1'))).toEqual([
      expect.stringMatching(/^5: points\[1\]: .*the same bit of the same zone: keep one/),
    ]);
    const volts = (address: number) =>
      `{ function: 3, address: ${address}, zone: 1, name: volts, scale: 0.1 }`;
    expect(profile(volts(0), volts(1))).toEqual([
      expect.stringMatching(/^5: points\[1\]\.name: "volts": another value of zone 1/),
    ]);
  });

  it('takes no more registers than are read at once', () => {
    expect(
      mistakes(
        ['{ id: d, driver: modbus, connection: { tcp: "h:1" }, profile: own.yaml }'],
        profileOf(['{ function: 3, address: 0, type: float32, name: v }'], 'maxRegisters: 1\n'),
      ),
    ).toEqual([expect.stringMatching(/^3: maxRegisters: 1: a point takes 2 registers/)]);
  });
});
