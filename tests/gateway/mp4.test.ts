import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Fragment, fragmentReader, type Head } from '../../gateway/media/mp4.ts';
import { box, hex } from './boxes.ts';

const moov = (entry: Buffer) =>
  box(
    'moov',
    box('mvhd', Buffer.alloc(4)),
    box(
      'trak',
      box('tkhd', Buffer.alloc(4)),
      box('mdia', box('minf', box('stbl', box('stsd', hex('00000000 00000001'), entry)))),
    ),
  );
const avc = box('avc1', Buffer.alloc(78), box('avcC', hex('01 42c01e ff e1')));
// ISO/IEC 14496-15, E.3: the example hev1.1.6.L93.B0.
const hevc = box('hev1', Buffer.alloc(78), box('hvcC', hex('01 01 60000000 b00000000000 5d f000')));
/** A fragment whose first sample has these flags (ISO/IEC 14496-12, 8.8.3.1), told in one of three places. */
const moof = (flags: number, where: 'first' | 'sample' | 'default') => {
  const word = Buffer.alloc(4);
  word.writeUInt32BE(flags, 0);
  const tfhd =
    where === 'default'
      ? box('tfhd', hex('00 020020 00000001'), word)
      : box('tfhd', hex('00 020000 00000001'));
  const trun = {
    first: box('trun', hex('00 000005 00000001 00000064'), word),
    sample: box('trun', hex('00 000701 00000001 00000064 00000bb8 00000010'), word),
    default: box('trun', hex('00 000001 00000001 00000064')),
  }[where];
  return box('moof', box('mfhd', Buffer.alloc(8)), box('traf', tfhd, trun));
};
const KEY = 0x0200_0000;
const NO_KEY = 0x0101_0000;
const mdat = (byte: number) => box('mdat', Buffer.alloc(9, byte));

function read(chunks: readonly Buffer[]) {
  const heads: Head[] = [];
  const fragments: Fragment[] = [];
  const reader = fragmentReader({ head: (one) => heads.push(one), fragment: (one) => fragments.push(one) });
  for (const chunk of chunks) reader.push(chunk);
  return { heads, fragments };
}

describe('fragmented MP4', () => {
  it('is cut into its head and its fragments, whatever the chunks', () => {
    const head = Buffer.concat([box('ftyp', Buffer.from('iso5')), moov(avc)]);
    const parts = [
      Buffer.concat([moof(KEY, 'first'), mdat(1)]),
      Buffer.concat([moof(NO_KEY, 'sample'), mdat(2)]),
      Buffer.concat([moof(KEY, 'sample'), mdat(3)]),
      Buffer.concat([moof(NO_KEY, 'default'), mdat(4)]),
      Buffer.concat([moof(KEY, 'default'), mdat(5)]),
    ];
    const wire = Buffer.concat([head, box('free', Buffer.alloc(3)), ...parts]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 })), (sizes) => {
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(wire.subarray(at, at + size));
          at += size;
        }
        const { heads, fragments } = read([...chunks, wire.subarray(at)]);
        expect(heads).toEqual([{ bytes: head, codec: 'avc1.42C01E' }]);
        expect(fragments.map(({ bytes }) => bytes)).toEqual(parts);
        expect(fragments.map(({ isKey }) => isKey)).toEqual([true, false, true, false, true]);
      }),
    );
  });

  it('names H.265 as browsers want it, and nothing where they could not play it', () => {
    expect(read([moov(hevc)]).heads[0]?.codec).toBe('hev1.1.6.L93.B0');
    expect(read([moov(box('mp4v', Buffer.alloc(90)))]).heads[0]?.codec).toBeUndefined();
  });

  it('that is none is an error with a sentence, and nothing worse', () => {
    expect(() => read([Buffer.from('RTSP/1.0 200 OK')])).toThrow('no MP4');
    // A box that is too short for what its flags promise.
    const short = box('moof', box('traf', box('tfhd', hex('00 020000')), box('trun', hex('00 000004'))));
    expect(() => read([short, mdat(1)])).toThrow('no MP4');
    const whole = Buffer.concat([box('ftyp'), moov(avc), moof(KEY, 'first'), mdat(1)]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255))),
        fc.uint8Array(),
        (flips, tail) => {
          const broken = Buffer.concat([whole, tail]);
          for (const [at, byte] of flips) broken[at] = byte;
          try {
            read([broken]);
          } catch (error) {
            expect((error as Error).message).toContain('no MP4');
          }
        },
      ),
    );
  });
});
