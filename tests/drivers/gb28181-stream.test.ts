/** The program stream and its packets: by the tables of ISO/IEC 13818-1 and RFC 3550, read by a reader of our own hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Unit } from '../../drivers/contract/media.ts';
import { crc32, createMuxer } from '../../drivers/platforms/gb28181/stream/ps.ts';
import { createPacketizer } from '../../drivers/platforms/gb28181/stream/rtp.ts';
import { payloadOf, readPs } from './ps-reader.ts';

const video = (bytes: Buffer, dts: number, more: object = {}) =>
  ({ kind: 'video', codec: 'h264', bytes, pts: dts, dts, isKey: false, ...more }) as Unit;
const sound = (bytes: Buffer, pts: number): Unit => ({ kind: 'audio', codec: 'g711a', bytes, pts });
const [h264, g711a] = [0x1b, 0x90];

describe('a program stream', () => {
  it('has the CRC of the standard', () => {
    // The check value of CRC-32/MPEG-2.
    expect(crc32(Buffer.from('123456789'))).toBe(0x0376e6e7);
  });

  it('begins as the tables 2-39, 2-40, 2-41 and 2-21 have it', () => {
    const { bytes } = createMuxer()(video(Buffer.from('00000001650102', 'hex'), 0, { isKey: true }));
    const hex = bytes.toString('hex');
    // The clock 0; 60,000 times 50 bytes a second; no stuffing.
    expect(hex).toMatch(/^000001ba44000400040103a983f8/);
    // One video of up to 4 MiB, no sound.
    expect(hex).toContain('000001bb000981d4c100217fe0f000');
    // Version 0: H.264 is stream e0.
    expect(hex).toContain('000001bc000ee0ff000000041be00000');
    // 15 bytes follow: aligned, with a PTS of 9000.
    expect(hex).toMatch(/000001e0000f848005210001465100000001650102$/);
    expect(readPs(bytes)).toMatchObject([
      { scr: 0, hasSystemHeader: true, mapVersion: 0, pes: [{ id: 0xe0, pts: 9000, dts: 9000 }] },
    ]);
  });

  it('has its map at each key picture and where it changes, and there only', () => {
    const mux = createMuxer();
    const bytes = Buffer.alloc(20, 7);
    const units = [
      video(bytes, 0, { isKey: true }),
      video(bytes, 3600),
      sound(bytes, 3700),
      sound(bytes, 7300),
      video(bytes, 7200),
      video(bytes, 10_800, { isKey: true }),
      video(bytes, 14_400, { isKey: true, codec: 'h265' }),
    ];
    const packs = readPs(Buffer.concat(units.map((unit) => mux(unit).bytes)));
    expect(packs.map(({ mapVersion }) => mapVersion)).toEqual([0, undefined, 1, undefined, undefined, 1, 2]);
    expect([...(packs[2]?.map ?? [])]).toEqual([
      [0xe0, h264],
      [0xc0, g711a],
    ]);
    expect(packs.at(-1)?.map?.get(0xe0)).toBe(0x24);
    // Sound that is late beside a picture does not turn the clock back.
    const clocks = packs.map(({ scr }) => scr);
    expect(clocks).toEqual([0, 3600, 3700, 7300, 7301, 10_800, 14_400]);
  });

  it('tells when a picture is shown, and when it is decoded where that is another time', () => {
    const [pack] = readPs(createMuxer()(video(Buffer.alloc(5), 3600, { pts: 10_800 })).bytes);
    expect(pack?.pes).toMatchObject([{ pts: 19_800, dts: 12_600 }]);
  });

  it('goes on after 26 hours, when its clock begins anew', () => {
    const [pack] = readPs(createMuxer()(video(Buffer.alloc(5), 2 ** 33 - 4500)).bytes);
    expect(pack).toMatchObject({ scr: 2 ** 33 - 4500, pes: [{ pts: 4500 }] });
  });

  it.each([65_522, 65_523, 65_532, 65_533, 131_054, 131_055, 131_056, 1_000_000])(
    'parts a picture of %i bytes where a PES would be too long',
    (length) => {
      const bytes = Buffer.alloc(length).map((_, i) => i % 251);
      const packs = readPs(createMuxer()(video(Buffer.from(bytes), 0, { isKey: true })).bytes);
      expect(payloadOf(packs, 0xe0).equals(bytes)).toBe(true);
      // 65,535 less three bytes of flags and, in the first, its time.
      expect(packs[0]?.pes.length).toBe(1 + Math.ceil(Math.max(0, length - 65_527) / 65_532));
      expect(packs[0]?.pes.slice(1).every(({ pts }) => pts === undefined)).toBe(true);
    },
  );

  const times = fc.integer({ min: 0, max: 2 ** 34 });
  const bytes = fc.uint8Array({ maxLength: 400 }).map((one) => Buffer.from(one));
  const unit = fc.oneof(
    fc
      .tuple(bytes, times, fc.boolean(), fc.constantFrom('h264', 'h265'))
      .map(([one, dts, isKey, codec]) => video(one, dts, { isKey, codec })),
    fc.tuple(bytes, times).map(([one, pts]) => sound(one, pts)),
  );

  it('has each byte that went in, whatever units come', () => {
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 20 }), (units) => {
        const mux = createMuxer();
        const packs = readPs(Buffer.concat(units.map((one) => mux(one).bytes)));
        expect(packs).toHaveLength(units.length);
        for (const [kind, id] of [
          ['video', 0xe0],
          ['audio', 0xc0],
        ] as const) {
          const of = units.filter((one) => one.kind === kind).map((one) => one.bytes);
          expect(payloadOf(packs, id).equals(Buffer.concat(of))).toBe(true);
        }
      }),
    );
  });
});

describe('RTP', () => {
  const own = { ssrc: 0xfedcba98, payloadType: 96, sequence: 65_535, offset: 2 ** 32 - 1 };

  it('has the header of RFC 3550, one time a pack, the marker at its end, and 16 bits of sequence', () => {
    const pack = createPacketizer({ ...own, isFramed: false });
    const { list } = pack(Buffer.alloc(1288 + 1, 5), 3600);
    expect(list.map((one) => one.subarray(0, 12).toString('hex'))).toEqual([
      '8060ffff00000e0ffedcba98',
      '80e0000000000e0ffedcba98',
    ]);
    expect(list.map(({ length }) => length)).toEqual([1300, 13]);
    const [next] = pack(Buffer.from('x'), 7200).list;
    expect(next?.toString('hex')).toBe('80e0000100001c1ffedcba9878');
  });

  it('stands behind its length on a connection (RFC 4571)', () => {
    const pack = createPacketizer({ ...own, isFramed: true });
    const { bytes, list } = pack(Buffer.alloc(1288 + 1, 5), 0);
    expect(bytes.equals(Buffer.concat(list))).toBe(true);
    expect(bytes.readUInt16BE(0)).toBe(1300);
    expect(bytes.readUInt16BE(2 + 1300)).toBe(13);
    expect(bytes.length).toBe(2 + 1300 + 2 + 13);
  });

  it('has each byte of a pack once', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), fc.nat(2 ** 34), (bytes, time) => {
        const { list } = createPacketizer({ ...own, isFramed: false })(Buffer.from(bytes), time);
        expect(Buffer.concat(list.map((one) => one.subarray(12))).equals(bytes)).toBe(true);
        expect(list.map((one) => (one[1] as number) >> 7).join('')).toMatch(/^0*1$/);
      }),
    );
  });
});
