/** What rights and rules ask is held against the catalogue of actions, with what each device can be told. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { temporaryDirectory } from '../helpers.ts';
import { speakChinese } from '../language.ts';

/** One line each: what is added comes on line 11. */
const campus = `campus: { id: "4503000001", name: 一中 }
devices:
  - id: io
    driver: modbus
    connection: { tcp: "127.0.0.1:1502" }
    profile: io-8zone
    outputs: [{ id: siren, kind: siren, coil: 0 }, { id: gate, kind: door, coil: 1, moment: 3s }]
  - { id: yard, driver: onvif, host: 10.0.0.3 }
  - { id: panel, driver: dc09, listen: { host: 127.0.0.1, port: 5100 }, accounts: [{ account: "1234" }] }
areas: [{ id: block, zones: [{ device: io, zone: 1 }] }]
`;

function mistakes(added: string, load = loadConfig): readonly string[] {
  const file = join(temporaryDirectory(), 'campus.yaml');
  writeFileSync(file, campus + added);
  const loaded = load(file);
  return 'errors' in loaded ? loaded.errors.map((one) => `${one.line}:${one.column}: ${one.message}`) : [];
}
const rule = (step: string) => `rules:\n  - id: r\n    do:\n      - ${step}\n`;
const right = (text: string) => `uplinks:\n  - id: p\n    url: mqtt://h\n    commands:\n      - ${text}\n`;

describe('the arguments of a rule', () => {
  it.each([
    '{ target: io, action: activate, arguments: { output: siren }, for: 60s }',
    '{ target: io, action: activate, arguments: { output: siren, for: 20 } }',
    '{ target: io, action: hold, arguments: { output: gate }, for: 2d }',
    '{ target: block, action: arm, arguments: { force: true } }',
    '{ target: block, action: bypass, arguments: { device: io, zone: 1 } }',
    '{ target: yard, action: clip }',
    '{ target: yard, action: snapshot, arguments: { preset: gate } }',
  ])('may be as in a command: %s', (step) => {
    expect(mistakes(`${rule(step)}media: { clips: [yard] }\n`)).toEqual([]);
  });

  it.each([
    [
      'one that is missing',
      '{ target: io, action: activate }',
      '14:9: rules[0].do[0].arguments.output: missing (An output of the device)',
    ],
    [
      'one of another type',
      '{ target: io, action: activate, arguments: { output: 7 } }',
      '14:54: rules[0].do[0].arguments.output: 7: a text is needed: put it in quotes, as it is written',
    ],
    [
      'a misspelt one',
      '{ target: block, action: arm, arguments: { forse: true } }',
      '14:52: rules[0].do[0].arguments.forse: unknown key; did you mean force?',
    ],
    [
      'one out of range',
      '{ target: yard, action: clip, arguments: { before: 90 } }',
      '14:52: rules[0].do[0].arguments.before: 90: at most 60',
    ],
    [
      'a `for` that no command may have',
      '{ target: io, action: activate, arguments: { output: siren }, for: 2d }',
      '14:71: rules[0].do[0].for: 172800: at most 86400',
    ],
    [
      'a `for` on what does not last',
      '{ target: yard, action: snapshot, for: 3s }',
      '14:43: rules[0].do[0].for: snapshot does not last',
    ],
    [
      'an action that the device does not know',
      '{ target: panel, action: activate, arguments: { output: siren } }',
      '14:26: rules[0].do[0].action: there is no activate of panel; there are: none',
    ],
    [
      'an action of the gateway',
      '{ target: block, action: lockdown }',
      '14:26: rules[0].do[0].action: there is no lockdown of block; there are: arm, disarm, bypass, unbypass',
    ],
  ])('are told when the file is read, not when it fires: %s', (_name, step, message) => {
    expect(mistakes(rule(step))).toEqual([message]);
  });
});

describe('an area that a platform may guard', () => {
  const of = '{ server: "10.0.0.1:5060", serverId: "34020000002000000001", deviceId: "45030000001180000007"';
  const guard = (area: string, commands: string) => {
    const password = join(temporaryDirectory(), 'pw');
    writeFileSync(password, 'secret\n');
    return `uplinks:\n  - ${of}, id: gb, protocol: gb28181, passwordFile: ${password}, guardArea: ${area}, commands: [${commands}] }\n`;
  };

  it('is there, and its rights allow it', () => {
    expect(mistakes(guard('block', '{ actions: [arm, disarm], targets: ["bl*"] }'))).toEqual([]);
    expect(
      mistakes(guard('block', '{ actions: [arm, disarm], targets: [block], signed: true }')).join(),
    ).toMatch(/commands\[0\]\.signed: allows nothing: gb28181 has no signatures; leave `signed` out/);
    expect(mistakes(guard('roof', '')).join()).toContain(
      'guardArea: there is no area roof; there are: block',
    );
    expect(mistakes(guard('block', '{ actions: [arm], targets: [block] }')).join()).toContain(
      'guardArea: the platform may not ask for disarm of block; add to this uplink: commands: [{ actions: [disarm], targets: [block] }]',
    );
  });
});

describe('a right', () => {
  it.each([
    '{ actions: [unlock, lock, activate], targets: [io] }',
    '{ actions: [arm, activate], targets: [block, io] }',
    '{ actions: [test, end-test, reset], targets: [panel, block, gateway] }',
    '{ actions: [warn, inventory], targets: [gateway] }',
    '{ actions: [snapshot, show], targets: ["*"] }',
    '{ actions: [preset], targets: ["cam-*"] }',
    '{ actions: [warn], targets: ["gate*"] }',
  ])('that can be used is taken: %s', (text) => {
    expect(mistakes(right(text))).toEqual([]);
  });

  it.each([
    [
      'of a target that is not there',
      '{ actions: [unlock], targets: [oi] }',
      '15:40: uplinks[0].commands[0].targets[0]: there is no target oi; there are: gateway, io, yard, panel, block',
    ],
    [
      'of the gateway, for a device',
      '{ actions: [unlock, warn], targets: [io] }',
      '15:29: uplinks[0].commands[0].actions[1]: warn is for the gateway (`gateway`); io cannot do it',
    ],
    [
      'of a device, for one that does not know it',
      '{ actions: [activate], targets: [panel, yard] }',
      '15:21: uplinks[0].commands[0].actions[0]: activate is for devices that know it; panel, yard cannot do it',
    ],
    [
      'with a target too many',
      '{ actions: [unlock, lock], targets: [io, block] }',
      '15:50: uplinks[0].commands[0].targets[1]: there is no unlock or lock of block; there are: arm, disarm, bypass, unbypass',
    ],
    [
      'of the gateway, for a pattern that is no name of it',
      '{ actions: [warn], targets: ["cam-*"] }',
      '15:21: uplinks[0].commands[0].actions[0]: warn is for the gateway (`gateway`); cam-* cannot do it',
    ],
    [
      'of an action that is the gateway’s own',
      '{ actions: [indicate], targets: [io] }',
      '15:21: uplinks[0].commands[0].actions[0]: "indicate": not known; allowed: replay, acknowledge',
    ],
  ])('that can never be used is a mistake: %s', (_name, text, message) => {
    const told = mistakes(right(text));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(message);
  });

  it('of the console is held to the same', () => {
    expect(mistakes('console: { port: 9480, commands: [{ actions: [warn], targets: [oi] }] }\n')).toEqual([
      '11:64: console.commands[0].targets[0]: there is no target oi; there are: gateway, io, yard, panel, block',
    ]);
  });
});

describe('an uplink', () => {
  const named = (id: string) => mistakes(`uplinks: [{ id: ${id}, url: mqtt://h }]\n`);

  it.each(['console', 'rule', 'card'])('is not called %s, as who else asks for something is', (id) => {
    expect(named(id)).toEqual([
      `11:13: uplinks[0].id: "${id}" is the gateway's own word for who sends a command; give the platform another name`,
    ]);
  });

  it('is called what else one likes', () => {
    for (const id of ['consoles', 'rule-2', 'gateway']) expect(named(id)).toEqual([]);
  });
});

describe('in Chinese', () => {
  it('the same mistakes are told at the same places', async () => {
    speakChinese();
    const { loadConfig: load } = await import('../../config/load.ts');
    expect(mistakes(rule('{ target: io, action: activate, arguments: { output: horn } }'), load)).toEqual([
      '14:54: rules[0].do[0].arguments.output: 没有 输出 horn；可用：siren',
    ]);
    expect(mistakes(rule('{ target: panel, action: clip }'), load)).toEqual([
      '14:26: rules[0].do[0].action: 没有 panel 的 clip；可用：无',
    ]);
    expect(mistakes(right('{ actions: [unlock, warn], targets: [io] }'), load)).toEqual([
      '15:29: uplinks[0].commands[0].actions[1]: warn 用于网关（`gateway`）；io 不能执行',
    ]);
    expect(mistakes('uplinks: [{ id: card, url: mqtt://h }]\n', load)).toEqual([
      '11:13: uplinks[0].id: "card" 是网关自身表示命令来源的保留字；请为该平台另取名称',
    ]);
  });
});

describe('uplinks side by side', () => {
  const uplinks = (...lines: readonly string[]) => mistakes(`uplinks:\n  - ${lines.join('\n  - ')}\n`);

  it('may not share a client id at one broker: it would throw out the one for the other', () => {
    expect(uplinks('{ id: a, url: mqtt://h, clientId: x }', '{ id: b, url: mqtt://h, clientId: x }')).toEqual(
      [
        '13:29: uplinks[1].clientId: a connects to the same broker as x, too: the broker would throw out the one for the other',
      ],
    );
    expect(uplinks('{ id: a, url: mqtt://h, clientId: x }', '{ id: b, url: mqtt://i, clientId: x }')).toEqual(
      [],
    );
  });

  it.each([
    ['campus/v1/4503000001/presence', 'campus/v1/4503000001/#'],
    ['campus/v1/+/answers', 'campus/v1/4503000001/#'],
    ['"#"', 'campus/v1/4503000001/#'],
    ['edu/9/life', 'edu/9/#'],
    ['city/notice/7', 'city/notice/+'],
  ])('may not be asked to answer on %s', (topic, own) => {
    expect(
      uplinks(
        `{ id: a, url: mqtt://h, noticeTopics: [city/notice/+], replyTopics: [${topic}] }`,
        '{ id: b, url: mqtt://h, topicPrefix: edu/9 }',
      ),
    ).toEqual([expect.stringContaining(`uplinks[0].replyTopics[0]: covers ${own}, which the gateway`)]);
  });
  it('may not say its events where another may be asked to answer', () => {
    const under = (more: string) =>
      uplinks(`{ id: a, url: mqtt://h, topicPrefix: edu/9 }`, `{ id: b, url: mqtt://h, ${more} }`);
    expect(under('topicPrefix: edu/9/reply/b')).toEqual([
      expect.stringContaining('uplinks[1].topicPrefix: edu/9/reply/b lies under edu/9/reply/'),
    ]);
    expect(under('noticeTopics: [edu/9/reply/+]')).toEqual([
      expect.stringContaining('uplinks[1].noticeTopics[0]: edu/9/reply/+ lies under edu/9/reply/'),
    ]);
    expect(under('topicPrefix: edu/9/b')).toEqual([]);
  });
  it('tell Home Assistant of a campus once at a broker', () => {
    const both = (more: string) =>
      uplinks('{ id: a, url: mqtt://h, homeAssistant: true }', `{ id: b, url: mqtt://h, ${more} }`);
    expect(both('homeAssistant: false')).toEqual([
      expect.stringContaining('uplinks[1].homeAssistant: a says it for the same broker too'),
    ]);
    expect(both('homeAssistant: { prefix: wall }')).toEqual([]);
    expect(both('topicPrefix: edu/9')).toEqual([]);
  });
});
