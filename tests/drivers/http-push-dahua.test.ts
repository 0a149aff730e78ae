import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapMessage } from '../../drivers/http-push/mapping.ts';
import { mapWith, readMessage, terminalProfile } from './terminal-profile.ts';

const profile = terminalProfile('dahua-face');
/** As the stream of eventManager.cgi has it. */
const streamed = (text: string) => {
  const read = readMessage('text/plain', Buffer.from(text));
  return typeof read === 'string' ? expect.unreachable(read) : mapWith(profile, read.body);
};
/** As the push has it. */
const pushed = (Code: string, Data: object, Action = 'Pulse', Index = 0) =>
  mapWith(profile, { Events: [{ Code, Action, Index, Data }] });

// Events as Dahua's "HTTP API" lists them, and as captures in public programs show them.
describe('the end of what a Dahua terminal tells', () => {
  it.each([
    ['Code=BreakIn;action=End;index=0', { kind: 'forced', state: 'restored' }],
    ['code=BreakIn;action=stop;index=0', { kind: 'forced', state: 'restored' }],
    ['code=AlarmLocal;action=Start;index=2', { kind: 'intrusion', state: 'raised', zone: 2 }],
    ['Code=Duress;action=End;index=0', { kind: 'duress', state: 'restored' }],
  ])('is an end: %s', (text, expected) => {
    expect(streamed(text)).toMatchObject([expected]);
  });

  it('is of the same zone as its beginning, whatever reader it names', () => {
    const [begun] = pushed('ChassisIntruded', { ReaderID: '1' }, 'Start');
    const [over] = pushed('ChassisIntruded', { ReaderID: '' }, 'Stop');
    expect([begun, over]).toEqual([
      { kind: 'tamper', state: 'raised' },
      { kind: 'tamper', state: 'restored' },
    ]);
  });

  it('is heard of a push too', () => {
    expect(pushed('Duress', {}, 'Start')).toEqual([{ kind: 'duress', state: 'raised', zone: 0 }]);
    expect(pushed('Duress', {}, 'Stop')).toEqual([{ kind: 'duress', state: 'restored', zone: 0 }]);
  });
});

describe('a Dahua door', () => {
  it.each([
    ['Code=BreakIn;action=Start;index=0;data={"Door":0}', { kind: 'forced', state: 'raised', zone: 0 }],
    ['Code=BreakIn;action=Stop;index=0;data={"Door":0}', { kind: 'forced', state: 'restored', zone: 0 }],
    ['Code=BreakIn;action=Pulse;index=1', { kind: 'forced', state: 'raised', zone: 1 }],
    ['Code=DoorNotClosed;action=Start;index=0', { kind: 'held', state: 'raised', zone: 0 }],
    ['Code=DoorNotClosed;action=Stop;index=0', { kind: 'held', state: 'restored', zone: 0 }],
    [
      'Code=Duress;action=Pulse;index=0;data={"UserID":"7"}',
      { kind: 'duress', state: 'raised', momentary: true },
    ],
    ['Code=Duress;action=Start;index=0', { kind: 'duress', state: 'raised' }],
    ['Code=Duress;action=Stop;index=0', { kind: 'duress', state: 'restored' }],
    ['Code=AlarmLocal;action=Start;index=2', { kind: 'intrusion', state: 'raised', zone: 2 }],
    ['Code=AlarmLocal;action=Stop;index=2', { kind: 'intrusion', state: 'restored', zone: 2 }],
    ['Code=ChassisIntruded;action=Start;index=0', { kind: 'tamper', state: 'raised' }],
    ['Code=ChassisIntruded;action=Stop;index=0', { kind: 'tamper', state: 'restored' }],
    ['Code=MaliciousAccessControl;action=Pulse;index=0', { kind: 'tamper', cause: 'too-many-failures' }],
    [
      'Code=DoorStatus;action=Pulse;index=0;data={ "Status" : "Open" }',
      { kind: 'contact', state: 'raised', zone: 0 },
    ],
    ['Code=DoorStatus;action=Open;index=0', { kind: 'contact', state: 'raised', zone: 0 }],
    ['Code=PowerFault;action=Start;index=0', { kind: 'power', state: 'raised' }],
    ['Code=NetAbort;action=Stop;index=0', { kind: 'fault', state: 'restored', cause: 'network' }],
    // An alarm whose data cannot be read is one.
    ['Code=BreakIn;action=Start;index=0;data={"Door":', { kind: 'forced', state: 'raised', zone: 0 }],
  ])('tells %s', (text, expected) => {
    expect(streamed(text)).toMatchObject([expected]);
  });

  it.each([
    'Code=DoorStatus;action=Pulse;index=0;data={"Status":"Close"}',
    'Code=DoorStatus;action=Close;index=0',
  ])('that is closed is neither forced nor held any more: %s', (text) => {
    expect(streamed(text)).toMatchObject([
      { kind: 'contact', state: 'restored', zone: 0 },
      { kind: 'forced', state: 'restored', level: true, zone: 0 },
      { kind: 'held', state: 'restored', level: true, zone: 0 },
    ]);
  });

  it('tells the same in a push', () => {
    expect(pushed('BreakIn', { Door: 1 }, 'Start')).toMatchObject([
      { kind: 'forced', state: 'raised', zone: 1 },
    ]);
    expect(pushed('DoorNotClosed', {}, 'Stop', 2)).toMatchObject([
      { kind: 'held', state: 'restored', zone: 2 },
    ]);
    expect(pushed('DoorStatus', { Status: 'Close', Door: 0 })).toHaveLength(3);
  });

  it('tells several events of one part', () => {
    const two =
      'Code=DoorStatus;action=Pulse;index=0;data={ "Status" : "Open" }\r\nCode=AccessControl;action=Pulse;index=0;data={"Method":4,"UserID":"","Status":1}';
    expect(streamed(two)).toMatchObject([
      { kind: 'contact', state: 'raised' },
      { kind: 'credential', credential: { format: 'remote' }, decision: 'granted' },
    ]);
  });

  it.each([
    [
      { UserID: '88', Method: 15, Status: 1, RecNo: 12 },
      { credential: { format: 'face', number: '88' }, decision: 'granted', key: '12/AccessControl' },
    ],
    [{ UserID: '88', Method: 6, Status: 1 }, { credential: { format: 'finger', number: '88' } }],
    [
      { UserID: '88', CardNo: '5F0A', Method: 1, Status: 1 },
      { credential: { format: 'person', number: '88' } },
    ],
    [
      { UserID: '', CardNo: '5F0A', Method: 1, Status: 0, ErrorCode: 20 },
      { credential: { format: 'card', number: '5F0A' }, decision: 'denied', reason: 'expired' },
    ],
    [
      { UserID: '88', Method: 15, Status: 0, ErrorCode: 32 },
      { decision: 'denied', reason: 'not-now' },
    ],
    [
      { UserID: '', CardNo: '', Method: 15, Status: 0 },
      { credential: { format: 'face', number: 'unknown' }, decision: 'unknown' },
    ],
    [
      { UserID: '0', CardNo: '', Method: 15, Status: 0 },
      { credential: { number: 'unknown' }, decision: 'unknown' },
    ],
    [
      { UserID: '', CardNo: '', Method: 0, Status: 1 },
      { credential: { format: 'code', number: 'unknown' }, decision: 'granted' },
    ],
    [
      { UserID: '', Method: 5, Status: 1, Door: 0 },
      { kind: 'exit-request', state: 'raised', zone: 0 },
    ],
    [
      { UserID: '88', Method: 15, Status: 1, UTC: 1_795_506_001, RealUTC: 1_795_477_201 },
      { at: 1_795_477_201 },
    ],
  ])('tells who passed, or not: %j', (data, expected) => {
    expect(pushed('AccessControl', data)).toMatchObject([expected]);
  });

  // NetSDK, NET_ALARM_ACCESS_CTL_EVENT: nErrorCode 0x16 is a door opened under duress.
  it('tells a duress that only the error of a passage names, as the event of it would be', () => {
    const data = { UserID: '7', Method: 1, UTC: 1_795_477_201, Door: 0, RecNo: 3 };
    for (const Status of [0, 1])
      expect(pushed('AccessControl', { ...data, Status, ErrorCode: 22 })).toMatchObject([
        { kind: 'duress', state: 'raised', zone: 0, momentary: true, key: 'duress-7' },
        { kind: 'credential', credential: { number: '7' } },
      ]);
    expect(pushed('Duress', data)).toMatchObject([{ kind: 'duress', zone: 0, key: 'duress-7' }]);
  });

  it('tells attempts that have no number of their own as many', () => {
    for (const RecNo of [0, -1])
      expect(pushed('AccessControl', { UserID: '8', Status: 0, RecNo })[0]?.key).toBeUndefined();
  });

  it('that is alive says nothing, and what else it says is counted', () => {
    expect(streamed('Heartbeat')).toEqual([]);
    expect(
      mapMessage(profile, { Events: [{ Code: 'HeartBeat' }, { Code: 'TimeChange', Action: 'Pulse' }] }),
    ).toMatchObject({
      mapped: [],
      unmapped: ['TimeChange/Pulse'],
    });
  });

  it('may say anything at all', () => {
    const code = fc.constantFrom('AccessControl', 'DoorStatus', 'BreakIn', 'Duress', 'x');
    fc.assert(
      fc.property(code, fc.jsonValue(), fc.string(), (Code, Data, action) => {
        mapMessage(profile, { Code, Data, action });
        readMessage(
          'text/plain',
          Buffer.from(`Code=${Code};${action};data=${JSON.stringify(Data)}\nCode=${action}`),
        );
      }),
    );
  });
});
