import { describe, expect, it } from 'vitest';
import { catalogue } from '../../config/catalogue/events.ts';
import { alarmKinds } from '../../drivers/contract/observation.ts';
import {
  type AlarmEvent,
  alarmNotify,
  alarmTable,
  inputOf,
  localTime,
  rowOf,
} from '../../drivers/platforms/gb28181/alarms.ts';

const event = (type: string, data: Partial<AlarmEvent['data']> = {}): AlarmEvent => ({
  id: '019ac3a0-0000-7000-8000-000000000001',
  type: `cn.campus.${type}`,
  time: '2026-11-28T15:30:00.250Z',
  data: { state: 'raised', device: { id: 'panel', name: '门卫主机' }, ...data },
});
const options = { device: '34020000001340000001', sn: 17, timeZone: 'Asia/Shanghai', withId: false };

/** AlarmMethod and AlarmType of GB/T 28181-2016, A.2.5: 2 device, 5 video, 6 fault. */
describe('an event', () => {
  it.each([
    ['alarm.raised', { kind: 'panic' }, [1, 2, undefined]],
    ['alarm.raised', { kind: 'tamper', cause: 'wire-cut' }, [2, 2, 2]],
    ['video.signal-lost', { kind: 'video' }, [2, 2, 1]],
    ['video.motion', { kind: 'video' }, [4, 5, 2]],
    ['video.line-crossed', { kind: 'video' }, [3, 5, 5]],
    ['video.zone-entered', { kind: 'video' }, [3, 5, 6]],
    ['device.fault', { kind: 'fault', cause: 'storage' }, [3, 6, 1]],
    ['device.fault', { kind: 'fault', cause: 'unheard-of' }, [3, 6, undefined]],
  ] as const)('%s %j is an alarm of the standard', (type, data, [priority, method, kind]) => {
    expect(rowOf(event(type, data))).toMatchObject({ priority, method });
    expect(rowOf(event(type, data))?.type).toBe(kind);
  });

  it.each([
    ['alarm.raised', { kind: 'panic', state: 'restored' }],
    ['alarm.restored', { kind: 'panic', state: 'restored' }],
    ['access.granted', { kind: 'credential' }],
    ['constructor', { kind: 'constructor', cause: 'toString' }],
  ] as const)('%s %j is none', (type, data) => {
    expect(rowOf(event(type, data))).toBeUndefined();
    expect(alarmNotify(event(type, data), options)).toBeUndefined();
  });

  it('of each kind of alarm has a row, and each row is of an event that there is', () => {
    for (const kind of alarmKinds) expect(rowOf(event('alarm.raised', { kind })), kind).toBeDefined();
    for (const key of Object.keys(alarmTable)) expect(Object.keys(catalogue)).toContain(key.split(' ')[0]);
  });
});

describe('a notify', () => {
  const zone = { number: 3, id: 'hall', name: '三号防区' };

  it('says what the standard wants, in its order, in local time', () => {
    expect(alarmNotify(event('alarm.raised', { kind: 'tamper', zone }), options)).toEqual([
      ['CmdType', 'Alarm'],
      ['SN', 17],
      ['DeviceID', '34020000001340000001'],
      ['AlarmPriority', 2],
      ['AlarmMethod', 2],
      ['AlarmTime', '2026-11-28T23:30:00'],
      ['AlarmDescription', '防拆报警 三号防区'],
      ['Info', [['AlarmType', 2]]],
    ]);
  });

  it('ends with the id of the event where that is wanted, however long the name of the zone is', () => {
    const long = event('alarm.raised', { kind: 'panic', zone: { ...zone, name: '长'.repeat(500) } });
    const [, description] =
      alarmNotify(long, { ...options, withId: true })?.find(([name]) => name === 'AlarmDescription') ?? [];
    expect(description).toMatch(/^一键报警 长+ 019ac3a0-0000-7000-8000-000000000001$/);
    expect(String(description).length).toBe(200);
  });

  it('of a test says so', () => {
    const fields = alarmNotify(event('alarm.raised', { kind: 'panic', test: 'walk-test' }), options);
    expect(fields?.find(([name]) => name === 'AlarmDescription')?.[1]).toBe('一键报警（测试） 门卫主机');
  });
});

it('time is local, over the end of a day and of summer', () => {
  expect(localTime('2026-12-31T16:00:00Z', 'Asia/Shanghai')).toBe('2027-01-01T00:00:00');
  expect(localTime('2026-10-25T01:30:00Z', 'Europe/Berlin')).toBe('2026-10-25T02:30:00');
});

it('zones of a device are inputs of their own', () => {
  const one = event('alarm.raised', { zone: { number: 3 } });
  expect(inputOf(one)).toBe('panel/3');
  expect(inputOf(event('device.offline'))).toBe('panel');
  // Two panels behind one receiver both have a zone 3.
  expect(inputOf(event('alarm.raised', { zone: { number: 3 }, details: { account: '12ab' } }))).toBe(
    'panel/12AB/3',
  );
});
