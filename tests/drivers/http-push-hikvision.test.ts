import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapMessage } from '../../drivers/http-push/mapping.ts';
import { observationOf } from '../../drivers/http-push/observing.ts';
import { mapWith, readMessage, terminalProfile } from './terminal-profile.ts';

const profile = terminalProfile('hikvision-face');
const acs = (major: number, minor: number, more: object = {}) => ({
  ipAddress: '10.0.0.31',
  portNo: 80,
  protocol: 'HTTP',
  dateTime: '2026-11-24T07:40:01+08:00',
  activePostCount: 1,
  eventType: 'AccessControllerEvent',
  eventState: 'active',
  eventDescription: 'Access Controller Event',
  AccessControllerEvent: {
    majorEventType: major,
    subEventType: minor,
    doorNo: 1,
    cardReaderNo: 1,
    serialNo: 77,
    ...more,
  },
});
const say = (major: number, minor: number, more: object = {}) => mapWith(profile, acs(major, minor, more));
const person = { employeeNoString: '1042', currentVerifyMode: 'cardOrFaceOrFp' };

// Codes by the names that HCNetSDK's documentation of NET_DVR_ACS_ALARM_INFO gives them.
const told: readonly (readonly [name: string, major: number, minor: number, expected: object])[] = [
  ['MINOR_STRESS_ALARM', 1, 1034, { kind: 'duress', state: 'raised', zone: 1, momentary: true }],
  ['MINOR_LOCK_HIJIACK_ALARM', 1, 2397, { kind: 'duress', state: 'raised', zone: 1, momentary: true }],
  ['MINOR_EMERGENCY_BUTTON_TRIGGER', 1, 1052, { kind: 'panic', state: 'raised', zone: 1 }],
  ['MINOR_EMERGENCY_BUTTON_RESUME', 1, 1053, { kind: 'panic', state: 'restored', zone: 1 }],
  ['MINOR_FIRE_BUTTON_TRIGGER', 1, 1048, { kind: 'fire', state: 'raised', zone: 1, cause: 'button' }],
  ['MINOR_FIRE_IMPORT_BROKEN_CIRCUIT', 1, 1046, { kind: 'fire', state: 'raised', cause: 'input-broken' }],
  [
    'MINOR_FIRE_IMPORT_RESUME',
    1,
    1047,
    {
      kind: 'fire',
      state: 'restored',
      ends: { causes: ['input-short', 'input-broken'] },
    },
  ],
  ['MINOR_CHANNEL_CONTROLLER_FIRE_IMPORT_ALARM', 1, 1060, { kind: 'fire', state: 'raised', cause: 'gate' }],
  ['MINOR_HOST_DESMANTLE_ALARM', 1, 1028, { kind: 'tamper', state: 'raised' }],
  ['MINOR_HOST_DESMANTLE_RESUME', 1, 1029, { kind: 'tamper', state: 'restored' }],
  ['MINOR_CARD_READER_DESMANTLE_ALARM', 1, 1030, { kind: 'tamper', state: 'raised', cause: 'reader' }],
  ['MINOR_CARD_READER_DESMANTLE_RESUME', 1, 1031, { kind: 'tamper', state: 'restored', cause: 'reader' }],
  [
    'MINOR_SECURITY_MODULE_DESMANTLE_ALARM',
    1,
    1039,
    { kind: 'tamper', state: 'raised', cause: 'security-module' },
  ],
  [
    'MINOR_CARD_MAX_AUTHENTICATE_FAIL',
    1,
    1036,
    { kind: 'tamper', cause: 'too-many-failures', momentary: true },
  ],
  ['MINOR_OFFLINE_ECENT_NEARLY_FULL', 1, 1035, { kind: 'fault', cause: 'code-1/1035', momentary: true }],
  ['an alarm that is in no list', 1, 3999, { kind: 'fault', cause: 'code-1/3999', momentary: true }],
  ['MINOR_AC_OFF', 2, 1029, { kind: 'power', state: 'raised' }],
  ['MINOR_AC_RESUME', 2, 1030, { kind: 'power', state: 'restored' }],
  ['MINOR_LOW_BATTERY', 2, 1027, { kind: 'battery', state: 'raised' }],
  ['MINOR_BATTERY_RESUME', 2, 1028, { kind: 'battery', state: 'restored' }],
  ['MINOR_CARD_READER_OFFLINE', 2, 1033, { kind: 'fault', state: 'raised', cause: 'reader-offline' }],
  ['MINOR_CARD_READER_RESUME', 2, 1034, { kind: 'fault', state: 'restored', cause: 'reader-offline' }],
  ['MINOR_NET_BROKEN', 2, 39, { kind: 'fault', state: 'raised', cause: 'network' }],
  ['MINOR_NET_RESUME', 2, 1031, { kind: 'fault', state: 'restored', cause: 'network' }],
  [
    'MINOR_DISTRACT_CONTROLLER_OFFLINE',
    2,
    1052,
    { kind: 'fault', state: 'raised', cause: 'controller-offline' },
  ],
  [
    'MINOR_DISTRACT_CONTROLLER_ONLINE',
    2,
    1051,
    { kind: 'fault', state: 'restored', cause: 'controller-offline' },
  ],
  ['MINOR_DEV_POWER_ON', 2, 1024, { kind: 'fault', cause: 'started', momentary: true }],
  ['an exception that is in no list', 2, 2000, { kind: 'fault', cause: 'code-2/2000', momentary: true }],
  [
    'MINOR_REMOTE_OPEN_DOOR',
    3,
    1024,
    { kind: 'credential', credential: { format: 'remote' }, decision: 'granted' },
  ],
  ['MINOR_DOOR_BUTTON_PRESS', 5, 23, { kind: 'exit-request', state: 'raised', zone: 1 }],
  ['MINOR_DOOR_BUTTON_RELEASE', 5, 24, { kind: 'exit-request', state: 'restored', zone: 1 }],
  ['MINOR_DOOR_OPEN_NORMAL', 5, 25, { kind: 'contact', state: 'raised', zone: 1 }],
  ['MINOR_DOOR_OPEN_ABNORMAL', 5, 27, { kind: 'forced', state: 'raised', zone: 1 }],
  ['MINOR_DOOR_OPEN_TIMEOUT', 5, 28, { kind: 'held', state: 'raised', zone: 1 }],
  ['MINOR_FIRE_RELAY_TURN_ON_DOOR_ALWAYS_OPEN', 5, 52, { kind: 'fire', state: 'raised', cause: 'relay' }],
  [
    'MINOR_FIRE_RELAY_RECOVER_DOOR_RECOVER_NORMAL',
    5,
    53,
    { kind: 'fire', state: 'restored', cause: 'relay' },
  ],
  [
    'MINOR_DOORCONTACT_INPUT_BROKEN_CIRCUIT',
    5,
    87,
    { kind: 'tamper', cause: 'contact-wire', momentary: true },
  ],
  ['MINOR_DOORLOCK_OPEN_EXCEPTION', 5, 92, { kind: 'forced', cause: 'lock', momentary: true }],
  ['MINOR_TRAILING', 5, 133, { kind: 'intrusion', cause: 'tailgating', momentary: true }],
  ['MINOR_REVERSE_ACCESS', 5, 134, { kind: 'intrusion', cause: 'wrong-way', momentary: true }],
  ['MINOR_FORCE_ACCESS', 5, 135, { kind: 'forced', cause: 'gate', momentary: true }],
  ['MINOR_CLIMBING_OVER_GATE', 5, 136, { kind: 'intrusion', cause: 'climbing', momentary: true }],
  ['MINOR_DROP_ARM_BLOCK', 5, 140, { kind: 'fault', state: 'raised', cause: 'gate-blocked' }],
];

describe('a Hikvision door', () => {
  it.each(told)('tells %s', (_name, major, minor, expected) => {
    expect(say(major, minor)).toMatchObject([expected]);
  });

  it('that is closed is closed, and neither forced nor held any more', () => {
    expect(say(5, 25, person)).toMatchObject([{ kind: 'contact', state: 'raised', zone: 1 }]);
    expect(say(5, 26, person)).toMatchObject([
      { kind: 'contact', state: 'restored', zone: 1 },
      { kind: 'forced', state: 'restored', zone: 1, level: true, nth: 1 },
      { kind: 'held', state: 'restored', zone: 1, level: true, nth: 2 },
    ]);
  });

  it('ends a fire alarm of a button by the button alone', () => {
    expect(say(1, 1049)).toEqual([
      expect.objectContaining({ kind: 'fire', state: 'restored', cause: 'button' }),
    ]);
    expect(say(1, 1049)[0]).not.toHaveProperty('ends');
    expect(say(1, 1047)[0]).not.toMatchObject({ ends: { causes: expect.arrayContaining(['button']) } });
  });

  it('tells its alarm inputs by their numbers, and ends all that one can be', () => {
    expect(say(1, 1025, { alarmInNo: 3 })).toMatchObject([
      { kind: 'intrusion', state: 'raised', zone: 3, cause: 'input-broken' },
    ]);
    expect(say(1, 1027, { alarmInNo: 3 })).toMatchObject([
      {
        kind: 'intrusion',
        state: 'restored',
        zone: 3,
        ends: { causes: ['input-short', 'input-broken', 'input'] },
      },
    ]);
  });

  it.each([
    ['MINOR_CARD_NO_RIGHT', 6, 'denied', 'not-this-door'],
    ['MINOR_CARD_INVALID_PERIOD', 7, 'denied', 'not-now'],
    ['MINOR_CARD_OUT_OF_DATE', 8, 'denied', 'expired'],
    ['MINOR_ANTI_SNEAK_FAIL', 10, 'denied', 'passback'],
    ['MINOR_INTERLOCK_DOOR_NOT_CLOSE', 11, 'denied', 'interlock'],
    ['MINOR_CARD_AND_PSW_FAIL', 3, 'denied', 'wrong-code'],
    ['MINOR_FACE_VERIFY_FAIL', 76, 'denied', undefined],
    ['MINOR_HUMAN_DETECT_FAIL', 104, 'denied', 'not-alive'],
    ['MINOR_CERTIFICATE_BLOCKLIST', 113, 'denied', 'blocked'],
    ['MINOR_INVALID_CARD', 9, 'unknown', undefined],
    ['MINOR_FINGERPRINT_INEXISTENCE', 49, 'unknown', undefined],
    ['a code that is in no list', 999, 'unknown', 'code-5/999'],
  ])('says who was not let in, and why: %s', (_name, minor, decision, reason) => {
    const [found] = say(5, minor, person);
    expect(found).toMatchObject({ kind: 'credential', credential: { number: '1042' }, decision });
    expect(found && 'reason' in found ? found.reason : undefined).toBe(reason);
  });

  it.each([
    ['', ''],
    [undefined, undefined],
    ['0', '0'],
  ])('knows a stranger by no number: %s', (employeeNoString, cardNo) => {
    const nobody = { employeeNoString, cardNo, employeeNo: 0 };
    expect(say(5, 76, nobody)).toMatchObject([
      { credential: { format: 'face', number: 'unknown' }, decision: 'unknown' },
    ]);
    expect(say(5, 181, nobody)).toMatchObject([{ credential: { format: 'code' }, decision: 'granted' }]);
    expect(say(5, 7, nobody)).toMatchObject([{ decision: 'denied', reason: 'not-now' }]);
    expect(mapMessage(profile, acs(5, 999, nobody))).toMatchObject({
      mapped: [],
      unmapped: ['AccessControllerEvent/5/999/active'],
    });
  });

  it('is not thought to move its door for what it kept', () => {
    expect(say(5, 23, { currentEvent: false })).toMatchObject([{ kind: 'exit-request', past: true }]);
    expect(say(5, 23, { currentEvent: true })[0]).not.toHaveProperty('past');
  });

  it('tells two things of one second and number as two', () => {
    const keys = [say(1, 1034), say(5, 27)].map(([one]) => one?.key);
    expect(keys[0]).not.toBe(keys[1]);
    // A number of 0 is none.
    expect(say(1, 1034, { serialNo: 0 })[0]).not.toHaveProperty('key');
  });

  it('may say anything at all', () => {
    const event = fc.dictionary(
      fc.constantFrom('majorEventType', 'subEventType', 'doorNo', 'serialNo'),
      fc.jsonValue(),
    );
    const body = fc.record({
      eventType: fc.jsonValue(),
      AccessControllerEvent: event,
      CIDEvent: fc.jsonValue(),
    });
    fc.assert(
      fc.property(body, (one) => {
        const found = mapMessage(profile, one);
        if (typeof found !== 'string') for (const mapped of found.mapped) observationOf('x', mapped, 0);
      }),
    );
  });
});

// As the README of node-red-contrib-hikvision-ultimate shows them, from a radar and an AX panel.
const cid = (own: object) => ({
  ipAddress: '192.168.1.25',
  portNo: 80,
  protocol: 'HTTP',
  channelID: 1,
  dateTime: '2026-11-24T07:40:02+08:00',
  activePostCount: 1,
  eventType: 'cidEvent',
  eventState: 'active',
  eventDescription: 'CID event',
  CIDEvent: {
    code: 1103,
    standardCIDcode: 1130,
    type: 'zoneAlarm',
    trigger: '2026-11-24T07:40:01+08:00',
    upload: '2026-11-24T07:40:02+08:00',
    CameraList: [],
    zone: 1,
    ...own,
  },
});
const report = (own: object) => {
  const [mapped, ...more] = mapWith(profile, cid(own));
  expect(more).toEqual([]);
  if (mapped === undefined) throw new Error('nothing');
  return observationOf('host', mapped, Date.UTC(2026, 10, 25));
};

describe('a Hikvision alarm host', () => {
  it('tells a burglary and its end, of the zone and of the time that it happened', () => {
    expect(report({})).toMatchObject({
      device: 'host',
      kind: 'intrusion',
      state: 'raised',
      zone: { number: 1 },
      codes: { contactId: 'E130' },
      at: { time: Date.parse('2026-11-24T07:40:01+08:00'), trusted: true },
    });
    expect(report({ code: 3103, standardCIDcode: 3130 })).toMatchObject({
      kind: 'intrusion',
      state: 'restored',
      zone: { number: 1 },
      codes: { contactId: 'R130' },
    });
  });

  // SIA DC-05, annex A.
  it.each([
    [1120, { kind: 'panic', state: 'raised' }],
    [1110, { kind: 'fire', state: 'raised' }],
    [1121, { kind: 'duress', state: 'raised' }],
    [1100, { kind: 'medical', state: 'raised' }],
    [1301, { kind: 'power', state: 'raised' }],
    [3301, { kind: 'power', state: 'restored' }],
    [1302, { kind: 'battery', state: 'raised' }],
    [3401, { kind: 'arming', state: 'raised', details: { partition: '2', user: '王芳' } }],
    [1401, { kind: 'arming', state: 'restored', details: { partition: '2', user: '王芳' } }],
    [1999, { kind: 'fault', state: 'raised', cause: 'code-999' }],
  ])('tells %i', (standardCIDcode, expected) => {
    const own = { standardCIDcode, type: 'systemStatus', userName: '王芳', system: 2 };
    expect(report(own)).toMatchObject(expected);
  });

  it('whose own code is in no list is believed that it is an alarm', () => {
    const own = { code: 1103, standardCIDcode: undefined };
    expect(report(own)).toMatchObject({
      kind: 'intrusion',
      state: 'raised',
      cause: 'code-103',
      zone: { number: 1 },
    });
    expect(report({ ...own, code: 3103 })).toMatchObject({ kind: 'intrusion', state: 'restored' });
  });

  // SIA DC-05: E new event, R restore; 140 is a general alarm.
  it.each([
    ['E130', { kind: 'intrusion', state: 'raised', codes: { contactId: 'E130' } }],
    ['R130', { kind: 'intrusion', state: 'restored', codes: { contactId: 'R130' } }],
    ['120', { kind: 'panic', state: 'raised' }],
    [' 1120', { kind: 'panic', state: 'raised' }],
  ])('may write its code as people do: %s', (code, expected) => {
    expect(report({ code, standardCIDcode: undefined })).toMatchObject({ ...expected, zone: { number: 1 } });
  });

  it.each([undefined, 'fire', {}, 13])('tells an alarm of a zone whatever its code: %j', (code) => {
    const said = mapMessage(profile, cid({ code, standardCIDcode: undefined }));
    expect(said).toMatchObject({
      mapped: [{ code: '1140', zone: 1, isAlarm: true }],
      problems: [expect.stringContaining('none')],
    });
    const other = mapMessage(profile, cid({ code, standardCIDcode: undefined, type: 'systemStatus' }));
    expect(typeof other === 'string' ? other : [...other.problems, ...(other.unmapped ?? [])]).toHaveLength(
      1,
    );
  });

  it('that says the same again and again says one thing, and two partitions are two', () => {
    const key = (own: object) => mapWith(profile, cid(own))[0]?.key;
    expect(key({ upload: 'later' })).toBe(key({}));
    expect(key({ zone: 2 })).not.toBe(key({}));
    const arm = { standardCIDcode: 3401, code: 3401, zone: undefined };
    expect(key({ ...arm, system: 1 })).not.toBe(key({ ...arm, system: 2 }));
  });

  it('may say it in XML', () => {
    const xml = readMessage(
      'application/xml; charset="UTF-8"',
      Buffer.from(
        '<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema"><eventType>cidEvent</eventType><eventState>active</eventState><dateTime>2026-11-24T07:40:02+08:00</dateTime><CIDEvent><code>1120</code><type>zoneAlarm</type><trigger>2026-11-24T07:40:01+08:00</trigger><zone>4</zone></CIDEvent></EventNotificationAlert>',
      ),
    );
    const [mapped] = typeof xml === 'string' ? [] : mapWith(profile, xml.body);
    expect(mapped && observationOf('host', mapped, 0)).toMatchObject({ kind: 'panic', zone: { number: 4 } });
  });

  it('that is alive says nothing, and what else it says is counted', () => {
    expect(mapMessage(profile, { eventType: 'heartBeat', eventState: 'active' })).toMatchObject({
      mapped: [],
    });
    expect(mapMessage(profile, { eventType: 'zoneEvent', eventState: 'active' })).toMatchObject({
      unmapped: ['zoneEvent/active'],
    });
    expect(mapMessage(profile, { eventType: 'videoloss', eventState: 'active' })).toMatchObject({
      unmapped: ['videoloss/active'],
    });
  });
});
