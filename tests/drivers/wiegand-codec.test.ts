import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeWiegand,
  parseBits,
  parseWiegand,
  wiegandFormats,
  wiegandLayouts,
} from '../../drivers/bits.ts';
import type { Credential } from '../../drivers/contract/observation.ts';
import { cardDecoder, encodeCard, type Format, formats } from '../../drivers/wiegand/codec.ts';
import { chunked, decodeAll, discardedBytes, frames } from './decoding.ts';

const ascii = (text: string) => Buffer.from(text, 'latin1');

describe('cards', () => {
  it('reads the example of the RDM6300 data sheet: card 62E3086CED, checksum 08', () => {
    expect(decodeAll(cardDecoder('rdm6300'), [ascii('\x0262E3086CED08\x03')])).toEqual([
      { frame: { format: 'em4100', facility: 0x62, number: String(0xe3086ced) } },
    ]);
  });

  // What an ID-20LA sent: esphome, issue 13753. Its xor: 05 ^ 00 ^ 20 ^ 7B ^ 32 is 6C.
  it.each([
    ['CR LF', '\r\n'],
    ['nothing', ''],
    ['CR alone', '\r'],
  ])('reads an ID-12LA frame with %s before its end', (_name, end) => {
    const frame = `\x020500207B326C${end}\x03`;
    const card = { frame: { format: 'em4100', facility: 5, number: String(0x00207b32) } };
    expect(decodeAll(cardDecoder('rdm6300'), [ascii(frame + frame)])).toEqual([card, card]);
    expect(decodeAll(cardDecoder('rdm6300'), [...frame].map(ascii))).toEqual([card]);
    expect(decodeAll(cardDecoder('rdm6300'), [ascii(frame.replace('6C', '6D') + frame)])).toEqual([
      { discarded: frame.length, reason: 'wrong checksum' },
      card,
    ]);
    const turned = cardDecoder('rdm6300', { reverse: true, digits: 'auto' });
    expect(decodeAll(turned, [ascii(frame)])).toMatchObject([{ frame: { number: String(0x327b2000) } }]);
  });

  it('reads bits as a config describes them, and of any other length as one number', () => {
    // The format of the README of osdp: one parity bit, 13 of facility, 20 of card, one parity bit.
    const formats = wiegandFormats().parse([{ name: 'house', bits: 'PFFFFFFFFFFFFFCCCCCCCCCCCCCCCCCCCCP' }]);
    const decoder = cardDecoder('wiegand', { reverse: false, digits: 'auto', formats });
    const house = `0${(1234).toString(2).padStart(13, '0')}${(98_765).toString(2).padStart(20, '0')}0`;
    const uid = 0x04af68dac85a80n.toString(2).padStart(56, '0');
    expect(decodeAll(decoder, [ascii(`${house}\r\n${uid}\r\n1011\r\n12345\r\n`)])).toEqual([
      { frame: { format: 'house', facility: 1234, number: '98765' } },
      { frame: { format: 'raw56', number: '1318764788865664' } },
      { frame: { key: '#' } },
      { discarded: 5, reason: 'not the bits of a card' },
    ]);
    const both = cardDecoder('wiegand26', { reverse: false, digits: 'auto', formats });
    expect(decodeAll(both, [ascii(`${house}\r\n11101000111100010010011010\r\n`)])).toMatchObject([
      { frame: { format: 'house' } },
      { frame: { format: 'wiegand26', facility: 209, number: '57933' } },
    ]);
  });

  it('reads Wiegand 26: facility 1, card 1, parities worked out by hand', () => {
    // First half 00000001 0000 has one 1, so even parity 1; second half 000000000001 has one, so odd parity 0.
    expect(parseWiegand('10000000100000000000000010', wiegandLayouts.wiegand26)).toEqual({
      frame: { format: 'wiegand26', facility: 1, number: '1' },
    });
  });

  it('reads Wiegand 34: facility 0x8001, card 0xFFFF', () => {
    // 1000000000000001 has two 1s, even parity 0; sixteen 1s, odd parity 1.
    expect(parseWiegand(`0${'1000000000000001'}${'1'.repeat(16)}1`, wiegandLayouts.wiegand34)).toEqual({
      frame: { format: 'wiegand34', facility: 0x8001, number: '65535' },
    });
  });

  it('reads 37 bits with and without a facility, parities worked out by hand', () => {
    // Facility 1, card 1: the first 18 data bits have one 1, even parity 1; the last 18 have one 1, odd parity 0.
    const bits = `1${'0000000000000001'}${'0000000000000000001'}0`;
    expect(parseWiegand(bits, wiegandLayouts['wiegand37-facility'])).toEqual({
      frame: { format: 'wiegand37-facility', facility: 1, number: '1' },
    });
    expect(parseWiegand(bits, wiegandLayouts.wiegand37)).toEqual({
      frame: { format: 'wiegand37', number: String(2 ** 19 + 1) },
    });
    // The middle bit counts in both halves: one 1 each.
    const middle = `1${'0'.repeat(17)}1${'0'.repeat(17)}0`;
    expect(parseWiegand(middle, wiegandLayouts.wiegand37)).toHaveProperty('frame');
  });

  // What others read: Doppelganger Core (2D4A64FB8E, facility 2643, card 163271), the tests of Proxmark3 (01400076000c86;
  // 2006F623AE, facility 123, card 4567). Above the bits stand those of HID's own header.
  it.each([
    ['corporate1000-35', 0x2d4a64fb8en, 2643, '163271'],
    ['corporate1000-48', 0x01400076000c86n, 118, '1603'],
    ['wiegand26', 0x2006f623aen, 123, '4567'],
  ] as const)('reads %s, and refuses each flipped bit', (name, raw, facility, number) => {
    const format = wiegandLayouts[name];
    const { length } = format.bits;
    const bits = BigInt.asUintN(length, raw).toString(2).padStart(length, '0');
    expect(parseWiegand(bits, format)).toEqual({ frame: { format: name, facility, number } });
    expect(encodeWiegand({ facility, number }, format)).toBe(bits);
    for (let i = 0; i < length; i++) {
      const flipped = `${bits.slice(0, i)}${1 - Number(bits[i])}${bits.slice(i + 1)}`;
      expect(parseWiegand(flipped, format)).toHaveProperty('reason');
    }
  });

  it('reads formats that a config describes, and takes the first that fits', () => {
    // Interleaved: bits of the site code stand behind those of the card.
    const formats = wiegandFormats().parse([
      { name: 'house', bits: 'PCCCCFFFF-', parity: ['EXXXX.....'] },
      'wiegand26',
    ]);
    expect(parseBits('0110000110', formats)).toEqual({
      frame: { format: 'house', facility: 3, number: '12' },
    });
    expect(parseBits('1110000110', formats)).toEqual({ reason: 'wrong even parity' });
    expect(parseBits('10000000100000000000000010', formats)).toMatchObject({
      frame: { format: 'wiegand26', number: '1' },
    });
    expect(parseBits('11111111', formats)).toEqual({ reason: 'too few bits for a card' });
  });

  it.each([
    ['with the name of another', { name: 'em4100', bits: 'PCCCCCCCCC' }, /name of another format/],
    [
      'that says other bits of a known one',
      { name: 'wiegand26', bits: 'CCCCCCCC' },
      /name of another format/,
    ],
    ['without a card', { name: 'x', bits: 'PFFFFFFFFP' }, /no card/],
    ['with a parity of another length', { name: 'x', bits: 'PCCCCCCCCC', parity: ['EXX'] }, /not 10 long/],
    [
      'with a parity beside its bit',
      { name: 'x', bits: 'PCCCCCCCCC', parity: ['XEXXXXXXXX'] },
      /no P in bits/,
    ],
  ])('refuses a format %s', (_name, format, message) => {
    const parsed = wiegandFormats().safeParse([format]);
    expect(JSON.stringify(parsed.error?.issues)).toMatch(message);
  });

  it('writes no number that a format cannot hold', () => {
    expect(() => encodeWiegand({ facility: 256, number: '1' }, wiegandLayouts.wiegand26)).toThrow(RangeError);
    expect(() => encodeWiegand({ number: '65536' }, wiegandLayouts.wiegand26)).toThrow(RangeError);
    expect(() => encodeWiegand({ number: '12x' }, wiegandLayouts.wiegand26)).toThrow(RangeError);
  });

  it('refuses a flipped bit in either half', () => {
    expect(parseWiegand('10000000110000000000000010', wiegandLayouts.wiegand26)).toEqual({
      reason: 'wrong even parity',
    });
    expect(parseWiegand('10000000100000000000000110', wiegandLayouts.wiegand26)).toEqual({
      reason: 'wrong odd parity',
    });
    expect(parseWiegand('1000', wiegandLayouts.wiegand26)).toEqual({ reason: 'not 26 bits' });
  });
});

describe('few bits', () => {
  it.each(['00101011', '000000111', '0000000000000111', '1'.repeat(23)])(
    'takes %s for no card, and counts it',
    (bits) => {
      const decoder = cardDecoder('wiegand');
      expect(decoder.push(Buffer.from(`${bits}\r\n`))).toEqual([
        { discarded: bits.length, reason: 'too few bits for a card' },
      ]);
      // A key of 8 bits stays one (1 is 1110 0001), and 24 bits may be a card.
      expect(decoder.push(Buffer.from('11100001\r\n'))).toEqual([{ frame: { key: '1' } }]);
      expect(decoder.push(Buffer.from(`${'0'.repeat(23)}1\r\n`))).toEqual([
        { frame: { format: 'raw24', number: '1' } },
      ]);
    },
  );
});

describe('bad input', () => {
  it('finds the card after a torn one and a wrong checksum', () => {
    const good = '\x0262E3086CED08\x03';
    const decoded = decodeAll(cardDecoder('rdm6300'), [
      ascii(`zz\x0262E30${good}\x0262E3086CED09\x03${good}`),
    ]);
    expect(frames(decoded)).toHaveLength(2);
    expect(decoded).toContainEqual({ discarded: 2, reason: 'noise' });
    expect(decoded).toContainEqual({ discarded: 14, reason: 'wrong checksum' });
    expect(discardedBytes(decoded)).toBe(2 + 6 + 14);
  });

  it('counts an endless line and takes the next card', () => {
    const decoder = cardDecoder('ascii');
    for (let i = 0; i < 64; i++) expect(decoder.push(Buffer.alloc(65_536, 0x31))).toEqual([]);
    expect(decoder.push(ascii('\r\n12345678\r\n'))).toEqual([
      { discarded: 64 * 65_536, reason: 'line too long' },
      { frame: { format: 'ascii', number: '12345678' } },
    ]);
  });

  it('never throws, and gives only cards that it could have read', () => {
    const likely = fc.constantFrom(...'\x02\x03\r\n0123456789ABCDEF'.split('')).map(ascii);
    const parts = fc.array(fc.oneof({ weight: 4, arbitrary: likely }, fc.uint8Array({ maxLength: 40 })), {
      maxLength: 120,
    });
    fc.assert(
      fc.property(fc.constantFrom(...formats), parts, (format, chunks) => {
        const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        expect(discardedBytes(decodeAll(cardDecoder(format), chunks))).toBeLessThanOrEqual(total);
      }),
    );
  });
});

describe('round trips', () => {
  const card = fc.constantFrom(...formats).chain((format) => {
    const max = {
      rdm6300: [255, 2 ** 32 - 1],
      ascii: [0, 2 ** 48],
      wiegand26: [255, 65_535],
      wiegand34: [65_535, 65_535],
      wiegand37: [0, 2 ** 35 - 1],
      'wiegand37-facility': [65_535, 524_287],
    }[format];
    return fc.record({
      format: fc.constant(format),
      facility: fc.integer({ min: 0, max: max[0] as number }),
      number: fc.integer({ min: 1000, max: max[1] as number }).map(String),
    });
  });
  const asRead = (format: Format, { facility, number }: { facility: number; number: string }): Credential =>
    format === 'ascii' || format === 'wiegand37'
      ? { format, number }
      : { format: format === 'rdm6300' ? 'em4100' : format, facility, number };

  it('decode(encode(x)) is x over arbitrary chunks', () => {
    fc.assert(
      fc.property(card, chunked, ({ format, ...rest }, cut) => {
        const credential = asRead(format, rest);
        const wire = encodeCard(credential, format);
        expect(frames(decodeAll(cardDecoder(format), cut(Buffer.concat([wire, wire]))))).toEqual([
          credential,
          credential,
        ]);
      }),
    );
  });
});
