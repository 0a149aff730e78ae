import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpret } from '../../drivers/http-push/interpret.ts';
import { mapMessage, timeOf } from '../../drivers/http-push/mapping.ts';
import { terminalProfile } from './terminal-profile.ts';

describe('several documents in one message', () => {
  const acs = (serialNo: number, majorEventType: number, subEventType: number) => ({
    eventType: 'AccessControllerEvent',
    AccessControllerEvent: { majorEventType, subEventType, doorNo: 1, serialNo },
  });
  const xmlOf = (serial: number, major: number, minor: number) =>
    `<EventNotificationAlert><eventType>AccessControllerEvent</eventType><AccessControllerEvent><majorEventType>${major}</majorEventType><subEventType>${minor}</subEventType><doorNo>1</doorNo><serialNo>${serial}</serialNo></AccessControllerEvent></EventNotificationAlert>`;
  const interpreted = (name: string, parts: readonly (readonly [head: string, content: string])[]) => {
    const body = parts.map(([head, content]) => `--b\r\n${head}\r\n\r\n${content}\r\n`).join('');
    const found = interpret({
      profile: terminalProfile(name),
      contentType: 'multipart/form-data; boundary=b',
      bytes: Buffer.from(`${body}--b--\r\n`),
    });
    return 'refused' in found ? expect.unreachable(found.reason) : found;
  };
  const [XML, JSON_TYPE] = ['Content-Type: application/xml', 'Content-Type: application/json'];
  const named = (name: string, type: string) => `Content-Disposition: form-data; name="${name}"\r\n${type}`;

  // Two forms of one alert (ISAPI): EventNotificationAlert of XML, its members in JSON. 1052: the emergency button.
  it.each([
    ['without names', [XML, JSON_TYPE]],
    ['with names', [named('a', XML), named('b', JSON_TYPE)]],
  ] as const)('tell an event each, %s', (_name, [first, second]) => {
    const parts = [
      [first, xmlOf(1, 1, 1048)],
      [second, JSON.stringify(acs(2, 1, 1052))],
    ] as const;
    const { mapped } = interpreted('hikvision-face', parts);
    expect(mapped.map(({ kind }) => kind)).toEqual(['fire', 'panic']);
    const { mapped: other } = interpreted('hikvision-face', [...parts].reverse());
    expect(other.map(({ kind }) => kind).sort()).toEqual(['fire', 'panic']);
  });

  it('count what one of them says that nobody knows', () => {
    const { mapped, unmapped } = interpreted('hikvision-face', [
      [XML, xmlOf(1, 1, 1052)],
      [JSON_TYPE, '{"eventType":"somethingNew","eventState":"active"}'],
    ]);
    expect(mapped).toMatchObject([{ kind: 'panic' }]);
    expect(unmapped).toEqual(['somethingNew/active']);
  });

  it('of Dahua, a line and a list, tell an event each', () => {
    const { mapped } = interpreted('dahua-face', [
      ['Content-Type: text/plain', 'Code=AlarmLocal;action=Start;index=4'],
      [JSON_TYPE, '{"Channel":0,"Events":[{"Code":"FireWarning","Action":"Start","Index":0}]}'],
    ]);
    expect(mapped.map(({ kind }) => kind).sort()).toEqual(['fire', 'intrusion']);
  });

  it('are one event where only together they are one', () => {
    const { mapped } = interpreted('hikvision-face', [
      [JSON_TYPE, '{"dateTime":"2026-11-24T07:40:01+08:00"}'],
      [JSON_TYPE, JSON.stringify(acs(2, 1, 1052))],
    ]);
    expect(mapped).toMatchObject([{ kind: 'panic', at: '2026-11-24T07:40:01+08:00' }]);
  });

  it('and what stands beside a list of events is told too', () => {
    const dahua = terminalProfile('dahua-face');
    const beside = { Channel: 0, Events: [], Code: 'AlarmLocal', Action: 'Start', Index: 9 };
    expect(mapMessage(dahua, beside)).toMatchObject({
      events: 1,
      mapped: [{ kind: 'intrusion', state: 'raised', zone: 9 }],
    });
    const fire = { Code: 'FireWarning', Action: 'Start', Index: 0 };
    expect(mapMessage(dahua, { Channel: 0, Events: [fire] })).toMatchObject({ events: 1, mapped: [{}] });
    expect(mapMessage(dahua, { Channel: 0, Events: [] })).toEqual({ events: 0, mapped: [], problems: [] });
    const hikvision = terminalProfile('hikvision-face');
    const both = { EventNotificationAlert: acs(1, 1, 1048), ...acs(2, 1, 1052) };
    expect(mapMessage(hikvision, both)).toMatchObject({ mapped: [{ kind: 'fire' }, { kind: 'panic' }] });
  });
});

describe('a body that is written another way', () => {
  const profile = terminalProfile('hikvision-face');
  const acs = (subEventType: number, more: object = {}) => ({
    eventType: 'AccessControllerEvent',
    AccessControllerEvent: { majorEventType: 1, subEventType, doorNo: 1, ...more },
  });
  const kindsOf = (bytes: Buffer) => {
    const found = interpret({ profile, contentType: 'application/json', bytes });
    if ('refused' in found) return expect.unreachable(found.reason);
    return found.mapped.map(({ kind }) => kind);
  };

  // GB 18030: the second byte of a character may be a backslash, as in 昞 (95 5C).
  it('is read in GB 18030 where it cannot be UTF-8', () => {
    const [before = '', after = ''] = JSON.stringify(acs(1052, { name: '@' })).split('@');
    const bytes = Buffer.concat([Buffer.from(before), Buffer.from([0x95, 0x5c]), Buffer.from(after)]);
    expect(kindsOf(bytes)).toEqual(['panic']);
  });

  it.each(['\n', '', ',\r\n'])('tells two documents, one after the other, with %j between', (between) => {
    const bytes = Buffer.from(`${JSON.stringify(acs(1052))}${between}${JSON.stringify(acs(1048))}`);
    expect(kindsOf(bytes)).toEqual(['panic', 'fire']);
    expect(kindsOf(Buffer.from(`${JSON.stringify(acs(1052))}\n{"eventType":`))).toEqual(['panic']);
  });

  it('never makes a reader throw', () => {
    const pieces = fc.array(fc.constantFrom('{', '}', '[', ']', ',', '"', '\\', '{"a":1}', '\u00ff', ' '));
    fc.assert(
      fc.property(pieces, (all) => {
        interpret({ profile, contentType: '', bytes: Buffer.from(all.join(''), 'latin1') });
      }),
    );
  });
});

// RFC 3339, and how terminals write it; what says no zone is of China, whatever the zone of this machine.
it.each([
  ['2026-11-24T07:40:01', '2026-11-23T23:40:01Z'],
  ['2026-11-24 07:40:01', '2026-11-23T23:40:01Z'],
  ['2026-11-24T07:40:01+8:00', '2026-11-23T23:40:01Z'],
  ['2026-11-24 07:40:01+08:00', '2026-11-23T23:40:01Z'],
  ['2026-11-24T07:40:01.250+0800', '2026-11-23T23:40:01.250Z'],
  ['2026-11-24T07:40:01Z', '2026-11-24T07:40:01Z'],
  ['2026-11-24T07:40:01-05:30', '2026-11-24T13:10:01Z'],
])('%s is %s', (said, expected) => {
  expect(timeOf(said, Date.parse('2026-11-25T00:00:00Z'))).toEqual({
    time: Date.parse(expected),
    trusted: true,
  });
});

it('Dahua: a local time alone is one', () => {
  const event = {
    Code: 'AlarmLocal',
    Action: 'Start',
    Index: 2,
    Data: { LocaleTime: '2026-11-24 07:40:01' },
  };
  expect(mapMessage(terminalProfile('dahua-face'), { Events: [event] })).toMatchObject({
    mapped: [{ at: '2026-11-24T07:40:01+08:00' }],
  });
});
