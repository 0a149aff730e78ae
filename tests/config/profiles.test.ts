import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { formatError } from '../../config/load.ts';
import { mapMessage } from '../../drivers/http-push/mapping.ts';
import { type Profile, profileSchema } from '../../drivers/http-push/profile.ts';
import { readConfig } from '../../gateway/check.ts';
import { temporaryDirectory } from '../helpers.ts';

/** What `check` says of a terminal's profile, each error from its line on. */
function check(profile: string, driver = 'http-push, listen: { port: 18080 }, from: ["::1"]'): string[] {
  const directory = temporaryDirectory();
  const file = join(directory, 'own.yaml');
  writeFileSync(file, profile);
  const devices = ['a', 'b'].map((id) => `  - { id: ${id}, driver: ${driver}, profile: own.yaml }\n`);
  const config = join(directory, 'campus.yaml');
  writeFileSync(config, `campus: { id: "4503000001", name: x }\ndevices:\n${devices.join('')}`);
  const found = readConfig(config);
  return 'errors' in found
    ? found.errors.map((error) => formatError(error).replace(`${file}:`, '').replace(`${config}:`, 'CONFIG:'))
    : [];
}

describe('a mistake in a profile', () => {
  const terminal = (text: string) => `title: x\nobservations:\n${text}`;

  it.each<[string, string, string]>([
    [
      'a path with brackets',
      terminal('  - { kind: visit, visit: { id: "a[0]", stage: left } }'),
      '3:29: observations[0].visit.id: "a[0]": no path: names with dots',
    ],
    [
      'an expression as a path',
      `at: $now()\n${terminal('  - { kind: fire, state: raised }')}`,
      '1:1: at: "$now()": no path',
    ],
    [
      'such a condition',
      terminal('  - kind: fire\n    when: { "a b": 1 }\n    state: raised'),
      '4:13: observations[0].when.a b: 1: no path',
    ],
    [
      'an unknown kind',
      terminal('  - { kind: tampr, state: raised }'),
      '3:7: observations[0].kind: "tampr": not known; did you mean tamper?; allowed: credential, visit, panic',
    ],
    [
      'a word that is none',
      terminal('  - { kind: fire, state: { path: a, table: { 1: on } } }'),
      '3:46: observations[0].state.table.1: "on": not known; allowed: raised, restored',
    ],
    [
      'a misspelt key',
      terminal('  - { kind: fire, stat: raised, state: raised }'),
      '3:19: observations[0].stat: unknown key',
    ],
    [
      'what is missing',
      terminal('  - { kind: credential, credential: { format: face } }'),
      '3:25: observations[0].credential.number: missing (Of the person or the card',
    ],
    ['no YAML', 'title: [\n', '2:1: '],
  ])('is told once, with its file, line, column and what may stand there: %s', (_name, text, expected) => {
    const errors = check(text);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(expected);
  });

  it('is told so of other devices too', () => {
    const errors = check(
      'title: { en: x, zh: x }\nverified: true\npoints:\n  - { funktion: 1, address: 0, function: 9 }\n',
      'modbus, connection: { tcp: "h:1" }',
    );
    expect(errors).toEqual(
      [
        expect.stringMatching(/^4:\d+: points\[0\]/),
        expect.stringMatching(/^4:7: points\[0\]\.funktion/),
      ].reverse(),
    );
  });

  it('is an expression of before, and how to write it anew is told', () => {
    const old =
      'title: x\nmap: |\n  a = 1 ? { "kind": "credential" } : { "kind": "tamper", "state": "raised" }\n';
    const [error, ...more] = check(old);
    expect(more).toEqual([]);
    expect(error).toMatch(/^2:1: map: .*expressions \(JSONata\) are no more/);
    expect(error).toContain('observations: [{ kind: credential, when: { FIELD: VALUE }, credential:');
    expect(error).toContain('{ kind: tamper, when: { FIELD: VALUE }, state: raised }]');
    expect(error).toContain('drivers/http-push/README.md');
  });

  it.each([
    ['mappings within mappings', `a: ${'['.repeat(20_000)}`, /too deep/],
    [
      'aliases of aliases',
      `a: &a [x]\n${'bcdefghijkl'
        .split('')
        .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghijkl'[i]}`)}]\n`)
        .join('')}`,
      /aliases/,
    ],
  ])('is %s, told in a sentence', (_name, text, expected) => {
    const errors = check(text);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(expected);
  });
});

describe('a mistake in the profile of a Modbus device', () => {
  it.each([
    [
      'a condition that no point bears',
      '{ function: 2, address: 1, when: armde }\n  - { function: 2, address: 2, name: armed }',
      /^4:\d+: points\[0\]\.when: "armde": no point is named "armde"; there are: armed$/,
    ],
    [
      'one of several such',
      '{ function: 2, address: 1, when: { armed: true, moed: [1] } }\n  - { function: 2, address: 2, name: armed }',
      /^4:\d+: points\[0\]\.when\.moed: .*no point is named "moed"/,
    ],
    [
      'a misspelt key of a bit',
      '{ function: 3, address: 1, bit: 2, knd: fence }',
      /^4:\d+: points\[0\]\.knd: unknown key; did you mean kind\?$/,
    ],
    [
      'a bit of an input, which is one',
      '{ function: 2, address: 1, bit: 2 }',
      /^4:\d+: points\[0\]\.bit: 2: coils and inputs are one bit: leave it out$/,
    ],
  ])('is told at its line: %s', (_name, point, expected) => {
    const profile = `title: { en: x, zh: x }\nverified: true\npoints:\n  - ${point}\n`;
    expect(check(profile, 'modbus, connection: { tcp: "h:1" }')).toEqual([expect.stringMatching(expected)]);
  });
});

describe('the profile in the README', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../drivers/http-push/README.md'), 'utf8');
  const [, text = ''] = /```yaml\n(title: A terminal of ours\n.*?)```/s.exec(readme) ?? [];
  const [, message = ''] = /^# (\{.*\})$/m.exec(text) ?? [];

  it('passes the check and reads the message above it', () => {
    expect(check(text)).toEqual([]);
    const profile = profileSchema.parse(parse(text)) as Profile;
    expect(mapMessage(profile, JSON.parse(message))).toEqual({
      events: 1,
      mapped: [
        {
          kind: 'credential',
          credential: { format: 'face', number: '1042' },
          decision: 'granted',
          match: 0.93,
          at: '2026-11-24T07:40:01+08:00',
        },
      ],
      problems: [],
    });
  });
});
