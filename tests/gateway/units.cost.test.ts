/** What it costs to read a fragment and a table, whatever stands in them. */
import { it } from 'vitest';
import { placesIn } from '../../gateway/media/table.ts';
import { unitReader } from '../../gateway/media/units.ts';
import { expectLinear } from '../linear.ts';
import { AVCC, box, counted, hex, SPS, trak, videoEntry, words } from './boxes.ts';

const moov = box('moov', trak(1, 90_000, videoEntry('avc1', AVCC)));
const units = (fragment: Buffer) => unitReader(moov).units(fragment);
const times = (count: number, one: Buffer) => Buffer.concat(Array<Buffer>(Math.floor(count)).fill(one));
const traf = (...runs: readonly Buffer[]) =>
  box('moof', box('traf', box('tfhd', words(0x020030, 1, 5, 0)), ...runs));

it.each<[string, (bytes: number) => Buffer]>([
  [
    'one picture of NAL units of a byte',
    (bytes) => {
      const mdat = box('mdat', times(bytes / 5, counted(hex('41'))));
      return Buffer.concat([traf(box('trun', words(0x000201, 1, 56 + 24, mdat.length - 8))), mdat]);
    },
  ],
  [
    'a key picture of sets',
    (bytes) => {
      const mdat = box('mdat', times(bytes / 8, counted(SPS)));
      return Buffer.concat([traf(box('trun', words(0x000201, 1, 56 + 24, mdat.length - 8))), mdat]);
    },
  ],
  [
    'runs of all of it again and again',
    (bytes) => traf(times(bytes / 20, box('trun', words(1, bytes / 5, 0)))),
  ],
  ['empty boxes', (bytes) => box('moof', times(bytes / 8, box('traf')))],
])('a fragment: %s', (_what, input) => {
  expectLinear(units, input);
});

it.each<[string, (bytes: number) => Buffer]>([
  [
    'many chunks of nothing',
    (bytes) => {
      const n = Math.floor(bytes / 4);
      return Buffer.concat([
        ...[box('stsz', words(0, 1, 9)), box('stts', words(0, 1, 9, 1)), box('stsc', words(0, 1, 1, 0, 1))],
        box('stco', words(0, n), Buffer.alloc(4 * n)),
      ]);
    },
  ],
  [
    'many runs of samples',
    (bytes) => {
      const n = Math.floor(bytes / 12);
      return Buffer.concat([
        ...[box('stsz', words(0, 1, 99_999)), box('stts', words(0, n), times(n, words(99_999, 1)))],
        ...[box('stsc', words(0, 1, 1, 99_999, 1)), box('stco', words(0, 1, 8))],
      ]);
    },
  ],
])('a table: %s', (_what, input) => {
  expectLinear(placesIn, input);
});
