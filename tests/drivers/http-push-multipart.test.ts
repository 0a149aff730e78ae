import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpret } from '../../drivers/http-push/interpret.ts';
import { multipartDecoder } from '../../drivers/http-push/multipart.ts';
import type { Profile } from '../../drivers/http-push/profile.ts';
import { profileSchema } from '../../drivers/http-push/profile.ts';
import { chunked } from './decoding.ts';
import { readMessage, terminalProfile } from './terminal-profile.ts';

const JPEG = '\xff\xd8\xff\xe0\0\x10JFIF\xff\xd9';
/** A form as RFC 7578 has it; the lines of a part's head, then what is in it. */
const form = (parts: readonly (readonly [head: readonly string[], content: string])[], end = '\r\n') =>
  Buffer.from(
    `${parts.map(([head, content]) => ['--b', ...head, '', content].join(end)).join(end)}${end}--b--${end}`,
    'latin1',
  );
const readForm = (parts: Parameters<typeof form>[0], end?: string) =>
  readMessage('multipart/form-data; boundary=b', form(parts, end));
const named = (name: string, ...more: string[]) => [
  `Content-Disposition: form-data; name="${name}"`,
  ...more,
];
const event = '{"eventType":"AccessControllerEvent","AccessControllerEvent":{"majorEventType":5}}';
const read = { eventType: 'AccessControllerEvent', AccessControllerEvent: { majorEventType: 5 } };

describe('a form of a terminal', () => {
  it.each([
    ['parts without content types', named('event_log'), named('Picture')],
    [
      'parts of generic ones',
      named('event_log', 'Content-Type: application/octet-stream'),
      named('Picture', 'Content-Type: application/octet-stream'),
    ],
    [
      'parts of wrong ones',
      named('event_log', 'Content-Type: text/plain'),
      named('Picture', 'Content-Type: text/plain'),
    ],
    [
      'names without quotes',
      ['content-disposition: form-data; name=event_log; filename=a.json'],
      ['CONTENT-DISPOSITION: form-data; filename="a.jpg"; name="Picture"'],
    ],
  ])('may have %s', (_name, log, picture) => {
    const parts = [
      [log, event],
      [picture, JPEG],
      [named('deviceId'), '0017'],
      [named('note'), 'opened, 5 times'],
    ] as const;
    const found = readForm(parts);
    if (typeof found === 'string') throw new Error(found);
    expect(found.body).toEqual({ ...read, event_log: read, deviceId: '0017', note: 'opened, 5 times' });
    expect(found.pictures.map(({ contentType }) => contentType)).toEqual(['image/jpeg']);
    const lines = readForm(parts, '\n');
    expect(typeof lines === 'string' ? lines : lines.body).toEqual(found.body);
  });

  it('never hides what the event says behind a field of the same name', () => {
    const found = readForm([
      [named('event_log'), event],
      [named('eventType'), 'other'],
    ]);
    expect(found).toMatchObject({ body: { eventType: 'AccessControllerEvent' } });
  });

  it('is told by its other parts where one cannot be read, and that is told', () => {
    const bytes = form([
      [named('a', 'Content-Type: application/json'), '{"broken'],
      [named('event_log'), event],
    ]);
    const found = interpret({
      profile: terminalProfile('hikvision-face'),
      contentType: 'multipart/form-data; boundary=b',
      bytes,
    });
    expect(found).toMatchObject({ events: 1, problems: ['a part that is neither JSON nor XML'] });
    expect(readForm([[named('a'), '{"broken']])).toBe('neither JSON nor XML');
  });

  it('may bear films and what else is no text, of any length', () => {
    const film = `\0\0\0\x18ftypmp42${'x'.repeat(700_000)}`;
    const found = interpret({
      profile: terminalProfile('hikvision-face'),
      contentType: 'multipart/form-data; boundary=b',
      bytes: form([
        [named('event_log'), event],
        [named('clip'), film],
      ]),
    });
    expect(found).toMatchObject({ events: 1 });
  });
});

describe('a form with several events', () => {
  const acs = (subEventType: number) =>
    `{"EventNotificationAlert":{"eventType":"AccessControllerEvent","AccessControllerEvent":{"majorEventType":1,"subEventType":${subEventType}}}}`;
  const say = (parts: Parameters<typeof form>[0]) =>
    interpret({
      profile: terminalProfile('hikvision-face'),
      contentType: 'multipart/form-data; boundary=b',
      bytes: form(parts),
    });

  it.each([
    ['the same name', 'event_log', 'event_log'],
    ['names of their own', 'event_log', 'event_log_2'],
  ])('in parts of %s tells each', (_name, one, other) => {
    expect(
      say([
        [named(one), acs(1052)],
        [named(other), acs(1034)],
        [named('deviceId'), '7'],
      ]),
    ).toMatchObject({ mapped: [{ kind: 'panic' }, { kind: 'duress' }], problems: [] });
  });

  it('in parts without names, or in one part as a list, tells each', () => {
    const expected = { mapped: [{ kind: 'panic' }, { kind: 'duress' }] };
    expect(
      say([
        [['Content-Type: application/json'], acs(1052)],
        [['Content-Type: application/json'], acs(1034)],
      ]),
    ).toMatchObject(expected);
    expect(say([[named('event_log'), `[${acs(1052)},${acs(1034)}]`]])).toMatchObject(expected);
  });

  it('that has pictures only, or bytes that are no text, is counted', () => {
    const nothing = { mapped: [], unmapped: ['a picture and no event'] };
    expect(say([[named('Picture'), JPEG]])).toMatchObject(nothing);
    expect(say([[named('clip'), `\0\0\0\x18ftypmp42\0${'x'.repeat(9)}`]])).toMatchObject(nothing);
  });
});

describe('the parts of a form', () => {
  it('are read by their names, and by its fields alone', () => {
    const profile = profileSchema.parse({
      title: 'x',
      events: ['records', '.'],
      observations: [
        { kind: 'panic', when: { sos: 1 }, state: 'raised', zone: ['door', 'n'] },
        { kind: 'tamper', when: { 'info.type': 'open' }, state: 'raised' },
      ],
    }) as Profile;
    const say = (parts: Parameters<typeof form>[0]) => {
      const found = interpret({
        profile,
        contentType: 'multipart/form-data; boundary=b',
        bytes: form(parts),
      });
      return 'mapped' in found ? found.mapped : found;
    };
    expect(
      say([
        [named('records'), '[{"sos":1,"n":3},{"sos":1,"n":4}]'],
        [named('device'), 'x'],
      ]),
    ).toMatchObject([
      { kind: 'panic', zone: 3 },
      { kind: 'panic', zone: 4 },
    ]);
    expect(
      say([
        [named('sos'), '1'],
        [named('door'), '2'],
      ]),
    ).toMatchObject([{ kind: 'panic', zone: 2 }]);
    expect(
      say([
        [named('info'), '{"type":"open"}'],
        [named('device'), 'x'],
      ]),
    ).toMatchObject([{ kind: 'tamper' }]);
  });

  it('may be JSON in a field, and Chinese as Chinese terminals write it', () => {
    const url = 'application/x-www-form-urlencoded';
    const found = readMessage(
      url,
      Buffer.from(`device=7&info=${encodeURIComponent('{"type":"open"}')}&odd=%7Bx`),
    );
    expect(found).toMatchObject({ body: { device: '7', info: { type: 'open' }, odd: '{x' } });
    // 王芳, GB 18030.
    const bytes = Buffer.concat([
      Buffer.from('<a><name>'),
      Buffer.from('cdf5b7bc', 'hex'),
      Buffer.from('</name></a>'),
    ]);
    expect(readMessage('application/xml; charset=GBK', bytes)).toMatchObject({
      body: { a: { name: '王芳' } },
    });
  });

  it('never make a reader throw, nor change what objects are', () => {
    const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString'));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.oneof(fc.string(), fc.json())), { maxLength: 5 }), (parts) => {
        readForm(parts.map(([one, content]) => [named(one), content]));
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      }),
    );
    const odd = readForm([
      [named('__proto__'), '{"polluted":1}'],
      [named('x'), '1'],
    ]);
    expect(typeof odd === 'string' ? odd : Object.getPrototypeOf(odd.body)).toBe(Object.prototype);
  });
});

/** Lengths as terminals say them; RFC 7578, 4.8: a receiver ignores them. */
const lengths: readonly (readonly [name: string, of: (length: number) => string | undefined])[] = [
  ['right', (length) => String(length)],
  ['none', () => undefined],
  ['0', () => '0'],
  ['2 more', (length) => String(length + 2)],
  ['500 more', (length) => String(length + 500)],
  ['1 less', (length) => String(length - 1)],
  ['10 less', (length) => String(length - 10)],
  ['nonsense', () => '1x'],
];

describe('the parts of a form end with its boundary', () => {
  it.each(lengths)('whatever length they say: %s', (_name, of) => {
    const length = of(event.length);
    const more = length === undefined ? [] : [`Content-Length: ${length}`];
    const found = readForm([
      [named('event_log', 'Content-Type: application/json', ...more), event],
      [
        named('Picture', 'Content-Type: image/jpeg', 'Content-Length: 5'),
        `${JPEG}\r\n--b of another\r\n--bb\r\n`,
      ],
    ]);
    expect(found).toMatchObject({
      body: { ...read, event_log: read },
      pictures: [{ contentType: 'image/jpeg' }],
    });
    expect(found).not.toHaveProperty('unread');
  });

  // RFC 2046, 5.1.1: two dashes, then the boundary; some terminals name it with its dashes.
  it.each([
    ['MIME_boundary', '--MIME_boundary'],
    ['--MIME_boundary', '----MIME_boundary'],
    ['--MIME_boundary', '--MIME_boundary'],
    ['"--MIME boundary"', '--MIME boundary'],
    ['---------------------------7d0', '-----------------------------7d0'],
  ])('named %s and written %s', (boundary, written) => {
    const body = `${written}\r\nContent-Type: application/json\r\n\r\n${event}\r\n${written}--\r\n`;
    const type = `multipart/form-data; boundary=${boundary}`;
    expect(readMessage(type, Buffer.from(body))).toMatchObject({ body: read });
  });

  it.each([
    ['that nobody names', 'multipart/form-data', `--b\r\nContent-Type: x/y\r\n\r\n${event}\r\n--b--`],
    ['of a body of another type', 'application/json', `--b\r\nContent-Type: x/y\r\n\r\n${event}\r\n--b--`],
    ['that does not come', 'multipart/form-data; boundary=b', `--b\r\n\r\n${event}`],
    ['that stands twice', 'multipart/form-data; boundary=b', `--b\r\n--b\r\n\r\n${event}\r\n--b--`],
    ['without a head behind it', 'multipart/form-data; boundary=b', `--b\r\n${event}\r\n--b--`],
    ['with blanks behind it', 'multipart/form-data; boundary=b', `--b \t\r\n\r\n${event}\r\n--b--\r\n`],
  ])('%s', (_name, type, body) => {
    expect(readMessage(type, Buffer.from(body))).toMatchObject({ body: read });
  });
});

describe('a part of a stream', () => {
  // As ISAPI's alertStream has it, and Dahua's eventManager.
  const documents = [
    '<?xml version="1.0" encoding="UTF-8"?>\n<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema"><a b="x>y" c=\'/>\'/><!-- </EventNotificationAlert> --><d><![CDATA[</EventNotificationAlert>]]></d></EventNotificationAlert>',
    '{"eventType":"IO","name":"}\\"{","list":[[1],{"a":{}}]}',
    '[{"a":1},{"b":"]"}]',
    'Code=BreakIn;action=Start;index=0;data={\n   "Name" : "D;data={",\n   "Door" : 0\n}',
    'Code=Duress;action=Pulse;index=0\r\n',
  ];
  const head = (text: string, of: (length: number) => string | undefined) => {
    const length = of(text.length);
    return `--boundary\r\nContent-Type: text/plain\r\n${length === undefined ? '' : `Content-Length: ${length}\r\n`}\r\n`;
  };

  it.each(lengths)('is told as soon as its document ends, whatever length it says: %s', (_name, of) => {
    fc.assert(
      fc.property(chunked, fc.shuffledSubarray(documents, { minLength: 1 }), (cut, texts) => {
        const decoder = multipartDecoder('boundary');
        for (const text of texts) {
          const found = cut(Buffer.from(head(text, of) + text)).flatMap((chunk) => decoder.push(chunk));
          expect(found.map((one) => ('frame' in one ? one.frame.bytes.toString() : one))).toEqual([text]);
          expect(cut(Buffer.from('\r\n')).flatMap((chunk) => decoder.push(chunk))).toEqual([]);
        }
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['--boundary', '--boundary'],
    ['--boundary', '----boundary'],
    ['boundary', '--boundary'],
  ])('of a boundary named %s and written %s', (boundary, written) => {
    const decoder = multipartDecoder(boundary);
    for (const text of ['{"a":1}', '{"b":1}'])
      expect(decoder.push(Buffer.from(`${written}\r\nContent-Type: a/b\r\n\r\n${text}\r\n`))).toEqual([
        { frame: { contentType: 'a/b', bytes: Buffer.from(text) } },
      ]);
  });

  it('may hold several documents, an odd one, or a boundary of another name', () => {
    const decoder = multipartDecoder('b');
    const texts = (wire: string) =>
      decoder
        .push(Buffer.from(wire, 'latin1'))
        .map((one) => ('frame' in one ? one.frame.bytes.toString('latin1') : one));
    expect(texts('--b\r\n\r\n\xef\xbb\xbf{"a":1}\0\r\n{"b":2}\r\n')).toEqual([
      '\xef\xbb\xbf{"a":1}',
      '\0\r\n{"b":2}',
    ]);
    expect(texts('--b\r\n--b\r\n\r\n--b\r\n\r\nCode=A;action=Start\r\nCode=B;action=Stop\r\n')).toEqual([
      'Code=A;action=Start\r\n',
      'Code=B;action=Stop\r\n',
    ]);
    expect(texts('--b\r\n\r\n{"torn": \r\n--b\r\n\r\n{"c":3}')).toEqual(['{"torn": ', '{"c":3}']);
    expect(
      texts('\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--b of another\r\n\xff\xd9\r\n--b--\r\n'),
    ).toEqual(['\xff\xd8\r\n--b of another\r\n\xff\xd9']);
  });
});

describe('a stream of a terminal', () => {
  it('may end its lines with LF alone, in any pieces', () => {
    const part = (text: string, eol: string, length = true) =>
      [
        '--b',
        'Content-Type: text/plain',
        ...(length ? [`Content-Length: ${text.length}`] : []),
        '',
        text,
        '',
      ].join(eol);
    const wire = Buffer.from(
      part('one', '\n') +
        part('two', '\r\n') +
        part('three', '\n', false) +
        part('four', '\r\n', false) +
        part('five', '\r\n'),
    );
    fc.assert(
      fc.property(chunked, (cut) => {
        const decoder = multipartDecoder('b');
        const found = cut(wire).flatMap((chunk) => decoder.push(chunk));
        expect(found.map((one) => ('frame' in one ? one.frame.bytes.toString() : one))).toEqual([
          'one',
          'two',
          'three',
          'four',
          'five',
        ]);
      }),
    );
  });
});
