/** Frames that others wrote: OSDP.Net's tests, readers in the logs of public issues, a session with libosdp 3.2. */
import { describe, expect, it } from 'vitest';
import { wiegandFormats } from '../../drivers/bits.ts';
import { encodeOsdp, type OsdpFrame, osdpDecoder } from '../../drivers/osdp/codec.ts';
import { checksOf, idOf, keysOf, knowsSecureChannel, lacksOf, rawOf } from '../../drivers/osdp/data.ts';
import { secureChannel, sessionKeys } from '../../drivers/osdp/secure.ts';
import { frames } from './decoding.ts';

const hex = (text: string) => Buffer.from(text.replace(/[ -]/g, ''), 'hex');
/** One frame, and nothing else in it. */
function read(text: string): OsdpFrame {
  const decoder = osdpDecoder();
  const decoded = decoder.push(hex(text));
  expect(decoder.silence()).toEqual([]);
  expect(decoded).toHaveLength(1);
  return frames(decoded)[0] as OsdpFrame;
}

describe('what OSDP.Net sends (CommandOutgoingMessageTest), we send', () => {
  const zeros = Buffer.alloc(16);
  // Number 2 to the address 0: with a CRC, with a checksum, and in a session whose keys and last MAC are zeros.
  it.each([
    ['POLL', 0x60, '', '530008000660 89CC', '530007000260 44', '53000E000E021560 4B327677 73B6'],
    ['LSTAT', 0x64, '', '530008000664 0D8C', '530007000264 40', '53000E000E021564 6F63246F D050'],
    ['ISTAT', 0x65, '', '530008000665 2C9C', '530007000265 3F', '53000E000E021565 460E3D4E 2A6A'],
    [
      'ID',
      0x61,
      '00',
      '53000900066100 A008',
      '53000800026100 42',
      '53001E000E021761 D14EB7AD982CC5F9AA25318A7EAED626 9AE99573 1983',
    ],
    [
      'CAP',
      0x62,
      '00',
      '53000900066200 F35D',
      '53000800026200 41',
      '53001E000E021762 D14EB7AD982CC5F9AA25318A7EAED626 0F6A2AA7 3870',
    ],
    [
      'COMSET',
      0x6e,
      '0180250000',
      '53000D00066E0180250000 EC7B',
      '53000C00026E0180250000 8B',
      '53001E000E02176E ACA3C2FFE4D9E599CD771B8EF3D13F23 FAAB634E 0895',
    ],
    [
      'OUT, two of them',
      0x68,
      '0003640001067800',
      '5300100006680003640001067800 0B5B',
      '53000F0002680003640001067800 4E',
      '53001E000E021768 F7EFA0D4764A4E29267596F216D8A9E8 C5887608 B908',
    ],
    [
      'KEYSET',
      0x75,
      '011000010203040506070001020304050607',
      '53001A000675011000010203040506070001020304050607 CFA3',
      '530019000275011000010203040506070001020304050607 D4',
      '53002E000E021775 F0DDEC9A0ED8CE4C80BAF5D55C18436F9189FD66C9F223DC041486D83357DF98 6C1D4BC2 B2F2',
    ],
  ])('%s', (_name, code, data, withCrc, withChecksum, sealed) => {
    const frame = { address: 0, reply: false, sequence: 2, code, data: hex(data) };
    expect(encodeOsdp({ ...frame, crc: true })).toEqual(hex(withCrc));
    expect(encodeOsdp({ ...frame, crc: false })).toEqual(hex(withChecksum));
    const channel = secureChannel({ enc: zeros, mac1: zeros, mac2: zeros }, zeros);
    expect(encodeOsdp(channel.seal({ ...frame, crc: true }))).toEqual(hex(sealed));
  });
});

describe('what readers said', () => {
  it('an ACK, off the wire (OSDP.Net, ReplyTest)', () => {
    expect(read('53 80 08 00 05 40 68 9f')).toMatchObject({
      address: 0,
      reply: true,
      sequence: 1,
      code: 0x40,
    });
  });

  it.each([
    // libosdp issues 274 and 244; OSDP.Net, PacketDecodingTest.
    ['53 81 14 00 04 45 18 68 CB 00 00 68 44 96 B7 02 01 00 F4 0C', '1868cb', '0.0', '684496b7', '2.1.0'],
    ['53 80 14 00 04 45 16 42 68 00 0c 4c 8f bc f4 02 0a 02 c6 4c', '164268', '0.12', '4c8fbcf4', '2.10.2'],
    ['53-80-14-00-06-45-00-0E-E3-10-10-00-00-74-97-23-06-06-1B-88', '000ee3', '16.16', '00007497', '35.6.6'],
  ])('who it is: %s', (bytes, vendor, model, serial, firmware) => {
    expect(idOf(read(bytes).data)).toEqual({ vendor, model, serial, firmware });
  });

  it('what it can (libosdp issue 244; OSDP.Net, a Brivo keypad)', () => {
    const reader = read(
      '53 80 23 00 05 46 01 01 06 02 01 01 03 00 00 04 00 00 05 00 00 06 00 00 07 00 00 08 01 00 09 01 01 19 13',
    ).data;
    expect([checksOf(reader), knowsSecureChannel(reader)]).toEqual([1, true]);
    // No LED, no buzzer, no text.
    expect([...lacksOf(reader)].sort()).toEqual([0x69, 0x6a, 0x6b]);
    const brivo = Buffer.from([
      ...[3, 1, 1, 4, 4, 1, 5, 2, 1, 6, 0, 0, 7, 0, 0, 8, 1, 0, 9, 1, 1],
      ...[10, 194, 1, 14, 0, 0, 15, 0, 0, 16, 1, 0],
    ]);
    expect([checksOf(brivo), knowsSecureChannel(brivo)]).toEqual([1, true]);
    expect([...lacksOf(brivo)]).toEqual([0x6b]);
  });

  it('a key (libosdp issue 86), a status after a restart and a refusal (HID RPK40, libosdp issue 22)', () => {
    const key = read('FF FF 53 81 0B 00 06 53 00 01 34 95 62');
    expect([key.code, keysOf(key.data)]).toEqual([0x53, '4']);
    expect(read('ff 53 98 0a 00 07 48 00 00 24 8e')).toMatchObject({ code: 0x48, data: Buffer.of(0, 0) });
    expect(read('ff 53 98 09 00 06 41 01 81 dd')).toMatchObject({ code: 0x41, data: Buffer.of(1) });
  });
});

/** What went over the line to and from a reader made of libosdp 3.2.0 (45d03d8), address 5, SCBK 00 to 0F. */
describe('a session with libosdp', () => {
  const scbk = hex('000102030405060708090a0b0c0d0e0f');
  const hostRandom = hex('73e32e9f4492ec99');
  const rmacI = hex('d08780623e6217d2efe775e32c2fae8b');
  const exchanges = [
    [
      '53 05 1e 00 0f 02 17 61 a7 56 f2 11 4c 9a d5 27 ed e6 ca af 07 c0 5f 97 97 78 52 b7 7a a9',
      '53 85 1e 00 0f 02 18 45 eb 6d 4f 74 10 c5 ac 1d d0 15 a9 f7 a1 b9 ca 9c 63 34 ef aa 6b 24',
    ],
    [
      '53 05 1e 00 0d 02 17 62 1a 1b 5e 19 9d 92 43 e1 22 f8 d7 4a d1 95 44 70 88 a5 3d 69 62 96',
      '53 85 2e 00 0d 02 18 46 ef cd 35 62 dc d5 2d b3 7e 85 b4 60 cd 02 d4 68 d9 8a 78 ed f3 0e 00 8e e6 d5 40 75 3d 3d e2 3f 5c 5b 21 65 62 fe',
    ],
    // The status under 15, with its data in clear.
    ['53 05 0e 00 0e 02 15 64 4f a2 86 d6 b9 b2', '53 85 10 00 0e 02 15 48 00 00 9b a6 02 d5 01 26'],
  ] as const;

  it('is understood, its status under 15 too, and its MACs are of both directions', () => {
    const keys = sessionKeys(scbk, hostRandom);
    const ours = secureChannel(keys, rmacI);
    const said = exchanges.map(([question, answer]) => {
      const { code } = read(question);
      const sealed = ours.seal({
        ...{ address: 5, reply: false, crc: true, sequence: read(question).sequence, code },
        data: code === 0x64 ? Buffer.alloc(0) : Buffer.of(0),
      });
      // libosdp took it: the MAC of its answer goes on from that of ours.
      expect(encodeOsdp(sealed)).toEqual(hex(question));
      return ours.open(read(answer))?.data;
    });
    expect(idOf(said[0] ?? Buffer.alloc(0))).toMatchObject({ model: '153.1', serial: '04030201' });
    expect(checksOf(said[1] ?? Buffer.alloc(0))).toBe(1);
    expect(said[2]).toEqual(Buffer.of(0, 0));
  });

  it('is not believed with a bit changed, or with our own words for its', () => {
    const open = (answer: Buffer) => {
      const channel = secureChannel(sessionKeys(scbk, hostRandom), rmacI);
      channel.seal({ address: 5, reply: false, crc: true, sequence: 3, code: 0x61, data: Buffer.of(0) });
      return frames(osdpDecoder().push(answer)).map((frame) => channel.open(frame))[0];
    };
    const [question, answer] = exchanges[0];
    expect(open(hex(answer))).toBeDefined();
    for (const at of [7, 12, 24, 27]) {
      const frame = read(answer);
      const data = Buffer.from(frame.data);
      const mac = Buffer.from(frame.mac ?? []);
      if (at < 24) data[at - 7] = (data[at - 7] ?? 0) ^ 1;
      else mac[at - 24] = (mac[at - 24] ?? 0) ^ 1;
      expect(open(encodeOsdp({ ...frame, data, mac }))).toBeUndefined();
    }
    expect(open(encodeOsdp({ ...read(question), reply: true }))).toBeUndefined();
  });

  it('shows a card as a Wiegand card', () => {
    // What libosdp makes of 26 bits, 80 80 02 C0.
    expect(rawOf(hex('00 01 1a 00 80 80 02 c0'), wiegandFormats().parse(undefined))).toEqual({
      frame: { format: 'wiegand26', facility: 1, number: '5' },
    });
  });
});
