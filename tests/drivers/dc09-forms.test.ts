/** Frames as panels put them together, beside what the standard says. Their CRCs are the panels', or of another program. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dc09Form, dc09Decoder, encodeAnswer, encodeNak, frameBody } from '../../drivers/dc09/codec.ts';
import { formatOf } from '../../drivers/dc09/ids.ts';
import { chunked, decodeAll, frames } from './decoding.ts';

const bytes = (crc: string, rest: string) =>
  Buffer.concat([Buffer.from('\n'), Buffer.from(crc, 'hex'), Buffer.from(`${rest}\r`, 'latin1')]);
const line = (text: string) => Buffer.from(`\n${text}\r`, 'latin1');
const decode = (...chunks: Uint8Array[]) => decodeAll(dc09Decoder(), chunks);
const one = (frame: Buffer) => {
  const decoded = decode(frame);
  expect(decoded).toHaveLength(1);
  return frames(decoded)[0];
};

/** node-red-contrib-sia-ultimate#10, as it came over UDP. */
const captured = bytes('F6F3', '0044"ADM-CID"1447R01L01#0001[#0001|1603 01 000][S13]_04:45:01,08-30-2014');

describe('a CRC in two bytes', () => {
  it('is read, and answered alike', () => {
    const frame = one(captured);
    expect(frame).toMatchObject({
      id: 'ADM-CID',
      sequence: 1447,
      receiver: '01',
      prefix: '01',
      account: '0001',
      data: '#0001|1603 01 000',
      extended: ['S13'],
      form: { crcInBytes: true },
      lengthIsWrong: false,
    });
    if (frame === undefined) return;
    // The CRC of this answer: Python, bit by bit.
    expect(encodeAnswer('ACK', frame)).toEqual(bytes('B606', '0016"ACK"1447R01L01#0001[]'));
  });

  it.each([
    ['0A82', '0027"ADM-CID"0015L0#9413[#9413|1130 01 005]'],
    ['0D81', '0027"ADM-CID"0016L0#9413[#9413|1130 01 001]'],
    ['D00A', '0027"ADM-CID"0181L0#9413[#9413|1130 01 020]'],
    ['100D', '0027"ADM-CID"0181L0#9413[#9413|1130 01 028]'],
  ])('may be %s: LF and CR in it end nothing, whole or byte by byte', (crc, rest) => {
    const frame = bytes(crc, rest);
    const stream = Buffer.concat([captured, frame, line('96ED0016"SIA-DCS"0001L0#1234[]'), frame]);
    for (const chunks of [[stream], [...stream].map((byte) => Uint8Array.of(byte))]) {
      const decoded = decode(...chunks);
      expect(decoded).toHaveLength(4);
      expect(frames(decoded)).toHaveLength(4);
    }
  });

  it('that is wrong is no frame, nor are four digits that are wrong', () => {
    expect(decode(bytes('F6F4', captured.toString('latin1', 3, captured.length - 1)))).toMatchObject([
      { reason: 'wrong crc' },
    ]);
    expect(decode(line('123400160"SIA-DCS"0001L0#1234[]'))).toMatchObject([{ reason: 'wrong crc' }]);
  });

  it('is not seen where a line only ends early', () => {
    const good = line('96ED0016"SIA-DCS"0001L0#1234[]');
    const decoded = decode(Buffer.from('\n\n\r\n'), good, Buffer.from('\n\r'), good, Buffer.from('\n'));
    expect(frames(decoded)).toHaveLength(2);
  });
});

describe('a CRC over the CR', () => {
  // pysiaalarm#17 and #28: bodies and CRCs of Eldes panels. Their lengths are not told there; these count the CR.
  it.each([
    'AA1A0030"ADM-CID"0227R4F39L4F39#4F39[#4F39|3401 01 057]',
    '155A0030"ADM-CID"0228R4F39L4F39#4F39[#4F39|3401 01 057]',
    'BCD30028"ADM-CID"1533L0#4F39[#4F39|1412 00 000]',
    'FCDF0028"ADM-CID"1534L0#4F39[#4F39|1412 00 000]',
  ])('is taken: %s', (text) => {
    expect(one(line(text))).toMatchObject({ form: { overCr: true }, lengthIsWrong: false });
  });

  it('is answered alike', () => {
    const frame = one(line('BCD30028"ADM-CID"1533L0#4F39[#4F39|1412 00 000]'));
    if (frame === undefined) return;
    // Python, bit by bit, over the CR.
    expect(encodeAnswer('ACK', frame)).toEqual(line('35450013"ACK"1533L0#4F39[]'));
    expect(encodeNak(frame, '16:20:01,09-24-2025')).toEqual(
      line('F5E50026"NAK"0000R0L0A0[]_16:20:01,09-24-2025'),
    );
  });
});

describe('a head', () => {
  it.each([
    // ioBroker.sia#11; the CRC is right.
    ['BB86002C"NULL"0001L#7303658550[]_15:39:38,06-07-2019', { account: '7303658550' }, '0001L#7303658550'],
    ['AF07000F"NULL"L0#1234[]', { sequence: 0, account: '1234' }, 'L0#1234'],
    ['5D7C0008"NULL"[]', { sequence: 0 }, ''],
    ['0745001D"SIA-DCS"0001[#1234|Nri1/PA9]', { sequence: 1, data: '#1234|Nri1/PA9' }, '0001'],
    ['641A0024"ADM-CID"0002R1L0[#1234|1130 01 009]', { sequence: 2, receiver: '1', prefix: '0' }, '0002R1L0'],
    // A panel's link test and its receiver's answer, home-assistant/core#180511.
    ['EA740027"NULL"0000L0#1409[]_20:38:07,08-27-2026', { account: '1409' }, '0000L0#1409'],
  ])('of %s is read, and stands in the answer as it came', (text, expected, head) => {
    const frame = one(line(text));
    expect(frame).toMatchObject({ ...expected, lengthIsWrong: false });
    if (frame === undefined) return;
    expect(encodeAnswer('ACK', frame).toString('latin1')).toMatch(/^\n.{8}"ACK"[^[]*\[\]\r$/);
    expect(
      encodeAnswer('ACK', frame)
        .toString('latin1', 9 + 5)
        .slice(0, -3),
    ).toBe(head);
  });

  it('is answered as another receiver answered it', () => {
    const frame = one(line('EA740027"NULL"0000L0#1409[]_20:38:07,08-27-2026'));
    if (frame !== undefined) expect(encodeAnswer('ACK', frame)).toEqual(line('59890012"ACK"0000L0#1409[]'));
  });
});

describe('the data', () => {
  it('may have brackets in its texts; only ][ begins the next block', () => {
    expect(
      one(line('A8BD0041"SIA-DCS"0005L0#1234[#1234|Nri1/BA1|AHall [north] door][RKitchen]')),
    ).toMatchObject({
      data: '#1234|Nri1/BA1|AHall [north] door',
      extended: ['RKitchen'],
    });
  });

  it('may be followed by several blocks', () => {
    // pysiaalarm's tests.
    const text =
      '5B090059"SIA-DCS"0004L0#1111[#1111|Nri1/PA501][X006E07.7777777][Y49N06.6666666]_20:45:46,04-22-2021';
    expect(one(line(text))).toMatchObject({
      data: '#1111|Nri1/PA501',
      extended: ['X006E07.7777777', 'Y49N06.6666666'],
      timestamp: Date.UTC(2021, 3, 22, 20, 45, 46),
    });
  });

  it('may hold ] and | as halves of Chinese signs', () => {
    // Python's gb18030: 塢 is 895D, 區 855E, 瑋 957C.
    const body = Buffer.from(
      '225349412d44435322303030364c3023313233345b23313233347c4e7269312f4241317c41b4ac895db1b1855eac7cc2a5b6abc3c55d5b52b6febac5c2a55d',
      'hex',
    );
    expect(one(Buffer.concat([Buffer.from('\n9763003F'), body, Buffer.from('\r')]))).toMatchObject({
      data: '#1234|Nri1/BA1|A船塢北區瑋楼东门',
      extended: ['R二号楼'],
    });
  });
});

it.each([
  ['NULL', '', 'none'],
  ['NULL', '#0000|0000 00 000', 'none'],
  ['SIA-DCS', '#1234|NPA9', 'sia'],
  ['ADM-CID', 'anything', 'contact-id'],
  ['HENG-BO', '#000000|3400 00 000', 'contact-id'],
  ['HENG-BO', '#000000|E120 00 005', 'contact-id'],
  ['ACR-SF', '#1234|1130 01 009', undefined],
  ['SIA-XXX', '#1234|NPA9', undefined],
])('the id %s with %j is read as %s', (id, data, format) => {
  expect(formatOf(id, data)).toBe(format);
});

it('frames of every form come back out of any chunks, and no bytes of noise vanish', () => {
  const form = fc.constantFrom<Dc09Form>(
    {},
    { crcInBytes: true },
    { overCr: true },
    { crcInBytes: true, overCr: true },
  );
  const head = fc.stringMatching(/^(\d{4})?(R[0-9A-F]{0,6})?(L[0-9A-F]{0,6})?(#[0-9A-Za-z]{1,16})?$/);
  const text = fc.stringMatching(/^[ -Z^-~]{0,60}$/);
  const noise = fc.stringMatching(/^[a-z]{0,9}$/);
  const frame = fc.record({ form, head, text, noise });
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 6 }), chunked, (given, cut) => {
      const stream = Buffer.concat(
        given.flatMap(({ form, head, text, noise }) => [
          Buffer.from(noise),
          frameBody(`"SIA-DCS"${head}[${text}]`, form),
        ]),
      );
      const decoded = decodeAll(dc09Decoder(), cut(stream));
      expect(frames(decoded)).toMatchObject(
        given.map(({ form, head, text }) => ({ form, head, data: text, lengthIsWrong: false })),
      );
      expect(decoded.filter((one) => 'discarded' in one)).toEqual(
        given.flatMap(({ noise }) => (noise === '' ? [] : [{ discarded: noise.length, reason: 'noise' }])),
      );
    }),
  );
});
