import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../drivers/http-push/documents.ts';
import { timeOf } from '../../drivers/http-push/mapping.ts';
import { multipartDecoder } from '../../drivers/http-push/multipart.ts';
import { readTable } from '../../drivers/http-push/zkteco-tables.ts';
import { chunked } from './decoding.ts';
import { mapWith, readMessage, terminalProfile } from './terminal-profile.ts';

const map = (profile: string, body: unknown) => mapWith(terminalProfile(profile), body);

const rowsOf = (table: string, text: string) => {
  const rows = readTable(table, text);
  return typeof rows === 'string' ? expect.unreachable(rows) : rows;
};

describe('what terminals of their makers send', () => {
  const hik = {
    ipAddress: '10.0.0.31',
    dateTime: '2026-11-24T07:40:01+08:00',
    eventType: 'AccessControllerEvent',
    AccessControllerEvent: { majorEventType: 5, subEventType: 75, employeeNoString: '1042', serialNo: 77 },
  };

  it('of Hikvision is read as JSON, as XML, and as JSON beside a picture', () => {
    const face = {
      kind: 'credential',
      credential: { format: 'face', number: '1042' },
      decision: 'granted',
      at: '2026-11-24T07:40:01+08:00',
      key: '77/5/75',
    };
    expect(map('hikvision-face', hik)).toEqual([face]);
    const xml = readMessage(
      'application/xml',
      Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<dateTime>2026-11-24T07:40:01+08:00</dateTime><eventType>AccessControllerEvent</eventType>
<AccessControllerEvent><majorEventType>5</majorEventType><subEventType>75</subEventType><employeeNoString>1042</employeeNoString><serialNo>77</serialNo></AccessControllerEvent>
</EventNotificationAlert>`),
    );
    expect(typeof xml === 'string' ? xml : map('hikvision-face', xml.body)).toEqual([face]);
    const both = readMessage(
      'multipart/form-data; boundary=---------------------------7e13971310878',
      Buffer.from(
        `-----------------------------7e13971310878\r\nContent-Disposition: form-data; name="event_log"\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(hik)}\r\n-----------------------------7e13971310878\r\nContent-Disposition: form-data; name="Picture"; filename="Picture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--\xff\xd9\r\n-----------------------------7e13971310878--\r\n`,
        'latin1',
      ),
    );
    if (typeof both === 'string') throw new Error(both);
    expect(map('hikvision-face', both.body)).toEqual([face]);
    expect(both.pictures.map(({ bytes }) => bytes.toString('latin1'))).toEqual(['\xff\xd8\r\n--\xff\xd9']);
  });

  it.each([
    ['a face that is refused', 76, { employeeNoString: '7' }, { decision: 'denied' }],
    ['a face that nobody knows', 76, {}, { decision: 'unknown' }],
    ['a card', 1, { cardNo: '990' }, { credential: { format: 'card', number: '990' }, decision: 'granted' }],
  ])('of Hikvision: %s', (_name, subEventType, more, expected) => {
    const event = { ...hik, AccessControllerEvent: { majorEventType: 5, subEventType, ...more } };
    expect(map('hikvision-face', event)).toEqual([expect.objectContaining(expected)]);
  });

  it('of Hikvision that is a heartbeat says nothing', () => {
    const beat = readMessage(
      'application/xml',
      Buffer.from('<EventNotificationAlert><eventType>videoloss</eventType></EventNotificationAlert>'),
    );
    expect(typeof beat === 'string' ? beat : map('hikvision-face', beat.body)).toEqual([]);
  });

  it('of Dahua is read from its stream and from a push', () => {
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
      key: '12/AccessControl',
    };
    expect(typeof read === 'string' ? read : map('dahua-face', read.body)).toEqual([face]);
    const pushed = {
      Events: [
        { Code: 'AccessControl', Index: 0, Data: { UserID: '', CardNo: '5F', Status: 0 } },
        { Code: 'DoorStatus', Index: 0, Data: {} },
      ],
    };
    expect(map('dahua-face', pushed)).toEqual([
      { kind: 'credential', credential: { format: 'card', number: '5F' }, decision: 'denied' },
    ]);
  });

  it('of ZKTeco is read from its tables', () => {
    const [row] = rowsOf('ATTLOG', '1452\t2026-11-24 07:41:00\t0\t15\t0\t0\t0\r\n\n');
    expect(map('zkteco-push', row)).toEqual([
      {
        kind: 'credential',
        credential: { format: 'face', number: '1452' },
        decision: 'granted',
        at: '2026-11-24T07:41:00+08:00',
        key: '1452/2026-11-24 07:41:00',
      },
    ]);
  });
});

describe('what terminals send', () => {
  it.each([
    ['no JSON', 'application/json', '{'],
    ['nothing', 'application/json', ''],
    ['XML that does not end', 'text/xml', '<a><b></a>'],
    ['multipart without a part', 'multipart/mixed; boundary=x', 'y'],
    [
      'multipart of more parts than a message has',
      'multipart/mixed; boundary=x',
      '--x\r\n\r\n{}\r\n'.repeat(200_000),
    ],
    ['lists in lists', 'application/json', '['.repeat(1_900_000)],
    ['members in members', 'application/json', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`],
    ['tags in tags', 'text/xml', `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`],
    ['entities that grow', 'text/xml', '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><x>&b;</x>'],
    ['entities of files', 'text/xml', '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'],
  ])('that makes no sense is told: %s', (_name, type, text) => {
    expect(readMessage(type, Buffer.from(text))).toEqual(expect.any(String));
  });
});

describe('what terminals send that is not quite right', () => {
  // RFC 8259: 7 escapes control characters, 8.1 has no byte order mark; both come, and mean one thing.
  it.each([
    ['a NUL behind it', '{"a":"b c"}\0'],
    ['a NUL before it', '\0{"a":"b c"}\0\0\r\n'],
    ['a byte order mark', '\ufeff{"a":"b c"}'],
    ['a byte order mark behind it', '{"a":"b c"}\ufeff'],
    ['commas before an end', '{"a":"b c",\r\n}'],
    ['XML and a NUL', '<a>b c</a>\0'],
    ['XML and a byte order mark', '\ufeff<?xml version="1.0" encoding="UTF-8"?>\r\n<a>b c</a>'],
    ['XML behind an empty line', '\r\n<?xml version="1.0"?><a>b c</a>'],
  ])('is read with %s, alone and as a part', (_name, text) => {
    const read = { body: { a: 'b c' } };
    expect(readMessage('application/json', Buffer.from(text))).toMatchObject(read);
    const form = `--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n${text}\r\n--b--`;
    expect(readMessage('multipart/form-data; boundary=b', Buffer.from(form))).toMatchObject(read);
  });

  it.each([
    ['{"a":"b\tc\n","l":[1,[2,],],}', { a: 'b\tc\n', l: [1, [2]] }],
    ['{"a":"1,}","b":"\\",]"}', { a: '1,}', b: '",]' }],
    ['<a><b>Gate & door</b></a>', { a: { b: 'Gate & door' } }],
    ['<a><b>1</b></a>\n<a><b>2</b></a>', { a: [{ b: '1' }, { b: '2' }] }],
  ])('is read where what it means is not in doubt: %j', (text, body) => {
    expect(readMessage('text/plain', Buffer.from(text))).toMatchObject({ body });
  });

  it.each(['{,}', '[,]', '{"a":1,,}', '{"a" 1}', '{"a":1', '<a>b', '<a></b>'])(
    'is refused where it is: %s',
    (text) => {
      expect(readMessage('text/plain', Buffer.from(text))).toBe('neither JSON nor XML');
    },
  );

  it('is read as UTF-16 where it says so', () => {
    const text = Buffer.from('\ufeff{"name":"王芳"}', 'utf16le');
    expect(readMessage('application/json', text)).toMatchObject({ body: { name: '王芳' } });
    expect(readMessage('application/json', Buffer.from(text).swap16())).toMatchObject({
      body: { name: '王芳' },
    });
  });

  it('as lenient as it is read never says what JSON itself does not', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(parseJson(json)).toEqual(JSON.parse(json));
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});

describe('what terminals send, well formed', () => {
  it('as a form is read as browsers write one', () => {
    const fields = { name: '王 芳', 'a&b': 'c=d+e', empty: '' };
    const read = readMessage(
      'application/x-www-form-urlencoded',
      Buffer.from(`${new URLSearchParams(fields)}&alone&bad=%zz`),
    );
    expect(read).toMatchObject({ body: { ...fields, alone: '', bad: '%zz' } });
  });

  it('that says that it is there, and nothing else, says nothing', () => {
    expect(readMessage('text/plain', Buffer.from('Heartbeat\r\n'))).toEqual({ body: {}, pictures: [] });
  });

  it('is read without the pictures in it, which are given beside it', () => {
    // A JPEG's first bytes (ISO 10918-1, B.1.1.3: SOI, then a marker), and what is none.
    const picture = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(3000, 'picture')]);
    const text = picture.toString('base64');
    const escaped = `${text.slice(0, 76)}\\n${text.slice(76)}`.replaceAll('/', '\\/');
    const template = Buffer.alloc(3000, 'template').toString('base64');
    const form = new URLSearchParams({ name: 'x', Picture: text }).toString();
    for (const [type, body] of [
      ['application/json', `{"name":"x","Picture":"data:image/jpeg;base64,${text}"}`],
      ['application/json', `{"Picture":"${escaped}","name":"x","template":"${template}"}`],
      ['application/xml', `<a><name>x</name><Picture>${text}</Picture></a>`],
      ['application/x-www-form-urlencoded', form],
    ] as const) {
      const read = readMessage(type, Buffer.from(body));
      if (typeof read === 'string') throw new Error(read);
      expect(read.pictures.map(({ contentType, bytes }) => [contentType, bytes.toString('hex')])).toEqual([
        ['image/jpeg', picture.toString('hex')],
      ]);
      expect(JSON.stringify(read.body).length).toBeLessThan(150);
      expect(JSON.stringify(read.body)).toContain('"name":"x"');
    }
  });

  it('never makes a reader throw', () => {
    const type = fc.constantFrom('application/json', 'text/xml', 'multipart/x; boundary=b', 'text/plain', '');
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.string().map((text) => Buffer.from(`--b\r\nContent-Length: 3\r\n\r\n${text}`)),
      fc.string().map((text) => Buffer.from(`Code=A;data=${text}`)),
      fc.string().map((text) => Buffer.from(`<a>${text}</a>`)),
      fc.json().map((text) => Buffer.from(text)),
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
    const wire = Buffer.from(part('one', '\r\n') + part('-b', '\r\n') + part('', '\r\n') + part('end', ''));
    fc.assert(
      fc.property(chunked, (cut) => {
        const decoder = multipartDecoder('b');
        const found = cut(wire).flatMap((chunk) => decoder.push(chunk));
        expect(found.map((one) => ('frame' in one ? one.frame.bytes.toString() : one))).toEqual([
          'one',
          '-b',
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

describe('the time', () => {
  it('of the terminal is believed where it can be', () => {
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
