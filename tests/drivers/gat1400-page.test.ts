/** docs/platform-gat1400.md: its table of answers is what is done. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { answerOf } from '../../drivers/platforms/gat1400/transport.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/platform-gat1400.md'), 'utf8');

it('the answers of the page are those of the engine', () => {
  const row = (words: string) => page.split('\n').find((line) => line.endsWith(`| ${words} |`)) ?? '';
  const codes = (line: string, of: string) =>
    (new RegExp(`${of} ((?:\\d+(?:, )?)+)`).exec(line)?.[1] ?? '').split(', ').map(Number);
  const byStatusCode = (code: number) =>
    answerOf(
      {
        status: 200,
        headers: {},
        body: Buffer.from(JSON.stringify({ ResponseStatusObject: { Id: 'x', StatusCode: code } })),
      },
      'x',
    ).is;
  const byHttp = (status: number) => answerOf({ status, headers: {}, body: Buffer.alloc(0) }, 'x').is;
  const later = row('later: the lane waits 1 s to 1 min (5 s for alarms)');
  expect(codes(later, 'StatusCode').map(byStatusCode)).toEqual(['busy', 'busy', 'busy']);
  expect(codes(later, 'HTTP').map(byHttp)).toEqual(['busy', 'busy', 'busy', 'busy']);
  const alone = row('this object is held and tried again now and then; the next ones go on');
  expect(codes(alone, 'StatusCode').map(byStatusCode)).toEqual(['too-large', 'too-large']);
  expect(codes(alone, 'HTTP').map(byHttp)).toEqual(['too-large']);
  expect(codes(row('the path is held (`/VIID/Persons`), the others go on'), 'HTTP').map(byHttp)).toEqual([
    'forbidden',
    'forbidden',
    'forbidden',
  ]);
});
