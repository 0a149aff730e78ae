/** What a simulated platform makes of a stream that was packed by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Picture, psReader } from '../../simulators/gb28181/ps.ts';
import { frameSplitter, rtpReader } from '../../simulators/gb28181/rtp.ts';
import { packets, packPicture, packSound, picture } from './gb28181-gateway.ts';

function readInto() {
  const pictures: Picture[] = [];
  return { pictures, ps: psReader((one) => pictures.push(one)) };
}
const key = (pts: number, size?: number, type?: number) =>
  packPicture({ bytes: picture(true, size), isKey: true, pts, ...(type !== undefined && { type }) });
const other = (pts: number) => packPicture({ bytes: picture(false), isKey: false, pts });

describe('a program stream', () => {
  it('has pictures, key pictures, sound and codecs, however it is cut', () => {
    const whole = Buffer.concat([
      ...[key(3600), packSound(Buffer.alloc(320), 3600), other(7200), other(10_800), key(14_400)],
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), (cut) => {
        const { pictures, ps } = readInto();
        for (let at = 0; at < whole.length; at += cut) ps.push(whole.subarray(at, at + cut));
        ps.endPicture();
        expect(pictures.map(({ isKey, pts, isWhole }) => [isKey, pts, isWhole])).toEqual([
          ...[
            [true, 3600, true],
            [false, 7200, true],
            [false, 10_800, true],
            [true, 14_400, true],
          ],
        ]);
        expect(ps.seen).toMatchObject({
          ...{ pictures: 4, keys: 2, sounds: 1, video: 'H.264', audio: 'G.711A', strange: 0 },
        });
      }),
    );
  });

  it('tells large times and pictures of more than one packet', () => {
    const { pictures, ps } = readInto();
    const pts = 2 ** 32 + 12_345;
    ps.push(key(pts, 200_000));
    ps.endPicture();
    expect(pictures).toEqual([{ isKey: true, pts, isWhole: true, bytes: picture(true, 200_000).length }]);
  });

  it('is told H.265 by its map', () => {
    const { pictures, ps } = readInto();
    // A video parameter set and an IDR_W_RADL (ITU-T H.265, table 7-1: 32 and 19).
    const bytes = Buffer.concat([Buffer.from('00000001400100000001260155', 'hex'), Buffer.alloc(100, 0x5a)]);
    ps.push(packPicture({ bytes, isKey: true, pts: 1, type: 0x24 }));
    ps.endPicture();
    expect(ps.seen).toMatchObject({ video: 'H.265', keys: 1 });
    expect(pictures[0]?.isKey).toBe(true);
  });

  it('goes on with the next pack after a loss; the picture that lost something is not whole', () => {
    const { pictures, ps } = readInto();
    const first = key(3600, 100_000);
    ps.push(first.subarray(0, 70_000));
    ps.lost();
    ps.push(first.subarray(71_400));
    ps.endPicture();
    ps.push(other(7200));
    ps.push(key(10_800));
    ps.endPicture();
    expect(pictures.map(({ pts, isWhole }) => [pts, isWhole])).toEqual([
      ...[
        [3600, false],
        [7200, true],
        [10_800, true],
      ],
    ]);
  });

  it('is looked for in whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
        const { ps } = readInto();
        for (const chunk of chunks) ps.push(Buffer.from(chunk));
        ps.lost();
        const { keys } = ps.seen;
        ps.push(key(3600));
        ps.endPicture();
        expect(ps.seen.keys).toBe(keys + 1);
      }),
    );
  });
});

describe('RTP', () => {
  const all = (from = 65_530) => packets(Buffer.alloc(20 * 1400, 7), from, 90);
  const lengthOf = (payloads: readonly { bytes: Buffer }[]) =>
    payloads.reduce((sum, { bytes }) => sum + bytes.length, 0);

  it('is put in order over the end of its numbers, and twice counts once', () => {
    const rtp = rtpReader();
    const [first, second, third, ...rest] = all() as [Buffer, Buffer, Buffer];
    const out = [first, third, third, second, ...rest, second].flatMap((one) => [...rtp.push(one)]);
    expect(lengthOf(out)).toBe(20 * 1400);
    expect(out.at(-1)?.isLast).toBe(true);
    expect(rtp.counts).toEqual({ packets: 22, lost: 0, late: 2, other: 0 });
  });

  it('says what is lost once so many others came, or at the end', () => {
    const long = packets(Buffer.alloc(200 * 1400), 10, 90);
    const rtp = rtpReader();
    const out = long
      .filter((_, at) => at !== 5 && at !== 6 && at !== 198)
      .flatMap((one) => [...rtp.push(one)]);
    expect(out.find(({ lost }) => lost > 0)?.lost).toBe(2);
    expect(rtp.rest().map(({ lost }) => lost)).toEqual([1]);
    expect(rtp.counts.lost).toBe(3);
  });

  it('leaves out list, extension and padding (RFC 3550, 5.1 and 5.3.1)', () => {
    const rtp = rtpReader();
    const packet = Buffer.from(
      `b1e00001${'00000000'}00000009${'0000000a'}${'bede0001aabbccdd'}${'01020304'}000003`,
      'hex',
    );
    expect(rtp.push(packet)).toEqual([{ bytes: Buffer.of(1, 2, 3, 4), isLast: true, lost: 0 }]);
    expect(rtp.ssrc).toBe(9);
  });

  it('is parted by two bytes of length however a connection cuts it, and whatever comes', () => {
    const sent = [Buffer.alloc(3, 1), Buffer.alloc(0), Buffer.alloc(65_535, 2), Buffer.alloc(700, 3)];
    const whole = Buffer.concat(
      sent.map((one) => Buffer.concat([Buffer.of(one.length >> 8, one.length & 0xff), one])),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70_000 }), (cut) => {
        const split = frameSplitter();
        const got: Buffer[] = [];
        for (let at = 0; at < whole.length; at += cut) got.push(...split(whole.subarray(at, at + cut)));
        expect(got.map(({ length }) => length)).toEqual([3, 0, 65_535, 700]);
      }),
      { numRuns: 20 },
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const rtp = rtpReader();
        rtp.push(Buffer.from(bytes));
        rtp.rest();
      }),
    );
  });
});
