import fc from 'fast-check';
import { describe, it } from 'vitest';
import { mapMessage } from '../../drivers/http-push/mapping.ts';
import { multipartDecoder } from '../../drivers/http-push/multipart.ts';
import { readTable } from '../../drivers/http-push/zkteco-tables.ts';
import { expectLinear, repeated } from '../linear.ts';
import { readMessage, terminalProfile } from './terminal-profile.ts';

const bytes = (text: string) => Buffer.from(text);

describe('what reading any message costs', () => {
  /** Pieces that the readers treat apart; any of them, again and again, behind any beginning. */
  const piece = fc.constantFrom(
    ...[
      '{',
      '[',
      '"',
      '\\',
      '{"a":',
      '[1,',
      '"a",',
      '<a>',
      '</a>',
      '<a ',
      '<a b="',
      "b='",
      '<!--',
      '-->',
      '<![CDATA[',
    ],
    ...[
      '<?',
      '&b;',
      '<a/>',
      ' ',
      '\t',
      '\n',
      '\r\n',
      '--b',
      '--b\r\n\r\n',
      '\r\n--b',
      '--b--',
      '--',
      '\r\n\r\n',
      '-',
    ],
    ...['Content-Length: 9\r\n', 'Code=A;', ';data=', 'a=b&', '%2B', 'A', 'Zm9v', '王', 'a=1\t', '1\t2\n'],
  );
  const unit = fc.array(piece, { minLength: 1, maxLength: 4 }).map((all) => all.join(''));
  const type = fc.constantFrom(
    'application/json',
    'text/xml',
    'multipart/x; boundary=b',
    'application/x-www-form-urlencoded',
  );

  it('is linear in what terminals send, whatever that is', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(type, unit, unit, unit, (contentType, head, body, tail) => {
        expectLinear(
          (message: Buffer) => readMessage(contentType, message),
          (size) => bytes(repeated(body, size, head, tail)),
        );
      }),
      { numRuns: 15 },
    );
  });
});

describe('what reading costs', () => {
  it.each<[string, string, (size: number) => string]>([
    ['parts without an end of their head', 'multipart/x; boundary=b', (size) => repeated('--b', size)],
    [
      'a boundary that nearly fits everywhere',
      `multipart/x; boundary=${'a'.repeat(70)}`,
      (size) => repeated('a', size),
    ],
    ['tags in tags', 'text/xml', (size) => repeated('<a>', size)],
    ['tags side by side', 'text/xml', (size) => repeated('<b>1</b>', size, '<a>', '</a>')],
    ['an attribute without an end', 'text/xml', (size) => repeated('b="x ', size, '<a ', '></a>')],
    ['lists in lists', 'application/json', (size) => repeated('[', size)],
    ['base64', 'application/json', (size) => repeated('A', size, '{"a":"', '"}')],
    ['base64 that is cut short', 'application/json', (size) => repeated(`${'A'.repeat(1023)}"`, size)],
    ['members', 'application/json', (size) => repeated('"a":1,', size, '{', '"b":2}')],
  ])('is linear in %s', (_name, contentType, make) => {
    expectLinear(
      (message: Buffer) => readMessage(contentType, message),
      (size) => bytes(make(size)),
    );
  });

  it.each([
    ['noise', 'x', '--b\r\n\r\n'],
    ['JSON', '{"a":', '--b\r\n\r\n'],
    ['XML', '<a b="', '--b\r\n\r\n'],
    ['documents side by side', '{}<a/>Code=\n', '--b\r\n\r\n'],
    ['blanks', ' ', '--b\r\n\r\n'],
    ['blanks behind a boundary', ' ', '--b'],
    ['boundaries', '--b\r\n', ''],
    ['dashes', '-', '--b\r\n\r\n'],
  ])('is linear in a stream that comes in small pieces: %s', (_name, unit, head) => {
    expectLinear(
      (wire: Buffer) => {
        const decoder = multipartDecoder('b');
        for (let at = 0; at < wire.length; at += 100) decoder.push(wire.subarray(at, at + 100));
      },
      (size) => bytes(repeated(unit, size, head)),
    );
  });

  it.each(['dahua-face', 'hikvision-face', 'zkteco-push', 'visitor-kiosk'])(
    'is linear in the events of a message: %s',
    (name) => {
      const one = {
        Code: 'AccessControl',
        Data: { UserID: '', Status: 1 },
        table: 'rtlog',
        pin: '1',
        visit: 1,
        event: 'left',
      };
      const size = JSON.stringify(one).length;
      expectLinear(
        (body: unknown) => mapMessage({ ...terminalProfile(name), events: [['Events'], []] }, body),
        (most) => ({ Events: Array(Math.min(5000, Math.floor(most / size))).fill(one) }),
      );
    },
  );

  it('is linear in the rows of a table', () => {
    for (const row of ['a=1\t', '\t', 'a\n', '\n', '='])
      expectLinear(
        (text: string) => readTable('rtlog', text),
        (size) => repeated(row, size),
      );
  });
});
