/** Devices that are right each by itself, and cannot be on one line or one port; and what stands twice in one of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { temporaryDirectory } from '../helpers.ts';

/** The mistakes of a campus with these devices, the first of them on line 3. */
function mistakes(...devices: readonly string[]): readonly string[] {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(join(directory, 'key'), '000102030405060708090a0b0c0d0e0f');
  writeFileSync(file, `campus: { id: "4503000001", name: 一中 }\ndevices:\n  - ${devices.join('\n  - ')}\n`);
  const loaded = loadConfig(file);
  return 'errors' in loaded ? loaded.errors.map((one) => `${one.line}: ${one.message}`) : [];
}
const on = (driver: string, id: string, serial: string, more = '') =>
  `{ id: ${id}, driver: ${driver}, connection: { serial: /dev/${serial} }${more && `, ${more}`} }`;
const reader = (id: string, address: number, more = '') =>
  `{ id: ${id}, driver: osdp, connection: { serial: /dev/ttyS1${more} }, address: ${address} }`;
const panel = (id: string, account: string, port = 5100) =>
  `{ id: ${id}, driver: dc09, listen: { port: ${port} }, accounts: [{ account: ${account} }] }`;
const center = (id: string, account: string) =>
  on('receiver', id, 'ttyS2', `accounts: [{ account: "${account}" }]`);
const fence = (id: string, unit: number, more = '') =>
  `{ id: ${id}, driver: modbus, connection: { serial: /dev/ttyS3${more} }, unit: ${unit}, profile: io-8zone }`;

const camera = (id: string, more: string) =>
  `{ id: ${id}, driver: onvif, host: 10.0.0.41, port: 443, ${more} }`;

describe('channels of one recorder', () => {
  const login = 'username: gw, passwordFile: key';
  const fingerprint = 'ab'.repeat(32);
  it('share what the first says of certificate and login; another word on it is refused', () => {
    expect(
      mistakes(camera('a', `tls: {}, ${login}, source: s1`), camera('b', `tls: {}, ${login}, source: s2`)),
    ).toEqual([]);
    expect(mistakes(camera('a', `tls: {}, ${login}`), camera('b', 'source: s2'))).toEqual([]);
    expect(
      mistakes(
        camera('a', `tls: {}, ${login}`),
        camera('b', `tls: { fingerprint: ${fingerprint} }, ${login}, source: s2`),
      ),
    ).toEqual([expect.stringMatching(/^4: .*a is on the same address with another `tls`/)]);
    expect(
      mistakes(camera('a', login), camera('b', 'username: other, passwordFile: key, source: s2')),
    ).toEqual([expect.stringMatching(/^4: .*another `username`/)]);
  });

  const input = (more = '') =>
    `events: [{ topic: "tns1:Device/Trigger/DigitalInput", kind: panic, zone: 2${more} }]`;
  it.each<[string, readonly string[]]>([
    ['each with its source', [camera('a', 'source: s1'), camera('b', 'source: s2')]],
    ['each with its profile', [camera('a', 'profile: p1'), camera('b', 'profile: p2')]],
    ['the recorder as a whole beside them', [camera('b', 'source: s2'), camera('a', input())]],
    [
      'inputs at the first, where no entry is the whole',
      [camera('a', `source: s1, ${input()}`), camera('b', 'source: s2')],
    ],
    [
      'an input that is itself the source',
      [camera('a', 'source: s1'), camera('b', `source: di2, ${input(', source: di2')}`)],
    ],
    [
      'the same at two hosts',
      [camera('a', 'relays: []'), '{ id: b, driver: onvif, host: 10.0.0.42, port: 443 }'],
    ],
  ])('may be %s', (_name, devices) => {
    expect(mistakes(...devices)).toEqual([]);
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      'no source in two entries, and all goes to the first',
      [camera('a', 'relays: []'), camera('b', input())],
      /^4: devices\[1\]\.host: a is the same camera.*neither has a `source`.*all events go to a: .*`source`/,
    ],
    [
      'no source in two entries beside one that has',
      [camera('a', 'relays: []'), camera('b', 'source: s2'), camera('c', 'relays: []')],
      /^5: devices\[2\]\.host: a is/,
    ],
    [
      'one source twice',
      [camera('a', 'source: s1'), camera('b', 'source: s1')],
      /^4: .*\.source: a has the source s1/,
    ],
    [
      'one profile twice',
      [camera('a', 'profile: p'), camera('b', 'profile: p')],
      /^4: .*\.profile: a has the profile p/,
    ],
    [
      'a rule of inputs beside the recorder as a whole',
      [camera('a', 'relays: []'), camera('b', `source: s2, ${input()}`)],
      /^4: devices\[1\]\.events\[0\]\.topic: inputs and relays are of no channel, and go to a: /,
    ],
    [
      'a rule of inputs that the first gets',
      [camera('a', 'source: s1'), camera('b', `source: s2, ${input(', source: di0')}`)],
      /^4: .*events\[0\]\.topic: inputs and relays .* a: put the rule there/,
    ],
  ])('are told where they have %s', (_name, devices, message) => {
    expect(mistakes(...devices)).toEqual([expect.stringMatching(message)]);
  });
});

describe('devices of one line', () => {
  it.each<[string, readonly string[]]>([
    ['readers with addresses of their own', [reader('a', 0), reader('b', 1)]],
    ['the same address on two lines', [reader('a', 0), on('osdp', 'b', 'ttyS9', 'address: 0')]],
    ['a reader that is everybody, alone', [reader('a', 127)]],
    ['panels of one port', [panel('a', '"1234"'), panel('b', '"1235"')]],
    ['one account on two ports', [panel('a', '"1234"'), panel('b', '"1234"', 5200)]],
    ['receivers of one line', [center('a', '1234'), center('b', '1235')]],
    ['fences of one line', [fence('a', 1), fence('b', 2)]],
    [
      'readers that send by themselves, each on its line',
      [on('wiegand', 'a', 'ttyS1'), on('wiegand', 'b', 'ttyS2')],
    ],
  ])('may be %s', (_name, devices) => {
    expect(mistakes(...devices)).toEqual([]);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['one address', [reader('a', 5), reader('b', 5)], /^4: .*address: a has address 5 .*osdp set-line/],
    ['everybody and another', [reader('a', 1), reader('b', 127)], /^4: .*address: 127 is everybody, and 2/],
    [
      'two baud rates',
      [reader('a', 0), reader('b', 1, ', baudRate: 38400')],
      /^4: .*connection: a is on the same port at 9600 8N1, and this one at 38400 8N1: set both/,
    ],
    ['two parities', [fence('a', 1), fence('b', 2, ', parity: even')], /^4: .*at 9600 8N1, and .* 9600 8E1/],
    [
      'one account',
      [panel('a', '"12ab"'), panel('b', '"12AB"')],
      /^4: .*account: a has account 12AB .*keep it/,
    ],
    ['one account behind a receiver', [center('a', '0123'), center('b', '123')], /^4: .*a has account 123/],
    [
      'no addresses',
      [on('wiegand', 'a', 'ttyS1'), on('wiegand', 'b', 'ttyS1')],
      /^4: .*connection: a is on the same line already/,
    ],
    [
      'two drivers',
      [on('wiegand', 'a', 'ttyS1'), reader('b', 0)],
      /^4: .*connection: a \(wiegand\) is on this port already/,
    ],
  ])('are told where they have %s', (_name, devices, message) => {
    expect(mistakes(...devices)).toEqual([expect.stringMatching(message)]);
  });
});

describe('an account', () => {
  const account = (more: string) =>
    mistakes(`{ id: p, driver: dc09, listen: { port: 5100 }, accounts: [{ account: "1234", ${more} }] }`);

  it.each([
    'zones: [{ zone: 1, id: a }, { zone: 2, id: b }, { zone: 3 }]',
    'clockTolerance: { ahead: 5m, behind: 1d }',
    'keyFile: key, clockTolerance: { ahead: 1h, behind: 5m }',
    'pictures: { hosts: [nvr, "nvr:8443", 192.168.1.1, "[fe80::1]", "[fe80::1]:65535"] }',
  ])('may say %s', (more) => {
    expect(account(more)).toEqual([]);
  });

  it.each<[string, string, readonly RegExp[]]>([
    [
      'a zone twice',
      'zones: [{ zone: 1 }, { zone: 1 }]',
      [/^3: .*zones\[1\]\.zone: zone 1 stands here twice/],
    ],
    [
      'an id twice',
      'zones: [{ zone: 1, id: a }, { zone: 2, id: a }]',
      [/zones\[1\]\.id: "a" is another zone's/],
    ],
    [
      'a clock that is off by days',
      'clockTolerance: { ahead: 2d, behind: 400d }',
      [/ahead: .*at most 1d/, /behind: .*at most 1d/],
    ],
    [
      'a long time for what was recorded',
      'keyFile: key, clockTolerance: { ahead: 61m, behind: 2h }',
      [
        /clockTolerance\.ahead: at most 1h with a keyFile/,
        /clockTolerance\.behind: at most 1h with a keyFile/,
      ],
    ],
    [
      'hosts that are none',
      'pictures: { hosts: ["nvr:99999", "192.168.1.1:0", "*", "a*.b", "::1", "[::1]:0"] }',
      [
        /hosts\[0\]: .*a port from 1 to 65535/,
        /hosts\[1\]: .*a port from 1 to 65535/,
        /hosts\[2\]: .*one host.*no patterns/,
        /hosts\[3\]: .*no patterns/,
        /hosts\[4\]: .*one host/,
        /hosts\[5\]: .*a port/,
      ],
    ],
  ])('is told of %s', (_name, more, messages) => {
    expect(account(more)).toEqual(messages.map((one) => expect.stringMatching(one)));
  });
});

describe('a key of a reader that is not made yet', () => {
  it("is told with the command that makes it; one of a panel is the panel's own", () => {
    const [reader, panel] = mistakes(
      on('osdp', 'a', 'ttyS1', 'keyFile: none'),
      '{ id: p, driver: dc09, listen: { port: 5100 }, accounts: [{ account: "1234", keyFile: none }] }',
    );
    expect(reader).toMatch(
      /keyFile: .*none cannot be read \(ENOENT\); `campus-gateway osdp provision CONFIG` makes it/,
    );
    expect(panel).toMatch(/keyFile: .*none cannot be read \(ENOENT\)$/);
  });
});

describe('zones', () => {
  it('are told where they stand twice, under each driver that lists them', () => {
    const twice = 'zones: [{ zone: 1 }, { zone: 1 }]';
    const inputs = 'inputs: [{ input: 0, zone: 1 }, { input: 1, zone: 1 }, { input: 1, zone: 2 }]';
    expect(
      mistakes(
        on('receiver', 'a', 'ttyS1', `accounts: [{ account: "1234", ${twice} }]`),
        `{ id: b, driver: modbus, connection: { tcp: "10.0.0.9:502" }, profile: io-8zone, ${twice} }`,
        on('osdp', 'c', 'ttyS2', inputs),
      ),
    ).toEqual([
      expect.stringMatching(/^3: .*zones\[1\]\.zone: zone 1 stands here twice/),
      expect.stringMatching(/^4: .*zones\[1\]\.zone: zone 1 stands here twice/),
      expect.stringMatching(/^5: .*inputs\[1\]\.zone: zone 1 stands here twice/),
      expect.stringMatching(/^5: .*inputs\[2\]\.input: input 1 stands here twice/),
    ]);
  });
});

describe('outputs of readers and cameras', () => {
  it('are told where one would switch another, has the name of another, or no time', () => {
    expect(
      mistakes(
        on(
          'osdp',
          'a',
          'ttyS1',
          'outputs: [{ id: x, kind: door, output: 0 }, { id: y, kind: lamp, output: 0 }]',
        ),
        camera('b', 'relays: [{ id: x, token: r1 }, { id: x, token: r2 }, { id: y, token: r1 }]'),
      ),
    ).toEqual([
      expect.stringMatching(/^3: .*outputs\[1\]\.output: output 0 is switched by "x" already/),
      expect.stringMatching(/^4: .*relays\[1\]\.id: "x" stands here twice/),
      expect.stringMatching(/^4: .*relays\[2\]\.token: token r1 is switched by "x" already/),
    ]);
    expect(
      mistakes(on('osdp', 'a', 'ttyS1', 'outputs: [{ id: x, kind: door, output: 0, moment: 0s }]')),
    ).toEqual([expect.stringMatching(/^3: .*moment: "0s": at least 10ms/)]);
  });
});
