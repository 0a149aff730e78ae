import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Result } from '../../config/catalogue/actions.ts';
import { speak } from '../../config/language.ts';
import { configSchema } from '../../config/schema.ts';
import { rule as ruleConfig } from '../../config/sections/rules.ts';
import type { AlarmKind } from '../../drivers/contract/observation.ts';
import { readConfig } from '../../gateway/check.ts';
import type { Task } from '../../gateway/commands/registry.ts';
import { toEvent } from '../../gateway/road/event.ts';
import { inWords } from '../../gateway/rules/conditions.ts';
import { createRules } from '../../gateway/rules/index.ts';
import { manualClock } from '../clocks.ts';
import { temporaryDirectory } from '../helpers.ts';
import { testRegistry } from '../registry.ts';

const siren = (more: object = {}) => ({
  target: 'io',
  action: 'activate',
  arguments: { output: 'siren' },
  ...more,
});

/** Rules on a gateway of which only the time and what is armed exist. */
function gateway(
  rules: readonly object[],
  options: { now?: string; armed?: string[]; result?: Result } = {},
) {
  const config = configSchema.parse({ campus: { id: '4503000001', name: '一中' }, rules });
  const told: [string, unknown][] = [];
  let answer: Promise<unknown> = Promise.resolve();
  const time = manualClock(Date.parse(options.now ?? '2026-11-24T04:00:00Z'));
  const { registry, ask } = testRegistry({
    gateway: 'gateway',
    io: 'device',
    other: 'device',
    block: 'area',
  });
  const own = createRules(config.rules, {
    ...config,
    clock: { now: time.wall },
    time,
    areaOf: (device, zone) => (device === 'io' && zone === 1 ? 'block' : undefined),
    tell() {},
    isArmed: (area) => options.armed?.includes(area) === true,
    commands: {
      serve: registry.serve,
      async performForRule({ action, arguments: wanted }: Omit<Task, 'id'>) {
        told.push([action, wanted]);
        await answer;
        return options.result ?? { done: true };
      },
    },
  });
  onTestFinished(async () => await own[Symbol.asyncDispose]());
  const context = { campusId: '45', now: 0, synchronised: true };
  const happen = (kind: AlarmKind, zone = 1, device = 'io') => {
    const event = toEvent({ device, kind, state: 'raised', zone: { number: zone } }, context);
    own.onRecorded(event);
    return event;
  };
  const operate = (fact: 'acknowledged' | 'closed') => (event: { id: string }) =>
    own.onRecorded({
      ...toEvent({ device: 'io', kind: 'intrusion', state: 'raised' }, context),
      type: `cn.campus.alarm.${fact}`,
      data: { kind: 'intrusion', [fact]: { event: event.id } },
    });
  return {
    told,
    time,
    ask,
    onRecorded: own.onRecorded,
    happen,
    acknowledge: operate('acknowledged'),
    close: operate('closed'),
    /** Commands answer only once the function it gives is called. */
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      answer = promise;
      return resolve;
    },
  };
}

/** `when` of a rule, on what gateway, and whether an intrusion in zone 1 of `io` sets it off. */
const conditions: readonly [string, object, { now?: string; armed?: string[] }, boolean][] = [
  ['of any alarm', {}, {}, true],
  ['of another kind', { kinds: ['fire'] }, {}, false],
  ['of this kind', { kinds: ['fire', 'intrusion'] }, {}, true],
  ['of another type', { event: 'device.*' }, {}, false],
  ['of another device', { devices: ['panel'] }, {}, false],
  ['of this zone', { zones: [{ device: 'io', zone: 1 }] }, {}, true],
  ['of another zone', { zones: [{ device: 'io', zone: 2 }] }, {}, false],
  ['of its area', { areas: ['block'] }, {}, true],
  ['of another area', { areas: ['gate'] }, {}, false],
  ['for an armed area that is not', { armed: ['block'] }, {}, false],
  ['for an armed area that is', { armed: ['block'] }, { armed: ['block'] }, true],
  // 12:00 in Beijing.
  ['for the day, by day', { between: { from: '08:00', to: '18:00' } }, {}, true],
  ['for the day, to the minute', { between: { from: '08:00', to: '12:00' } }, {}, false],
  ['for the night, by day', { between: { from: '22:00', to: '06:30' } }, {}, false],
  ['for the night, late', { between: { from: '22:00', to: '06:30' } }, { now: '2026-11-24T14:00:00Z' }, true],
  [
    'for the night, early',
    { between: { from: '22:00', to: '06:30' } },
    { now: '2026-11-23T22:29:00Z' },
    true,
  ],
  ['for school days, on a Tuesday', { on: 'school' }, {}, true],
  ['for days without school, on a Tuesday', { on: 'free' }, {}, false],
  [
    'for the nights of school days, in the small hours of Saturday',
    { on: 'school', between: { from: '22:00', to: '06:00' } },
    { now: '2026-11-27T18:00:00Z' },
    true,
  ],
  [
    'for the nights of school days, in the small hours of Monday',
    { on: 'school', between: { from: '22:00', to: '06:00' } },
    { now: '2026-11-29T18:00:00Z' },
    false,
  ],
];

describe('a rule', () => {
  it.each(conditions)('%s', (_name, when, options, expected) => {
    const { told, happen } = gateway([{ id: 'r', when, do: [siren()] }], options);
    happen('intrusion');
    expect(told.length === 1).toBe(expected);
  });

  it('acts at once, and once for an event that is told twice', () => {
    const { told, happen, onRecorded } = gateway([{ id: 'r', do: [siren({ for: '30s' })] }]);
    const event = happen('panic');
    onRecorded(event);
    expect(told).toEqual([['activate', { output: 'siren', for: 30 }]]);
  });

  it('that is set off a thousand times while it acts acts once more', async () => {
    const { told, happen, hold, time } = gateway([{ id: 'r', do: [siren()] }]);
    const release = hold();
    for (let i = 0; i < 1000; i++) happen('fence');
    expect(told).toHaveLength(1);
    release();
    await time.advance(20);
    expect(told).toHaveLength(2);
  });
});

describe('a rule, later', () => {
  it('waits where it should, and drops what waits when an operator takes the alarm', async () => {
    const { told, happen, acknowledge, time } = gateway([
      {
        id: 'r',
        stopOnAcknowledge: true,
        do: [siren(), siren({ after: '80ms', arguments: { output: 'lamp' } })],
      },
    ]);
    happen('panic');
    await time.advance(79);
    expect(told.length).toBe(1);
    await time.advance(1);
    expect(told.length).toBe(2);
    const event = happen('panic');
    acknowledge(event);
    await time.advance(120);
    // On again, off by the operator; the lamp of the second alarm never came on, that of the first is another's.
    expect(told.slice(2)).toEqual([
      ['activate', { output: 'siren' }],
      ['deactivate', { output: 'siren' }],
    ]);
  });

  it('is stopped by who closes an alarm that nobody took, where it is to be stopped at all', async () => {
    for (const stopOnAcknowledge of [true, false]) {
      const { told, happen, close, acknowledge, time } = gateway([
        { id: 'r', stopOnAcknowledge, do: [siren()] },
      ]);
      const event = happen('panic');
      await time.advance(0);
      close({ id: 'another' });
      await time.advance(0);
      expect(told.map(([action]) => action)).toEqual(['activate']);
      close(event);
      acknowledge(event);
      await time.advance(0);
      expect(told.map(([action]) => action)).toEqual(
        ['activate', 'deactivate'].slice(0, stopOnAcknowledge ? 2 : 1),
      );
    }
  });

  it('does not switch off what another alarm has switched on since', async () => {
    const { told, happen, acknowledge, time } = gateway([
      { id: 'r', stopOnAcknowledge: true, do: [siren()] },
    ]);
    const first = happen('panic');
    await time.advance(0);
    happen('intrusion', 2);
    await time.advance(0);
    acknowledge(first);
    await time.advance(0);
    expect(told.map(([action]) => action)).toEqual(['activate', 'activate']);
  });

  it('holds a door for its time', async () => {
    const hold = { target: 'io', action: 'hold', arguments: { output: 'gate' }, for: '50ms' };
    const { told, happen, time } = gateway([{ id: 'evacuate', when: { kinds: ['fire'] }, do: [hold] }]);
    happen('fire');
    await time.advance(49);
    expect(told).toEqual([['hold', { output: 'gate' }]]);
    await time.advance(1);
    expect(told).toEqual([
      ['hold', { output: 'gate' }],
      ['lock', { output: 'gate' }],
    ]);
  });

  it('is reset by its device, its area, or all of them', async () => {
    for (const [target, stopped] of [
      ['block', 1],
      ['io', 1],
      ['gateway', 1],
      ['other', 0],
    ] as const) {
      const { told, happen, ask, time } = gateway([{ id: 'r', do: [siren()] }]);
      happen('intrusion');
      await time.advance(0);
      expect(await ask(target, 'reset')).toEqual({ done: true, result: { stopped } });
      await time.advance(0);
      expect(told.map(([action]) => action)).toEqual(['activate', 'deactivate'].slice(0, 1 + stopped));
    }
  });
});

describe('rules in a config', () => {
  const config = (rules: string) => `campus: { id: "4503000001", name: 一中 }
uplinks: [{ id: police, url: "mqtt://127.0.0.1:1" }]
devices:
  - id: io
    driver: modbus
    connection: { tcp: "127.0.0.1:1502" }
    profile: io-8zone
    zones: [{ zone: 1, id: gate-beam, kind: perimeter }, { zone: 5, id: lab, kind: gas }, { zone: 8, id: button, kind: panic, name: 一键报警 }]
    outputs: [{ id: siren, kind: siren, coil: 0 }]
areas: [{ id: block, zones: [{ device: io, zone: 1, type: delayed }, { device: io, zone: 5 }], entryDelay: 20s }]
rules:
${rules}`;
  const check = (rules: string) => {
    const file = join(temporaryDirectory(), 'campus.yaml');
    writeFileSync(file, config(rules));
    return { file, loaded: readConfig(file) };
  };
  const act = 'do: [{ target: io, action: activate, arguments: { output: siren } }]';

  it.each([
    [
      'a device',
      `when: { devices: [oi] }, ${act}`,
      /12:.*devices\[0\]: there is no device oi; there are: io, block/,
    ],
    [
      'a zone',
      `when: { zones: [{ device: io, zone: 3 }] }, ${act}`,
      /zone: there is no zone 3; there are: 1, 5, 8/,
    ],
    ['an area', `when: { armed: [roof] }, ${act}`, /armed\[0\]: there is no area roof; there are: block/],
    ['an event', `when: { event: alarm.rised }, ${act}`, /event: there is no event alarm.rised/],
    ['a target', 'do: [{ target: oi, action: activate }]', /target: there is no target oi/],
    [
      'an action',
      'do: [{ target: io, action: unlock }]',
      /action: there is no unlock of io; there are: activate, deactivate/,
    ],
    [
      'an output',
      'do: [{ target: io, action: activate, arguments: { output: horn } }]',
      /there is no output horn; there are: siren/,
    ],
    [
      'an action of an area',
      'do: [{ target: block, action: activate }]',
      /there is no activate of block; there are: arm/,
    ],
    ['a time for what does not last', 'do: [{ target: block, action: arm, for: 3s }]', /arm does not last/],
  ])('that name what does not exist are told with the line: %s', (_name, rule, message) => {
    const { loaded } = check(`  - { id: r, ${rule} }`);
    const errors = 'errors' in loaded ? loaded.errors.map((one) => `${one.line}: ${one.message}`) : [];
    expect(errors).toEqual([expect.stringMatching(message)]);
  });

  it('are explained by whom they tell, by what, and after how long', () => {
    const rule = ruleConfig.parse({
      id: 'tell-panic',
      when: { kinds: ['panic'] },
      notify: [
        { to: ['guards'] },
        { to: ['head'], unacknowledgedFor: '60s' },
        { to: ['head'], platformsAwayFor: '5m' },
      ],
    });
    const contacts = [
      { id: 'guards', by: 'dingtalk' },
      { id: 'head', by: 'mail' },
    ];
    expect(inWords(rule, contacts)).toBe(
      'tells guards (dingtalk) at once; tells head (mail) where nobody has taken it for 60 s; tells head (mail) where no platform is there for 300 s [tell-panic]',
    );
    speak('zh');
    onTestFinished(() => speak('en'));
    expect(inWords(rule, contacts)).toBe(
      '立即通知 guards（钉钉）; 60 秒内无人确认时通知 head（邮件）; 平台离线达 300 秒时通知 head（邮件） [tell-panic]',
    );
  });

  it('are explained in words, zone by zone', () => {
    const { file } = check(`  - id: night-siren
    when: { kinds: [perimeter], armed: [block], between: { from: "22:00", to: "06:30" } }
    do: [{ target: io, action: activate, arguments: { output: siren }, for: 60s, after: 2s }]
    stopOnAcknowledge: true`);
    const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');
    const env = { ...process.env, CAMPUS_LANG: 'en' };
    const { stdout } = spawnSync(process.execPath, [entry, 'check', file, '--explain'], {
      encoding: 'utf8',
      env,
    });
    expect(stdout.split('\n').slice(1).join('\n')).toBe(`
io zone 1 gate-beam: perimeter
  it alarms 20 s after it while block is armed
  platforms: police
  activate io/siren for 60 s after 2 s (while block is armed, from 22:00 to 06:30), until an operator takes or closes it [night-siren]

io zone 5 lab: gas
  it always alarms
  platforms: police
  no rule

io zone 8 一键报警: panic
  it always alarms
  platforms: police
  no rule

of the school itself
  police: 4503000001; 一中
`);
  });
});
