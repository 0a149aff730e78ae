/** What `check` says to who writes a config for the first time. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatError } from '../../config/load.ts';
import { readConfig } from '../../gateway/check.ts';
import { temporaryDirectory } from '../helpers.ts';

const terminalAt = (host: string) =>
  `devices:\n  - { id: gate, driver: http-push, profile: visitor-kiosk, from: [127.0.0.1], supervision: 5m, listen: { host: ${host}, port: 8090 } }\n`;
const panelAt = (host: string) =>
  `devices:\n  - { id: p, driver: dc09, listen: { host: ${host}, port: 1 }, accounts: [{ account: "1234", from: [10.0.0.9] }] }\n`;
const receiverAt = (host: string) =>
  `devices:\n  - { id: p, driver: receiver, listen: { host: ${host}, port: 1, from: [10.0.0.9] }, accounts: [{ account: "1234" }] }\n`;
const head = 'campus: { id: "4503000001", name: 一中 }\n';

function load(text: string, files: Readonly<Record<string, string | Buffer>> = {}) {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'folder'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, head + text);
  const loaded = readConfig(file);
  const lines = 'errors' in loaded ? loaded.errors : loaded.warnings;
  return {
    config: 'config' in loaded ? loaded.config : undefined,
    told: lines.map((one) => formatError(one).replaceAll(`${directory}/`, '').replace('campus.yaml:', '')),
  };
}

/** `LINE:COLUMN` of a word of the config. */
function placeOf(text: string, word: RegExp): string {
  const before = (head + text).slice(0, (head + text).search(word)).split('\n');
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

describe('the file of a secret', () => {
  const terminal = (secret: string) =>
    `devices:\n  - id: gate\n    driver: http-push\n    listen: { port: 8090 }\n    profile: visitor-kiosk\n    ${secret}\n`;
  const uses = {
    'a password of a terminal': [terminal('username: a\n    passwordFile: s'), 'devices[0].passwordFile'],
    'a token of a terminal': [terminal('tokenFile: s'), 'devices[0].tokenFile'],
    'a password of a stream': [
      'devices:\n  - id: gate\n    driver: http-push\n    profile: hikvision-face\n    pull: { url: "http://10.0.0.9", username: a, passwordFile: s }\n',
      'devices[0].pull.passwordFile',
    ],
    'a password of a camera': [
      'devices:\n  - { id: cam, driver: onvif, host: 10.0.0.9, username: a, passwordFile: s }\n',
      'devices[0].passwordFile',
    ],
    'a password of a platform': [
      'uplinks:\n  - { id: p, url: "mqtt://127.0.0.1", username: a, passwordFile: s }\n',
      'uplinks[0].passwordFile',
    ],
    'a password of a proxy': [
      'uplinks:\n  - { id: p, url: "mqtt://127.0.0.1", proxy: { url: "socks5://127.0.0.1:1", username: a, passwordFile: s } }\n',
      'uplinks[0].proxy.passwordFile',
    ],
    'a key of a panel': [
      'devices:\n  - { id: p, driver: dc09, listen: { port: 1 }, accounts: [{ account: "1234", keyFile: s }] }\n',
      'devices[0].accounts[0].keyFile',
    ],
    'a key of a reader': [
      'devices:\n  - { id: r, driver: osdp, connection: { serialServer: "10.0.0.9:1" }, keyFile: s }\n',
      'devices[0].keyFile',
    ],
  } as const;
  it.each(Object.entries(uses))('that is empty is refused at its line: %s', (_name, [text, where]) => {
    expect(load(text, { s: '' }).told).toEqual([
      `${placeOf(text, /\w+File: s/)}: ${where}: s has nothing in it: the file is empty`,
    ]);
  });

  it.each(Object.entries(uses))('that is a folder is refused at its line: %s', (_name, [text, where]) => {
    expect(load(text.replace(/File: s\b/, 'File: folder')).told).toEqual([
      `${placeOf(text, /\w+File: s/)}: ${where}: folder is a folder, not a file`,
    ]);
  });

  it.each(['\n', '\r\n', '  \n', '\ufeff', '\ufeff\r\n'])('that holds only %j is empty', (content) => {
    const [text, where] = uses['a token of a terminal'];
    expect(load(text, { s: content }).told).toEqual([
      `${placeOf(text, /\w+File: s/)}: ${where}: s has nothing in it: the file is empty`,
    ]);
  });

  it('whose first line is empty says that it is the first that counts', () => {
    expect(load(uses['a password of a terminal'][0], { s: '\ns3cret\n' }).told).toEqual([
      '8:5: devices[0].passwordFile: s has nothing in its first line, where the secret is to stand',
    ]);
  });

  it('that Notepad saved is read without BOM and CR', () => {
    const saved = { s: '\ufeffs3cret\r\n' };
    const [text] = uses['a password of a platform'];
    expect(load(text, saved).config?.uplinks[0]?.options['password']).toBe('s3cret');
  });

  it('of the environment is refused where it is empty', () => {
    process.env['CAMPUS_TEST_EMPTY'] = '';
    onTestFinished(() => void delete process.env['CAMPUS_TEST_EMPTY']);
    const text =
      'uplinks:\n  - { id: p, url: "mqtt://127.0.0.1", username: a, password: "${CAMPUS_TEST_EMPTY}" }\n';
    expect(load(text).told).toEqual([
      '3:52: uplinks[0].password: CAMPUS_TEST_EMPTY of the environment is empty',
    ]);
  });
});

describe('a host to listen on', () => {
  const places = {
    'of a terminal': terminalAt,
    'of a panel': panelAt,
    'of a receiver': receiverAt,
    'of the console': (host: string) => `console: { host: ${host}, port: 8090 }\n`,
    'of status': (host: string) => `status: { host: ${host}, port: 8090 }\n`,
  };
  it.each(Object.entries(places))('that is written as a URL is told at its line: %s', (_name, text) => {
    for (const [written, meant] of [
      ['http://127.0.0.1', '127.0.0.1'],
      ['http://0.0.0.0:8090/push', '0.0.0.0'],
      ['"10.0.0.5:8090"', '10.0.0.5'],
      ['"[::1]"', '"::1"'],
    ] as const) {
      const [first = ''] = load(text(written)).told;
      expect(first).toContain(
        `host: "${written.replaceAll('"', '')}": the address alone; write host: ${meant}`,
      );
      expect(first).toMatch(new RegExp(`^${placeOf(text(written), /host:/)}: `));
    }
  });

  it.each(Object.entries(places))('that this machine has not is warned of: %s', (_name, text) => {
    // TEST-NET-1 (RFC 5737): nobody's.
    const { config, told } = load(text('192.0.2.77'));
    expect(config).toBeDefined();
    expect(told.join('\n')).toMatch(
      /^\d+:\d+: .*host: warning: this machine has no address 192\.0\.2\.77, nothing would be heard there; it has .*127\.0\.0\.1.*0\.0\.0\.0 is all of them$/m,
    );
  });

  it('that is no address at all says so', () => {
    for (const wrong of ['10.0.0', '300.1.1.1', '"*"', '"a b"'])
      expect(load(terminalAt(wrong)).told[0]).toContain(
        'an address of this machine alone, such as 0.0.0.0, which is all of them',
      );
  });

  it('that is fine is told nothing', () => {
    for (const right of [
      '127.0.0.1',
      '127.0.0.5',
      'localhost',
      '0.0.0.0',
      '"::"',
      '"::1"',
      'gateway.school.local',
    ])
      expect(load(terminalAt(right)).told.join()).not.toMatch(/host/);
  });
});

describe('the token of a relay', () => {
  const relays = (token: string) =>
    `devices:\n  - { id: cam, driver: onvif, host: 10.0.0.9, relays: [{ id: siren, token: ${token} }] }\n`;

  it('is shown where it is wrong, and may come from the environment: it is no secret', () => {
    expect(load(relays('7')).told).toEqual([
      expect.stringMatching(/^3:\d+: devices\[0\]\.relays\[0\]\.token: 7: /),
    ]);
    process.env['CAMPUS_TEST_RELAY'] = 'ro0';
    onTestFinished(() => void delete process.env['CAMPUS_TEST_RELAY']);
    expect(load(relays('"${CAMPUS_TEST_RELAY}"')).config?.devices[0]?.options).toMatchObject({
      relays: [{ token: 'ro0' }],
    });
  });
});

describe('slips of who writes YAML for the first time', () => {
  const fence = (own: string) =>
    `devices:\n  - { id: f, driver: modbus, unit: 1, profile: io-8zone, ${own} }\n`;

  it('a port setting beside a serial server is set there', () => {
    for (const connection of ['serialServer: "10.0.0.9:4001"', 'tcp: "10.0.0.9:502"'])
      expect(load(fence(`connection: { ${connection}, baudRate: 9600, parity: even }`)).told).toEqual([
        expect.stringMatching(
          /connection\.baudRate: baudRate is set in the serial server itself; leave it out here$/,
        ),
        expect.stringMatching(
          /connection\.parity: parity is set in the serial server itself; leave it out here$/,
        ),
      ]);
    const reader =
      'devices:\n  - { id: r, driver: osdp, connection: { serialServer: "10.0.0.9:1", baudRate: 9600 } }\n';
    expect(load(reader).told).toEqual([expect.stringMatching(/baudRate is set in the serial server itself/)]);
  });

  it('a number without a unit is no duration', () => {
    expect(load(fence('connection: { tcp: "10.0.0.9:502" }, poll: 200')).told).toEqual([
      expect.stringMatching(/poll: 200: a duration such as 200ms, 60s, 5m, 12h or 30d: with its unit$/),
    ]);
  });

  it('a number that is a text is put in quotes', () => {
    const terminal =
      'devices:\n  - { id: t, driver: http-push, profile: zkteco-push, listen: { port: 1 }, from: [10.0.0.9], serial: 20171204 }\n';
    expect(load(terminal).told).toEqual([
      expect.stringMatching(/serial: 20171204: a text is needed: put it in quotes, as it is written$/),
    ]);
  });

  it.each([
    'devices：\n  - id: x\n',
    'status:\n  port： 9464\n',
    'status: { port： 9464 }\n',
    'devices:\n  - id： x\n    driver: modbus\n',
  ])('a full-width colon is told: %j', (text) => {
    expect(load(text).told.join('\n')).toMatch(
      /^\d+:\d+: .*this is the full-width colon （：）; write : and a space$/m,
    );
  });

  it('a profile that is no mapping says what it needs', () => {
    const own = fence('connection: { tcp: "10.0.0.9:502" }').replace('io-8zone', './p.yaml');
    expect(load(own, { 'p.yaml': '- a\n' }).told).toEqual([
      expect.stringMatching(/^\S*p\.yaml:1:1: \["a"\]: keys are needed here: title, /),
    ]);
  });
});
