import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { classOf, eventClasses, eventTypes } from '../../config/catalogue/events.ts';
import { formatError } from '../../config/load.ts';
import { readConfig } from '../../gateway/check.ts';
import { runs } from '../fuzz.ts';
import { temporaryDirectory } from '../helpers.ts';

const head = 'campus: { id: "4503000001", name: 一中 }\n';

function load(text: string, files: Record<string, string> = {}) {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, text);
  const loaded = readConfig(file);
  return {
    directory,
    config: 'config' in loaded ? loaded.config : undefined,
    errors: 'errors' in loaded ? loaded.errors.map((error) => formatError(error).slice(file.length + 1)) : [],
  };
}

/** A device's lines under `devices:`, starting on line 3. */
const device = (text: string) => `${head}devices:\n${text}`;

describe('the shape that is kept stable', () => {
  it('takes the example of the contract, whole', () => {
    const { config, errors, directory } = load(
      `campus: { id: "4503000001", name: 桂林市第一中学 }
dataDir: ./data
uplinks:
  - id: police
    url: mqtt://127.0.0.1:1883
    topicPrefix: campus/v1/4503000001
    events: ["alarm.*", "device.*"]
devices:
  - id: perimeter-panel
    driver: dc09
    listen: { host: 127.0.0.1, port: 5100 }
    accounts:
      - account: "1234"
        keyFile: secrets/panel.key
        supervision: 60s
        zones:
          - { zone: 1, id: north-wall, kind: perimeter, name: 北围墙 }
          - { zone: 9, id: gatehouse-button, kind: panic, name: 门卫室一键报警 }
  - id: fence-east
    driver: modbus
    connection: { tcp: "127.0.0.1:1502" }
    unit: 1
    profile: pulse-fence-2zone
    poll: 200ms
    zones:
      - { zone: 1, id: east-1, name: 东围墙一段 }
  - id: fence-port
    driver: modbus
    connection: { serial: /dev/ttyUSB0, baudRate: 9600, parity: none }
    unit: 1
    profile: io-8zone
  - id: fence-server
    driver: modbus
    connection: { serialServer: "10.0.0.9:4001" }
    unit: 1
    profile: tension-fence
  - id: gate-reader
    driver: wiegand
    connection: { serial: /dev/ttyUSB1, baudRate: 9600 }
    format: rdm6300
`,
      { 'secrets/panel.key': '0123456789abcdef' },
    );
    expect(errors).toEqual([]);
    expect(config?.dataDir).toBe(join(directory, 'data'));
    expect(config?.devices.map(({ id }) => id)).toEqual([
      'perimeter-panel',
      'fence-east',
      'fence-port',
      'fence-server',
      'gate-reader',
    ]);
    expect(config?.devices[0]?.options).toMatchObject({
      accounts: [{ supervision: 60_000, keyFile: join(directory, 'secrets/panel.key') }],
    });
    expect(config?.devices[1]).toMatchObject({
      options: { poll: 200, timeout: 300, connection: { tcp: { host: '127.0.0.1', port: 1502 } } },
      profile: { title: { en: 'Pulse fence, two zones' } },
    });
  });

  it('takes what the repository ships', () => {
    for (const name of ['demo.yaml', 'campus.example.yaml']) {
      expect(readConfig(join(import.meta.dirname, '../../config', name))).toHaveProperty('config');
    }
  });
});

const mistakes: readonly (readonly [name: string, text: string, message: string])[] = [
  [
    'a misspelt key',
    device('  - id: p\n    drvier: dc09\n'),
    '4:5: devices[0].drvier: unknown key; did you mean driver?',
  ],
  [
    'a misspelt value',
    device('  - id: p\n    driver: modbsu\n'),
    '4:5: devices[0].driver: "modbsu": not known; did you mean modbus?; allowed: dc09, receiver, modbus, osdp, wiegand, serial-line, http-push, onvif',
  ],
  [
    'a missing key',
    'campus: { name: x }\n',
    '1:1: campus.id: missing (The number of the campus with the platforms)',
  ],
  [
    'a wrong type',
    'campus: { id: 4503, name: x }\n',
    '1:11: campus.id: 4503: a text is needed: put it in quotes',
  ],
  [
    'a number out of range',
    device('  - { id: p, driver: dc09, listen: { port: 70000 }, accounts: [{ account: "1234" }] }\n'),
    '3:38: devices[0].listen.port: 70000: at most 65535',
  ],
  [
    'a duration without a unit',
    `${head}retention: { keep: "180" }\n`,
    '2:14: retention.keep: "180": a duration such as 200ms, 60s, 5m, 12h or 30d',
  ],
  [
    'a size without a unit',
    `${head}retention: { budget: "8000000" }\n`,
    '2:14: retention.budget: "8000000": a size such as 500MB or 8GB',
  ],
  [
    'a class of events that there is not',
    `${head}retention: { classes: { alrm: { keep: 1d } } }\n`,
    '2:25: retention.classes.alrm: unknown key; did you mean alarm?',
  ],
  [
    'TLS files beside a URL without TLS',
    `${head}uplinks:\n  - { id: p, url: "mqtt://h:1", tls: { serverName: x } }\n`,
    '3:33: uplinks[0].tls: stands beside mqtt://h:1, which has no TLS; use mqtts:// or wss://',
  ],
  [
    'a path for a broker that is no WebSocket',
    `${head}uplinks:\n  - { id: p, url: "mqtt://h:1/mqtt" }\n`,
    '3:14: uplinks[0].url: "mqtt://h:1/mqtt": mqtt://HOST:PORT, mqtts://HOST:PORT, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH, without user; a path only for ws and wss',
  ],
  [
    'one of several connections',
    device('  - { id: f, driver: modbus, profile: io-8zone, connection: { tpc: "h:1" } }\n'),
    '3:63: devices[0].connection.tpc: unknown key; did you mean tcp?',
  ],
  [
    'no connection at all',
    device('  - { id: f, driver: modbus, profile: io-8zone, connection: {} }\n'),
    '3:49: devices[0].connection: {}: one of these is needed: tcp, serial, serialServer',
  ],
  [
    'an unknown profile',
    device('  - { id: f, driver: modbus, profile: io-8zones, connection: { tcp: "h:1" } }\n'),
    'did you mean io-8zone?',
  ],
  [
    'a zone that the profile lacks',
    device(
      '  - { id: f, driver: modbus, profile: io-8zone, connection: { tcp: "h:1" }, zones: [{ zone: 9 }] }\n',
    ),
    'the profile has no zone 9; it has 1, 2, 3, 4, 5, 6, 7, 8',
  ],
  [
    'a filter that matches nothing',
    `${head}uplinks:\n  - { id: p, url: mqtt://h, events: ["alrm.*"] }\n`,
    '"alrm.*" matches no event',
  ],
  [
    'an id that stands twice',
    `${head}uplinks:\n  - { id: p, url: mqtt://h }\n  - { id: p, url: mqtt://g }\n`,
    '4:7: uplinks[1].id: "p" stands here twice',
  ],
  ['what is no YAML', 'campus: [\n', '2:1: '],
  [
    'an id that would break a topic',
    device('  - { id: "a/b", driver: wiegand, format: ascii, connection: { serial: /dev/ttyS0 } }\n'),
    '3:7: devices[0].id: "a/b": letters, digits',
  ],
];

describe('an error', () => {
  it.each(mistakes)('names line, column and what is allowed: %s', (_name, text, expected) => {
    const { errors } = load(text);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(expected);
  });

  it('comes with all the others, in the order of the file', () => {
    const { errors } = load(
      `${head}datadir: x\nuplinks:\n  - { id: p, url: http://h, window: 0 }\ndevices:\n  - { id: q, driver: dc10 }\n`,
    );
    expect(errors.map((error) => error.split(' ')[0])).toEqual(['2:1:', '4:14:', '4:29:', '6:14:']);
  });

  it('of a file that is not there is told by its key', () => {
    const { errors } = load(
      device(
        '  - id: p\n    driver: dc09\n    listen: { port: 1 }\n    accounts:\n      - { account: "1234", keyFile: no.key }\n',
      ),
    );
    expect(errors[0]).toMatch(
      /^7:28: devices\[0\]\.accounts\[0\]\.keyFile: .*no\.key cannot be read \(ENOENT\)/,
    );
  });
});

describe('mistakes without number', () => {
  it('are told up to a thousand, and how many more there are', () => {
    const { errors } = load(`${head}${Array.from({ length: 3000 }, (_, i) => `k${i}: 1\n`).join('')}`);
    expect(errors).toHaveLength(1001);
    expect(errors[0]).toMatch(/^2:1: k0/);
    expect(errors.at(-1)).toBe('1:1: 2000 more mistakes are not told');
  });
});

describe('the protocol of an uplink', () => {
  const load1 = (line: string) => load(`${head}uplinks:\n  - id: p\n    url: mqtt://h\n    ${line}\n`);

  it.each([
    ['window: 1', undefined],
    ['protocol: mqtt', undefined],
    ['protocol: auto', 'auto'],
    ['protocol: 5', 5],
    ['protocol: 3.1.1', '3.1.1'],
    ['protocol: mqtt\n    mqttVersion: 5', 5],
  ])('is mqtt by default, and by the words of when it was the only one: %j', (line, mqttVersion) => {
    const { config, errors } = load1(line);
    expect(errors).toEqual([]);
    expect(config?.uplinks[0]).toMatchObject({ id: 'p', protocol: 'mqtt', options: { url: 'mqtt://h' } });
    expect(config?.uplinks[0]?.options['mqttVersion']).toBe(mqttVersion);
    expect(config?.uplinks[0]).not.toHaveProperty('url');
  });

  it('that nobody knows is refused', () => {
    expect(load1('protocol: amqp').errors).toEqual([
      '5:5: uplinks[0].protocol: "amqp": not known; allowed: mqtt, auto, 5, 3.1.1, gb28181, gat1400',
    ]);
  });

  it('that is misspelt is told what was meant', () => {
    expect(load1('protocol: mqqt').errors).toEqual([
      '5:5: uplinks[0].protocol: "mqqt": not known; did you mean mqtt?; allowed: mqtt, auto, 5, 3.1.1, gb28181, gat1400',
    ]);
  });

  it('that says two versions is refused', () => {
    expect(load1('protocol: 5\n    mqttVersion: 3.1.1').errors).toEqual([
      '6:5: uplinks[0].mqttVersion: stands beside protocol: 5; say protocol: mqtt',
    ]);
  });
});

describe('a secret', () => {
  const uplink = (line: string) => `${head}uplinks:\n  - id: p\n    url: mqtt://h\n    ${line}\n`;

  it('written inline is refused, and not repeated in the error', () => {
    const { errors } = load(uplink('password: hunter2'));
    expect(errors[0]).toContain('5:5: uplinks[0].password: a secret is not written inline');
    expect(errors.join()).not.toContain('hunter2');
  });

  it('comes from the environment or from a file', () => {
    process.env['CAMPUS_TEST_PASSWORD'] = 'from env';
    onTestFinished(() => void delete process.env['CAMPUS_TEST_PASSWORD']);
    expect(load(uplink('password: ${CAMPUS_TEST_PASSWORD}')).config?.uplinks[0]?.options['password']).toBe(
      'from env',
    );
    expect(
      load(uplink('passwordFile: pw'), { pw: 'from file\n' }).config?.uplinks[0]?.options['password'],
    ).toBe('from file');
  });

  it('that the environment lacks is an error with its line', () => {
    expect(load(uplink('password: ${CAMPUS_TEST_NOT_SET}')).errors).toEqual([
      '5:5: uplinks[0].password: the environment has no CAMPUS_TEST_NOT_SET',
    ]);
  });
});

describe('absurd config', () => {
  it('gives errors or a config, never a crash', () => {
    const scalar = fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.boolean(), fc.constant(null));
    const key = fc.constantFrom(
      'campus',
      'id',
      'name',
      'dataDir',
      'uplinks',
      'url',
      'events',
      'password',
      'devices',
      'driver',
      'listen',
      'accounts',
      'zones',
      'connection',
      'tcp',
      'serial',
      'profile',
      'x',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        scalar,
        fc.constantFrom('dc09', 'modbus', 'wiegand', 'io-8zone'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
      ),
    }));
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          tree.map((value) => stringify(value)),
        ),
        (text) => {
          writeFileSync(file, text);
          const loaded = readConfig(file);
          if ('errors' in loaded) for (const error of loaded.errors) expect(error.line).toBeGreaterThan(0);
        },
      ),
      { numRuns: runs(300) },
    );
  });
});

describe('a file that is longer than it may be', () => {
  const MB = 1_048_576;

  it('is told, with the most that it may be, and not read', () => {
    expect(load(`${head}#${'x'.repeat(4 * MB)}`).errors).toEqual([
      expect.stringMatching(/^1:1: is larger than 4 MB, .* is it the right file\?$/),
    ]);
    const long = { 'secrets/p': 'x'.repeat(70_000), 'long.yaml': `#${'x'.repeat(4 * MB)}` };
    const uplink = `${head}uplinks:\n  - { id: police, url: "mqtt://127.0.0.1:1", username: u, passwordFile: secrets/p }\n`;
    expect(load(uplink, long).errors).toEqual([
      expect.stringMatching(/^3:\d+: uplinks\[0\]\.passwordFile: .*secrets\/p is larger than 64 KB/),
    ]);
    const panel = (file: string) =>
      device(
        `  - { id: p, driver: dc09, listen: { port: 1 }, accounts: [{ account: "1234", keyFile: ${file} }] }\n`,
      );
    expect(load(panel('secrets/p'), long).errors).toEqual([
      expect.stringMatching(/keyFile: .*larger than 64 KB/),
    ]);
    const fence = device(
      '  - { id: f, driver: modbus, connection: { tcp: "127.0.0.1:1" }, profile: ./long.yaml }\n',
    );
    expect(load(fence, long).errors).toEqual([
      expect.stringMatching(/profile: .*long\.yaml is larger than 4 MB/),
    ]);
  });

  it('that has no end is told too', () => {
    const uplink = `${head}uplinks:\n  - { id: police, url: "mqtt://127.0.0.1:1", username: u, passwordFile: /dev/zero }\n`;
    expect(load(uplink).errors).toEqual([
      expect.stringMatching(/passwordFile: \/dev\/zero is larger than 64 KB/),
    ]);
    const panel = device(
      '  - { id: p, driver: dc09, listen: { port: 1 }, accounts: [{ account: "1234", keyFile: /dev/zero }] }\n',
    );
    expect(load(panel).errors).toEqual([expect.stringMatching(/keyFile: \/dev\/zero is larger than 64 KB/)]);
  });
});

describe('the classes of events in the config', () => {
  it('are those of the contract', () => {
    expect([...eventClasses].sort()).toEqual([...new Set(eventTypes.map(classOf))].sort());
  });
});
