import fc from 'fast-check';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { multipartDecoder, readMessage, readTable } from '../../drivers/http-push/codec.ts';
import { mapMessage, timeOf } from '../../drivers/http-push/mapping.ts';
import { chunked } from './decoding.ts';
import { terminalProfile } from './terminal-profile.ts';

const map = async (profile: string, body: unknown) =>
  await mapMessage(jsonata(terminalProfile(profile).map), body, systemClock);

describe('what terminals of their makers send', () => {
  const hik = {
    ipAddress: '10.0.0.31',
    dateTime: '2026-11-24T07:40:01+08:00',
    eventType: 'AccessControllerEvent',
    AccessControllerEvent: { majorEventType: 5, subEventType: 75, employeeNoString: '1042', serialNo: 77 },
  };

  it('of Hikvision is read as JSON, as XML, and as JSON beside a picture', async () => {
    const face = {
      kind: 'credential',
      credential: { format: 'face', number: '1042' },
      decision: 'granted',
      at: '2026-11-24T07:40:01+08:00',
      key: '77/2026-11-24T07:40:01+08:00',
    };
    expect(await map('hikvision-face', hik)).toEqual([face]);
    const xml = readMessage(
      'application/xml',
      Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<dateTime>2026-11-24T07:40:01+08:00</dateTime><eventType>AccessControllerEvent</eventType>
<AccessControllerEvent><majorEventType>5</majorEventType><subEventType>75</subEventType><employeeNoString>1042</employeeNoString><serialNo>77</serialNo></AccessControllerEvent>
</EventNotificationAlert>`),
    );
    expect(typeof xml === 'string' ? xml : await map('hikvision-face', xml.body)).toEqual([face]);
    const both = readMessage(
      'multipart/form-data; boundary=---------------------------7e13971310878',
      Buffer.from(
        `-----------------------------7e13971310878\r\nContent-Disposition: form-data; name="event_log"\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(hik)}\r\n-----------------------------7e13971310878\r\nContent-Disposition: form-data; name="Picture"; filename="Picture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--\xff\xd9\r\n-----------------------------7e13971310878--\r\n`,
        'latin1',
      ),
    );
    if (typeof both === 'string') throw new Error(both);
    expect(await map('hikvision-face', both.body)).toEqual([face]);
    expect(both.pictures.map(({ bytes }) => bytes.toString('latin1'))).toEqual(['\xff\xd8\r\n--\xff\xd9']);
  });

  it.each([
    ['a face that is refused', 76, { employeeNoString: '7' }, { decision: 'denied' }],
    ['a face that nobody knows', 76, {}, { decision: 'unknown' }],
    ['a card', 1, { cardNo: '990' }, { credential: { format: 'card', number: '990' }, decision: 'granted' }],
  ])('of Hikvision: %s', async (_name, subEventType, more, expected) => {
    const event = { ...hik, AccessControllerEvent: { majorEventType: 5, subEventType, ...more } };
    expect(await map('hikvision-face', event)).toEqual([expect.objectContaining(expected)]);
  });

  it('of Hikvision that is a heartbeat says nothing', async () => {
    const beat = readMessage(
      'application/xml',
      Buffer.from('<EventNotificationAlert><eventType>videoloss</eventType></EventNotificationAlert>'),
    );
    expect(typeof beat === 'string' ? beat : await map('hikvision-face', beat.body)).toEqual([]);
  });

  it('of Dahua is read from its stream and from a push', async () => {
    const text = `Code=AccessControl;action=Pulse;index=0;data={
   "CardNo" : "",
   "UserID" : "88",
   "Status" : 1,
   "Similarity" : 93,
   "RecNo" : 12,
   "UTC" : 1795477201
}`;
    const read = readMessage('text/plain', Buffer.from(text));
    const face = {
      kind: 'credential',
      credential: { format: 'face', number: '88' },
      decision: 'granted',
      match: 0.93,
      at: 1_795_477_201,
      key: '12',
    };
    expect(typeof read === 'string' ? read : await map('dahua-face', read.body)).toEqual([face]);
    const pushed = {
      Events: [
        { Code: 'AccessControl', Index: 0, Data: { UserID: '', CardNo: '5F', Status: 0 } },
        { Code: 'DoorStatus', Index: 0, Data: {} },
      ],
    };
    expect(await map('dahua-face', pushed)).toEqual([
      { kind: 'credential', credential: { format: 'card', number: '5F' }, decision: 'denied' },
    ]);
  });

  it('of ZKTeco is read from its tables', async () => {
    const [row] = readTable('ATTLOG', '1452\t2026-11-24 07:41:00\t0\t15\t0\t0\t0\r\n\n');
    expect(await map('zkteco-push', row)).toEqual([
      {
        kind: 'credential',
        credential: { format: 'face', number: '1452' },
        decision: 'granted',
        at: '2026-11-24T07:41:00+08:00',
        key: '1452/2026-11-24 07:41:00',
      },
    ]);
    const [log] = readTable(
      'rtlog',
      'time=2026-11-24 07:41:00\tpin=9\tcardno=\teventaddr=1\tevent=27\tinoutstatus=0\tverifytype=15\tindex=21',
    );
    expect(await map('zkteco-push', log)).toEqual([
      expect.objectContaining({
        decision: 'denied',
        credential: { format: 'person', number: '9' },
        key: '21',
      }),
    ]);
    expect(await map('zkteco-push', readTable('OPERLOG', 'OPLOG 4\t0')[0])).toEqual([]);
  });
});

describe('what terminals send', () => {
  it.each([
    ['no JSON', 'application/json', '{'],
    ['nothing', 'application/json', ''],
    ['XML that does not end', 'text/xml', '<a><b></a>'],
    ['multipart without a part', 'multipart/mixed; boundary=x', 'y'],
  ])('that makes no sense is told: %s', (_name, type, text) => {
    expect(readMessage(type, Buffer.from(text))).toEqual(expect.any(String));
  });

  it('never makes a reader throw', () => {
    const type = fc.constantFrom('application/json', 'text/xml', 'multipart/x; boundary=b', 'text/plain', '');
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.string().map((text) => Buffer.from(`--b\r\nContent-Length: 3\r\n\r\n${text}`)),
      fc.string().map((text) => Buffer.from(`Code=A;data=${text}`)),
    );
    fc.assert(
      fc.property(type, bytes, (contentType, body) => {
        readMessage(contentType, Buffer.from(body));
        readTable(contentType, Buffer.from(body).toString());
      }),
    );
  });

  it('as a stream is read part by part, whatever the chunks, and each is there with its last byte', () => {
    const part = (text: string, end: string) =>
      `--b\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}${end}`;
    const wire = Buffer.from(
      part('one', '\r\n') + part('--b', '\r\n\r\n') + part('', '\r\n') + part('end', ''),
    );
    fc.assert(
      fc.property(chunked, (cut) => {
        const decoder = multipartDecoder('b');
        const found = cut(wire).flatMap((chunk) => decoder.push(chunk));
        expect(found.map((one) => ('frame' in one ? one.frame.bytes.toString() : one))).toEqual([
          'one',
          '--b',
          '',
          'end',
        ]);
      }),
    );
  });

  it('as a stream is found again after noise', () => {
    const decoder = multipartDecoder('b');
    const found = decoder.push(
      Buffer.from(
        'garbage\r\n--b\r\nContent-Length: 2\r\n\r\nhi\r\nmore garbage--b\r\nContent-Length: 1\r\n\r\n!',
      ),
    );
    expect(found).toEqual([
      { discarded: 9, reason: 'bytes between parts' },
      { frame: { contentType: '', bytes: Buffer.from('hi') } },
      { discarded: 14, reason: 'bytes between parts' },
      { frame: { contentType: '', bytes: Buffer.from('!') } },
    ]);
  });
});

describe('a mapping', () => {
  it.each([
    ['fails', '$error("no")', /failed/],
    ['gives no observation', '{"kind": "credential"}', /no observation: 0.credential/],
    ['gives what is none of ours', '{"kind": "hello", "state": "raised"}', /no observation/],
  ])('that %s is told', async (_name, text, reason) => {
    expect(await mapMessage(jsonata(text), {}, systemClock)).toEqual(expect.stringMatching(reason));
  });

  it('gives the time of the terminal, believed where it can be', () => {
    const now = Date.UTC(2026, 10, 24);
    expect(timeOf('2026-11-23T23:00:00Z', now)).toEqual({ time: now - 3_600_000, trusted: true });
    expect(timeOf(now / 1000 - 5, now)).toEqual({ time: now - 5000, trusted: true });
    expect(timeOf(String(now - 5), now)).toEqual({ time: now - 5, trusted: true });
    expect(timeOf('1970-01-01T00:10:00Z', now)?.trusted).toBe(false);
    expect(timeOf(now + 3_600_000, now)?.trusted).toBe(false);
    expect(timeOf('tomorrow', now)).toBeUndefined();
    expect(timeOf(undefined, now)).toBeUndefined();
  });
});
