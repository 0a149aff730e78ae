import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unitReader } from '../../gateway/media/units.ts';
import { runs } from '../fuzz.ts';
import { AVCC, box, counted, HVCC, hex, PPS, SETS_H265, SPS, trak, videoEntry, words } from './boxes.ts';

const START = hex('00000001');
const annexB = (...units: readonly Buffer[]) => Buffer.concat(units.flatMap((unit) => [START, unit]));
const [IDR, SLICE, DELIMITER, SEI] = [hex('65 8884'), hex('41 9a'), hex('09 f0'), hex('06 0504')];

const trex = (id: number, duration = 0, size = 0, flags = 0) =>
  box('trex', words(0, id, 1, duration, size, flags));
const head = (...traks: readonly Buffer[]) =>
  Buffer.concat([box('ftyp', Buffer.from('iso5')), box('moov', ...traks, box('mvex', trex(1), trex(2)))]);
const h264 = head(trak(1, 90_000, videoEntry('avc1', AVCC)));

/** Default-base-is-moof (8.8.7.1). */
const tfhd = (id: number) => box('tfhd', words(0x020000, id));
const KEY = 0x0200_0000;
const NO_KEY = 0x0101_0000;

/** A sample by its own fields: data-offset, duration, size, flags, composition offset (8.8.8.1: 0xf01). */
function fragment(
  samples: readonly { readonly bytes: Buffer; readonly flags?: number; readonly offset?: number }[],
  { time = words(0, 0), id = 1, duration = 3600 }: { time?: Buffer; id?: number; duration?: number } = {},
): Buffer {
  const moof = (offset: number) => {
    const each = samples.map(({ bytes, flags = KEY, offset: shown = 0 }) =>
      words(duration, bytes.length, flags, shown),
    );
    const trun = box('trun', words(0x01_000f01, samples.length, offset), ...each);
    return box(
      'moof',
      box('mfhd', words(0, 1)),
      box('traf', tfhd(id), box('tfdt', words(0x01_000000), time), trun),
    );
  };
  const data = box('mdat', ...samples.map(({ bytes }) => bytes));
  return Buffer.concat([moof(moof(0).length + 8), data]);
}
const unitsOf = (from: Buffer, ...fragments: readonly Buffer[]) => {
  const reader = unitReader(from);
  return fragments.flatMap((one) => reader.units(one));
};

describe('a fragment of pictures', () => {
  it('is read into Annex B, the parameter sets before a key picture, with times of 90 kHz', () => {
    const head25 = head(trak(1, 12_800, videoEntry('avc1', AVCC)));
    const one = fragment(
      [
        { bytes: counted(IDR), offset: 1024 },
        { bytes: Buffer.concat([counted(SEI), counted(SLICE)]), flags: NO_KEY, offset: -512 },
      ],
      { time: words(0, 12_800), duration: 512 },
    );
    expect(unitsOf(head25, one)).toEqual([
      { kind: 'video', codec: 'h264', bytes: annexB(SPS, PPS, IDR), dts: 90_000, pts: 97_200, isKey: true },
      { kind: 'video', codec: 'h264', bytes: annexB(SEI, SLICE), dts: 93_600, pts: 90_000, isKey: false },
    ]);
  });

  it('has its delimiter first, and each set once', () => {
    const key = Buffer.concat([DELIMITER, SPS, PPS, SEI, IDR].map(counted));
    expect(unitsOf(h264, fragment([{ bytes: key }]))[0]?.bytes).toEqual(
      annexB(DELIMITER, SPS, PPS, SEI, IDR),
    );
    const bare = Buffer.concat([DELIMITER, IDR].map(counted));
    expect(unitsOf(h264, fragment([{ bytes: bare }]))[0]?.bytes).toEqual(annexB(DELIMITER, SPS, PPS, IDR));
  });

  it('gets the sets that the camera sent last, once its options were changed', () => {
    const [other, picture] = [hex('67 64001f'), hex('68 ee3c80')];
    const changed = Buffer.concat([other, picture, IDR].map(counted));
    const units = unitsOf(h264, fragment([{ bytes: changed }]), fragment([{ bytes: counted(IDR) }]));
    expect(units.map(({ bytes }) => bytes)).toEqual([
      annexB(other, picture, IDR),
      annexB(other, picture, IDR),
    ]);
  });

  it.each(['hev1', 'hvc1'])('of H.265 as %s', (type) => {
    const idr = hex('2801 af');
    const from = head(trak(1, 90_000, videoEntry(type, HVCC)));
    expect(unitsOf(from, fragment([{ bytes: counted(idr) }]))).toEqual([
      { kind: 'video', codec: 'h265', bytes: annexB(...SETS_H265, idr), dts: 0, pts: 0, isKey: true },
    ]);
  });

  it('takes what it does not say from its track fragment, and then from its track', () => {
    const data = box('mdat', counted(IDR), counted(IDR));
    const size = counted(IDR).length;
    /** Data-offset and the flags of the first sample only (0x005). */
    const trun = (offset: number) => box('trun', words(0x000005, 2, offset, KEY));
    const read = (defaults: Buffer, track: Buffer) => {
      const moof = (offset: number) => box('moof', box('traf', defaults, trun(offset)));
      const from = box('moov', trak(7, 90_000, videoEntry('avc1', AVCC)), box('mvex', track));
      return unitsOf(from, Buffer.concat([moof(moof(0).length + 8), data]));
    };
    const expected = [
      { dts: 0, isKey: true },
      { dts: 3000, isKey: false },
    ];
    const own = box('tfhd', words(0x020038, 7, 3000, size, NO_KEY));
    expect(read(own, trex(7))).toMatchObject(expected);
    expect(read(tfhd(7), trex(7, 3000, size, NO_KEY))).toMatchObject(expected);
  });

  it('keeps times of 64 bits, and those of 32 in version 0', () => {
    const late = fragment([{ bytes: counted(IDR) }], { time: words(0x10, 0) });
    expect(unitsOf(h264, late)[0]).toMatchObject({ pts: 0x10_0000_0000 });
  });
});

describe('a fragment of sound', () => {
  const sound = head(trak(2, 8000, box('alaw', Buffer.alloc(28))));
  it('is read as it is', () => {
    const bytes = Buffer.alloc(160, 0xd5);
    const [unit] = unitsOf(sound, fragment([{ bytes }], { id: 2, time: words(0, 800) }));
    expect(unit).toEqual({ kind: 'audio', codec: 'g711a', bytes, pts: 9000 });
    expect([unitReader(sound).hasPictures, unitReader(h264).hasPictures]).toEqual([false, true]);
  });

  it('of a codec that is not known is left out, and so is a track that was never told', () => {
    const from = head(trak(1, 90_000, videoEntry('mp4v', box('esds'))));
    expect(unitReader(from).hasPictures).toBe(false);
    expect(unitsOf(from, fragment([{ bytes: counted(IDR) }]))).toEqual([]);
    expect(unitsOf(h264, fragment([{ bytes: counted(IDR) }], { id: 3 }))).toEqual([]);
  });
});

describe('nonsense', () => {
  it.each([
    ['a sample beyond the end', fragment([{ bytes: counted(IDR) }]).subarray(0, -1)],
    ['a NAL unit beyond its sample', fragment([{ bytes: hex('000000ff 65') }])],
    ['samples of nothing', fragment([{ bytes: Buffer.alloc(0) }])],
  ])('%s is told, and the next fragment is read', (_what, wrong) => {
    const reader = unitReader(h264);
    expect(() => reader.units(wrong)).toThrow('no MP4');
    expect(reader.units(fragment([{ bytes: counted(IDR) }]))).toHaveLength(1);
  });

  it('of any kind is an error with a sentence, or no unit', () => {
    const good = fragment([{ bytes: counted(IDR) }, { bytes: counted(SLICE), flags: NO_KEY }]);
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(flips, fc.boolean(), (changes, inHead) => {
        const [first, second] = [Buffer.from(h264), Buffer.from(good)];
        const target = inHead ? first : second;
        for (const [at, byte] of changes) target[at % target.length] = byte;
        try {
          const bytes = unitsOf(first, second).reduce((sum, unit) => sum + unit.bytes.length, 0);
          expect(bytes).toBeLessThan(10_000);
        } catch (error) {
          expect((error as Error).message).toContain('no MP4');
        }
      }),
      { numRuns: runs(500) },
    );
  });
});
