import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseContactId } from '../../drivers/alarm-codes/contact-id.ts';
import {
  crc16arc,
  type Dc09Frame,
  dc09Decoder,
  decryptDc09,
  encodeDc09,
  frameBody,
  MAX_BODY,
  parseTimestamp,
} from '../../drivers/dc09/codec.ts';
import { chunked, decodeAll, discardedBytes, frames } from './decoding.ts';

const line = (text: string) => Buffer.from(`\n${text}\r`, 'latin1');
const decode = (bytes: Uint8Array) => decodeAll(dc09Decoder(), [bytes]);
const only = (text: string): Dc09Frame => {
  const [frame, ...more] = frames(decode(line(text)));
  expect(more).toEqual([]);
  return frame as Dc09Frame;
};

describe('frames captured from real panels and receivers', () => {
  it('reads a SIA-DCS frame whose length is wrong', () => {
    expect(only('97F90078"SIA-DCS"6002L0#AAA[|Nri2/JC12]_12:58:23,09-15-2021')).toMatchObject({
      id: 'SIA-DCS',
      sequence: 6002,
      prefix: '0',
      account: 'AAA',
      data: '|Nri2/JC12',
      timestamp: Date.UTC(2021, 8, 15, 12, 58, 23),
      lengthIsWrong: true,
    });
  });

  it('reads an ADM-CID frame whose length is decimal and that has no time', () => {
    const frame = only('57150047"ADM-CID"0247R4F39L4F39#4F39[#4F39|3401 01 057]');
    expect(frame).toMatchObject({
      id: 'ADM-CID',
      sequence: 247,
      receiver: '4F39',
      prefix: '4F39',
      lengthIsWrong: true,
    });
    expect(frame.timestamp).toBeUndefined();
    expect(parseContactId(frame.data ?? '')).toMatchObject([
      {
        meaning: { kind: 'arming', state: 'raised' },
        codes: { contactId: 'R401' },
        partition: '01',
        user: '057',
      },
    ]);
  });

  it('decrypts an encrypted supervision with the key of the library it was captured with', () => {
    // pysiaalarm's tests: account AAAB, key "AAAAAAAAAAAAAAAA"; this panel leaves out the "|".
    const frame = only(
      '76D80055"*NULL"0000R0L0#AAAB[B4BC8B40D0E6D959D6BEA78E88CC0B2155741A3C44FBB96D476A3E557CAD64D9',
    );
    expect(frame).toMatchObject({ id: 'NULL', account: 'AAAB', lengthIsWrong: false });
    expect(decryptDc09(frame, Buffer.from('AAAAAAAAAAAAAAAA'))).toMatchObject({
      id: 'NULL',
      data: '',
      timestamp: Date.UTC(2020, 6, 5, 18, 24, 52),
    });
    expect(decryptDc09(frame, Buffer.from('BBBBBBBBBBBBBBBB'))).toBeUndefined();
  });

  it('does not take for opened what a wrong key left with a "]" at its end', () => {
    const key = Buffer.alloc(16, 7);
    const cipher = createCipheriv('aes-128-cbc', key, Buffer.alloc(16)).setAutoPadding(false);
    const cipherText = Buffer.concat([cipher.update(Buffer.from('...............]')), cipher.final()]);
    const body = `"*SIA-DCS"0001L0#1234[${cipherText.toString('hex').toUpperCase()}`;
    const hex4 = (value: number) => value.toString(16).toUpperCase().padStart(4, '0');
    const frame = only(`${hex4(crc16arc(Buffer.from(body)))}${hex4(body.length)}${body}`);
    expect(frame).toMatchObject({ id: 'SIA-DCS', lengthIsWrong: false });
    expect(decryptDc09(frame, key)).toBeUndefined();
  });

  it('leaves the frame with the wrong CRC alone', () => {
    expect(
      decode(line('87CD0037"ADM-CID"9876R579BDFL789ABC#12345A[#12345A|1110 00 129]_14:12:04,09-25-2011')),
    ).toEqual([{ discarded: expect.any(Number), reason: 'wrong crc' }]);
  });

  it.each([
    [
      'F4D20029"SIA-DCS"0001RF3L77#1234[#1234|NRR|Atest]',
      { receiver: 'F3', prefix: '77', data: '#1234|NRR|Atest' },
    ],
    ['96ED0016"SIA-DCS"0001L0#1234[]', { account: '1234', data: '' }],
    [
      'E4410025"NAK"0000R0L0A0[]_16:20:01,09-24-2025',
      { id: 'NAK', timestamp: Date.UTC(2025, 8, 24, 16, 20, 1) },
    ],
  ])('reads %s, made by another implementation', (text, expected) => {
    expect(only(text)).toMatchObject({ ...expected, lengthIsWrong: false });
  });

  it('writes what another implementation writes, to the byte', () => {
    const message = {
      id: 'SIA-DCS',
      sequence: 1,
      receiver: 'F3',
      prefix: '77',
      account: '1234',
      data: '#1234|NRR|Atest',
    };
    expect(encodeDc09(message)).toEqual(line('F4D20029"SIA-DCS"0001RF3L77#1234[#1234|NRR|Atest]'));
    expect(frameBody('"NAK"0000R0L0A0[]_16:20:01,09-24-2025')).toEqual(
      line('E4410025"NAK"0000R0L0A0[]_16:20:01,09-24-2025'),
    );
  });
});

describe('the check', () => {
  it('takes the check value of CRC-16/ARC', () => {
    expect(crc16arc(Buffer.from('123456789'))).toBe(0xbb3d);
  });
});

describe('bad input', () => {
  it('finds a frame after garbage and after a torn frame, in one packet or in many', () => {
    const good = line('96ED0016"SIA-DCS"0001L0#1234[]');
    const bytes = Buffer.concat([Buffer.from('garbage'), good.subarray(0, 20), good, good]);
    for (const chunks of [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))]) {
      const decoded = decodeAll(dc09Decoder(), chunks);
      expect(frames(decoded)).toHaveLength(2);
      expect(decoded).toContainEqual({ discarded: 7, reason: 'noise' });
      expect(decoded).toContainEqual({ discarded: 19, reason: 'torn' });
    }
  });

  it('counts every byte of an endless line and holds none of it', () => {
    const decoder = dc09Decoder();
    decoder.push(Buffer.from('\n'));
    const chunk = Buffer.alloc(65_536, 0x41);
    let discarded = 0;
    for (let i = 0; i < 64; i++) {
      for (const one of decoder.push(chunk)) if ('discarded' in one) discarded += one.discarded;
    }
    expect(discarded).toBe(64 * 65_536);
    expect(frames(decoder.push(line('96ED0016"SIA-DCS"0001L0#1234[]')))).toHaveLength(1);
  });

  it('refuses times that do not exist', () => {
    expect(parseTimestamp('24:00:00,01-01-2026')).toBeUndefined();
    expect(parseTimestamp('10:00:00,02-30-2026')).toBeUndefined();
    expect(parseTimestamp('10:00:00,02-28-2026')).toBe(Date.UTC(2026, 1, 28, 10));
  });

  it('never throws, and counts each byte or gives it in a frame', () => {
    const likely = fc
      .constantFrom(...'\n\r"[]|#_L0*SIADCNULK19'.split(''))
      .map((c) => Buffer.from(c, 'latin1'));
    const bytes = fc.array(fc.oneof(likely, fc.uint8Array({ maxLength: 20 })), { maxLength: 80 });
    fc.assert(
      fc.property(bytes, (parts) => {
        const total = parts.reduce((sum, part) => sum + part.length, 0);
        const delimiters = parts.reduce(
          (sum, part) => sum + part.filter((byte) => byte === 10 || byte === 13).length,
          0,
        );
        const decoded = decodeAll(dc09Decoder(), parts);
        const framed = frames(decoded).reduce(
          (sum, { body, form }) => sum + body.length + (form.crcInBytes ? 6 : 8),
          0,
        );
        // Only the LF and CR around lines are neither in a frame nor counted.
        expect(discardedBytes(decoded) + framed).toBeGreaterThanOrEqual(total - delimiters);
        expect(discardedBytes(decoded) + framed).toBeLessThanOrEqual(total);
      }),
    );
  });
});

describe('round trips', () => {
  const hex = (max: number) => fc.stringMatching(new RegExp(`^[0-9A-F]{1,${max}}$`));
  const text = fc.stringMatching(/^[ -Z^-~]{0,60}$/);
  const message = fc.record(
    {
      id: fc.constantFrom('SIA-DCS', 'ADM-CID', 'NULL'),
      sequence: fc.integer({ min: 0, max: 9999 }),
      receiver: hex(6),
      prefix: hex(6),
      account: fc.stringMatching(/^[0-9A-F]{3,16}$/),
      data: text,
      extended: fc.array(text, { minLength: 1, maxLength: 3 }),
      timestamp: fc.integer({ min: 0, max: 4_102_444_800 }).map((s) => s * 1000),
    },
    { requiredKeys: ['id', 'sequence', 'data'] },
  );

  it('decode(encode(x)) is x over arbitrary chunks, plain', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), chunked, (messages, cut) => {
        const decoded = decodeAll(dc09Decoder(), cut(Buffer.concat(messages.map((m) => encodeDc09(m)))));
        expect(decoded).toEqual(
          messages.map((m) => ({
            frame: {
              ...m,
              lengthIsWrong: false,
              body: expect.any(String),
              head: expect.any(String),
              form: {},
            },
          })),
        );
      }),
    );
  });

  it('decode(encode(x)) is x over arbitrary chunks, encrypted with any key', () => {
    const key = fc.constantFrom(16, 24, 32).chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
    fc.assert(
      fc.property(message, key, chunked, (m, k, cut) => {
        const [frame] = frames(decodeAll(dc09Decoder(), cut(encodeDc09(m, k))));
        expect(decryptDc09(frame as Dc09Frame, k)).toEqual(m);
      }),
    );
  });

  it('holds the largest body that the length field can name', () => {
    const body = `"SIA-DCS"0001L0#1234[${'x'.repeat(MAX_BODY - 22)}]`;
    expect(body).toHaveLength(MAX_BODY);
    expect(frames(decode(frameBody(body)))).toHaveLength(1);
  });
});
