import { describe, expect, it } from 'vitest';
import { readTable } from '../../drivers/http-push/zkteco-tables.ts';
import { mapWith, terminalProfile } from './terminal-profile.ts';

const profile = terminalProfile('zkteco-push');
function read(table: string, text: string) {
  const rows = readTable(table, text);
  return typeof rows === 'string' ? expect.unreachable(rows) : rows.flatMap((row) => mapWith(profile, row));
}

// Spellings of firmware: the protocol has tabs, line feeds and names in lower case.
describe('a ZKTeco table that is written another way', () => {
  const forced = [{ kind: 'forced', state: 'raised', zone: 7, key: '140' }];
  const line = 'time=2026-11-24 14:13:48\tpin=0\tcardno=0\teventaddr=7\tevent=102\tindex=140';
  it.each([
    ['RTLOG', line],
    ['rtlog', line.replaceAll('\t', ',')],
    ['rtlog', line.replaceAll('\t', ', ')],
    ['rtlog', line.replaceAll('\t', ' ')],
    ['rtlog', line.replace('eventaddr', 'EventAddr').replace('event=', 'Event=').replace('time', 'Time')],
    ['rtlog', `${line}\r`],
  ])('says the same: %s %j', (table, text) => {
    expect(read(table, text)).toMatchObject(forced);
  });

  it('says the same as a kept record, by the name that our settings ask for', () => {
    const kept = 'transaction CardNo=0\tPin=9\tDoorID=7\tEventType=102\tTime_Second=860000000\tIndex=140\r\n';
    expect(read('Transaction', kept)).toMatchObject(forced.map((one) => ({ ...one, past: true })));
  });

  it('loses no line that ends with a carriage return alone', () => {
    expect(read('rtlog', `${line}\r${line.replace('event=102', 'event=28')}\r`)).toMatchObject([
      { kind: 'forced' },
      { kind: 'held' },
    ]);
  });

  it.each([
    ['AttLog', '1042\t2026-11-24 07:41:00\t0\t15'],
    ['ATTLOG', '1042 2026-11-24 07:41:00 0 15'],
    ['ATTLOG', '1042,2026-11-24 07:41:00,0,15'],
  ])('says who came: %s %j', (table, text) => {
    expect(read(table, text)).toMatchObject([
      { credential: { format: 'face', number: '1042' }, at: '2026-11-24T07:41:00+08:00' },
    ]);
  });

  it('says what was done at it', () => {
    for (const text of [
      'OPLOG 3\t0\t2026-11-24 07:41:00\t54\t0\t0\t0',
      'OPLOG 3 0 2026-11-24 07:41:00 54 0 0 0',
    ])
      expect(read('OPERLOG', text)).toMatchObject([{ kind: 'forced', state: 'raised' }]);
  });
});
