/** What a config opens to a network, which ports it asks for, and files in other encodings. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { speak } from '../../config/language.ts';
import { loadConfig } from '../../config/load.ts';
import { textProblem } from '../../config/text.ts';
import { temporaryDirectory } from '../helpers.ts';

const campus = 'campus: { id: "4503000001", name: 一中 }\n';

function load(text: string) {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'token'), 'x\n');
  writeFileSync(join(directory, 'key'), `${'0'.repeat(32)}\n`);
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, campus + text);
  return loadConfig(file);
}
const errors = (text: string) => {
  const loaded = load(text);
  return 'errors' in loaded ? loaded.errors.map(({ line, message }) => `${line}: ${message}`) : [];
};
const allWarnings = (text: string) => {
  const loaded = load(text);
  if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
  return loaded.warnings.map(({ line, message }) => `${line}: ${message}`);
};
/** But those that nobody is told, as in most of these. */
const warnings = (text: string) =>
  allWarnings(text).filter((told) => !told.includes('there is no platform') && !told.includes('没有平台'));
const panel = (id: string, listen: string, account = 'account: "1234"') =>
  `  - { id: ${id}, driver: dc09, listen: { ${listen} }, accounts: [{ ${account} }] }\n`;
const kiosk = (id: string, listen: string) =>
  `  - { id: ${id}, driver: http-push, listen: { ${listen} }, profile: visitor-kiosk, tokenFile: token, supervision: 5m }\n`;

describe('one port used twice', () => {
  it.each([
    ['by console and status', 'console: { port: 9480 }\nstatus: { port: 9480 }\n'],
    ['on all addresses and on one', 'console: { port: 9480 }\nstatus: { port: 9480, host: 0.0.0.0 }\n'],
    [
      'on all addresses of IPv6, which are those of IPv4 too',
      'console: { port: 9480 }\nstatus: { port: 9480, host: "::" }\n',
    ],
    ['by name and by address', 'console: { port: 9480, host: localhost }\nstatus: { port: 9480 }\n'],
    [
      'by a panel and a receiver',
      `devices:\n${panel('p', 'port: 5100')}  - { id: r, driver: receiver, listen: { port: 5100 }, accounts: [{ account: "1234" }] }\n`,
    ],
    ['by a panel and a terminal', `devices:\n${panel('p', 'port: 5100')}${kiosk('k', 'port: 5100')}`],
    [
      'by the same driver on two addresses',
      `devices:\n${panel('p', 'port: 5100')}${panel('q', 'port: 5100, host: 0.0.0.0', 'account: "5678"')}`,
    ],
  ])('%s is an error', (_name, text) => {
    expect(errors(text)).toEqual([expect.stringMatching(/port \d+ on \S+ is taken by /)]);
  });

  it('is told at the second, with the first', () => {
    expect(errors('console: { port: 9480 }\nstatus:\n  port: 9480\n')).toEqual([
      '4: status.port: port 9480 on 127.0.0.1 is taken by console.port (127.0.0.1)',
    ]);
  });

  it.each([
    ['other addresses', 'console: { port: 9480, host: 127.0.0.2 }\nstatus: { port: 9480 }\n'],
    ['IPv6 and IPv4', 'console: { port: 9480, host: "::1" }\nstatus: { port: 9480, host: 0.0.0.0 }\n'],
    [
      'devices that share their driver’s port',
      `devices:\n${kiosk('k', 'port: 5100')}${kiosk('l', 'port: 5100')}`,
    ],
  ])('is none: %s', (_name, text) => {
    expect(errors(text)).toEqual([]);
  });
});

describe('what is open beyond this machine', () => {
  it.each([
    [
      'the console',
      'console: { port: 9480, host: 0.0.0.0 }\n',
      '2: console.host: warning: this is plain HTTP',
    ],
    ['the status', 'status: { port: 9464, host: 0.0.0.0 }\n', '2: status.host: warning: this is plain HTTP'],
    [
      'terminals',
      `devices:\n${kiosk('k', 'port: 5100, host: "::"')}`,
      '3: devices[0].listen: warning: terminals push',
    ],
    [
      'panels without key and address',
      `devices:\n${panel('p', 'port: 5100, host: 0.0.0.0')}`,
      '3: devices[0].accounts[0].account: warning: anybody',
    ],
    [
      'panels without a key',
      `devices:\n${panel('p', 'port: 5100, host: 0.0.0.0', 'account: "1234", from: [10.0.0.9, "fd00::/8"]')}`,
      '3: devices[0].accounts[0].account: warning: account 1234 reports in clear text',
    ],
    [
      'receivers from anywhere',
      'devices:\n  - { id: r, driver: receiver, listen: { port: 5200, host: 0.0.0.0 }, accounts: [{ account: "1234" }] }\n',
      '3: devices[0].listen.host: warning: anybody',
    ],
    [
      'receivers from where they are',
      'devices:\n  - { id: r, driver: receiver, listen: { port: 5200, host: 0.0.0.0, from: [10.0.0.9] }, accounts: [{ account: "1234" }] }\n',
      '3: devices[0].listen.host: warning: receivers report in clear text',
    ],
    [
      'MQTT',
      'uplinks: [{ id: p, url: "mqtt://10.0.0.9:1883" }]\n',
      '2: uplinks[0].url: warning: mqtt:// is not encrypted',
    ],
    [
      'MQTT over WebSocket',
      'uplinks: [{ id: p, url: "ws://city.example/mqtt" }]\n',
      '2: uplinks[0].url: warning: ws:// is not',
    ],
  ])('is warned of: %s', (_name, text, warning) => {
    expect(warnings(text)).toEqual([expect.stringContaining(warning)]);
  });

  it('is a terminal, too, whose death nobody would notice', () => {
    const dead = `devices:\n${kiosk('k', 'port: 5100').replace(', supervision: 5m', '')}`;
    expect(warnings(dead)).toEqual([
      expect.stringMatching(/^3: devices\[0\]\.listen: warning: without `supervision`/),
    ]);
    expect(warnings(`devices:\n${kiosk('k', 'port: 5100')}`)).toEqual([]);
  });

  it('is nothing where it is loopback or encrypted', () => {
    expect(
      warnings(
        `console: { port: 9480 }\nstatus: { port: 9464, host: "::1" }\n` +
          'uplinks: [{ id: a, url: "mqtts://city.example" }, { id: b, url: "wss://city.example/m" }, { id: c, url: "mqtt://127.0.0.1" }, { id: d, url: "ws://localhost/m" }]\n' +
          `devices:\n${panel('p', 'port: 5100')}${panel('q', 'port: 5101, host: 0.0.0.0', 'account: "1234", keyFile: key')}`,
      ),
    ).toEqual([]);
  });

  it.each(['10.0.0.300', '10.0.0.0/33', 'panel.example', ''])('`from` is no "%s"', (from) => {
    expect(errors(`devices:\n${panel('p', 'port: 5100', `account: "1234", from: ["${from}"]`)}`)).toEqual([
      expect.stringContaining('an address such as 10.0.0.9'),
    ]);
  });
});

describe('a config by which nobody would be told', () => {
  const zones = 'zones: [{ zone: 1, kind: perimeter }, { zone: 2, kind: panic }]';
  const devices = `devices:\n${panel('p', 'port: 5100', `account: "1234", ${zones}`)}`;
  const areas = (more = '', zone = 'zone: 1') =>
    `areas: [{ id: wall, zones: [{ device: p, ${zone} }]${more} }]\n`;
  const ofAreas = (text: string) => warnings(devices + text).filter((told) => told.includes('areas['));

  it('is warned of where it has no platform, in both languages', () => {
    for (const text of ['', 'uplinks: []\n'])
      expect(allWarnings(text)).toEqual([expect.stringMatching(/uplinks: warning: there is no platform/)]);
    expect(allWarnings('uplinks: [{ id: a, url: "mqtts://city.example" }]\n')).toEqual([]);
    speak('zh');
    onTestFinished(() => speak('en'));
    expect(allWarnings('uplinks: []\n')).toEqual([expect.stringContaining('警告：没有平台')]);
  });

  it('is warned of where nothing arms an area whose zones only tell while it is armed, in both languages', () => {
    expect(ofAreas(areas())).toEqual([
      expect.stringMatching(/^4: areas\[0\]: warning: nothing arms wall: it is disarmed until .* \(p 1\)/),
    ]);
    speak('zh');
    onTestFinished(() => speak('en'));
    expect(ofAreas(areas())).toEqual([expect.stringContaining('警告：wall 不会自动布防')]);
  });

  it.each([
    ['a schedule arms it', areas(', schedule: [{ at: "22:00", do: arm }]')],
    ['a rule arms it', `${areas()}rules: [{ id: r, do: [{ target: wall, action: arm }] }]\n`],
    ['its zones always alarm', areas('', 'zone: 1, type: 24-hour')],
    ['a button always alarms', areas('', 'zone: 2, type: panic')],
  ])('is not warned of where %s', (_name, text) => {
    expect(ofAreas(text)).toEqual([]);
  });
  it('is warned of where a schedule only disarms it', () => {
    expect(ofAreas(areas(', schedule: [{ at: "06:30", do: disarm }]'))).toHaveLength(1);
  });
});

describe('what of persons leaves the campus for a view library', () => {
  const views = (more: string) =>
    `uplinks: [{ id: v, protocol: gat1400, url: "https://10.0.0.9", deviceId: "45030000001200000007", passwordFile: token${more} }]\n`;
  const carries = (more: string) => {
    const loaded = load(views(more));
    return 'config' in loaded ? loaded.config.uplinks[0]?.carries : undefined;
  };

  it('is nothing by default, pictures of alarms where they may, and faces where both are said; each is told aloud', () => {
    expect(warnings(views(''))).toEqual([
      expect.stringMatching(/^2: uplinks\[0\]\.protocol: warning: nothing leaves for this platform/),
    ]);
    expect(carries('')).toEqual([]);
    expect(warnings(views(', pictures: true'))).toEqual([
      expect.stringMatching(/^2: uplinks\[0\]\.pictures: warning: pictures of alarms leave the campus/),
    ]);
    expect(carries(', pictures: true')).toEqual(['alarm.raised', 'access.forced', 'media.kept']);
    expect(warnings(views(', pictures: true, faces: true'))).toEqual([
      expect.stringMatching(/^2: uplinks\[0\]\.faces: warning: faces, persons and vehicles leave the campus/),
    ]);
    expect(carries(', pictures: true, faces: true')).toContain('access.*');
  });

  it('is never confirmed by receipts, for which the protocol has no word', () => {
    expect(errors(views(', receipts: true'))).toEqual([
      expect.stringMatching(/^2: uplinks\[0\]\.receipts: is for platforms that say what they have stored/),
    ]);
  });

  it('is no face without a picture: that is said at its line', () => {
    expect(errors(views(', faces: true'))).toEqual(
      [
        '2: uplinks[0].faces: needs `pictures: true` beside it: a face leaves with its picture or not at all',
      ].map((text) => expect.stringContaining(text.slice(3))),
    );
  });
});

describe('a file in another encoding', () => {
  /** As iconv, which is not ours, writes it. */
  const encoded = (text: string, to: string) =>
    spawnSync('iconv', ['-f', 'UTF-8', '-t', to], { input: text }).stdout;
  const text = 'a: 1\nname: 桂林市第一中学\n';

  it.each([
    ['GB18030', 2, 7],
    ['GBK', 2, 7],
    ['BIG5', 2, 7],
    ['UTF-16', 1, 1],
  ])('%s is told by line and column, with what to do', (encoding, line, column) => {
    expect(textProblem(encoded(text.replace('桂林市第一中学', '中文'), encoding))).toMatchObject({
      line,
      column,
      message: expect.stringContaining('Save it as UTF-8'),
    });
  });

  it('UTF-16 without a mark, and a file torn by a power cut, hold NUL bytes', () => {
    expect(textProblem(encoded(text, 'UTF-16LE'))?.message).toBeDefined();
    expect(textProblem(Buffer.from(`${text}b: \0\0`))).toMatchObject({
      line: 3,
      column: 4,
      message: expect.stringContaining('NUL'),
    });
  });

  it('UTF-8 is none, with a mark or without', () => {
    expect(textProblem(Buffer.from(text))).toBeUndefined();
    expect(textProblem(Buffer.from(`\ufeff${text}`))).toBeUndefined();
  });
});
