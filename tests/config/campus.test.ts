/** What the config says of the school itself: what is wrong with it, what is plausible and wrong, and what leaves. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { explainCampus } from '../../gateway/cli/check/explain.ts';
import { temporaryDirectory } from '../helpers.ts';

function load(campus: string, uplinks = '') {
  const file = join(temporaryDirectory(), 'campus.yaml');
  writeFileSync(file, `campus: { id: "4503000001", name: 一中${campus} }\n${uplinks}`);
  return loadConfig(file);
}
const errors = (...text: Parameters<typeof load>) => {
  const loaded = load(...text);
  return 'errors' in loaded ? loaded.errors.map(({ message }) => message) : [];
};
const good = (...text: Parameters<typeof load>) => {
  const loaded = load(...text);
  if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
  return loaded;
};
const warnings = (...text: Parameters<typeof load>) =>
  good(...text)
    .warnings.map(({ message }) => message)
    // Most of these have no platform.
    .filter((message) => !message.includes('there is no platform'));
const at = (latitude: number, longitude: number, datum = 'GCJ-02') =>
  `, coordinates: { latitude: ${latitude}, longitude: ${longitude}, datum: ${datum} }`;
const uplink = (campus: string, protocol = 'url: "mqtt://127.0.0.1:1883"') =>
  `uplinks: [{ id: police, ${protocol}, campus: ${campus} }]\n`;
const GB =
  'protocol: gb28181, server: "10.0.0.9:5060", serverId: "34020000002000000001", deviceId: "34020000001180000001", password: "${PATH}"';
const PEOPLE =
  ', contacts: [{ role: head, name: 李华, phone: "0773-5805678" }, { role: guard-house, phone: "+86 138 0013 8000" }]';

describe('the school itself', () => {
  it.each(['450305', '450305001', '450305001012', '810000'])('has the district %s', (district) => {
    expect(good(`, district: "${district}"`).config.campus.district).toBe(district);
  });
  it.each(['45030', '4503050', '990305', '160000', '450305001a12', '桂林'])(
    'has no district %s',
    (district) => {
      expect(errors(`, district: "${district}"`)).toEqual([expect.stringContaining('GB/T 2260')]);
    },
  );
  it('must say what its coordinates were measured by', () => {
    expect(errors(', coordinates: { latitude: 25.2, longitude: 110.2 }')).toEqual([
      expect.stringMatching(/^campus\.coordinates\.datum: missing/),
    ]);
    expect(errors(at(25.2, 110.2, 'WGS84'))).toEqual([expect.stringContaining('did you mean WGS 84?')]);
  });
  it('has no latitude of more than 90 degrees, and is asked whether it is swapped', () => {
    expect(errors(at(110.2, 25.2))).toEqual([expect.stringContaining('swapped?')]);
    expect(errors(at(25, Number.NaN))).not.toEqual([]);
  });
  it('has contacts by role, each with a number in quotes', () => {
    expect(good(PEOPLE).config.campus.contacts).toHaveLength(2);
    expect(errors(', contacts: [{ role: principal, phone: "110" }]')).toEqual([
      expect.stringContaining('allowed: head, security, guard-house, duty'),
    ]);
    expect(errors(', contacts: [{ role: duty, phone: 07735801234 }]')).toEqual([
      expect.stringContaining('put it in quotes'),
    ]);
  });
});

describe('coordinates that are plausible and wrong', () => {
  it.each([
    ['Guilin', at(25.2736, 110.299)],
    ['Kashgar', at(39.47, 75.99)],
    ['Mohe', at(52.97, 122.54)],
    ['Sansha', at(16.83, 112.33)],
    ['a school abroad, by satellite', at(48.85, 2.35, 'WGS 84')],
    ['none', ''],
  ])('are not those of %s', (_name, text) => {
    expect(warnings(text)).toEqual([]);
  });
  it.each([
    ['zero', at(0, 0), 'Atlantic'],
    ['swapped in the west, where they are in range', at(75.99, 39.47), 'swapped'],
    ['swapped, whatever the datum', at(87.6, 43.8, 'WGS 84'), 'swapped'],
    ['on a Chinese map of elsewhere', at(48.85, 2.35), 'WGS 84'],
  ])('are %s', (_name, text, told) => {
    expect(warnings(text)).toEqual([expect.stringContaining(told)]);
    expect(warnings(text)[0]).toMatch(/^warning: campus\.coordinates|^campus\.coordinates: warning/);
  });
});

describe('what leaves', () => {
  it('is nothing by default, and contacts are told to be personal data', () => {
    const local = 'uplinks: [{ id: police, url: "mqtt://127.0.0.1:1883" }]\n';
    expect(good(PEOPLE, local).config.uplinks[0]?.campus).toEqual([]);
    expect(warnings(PEOPLE, local)).toEqual([]);
    expect(warnings(PEOPLE, uplink('[contacts]'))).toEqual([
      expect.stringMatching(/personal data .*\(head of the school, guard house\)/),
    ]);
    // Nothing is there that could leave.
    expect(warnings('', uplink('[contacts]'))).toEqual([]);
  });
  it('is what its protocol has a word for', () => {
    expect(errors('', uplink('[district, contacts]', GB))).toEqual([
      expect.stringMatching(/^uplinks\[0\]\.campus\[1\]: "contacts": gb28181 has no word for it/),
    ]);
    expect(errors('', uplink('[district, address, coordinates]', GB))).toEqual([]);
  });
  it('is explained for each platform, without a number of a person', () => {
    const { config } = good(
      `, district: "450305", address: 七星区${at(25.2, 110.2)}${PEOPLE}`,
      uplink('[coordinates, contacts]'),
    );
    const lines = [...explainCampus(config)].join('\n');
    expect(lines).toContain(
      'police: 4503000001; 一中; 25.2, 110.2 (GCJ-02); contacts: head of the school, guard house',
    );
    expect(lines).not.toMatch(/450305;|七星区|李华|5805678/);
  });
});
