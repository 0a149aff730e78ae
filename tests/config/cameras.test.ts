/** What check says of cameras before anybody stands in front of one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { temporaryDirectory } from '../helpers.ts';

function mistakes(camera: string, more = ''): readonly string[] {
  const file = join(temporaryDirectory(), 'campus.yaml');
  writeFileSync(
    file,
    `campus: { id: "4503000001", name: 一中 }\ndevices:\n  - { id: yard, driver: onvif, ${camera} }\n${more}`,
  );
  const loaded = loadConfig(file);
  return 'errors' in loaded ? loaded.errors.map((one) => `${one.line}: ${one.message}`) : [];
}

describe('the host of a camera', () => {
  it.each(['10.0.0.41', '"2001:db8::41"', 'camera-1.school.example', '摄像机.local', 'cam_1'])(
    'may be %s',
    (host) => {
      expect(mistakes(`host: ${host}`)).toEqual([]);
    },
  );

  it.each([
    ['"http://10.0.0.41"', 'write host: 10.0.0.41'],
    ['"https://10.0.0.41/onvif/device_service"', 'write host: 10.0.0.41, tls: {}'],
    ['"http://10.0.0.41:8080/"', 'write host: 10.0.0.41, port: 8080'],
    ['"10.0.0.41:8080"', 'write host: 10.0.0.41, port: 8080'],
    ['"[2001:db8::41]:80"', 'write host: "2001:db8::41"'],
    ['"10.0.0.41/"', 'write host: 10.0.0.41'],
    ['"user@10.0.0.41"', 'write host: 10.0.0.41'],
    // A URL has no place for its interface (RFC 3986, 3.2.2).
    ['"fe80::1%eth0"', 'a name or an address alone, such as'],
    ['"cam 1"', 'a name or an address alone, such as'],
  ])('%s is told how it is written', (host, words) => {
    const [told, ...others] = mistakes(`host: ${host}`);
    expect(told).toMatch(/^3: devices\[0\]\.host: /);
    expect(told).toContain(words);
    expect(others).toEqual([]);
  });
});

describe('the rules of a camera', () => {
  const events = (rule: string) => `host: h, events: [{ topic: RuleEngine/LineDetector, ${rule} }]`;
  it('name causes that there are; of what is no `video` the cause is free', () => {
    expect(mistakes(events('kind: video, cause: line-crossed'))).toEqual([]);
    expect(mistakes(events('kind: fault, cause: lens'))).toEqual([]);
    const [told] = mistakes(events('kind: video, cause: moton'));
    expect(told).toMatch(
      /^3: devices\[0\]\.events\[0\]\.cause: "moton": not known; did you mean motion\?; allowed: motion, /,
    );
    expect(mistakes(events('kind: video, cause: elephant'))[0]).toMatch(/"elephant": not known; allowed: /);
  });

  it('give it its zones, and it has no others', () => {
    const area = 'areas: [{ id: block, zones: [{ device: yard, zone: 7 }] }]\n';
    expect(mistakes(events('kind: intrusion, zone: 7'), area)).toEqual([]);
    expect(mistakes(events('kind: intrusion, zone: 1'), area)).toEqual([
      '4: areas[0].zones[0].zone: there is no zone 7; there are: 1',
    ]);
    expect(mistakes('host: h', area)).toEqual([
      '4: areas[0].zones[0].zone: there is no zone 7; there are: none',
    ]);
  });
});

describe('a clip in a rule', () => {
  const rules = 'rules: [{ id: r, do: [{ target: yard, action: clip }] }]\n';
  it('needs its camera in media.clips, without which each would be refused', () => {
    expect(mistakes('host: h', `${rules}media: { clips: [yard] }\n`)).toEqual([]);
    expect(mistakes('host: h', rules)).toEqual([
      '4: rules[0].do[0].target: yard is not in media.clips, so that no clip of it is there; write media: { clips: [yard] }',
    ]);
  });
});
