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
