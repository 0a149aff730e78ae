/**
 * What cannot work of outputs and lines is an error of `check` at its line, with what mends it. What is right comes from
 * the application protocol V1.1b3: registers of 16 bits (4.3), FF00 as on (6.5); from Modbus over serial line V1.02: one
 * address a device, 0 for all (2.2).
 */
import { describe, expect, it } from 'vitest';
import { mistakes, profileOf } from './modbus-campus.ts';

const oneBit = profileOf(['{ function: 2, address: 0, zone: 1 }']);
const outputs = (...all: readonly string[]) =>
  mistakes(
    [
      `id: d\n    driver: modbus\n    connection: { tcp: "h:1" }\n    profile: own.yaml\n    outputs:\n      - ${all.join('\n      - ')}`,
    ],
    oneBit,
  );

const wrong: readonly (readonly [name: string, outputs: readonly string[], message: RegExp])[] = [
  [
    'one value for on and off',
    ['{ id: a, kind: fence, register: { address: 1, on: 0 } }'],
    /^8: .*register\.off: 0 is written to switch it on too/,
  ],
  ['no time', ['{ id: a, kind: siren, coil: 0, limit: 0s }'], /^8: .*limit: "0s": at least 10ms/],
  ['no moment', ['{ id: a, kind: door, coil: 0, moment: 0s }'], /^8: .*moment: "0s": at least 10ms/],
  [
    'no travel',
    ['{ id: a, kind: bollard, raise: 0, lower: 1, travel: 0s, interlock: { input: 0 } }'],
    /^8: .*travel: "0s": at least/,
  ],
  [
    "another's coil",
    ['{ id: a, kind: siren, coil: 3 }', '{ id: b, kind: lamp, coil: 3 }'],
    /^9: .*outputs\[1\]\.coil: coil 3 is switched by "a" already/,
  ],
  [
    "another's register",
    [
      '{ id: a, kind: siren, register: { address: 3 } }',
      '{ id: b, kind: lamp, register: { address: 3, on: 2 } }',
    ],
    /^9: .*outputs\[1\]\.register: register 3 is switched by "a"/,
  ],
  [
    "a coil of another's movement",
    [
      '{ id: a, kind: bollard, raise: 3, lower: 4, interlock: { input: 0 } }',
      '{ id: b, kind: lamp, coil: 4 }',
    ],
    /^9: .*outputs\[1\]\.coil: coil 4 is switched by "a"/,
  ],
  [
    'one way only',
    ['{ id: a, kind: bollard, raise: 3, lower: 3, interlock: { input: 0 } }'],
    /^8: .*outputs\[0\]\.lower: coil 3 raises it already/,
  ],
  [
    'one command for both ways',
    ['{ id: a, kind: bollard, raise: { address: 3 }, lower: { address: 3 }, interlock: { input: 0 } }'],
    /^8: .*outputs\[0\]\.lower: register 3 raises it already/,
  ],
  ['neither coil nor register', ['{ id: a, kind: lamp }'], /^8: .*one of `coil` and `register`/],
  [
    'a unit that is longer than it may be on',
    ['{ id: a, kind: siren, coil: 0, limit: 30s, pulse: { address: 9, unit: 1m } }'],
    /^8: .*pulse\.unit: one of it is longer than `limit`, 30000 ms/,
  ],
  [
    'a time that no register holds',
    ['{ id: a, kind: siren, coil: 0, limit: 3m, pulse: { address: 9, unit: 1ms } }'],
    /^8: .*pulse\.unit: `limit` is 180000 of it, and 65535 is the most/,
  ],
  [
    'a time that a coil takes for on',
    ['{ id: a, kind: siren, coil: 0, limit: 6528s, pulse: { address: 9, function: 5 } }'],
    /^8: .*pulse\.unit: `limit` is 65280 of it, and 65279/,
  ],
  [
    'words in front that are not written',
    ['{ id: a, kind: siren, coil: 0, pulse: { address: 9, before: [4] } }'],
    /^8: .*pulse\.before: function 6 writes one value/,
  ],
  [
    'words beyond the last register',
    ['{ id: a, kind: siren, coil: 0, pulse: { address: 65535, function: 16, before: [4] } }'],
    /^8: .*pulse\.address: .*beyond 65535/,
  ],
  [
    "another's pulse",
    [
      '{ id: a, kind: siren, coil: 0, pulse: { address: 9 } }',
      '{ id: b, kind: lamp, coil: 1, pulse: { address: 9 } }',
    ],
    /^9: .*outputs\[1\]\.pulse\.address: "a" is timed there already/,
  ],
];

describe('an output', () => {
  it.each<[string, readonly string[]]>([
    ['coils of their own', ['{ id: a, kind: siren, coil: 0 }', '{ id: b, kind: door, coil: 1 }']],
    [
      'a coil and a register of one address',
      ['{ id: a, kind: siren, coil: 0 }', '{ id: b, kind: lamp, register: { address: 0 } }'],
    ],
    [
      'a register that takes commands',
      [
        '{ id: a, kind: fence, register: { address: 16, on: 1, off: 2 } }',
        '{ id: b, kind: fence, register: { address: 16, on: 3, off: 4 } }',
        '{ id: c, kind: bollard, raise: { address: 20, on: 1 }, lower: { address: 20, on: 2 }, interlock: { input: 0 } }',
      ],
    ],
    [
      'a pulse of its maker',
      ['{ id: a, kind: siren, coil: 6, pulse: { address: 0x206, function: 5, unit: 100ms } }'],
    ],
    [
      'pulses of another',
      [
        '{ id: a, kind: door, coil: 0, pulse: { address: 3, function: 16, before: [4] } }',
        '{ id: b, kind: door, coil: 1, pulse: { address: 8, function: 16, before: [4] } }',
      ],
    ],
  ])('may have %s', (_name, all) => {
    expect(outputs(...all)).toEqual([]);
  });

  it.each(wrong)('is told of %s', (_name, all, message) => {
    expect(outputs(...all)).toEqual([expect.stringMatching(message)]);
  });
});

const on = (id: string, connection: string, more = '') =>
  `{ id: ${id}, driver: modbus, connection: { ${connection} }, profile: own.yaml${more} }`;
const tcp = 'tcp: "10.0.0.8:502"';
const server = 'serialServer: "10.0.0.9:4001"';

describe('devices of one line', () => {
  it.each<[string, readonly string[]]>([
    ['units of their own', [on('a', tcp), on('b', tcp, ', unit: 2')]],
    ['one unit on two lines', [on('a', tcp), on('b', server), on('c', 'serial: /dev/ttyS1')]],
    ['unit 0 over TCP, which is the device itself', [on('a', tcp, ', unit: 0')]],
    [
      'units behind a gateway that answers as 255',
      [on('a', tcp, ', answersAs: 255'), on('b', tcp, ', unit: 2, answersAs: 255')],
    ],
  ])('may have %s', (_name, devices) => {
    expect(mistakes(devices, oneBit)).toEqual([]);
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      'one unit over TCP',
      [on('a', tcp), on('b', tcp)],
      /^4: devices\[1\]\.unit: a has unit 1 on the same line: give each/,
    ],
    [
      'one unit behind a server',
      [on('a', server, ', unit: 5'), on('b', server, ', unit: 5')],
      /^4: .*unit: a has unit 5/,
    ],
    [
      'one unit on a port',
      [on('a', 'serial: /dev/ttyS1'), on('b', 'serial: /dev/ttyS1')],
      /^4: .*unit: a has unit 1/,
    ],
    [
      'one that answers as another',
      [on('a', server), on('b', server, ', unit: 2, answersAs: 1')],
      /^4: .*answersAs: answers of a come from 1 too/,
    ],
    [
      'another baud rate',
      [on('a', 'serial: /dev/ttyS1'), on('b', 'serial: /dev/ttyS1, baudRate: 19200', ', unit: 2')],
      /^4: .*connection: a is on the same port at 9600 8N1/,
    ],
    [
      'another framing at one address',
      [on('a', tcp), on('b', 'serialServer: "10.0.0.8:502"', ', unit: 2')],
      /^4: .*connection: a is reached at 10.0.0.8:502 too \(modbus, tcp\), and this one as modbus, serialServer/,
    ],
    [
      'another driver behind one port of a server',
      [on('a', server), '{ id: b, driver: osdp, connection: { serialServer: "10.0.0.9:4001" } }'],
      /^4: .*connection: a is reached at 10.0.0.9:4001 too \(modbus, serialServer\), and this one as osdp/,
    ],
    ['everybody as one', [on('a', server, ', unit: 0')], /^3: .*unit: 0 is all devices of a line/],
    [
      'two words on what may be asked at once',
      [on('a', `${tcp}, parallel: 4`), on('b', tcp, ', unit: 2')],
      /^4: .*connection: a is on the same connection with `parallel: 4`/,
    ],
  ])('are told where they have %s', (_name, devices, message) => {
    expect(mistakes(devices, oneBit)).toEqual([expect.stringMatching(message)]);
  });
});
