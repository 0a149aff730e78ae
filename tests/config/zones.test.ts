/** A zone that the config names is of one panel: of the only account that reports to its device, or of the one named. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { typePrefix } from '../../config/catalogue/events.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { readCampus } from '../../gateway/campus.ts';
import { explainZones } from '../../gateway/cli/check/explain.ts';
import { isAbout } from '../../gateway/rules/conditions.ts';
import { happeningOf } from '../../gateway/rules/index.ts';
import { temporaryDirectory } from '../helpers.ts';
import { speakChinese } from '../language.ts';

/** What is added comes on line 7. */
const campus = `campus: { id: "4503000001", name: 一中 }
devices:
  - { id: io, driver: modbus, connection: { tcp: "127.0.0.1:1502" }, profile: io-8zone }
  - { id: lone, driver: dc09, listen: { port: 5100 }, accounts: [{ account: "12AB" }] }
  - { id: panel, driver: dc09, listen: { port: 5101 }, accounts: [{ account: "12AB", zones: [{ zone: 1 }] }, { account: "5678", zones: [{ zone: 1 }, { zone: 2 }] }] }
  - { id: line, driver: receiver, listen: { port: 4001 }, accounts: [{ account: "1A" }, { account: "1B" }] }
`;
function load(added: string, from = loadConfig) {
  const file = join(temporaryDirectory(), 'campus.yaml');
  writeFileSync(file, campus + added);
  return from(file);
}
function mistakes(added: string, from = loadConfig): readonly string[] {
  const loaded = load(added, from);
  return 'errors' in loaded ? loaded.errors.map((one) => `${one.line}:${one.column}: ${one.message}`) : [];
}
function configOf(added: string): Config {
  const loaded = load(added);
  if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
  return loaded.config;
}
const areas = (...zones: readonly string[]) =>
  zones.map((zone, i) => `${i === 0 ? 'areas:\n' : ''}  - { id: a${i}, zones: [${zone}] }\n`).join('');

describe('a zone', () => {
  it('without an account is of the only one there is; with one, it is written as the device has it', () => {
    const { areas: found } = configOf(
      areas(
        '{ device: io, zone: 1 }, { device: lone, zone: 1 }, { device: panel, account: "12ab", zone: 1 }, { device: line, account: "1b", zone: 7 }',
      ),
    );
    expect(found[0]?.zones.map(({ account }) => account)).toEqual([undefined, '12AB', '12AB', '1B']);
  });

  it.each([
    [
      'without an account, where there are several',
      '{ device: panel, zone: 1 }',
      '8:23: areas[0].zones[0]: zone 1 of panel: which account? Add account: "12AB"; there are: 12AB, 5678',
    ],
    [
      'of a receiver, likewise',
      '{ device: line, zone: 1 }',
      '8:23: areas[0].zones[0]: zone 1 of line: which account? Add account: "1A"; there are: 1A, 1B',
    ],
    [
      'of an account that is not there',
      '{ device: panel, account: "567", zone: 1 }',
      '8:40: areas[0].zones[0].account: there is no account 567; there are: 12AB, 5678',
    ],
    [
      'of an account of a device that has none',
      '{ device: io, account: "1234", zone: 1 }',
      '8:37: areas[0].zones[0].account: there is no account 1234; there are: none',
    ],
    [
      'that only the other account has',
      '{ device: panel, account: "12AB", zone: 2 }',
      '8:57: areas[0].zones[0].zone: there is no zone 2; there are: 1',
    ],
  ])('is a mistake %s', (_name, zone, message) => {
    expect(mistakes(areas(zone))).toEqual([message]);
  });

  it('of two accounts is two, and of one, whatever its case, is of one area', () => {
    const [own, other, again] = ['12AB', '5678', '12ab'].map(
      (account) => `{ device: panel, account: "${account}", zone: 1 }`,
    ) as [string, string, string];
    expect(mistakes(areas(own, other))).toEqual([]);
    expect(mistakes(areas(own, again))).toEqual(['9:23: areas[1].zones[0]: belongs to a0 already']);
  });

  it('of a rule and of a door is held to the same', () => {
    const which = 'zone 1 of panel: which account? Add account: "12AB"; there are: 12AB, 5678';
    const rule = (zone: string) =>
      `rules: [{ id: r, when: { zones: [${zone}] }, do: [{ target: gateway, action: warn, arguments: { id: a, text: b } }] }]\n`;
    const [problem] = mistakes(rule('{ device: panel, zone: 1 }'));
    expect(problem).toBe(`7:34: rules[0].when.zones[0]: ${which}`);
    const door =
      'access: { doors: [{ id: d, reader: io, unlock: [], contact: { device: panel, zone: 1 } }] }\n';
    expect(mistakes(door)).toEqual([`7:52: access.doors[0].contact: ${which}`]);
  });

  describe('in Chinese', () => {
    it('is told alike', async () => {
      speakChinese();
      const { loadConfig: from } = await import('../../config/load.ts');
      expect(mistakes(areas('{ device: panel, zone: 1 }'), from)).toEqual([
        '8:23: areas[0].zones[0]: panel 的防区 1 属于哪个账号？请写明 account: "12AB"；可用：12AB、5678',
      ]);
    });
  });
});

describe('what an account says of a zone', () => {
  const place = () => {
    const config = configOf(
      `${areas('{ device: panel, account: "12AB", zone: 1 }, { device: lone, zone: 1 }')}rules:
  - { id: own, when: { zones: [{ device: panel, account: "5678", zone: 1 }] }, do: [{ target: a0, action: arm }] }
  - { id: area, when: { areas: [a0] }, do: [{ target: a0, action: arm }] }
`,
    );
    return { config, ...readCampus(config) };
  };

  it('is of the area that has that zone of that account, and of no unlisted one', () => {
    const { areaOf } = place();
    expect(areaOf('panel', 1, '12ab')).toBe('a0');
    expect(areaOf('panel', 1, '5678')).toBeUndefined();
    expect(areaOf('lone', 1, '12AB')).toBe('a0');
    expect(areaOf('lone', 1, '9999')).toBeUndefined();
  });

  it('sets off the rules of that zone alone', () => {
    const { config, areaOf } = place();
    const about = (account: string) => {
      const data = { kind: 'intrusion', device: { id: 'panel' }, zone: { number: 1 }, details: { account } };
      const happening = happeningOf({ type: `${typePrefix}alarm.raised`, data } as never);
      return config.rules.filter((rule) => isAbout(rule, happening, { areaOf })).map(({ id }) => id);
    };
    expect(about('12AB')).toEqual(['area']);
    expect(about('5678')).toEqual(['own']);
  });

  it('is explained for each panel', () => {
    expect([...explainZones(place().config)].slice(0, 8)).toEqual([
      '\npanel 12AB zone 1 : intrusion',
      '  it alarms while a0 is armed',
      '  platforms: none',
      expect.stringContaining('[area]'),
      '\npanel 5678 zone 1 : intrusion',
      '  it always alarms',
      '  platforms: none',
      expect.stringContaining('[own]'),
    ]);
  });
});
