/** What a view library answers, as the standard says and as platforms in use do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStatuses, readSystemTime, readTime, statusFor } from '../../drivers/platforms/gat1400/codec.ts';
import { answerOf } from '../../drivers/platforms/gat1400/transport.ts';

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const list = (...statuses: object[]) => ({ ResponseStatusListObject: { ResponseStatusObject: statuses } });
const status = (Id: string | undefined, StatusCode: unknown, StatusString = '') => ({
  ...{ RequestURL: '/VIID/Faces', Id, StatusCode, StatusString, LocalTime: '20261128233000' },
});

describe('an answer', () => {
  it.each([
    ['a list', list(status('1', 0))],
    ['a list of one that is none', { ResponseStatusListObject: { ResponseStatusObject: status('1', 0) } }],
    ['one alone', { ResponseStatusObject: status('1', 0) }],
    ['one with a code that is a text', { ResponseStatusObject: status('1', ' 0') }],
    ['a list under its other name', { ResponseStatusList: { ResponseStatusObject: [status('1', '0')] } }],
    ['one behind a byte order mark', `\ufeff${JSON.stringify(list(status('1', 0)))}`],
  ])('is read as %s', (_name, said) => {
    expect(readStatuses(bytes(said))).toEqual([{ id: '1', code: 0, words: '', localTime: '20261128233000' }]);
  });

  it.each([
    '',
    'null',
    '[]',
    '{',
    '<html>',
    '{"ResponseStatusObject":{"StatusCode":"x"}}',
    '{"ResponseStatusListObject":7}',
  ])('that says nothing is none: %s', (said) => expect(readStatuses(bytes(said))).toEqual([]));

  it('is of the object that it names, and, where it names none of ours, the worst that it says', () => {
    const said = bytes(list(status('a', 0), status('b', 6, 'no'), status('c', 0)));
    expect(statusFor(said, 'a')?.code).toBe(0);
    expect(statusFor(said, 'b')?.words).toBe('no');
    expect(statusFor(said, 'z')?.code).toBe(6);
  });

  it('whatever comes, is read without a throw, and is no more than so much', () => {
    const json = fc.json({ maxDepth: 6 });
    const near = fc.record({ ResponseStatusListObject: fc.record({ ResponseStatusObject: fc.anything() }) });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }),
          json.map(bytes),
          near.map((one) => bytes(JSON.stringify(one) ?? '')),
        ),
        (raw) => {
          for (const { code, words } of readStatuses(Buffer.from(raw))) {
            expect(Number.isSafeInteger(code)).toBe(true);
            expect(words.length).toBeLessThanOrEqual(200);
          }
          readSystemTime(Buffer.from(raw));
          const answer = answerOf({ status: 200, headers: {}, body: Buffer.from(raw) }, 'id');
          expect(['taken', 'busy', 'too-large', 'refused']).toContain(answer.is);
        },
      ),
    );
    expect(readStatuses(bytes(list(...Array.from({ length: 5000 }, () => status('a', 0)))))).toHaveLength(
      100,
    );
  });
});

describe('in the words of the engine, an object', () => {
  it.each([
    [0, 'taken'],
    [1, 'refused'],
    [2, 'busy'],
    [3, 'busy'],
    [4, 'refused'],
    [5, 'too-large'],
    [6, 'too-large'],
    [7, 'busy'],
    [99, 'refused'],
    [-1, 'refused'],
  ])('with the StatusCode %i is %s', (code, is) => {
    const answer = answerOf({ status: 200, headers: {}, body: bytes(list(status('x', code, 'why'))) }, 'x');
    expect(answer.is).toBe(is);
    if (answer.is !== 'taken') expect(answer.reason).toBe(`StatusCode ${code} why`);
  });

  it.each([
    [403, 'forbidden'],
    [404, 'forbidden'],
    [405, 'forbidden'],
    [413, 'too-large'],
    [429, 'busy'],
    [503, 'busy'],
    [500, 'refused'],
    [400, 'refused'],
  ])('with HTTP %i is %s, though its body says 0', (code, is) => {
    const body = bytes(list(status('x', 0)));
    expect(answerOf({ status: code, headers: {}, body }, 'x')).toEqual({ is, reason: `HTTP ${code}`, code });
  });

  it('that is wrong in itself is held alone, though HTTP says so too', () => {
    const body = bytes(list(status('x', 6, 'no FaceID')));
    expect(answerOf({ status: 400, headers: {}, body }, 'x')).toEqual({
      is: 'too-large',
      reason: 'HTTP 400 StatusCode 6 no FaceID',
      code: 400,
    });
  });

  it('of which HTTP 200 says nothing is not stored', () => {
    expect(answerOf({ status: 200, headers: {}, body: Buffer.alloc(0) }, 'x').is).toBe('refused');
  });
});

describe('a time', () => {
  it.each([
    ['20261128233000', '2026-11-28T23:30:00'],
    ['2026-11-28 23:30:00', '2026-11-28T23:30:00'],
    ['2026-11-28T23:30:00.123', '2026-11-28T23:30:00'],
    ['Sat', undefined],
    ['', undefined],
  ])('%s is read', (said, wanted) => expect(readTime(said)).toBe(wanted));

  it('of the system stands in its object', () => {
    const time = {
      SystemTimeObject: { VIIDServerID: '1', TimeMode: '1', LocalTime: '20261128233000', TimeZone: '' },
    };
    expect(readSystemTime(bytes(time))).toBe('2026-11-28T23:30:00');
    expect(readSystemTime(bytes({ LocalTime: '20261128233000' }))).toBeUndefined();
  });
});
