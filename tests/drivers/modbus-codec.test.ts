import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  crc16modbus,
  encodeRequest,
  encodeResponse,
  encodeRtu,
  encodeTcp,
  expectedOf,
  type ModbusRequest,
  type ModbusResponse,
  mismatch,
  parseRequest,
  parseResponse,
  rtuRequestDecoder,
  rtuResponseDecoder,
  tcpDecoder,
} from '../../drivers/modbus/codec.ts';
import { chunked, decodeAll, discardedBytes, frames } from './decoding.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('the examples of the Modbus specification (application protocol V1.1b3, section 6)', () => {
  it.each<[string, ModbusRequest, string]>([
    ['read coils 20-38', { function: 1, address: 0x13, count: 0x13 }, '01 0013 0013'],
    ['read discrete inputs 197-218', { function: 2, address: 0xc4, count: 0x16 }, '02 00C4 0016'],
    ['read holding registers 108-110', { function: 3, address: 0x6b, count: 3 }, '03 006B 0003'],
    ['read input register 9', { function: 4, address: 8, count: 1 }, '04 0008 0001'],
    ['write coil 173 on', { function: 5, address: 0xac, value: true }, '05 00AC FF00'],
    ['write register 2', { function: 6, address: 1, value: 3 }, '06 0001 0003'],
    [
      'write coils 20-29',
      { function: 15, address: 0x13, values: [...'1011001110'].map((bit) => bit === '1') },
      '0F 0013 000A 02 CD01',
    ],
    ['write registers 2-3', { function: 16, address: 1, values: [10, 0x102] }, '10 0001 0002 04 000A 0102'],
  ])('%s', (_name, request, wire) => {
    expect(encodeRequest(request)).toEqual(hex(wire));
    expect(parseRequest(hex(wire))).toEqual(request);
  });

  it.each<[string, string, ModbusResponse]>([
    ['registers', '03 06 022B 0000 0064', { function: 3, registers: [555, 0, 100] }],
    [
      'inputs',
      '02 03 AC DB 35',
      { function: 2, bits: [...'001101011101101110101100'].map((bit) => bit === '1') },
    ],
    ['an exception', '81 02', { function: 1, exception: 2 }],
    ['a written register', '06 0001 0003', { function: 6, address: 1, value: 3 }],
  ])('answers with %s', (_name, wire, response) => {
    expect(parseResponse(hex(wire))).toEqual(response);
    expect(encodeResponse(response)).toEqual(hex(wire));
  });

  it.each<[string, number, ModbusRequest, string]>([
    // Waveshare, Modbus RTU Relay: relay 0 on for 700 ms. JY-DAM and alike, 闪开: relay 1 on for 1 s; 254 is any of them.
    ['a relay of Waveshare', 1, { function: 5, address: 0x200, value: 7 }, '01 05 0200 0007 8DB0'],
    [
      'a relay of JY-DAM',
      254,
      { function: 16, address: 3, values: [4, 10] },
      'FE 10 0003 0002 04 0004 000A 416B',
    ],
    ['coil 7 of it', 254, { function: 5, address: 7, value: true }, 'FE 05 0007 FF00 29F4'],
  ])('frames as makers print them: %s', (_name, unit, request, wire) => {
    expect(encodeRtu({ unit, pdu: encodeRequest(request) })).toEqual(hex(wire));
  });

  it('takes the check value of CRC-16/MODBUS', () => {
    expect(crc16modbus(Buffer.from('123456789'))).toBe(0x4b37);
  });
});

describe('bad input', () => {
  const answer = encodeRtu({ unit: 1, pdu: hex('03 02 0007') });
  const expected = { unit: 1, function: 3, bytes: 2 };

  const switchOn: ModbusRequest = { function: 5, address: 0xac, value: true };
  const inputs: ModbusRequest = { function: 2, address: 0xc4, count: 0x16 };

  it('knows an answer by unit, function, length, and what a write repeats (V1.1b3, 6.2, 6.5)', () => {
    const right = '05 00AC FF00';
    expect(mismatch(expectedOf(1, switchOn), hex(right))).toBeUndefined();
    expect(mismatch(expectedOf(1, switchOn), hex('05 00AC 0000'))).toBe('an answer to another write');
    expect(mismatch(expectedOf(1, switchOn), hex('05 00AD FF00'))).toBe('an answer to another write');
    expect(mismatch(expectedOf(1, switchOn), hex('85 02'))).toBeUndefined();
    expect(mismatch(expectedOf(1, switchOn), hex('81 02'))).toBe('an answer of another function');
    expect(mismatch(expectedOf(1, inputs), hex('02 03 ACDB35'))).toBeUndefined();
    expect(mismatch(expectedOf(1, inputs), hex('02 02 ACDB'))).toBe('an answer of another length');
    expect(mismatch(expectedOf(1, inputs), hex('02 03 ACDB'))).toBe('a malformed answer');
    const decoder = rtuResponseDecoder(() => [expectedOf(1, switchOn)]);
    const other = encodeRtu({ unit: 1, pdu: hex('05 00AD FF00') });
    const own = encodeRtu({ unit: 1, pdu: hex(right) });
    expect(frames(decodeAll(decoder, [other, own]))).toEqual([{ unit: 1, pdu: hex(right) }]);
  });

  it('finds the answer after noise that looks like the start of a long frame', () => {
    const decoder = rtuResponseDecoder(() => [expected]);
    const decoded = decodeAll(decoder, [Buffer.concat([hex('01 03 F0 00'), answer])]);
    expect(frames(decoded)).toEqual([{ unit: 1, pdu: hex('03 02 0007') }]);
    expect(discardedBytes(decoded)).toBe(4);
  });

  it('tells a wrong CRC', () => {
    const broken = Buffer.from(answer);
    broken[3] = 0xff;
    expect(
      decodeAll(
        rtuResponseDecoder(() => [expected]),
        [broken],
      ),
    ).toMatchObject([{ discarded: 7, reason: 'wrong crc' }]);
  });

  it('does not take the late answer of another unit', () => {
    const late = encodeRtu({ unit: 2, pdu: hex('03 02 0001') });
    expect(
      frames(
        decodeAll(
          rtuResponseDecoder(() => [expected]),
          [late, answer],
        ),
      ),
    ).toHaveLength(1);
  });

  it('finds the next TCP frame after a header that is none', () => {
    const frame = encodeTcp({ transaction: 7, unit: 1, pdu: hex('03 02 0007') });
    const decoded = decodeAll(tcpDecoder(), [Buffer.concat([hex('FFFFFFFFFFFF'), frame])]);
    expect(frames(decoded)).toMatchObject([{ transaction: 7, unit: 1 }]);
    expect(discardedBytes(decoded)).toBe(6);
  });

  it('answers what it does not understand with the exception of the standard', () => {
    expect(parseRequest(hex('2B 0E 01 00'))).toEqual({ exception: 1 });
    expect(parseRequest(hex('03 0000 007E'))).toEqual({ exception: 3 });
    expect(parseRequest(hex('05 0000 1234'))).toEqual({ exception: 3 });
    expect(parseRequest(hex('10 0001 0002 04 000A'))).toEqual({ exception: 3 });
  });

  it('never throws, holds little, and counts each byte or gives it in a frame', () => {
    const parts = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(
          answer,
          encodeTcp({ unit: 1, pdu: hex('03 02 0007') }),
          hex('01 03 00 00 00 01 84 0A'),
        ),
      ),
      { maxLength: 20 },
    );
    const overhead = { rtu: 3, tcp: 7 };
    fc.assert(
      fc.property(parts, (chunks) => {
        const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        for (const [decoder, around] of [
          [rtuRequestDecoder(), overhead.rtu],
          [rtuResponseDecoder(), overhead.rtu],
          [rtuResponseDecoder(() => [expected]), overhead.rtu],
          [
            rtuResponseDecoder(() => [expectedOf(2, switchOn), expected, expectedOf(1, inputs)]),
            overhead.rtu,
          ],
          [tcpDecoder(), overhead.tcp],
        ] as const) {
          const decoded = decodeAll(decoder, chunks);
          const framed = frames(decoded).reduce((sum, frame) => sum + frame.pdu.length + around, 0);
          expect(discardedBytes(decoded) + framed).toBe(total);
          for (const frame of frames(decoded)) {
            parseRequest(frame.pdu);
            parseResponse(frame.pdu);
            mismatch(expected, frame.pdu);
            mismatch(expectedOf(1, switchOn), frame.pdu);
          }
        }
      }),
    );
  });
});

describe('round trips', () => {
  const word = fc.integer({ min: 0, max: 0xffff });
  const request = fc.oneof(
    fc.record({ function: fc.constantFrom(1, 2), address: word, count: fc.integer({ min: 1, max: 2000 }) }),
    fc.record({ function: fc.constantFrom(3, 4), address: word, count: fc.integer({ min: 1, max: 125 }) }),
    fc.record({ function: fc.constant(5), address: word, value: fc.boolean() }),
    fc.record({ function: fc.constant(6), address: word, value: word }),
    fc.record({
      function: fc.constant(15),
      address: word,
      values: fc.array(fc.boolean(), { minLength: 1, maxLength: 1968 }),
    }),
    fc.record({
      function: fc.constant(16),
      address: word,
      values: fc.array(word, { minLength: 1, maxLength: 123 }),
    }),
  ) as fc.Arbitrary<ModbusRequest>;
  const unit = fc.integer({ min: 1, max: 247 });

  it('requests over RTU and TCP, cut anywhere', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(unit, request), { minLength: 1, maxLength: 4 }), chunked, (all, cut) => {
        for (const [encode, decoder] of [
          [encodeRtu, rtuRequestDecoder()],
          [encodeTcp, tcpDecoder()],
        ] as const) {
          const wire = Buffer.concat(all.map(([u, r]) => encode({ unit: u, pdu: encodeRequest(r) })));
          const decoded = frames(decodeAll(decoder, cut(wire)));
          expect(decoded.map((frame) => [frame.unit, parseRequest(frame.pdu)])).toEqual(all);
        }
      }),
    );
  });

  it('responses over RTU, cut anywhere', () => {
    const bits = fc
      .array(fc.boolean(), { minLength: 1, maxLength: 240 })
      .map((b) => b.slice(0, b.length & ~7));
    const response = fc.oneof(
      fc.record({ function: fc.constantFrom(1, 2), bits: bits.filter((b) => b.length > 0) }),
      fc.record({
        function: fc.constantFrom(3, 4),
        registers: fc.array(word, { minLength: 1, maxLength: 125 }),
      }),
      fc.record({ function: fc.constantFrom(5, 6, 15, 16), address: word, value: word }),
      fc.record({ function: fc.constantFrom(1, 3, 16), exception: fc.integer({ min: 0, max: 255 }) }),
    ) as fc.Arbitrary<ModbusResponse>;
    fc.assert(
      fc.property(unit, response, chunked, (u, r, cut) => {
        const wire = encodeRtu({ unit: u, pdu: encodeResponse(r) });
        const [frame] = frames(decodeAll(rtuResponseDecoder(), cut(wire)));
        expect(parseResponse(frame?.pdu ?? Buffer.of())).toEqual(r);
      }),
    );
  });
});
