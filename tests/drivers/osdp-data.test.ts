import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wiegandFormats } from '../../drivers/bits.ts';
import { keysOf, rawOf, rest, textCardOf } from '../../drivers/osdp/data.ts';
import { charactersOf } from '../../drivers/osdp/text-card.ts';

describe('a card of a reader', () => {
  const formats = wiegandFormats().parse(undefined);
  it.each([
    // 26 bits: even parity 1, facility 1, card 1, odd parity 0, then six bits of nothing.
    ['26 bits', '00001a0080800080', { format: 'wiegand26', facility: 1, number: '1' }],
    ['24 bits, the number of Wiegand 26 bare', '000018006f6c3a', { format: 'raw24', number: '7302202' }],
    ['64 bits', '00004000ffffffffffffffff', { format: 'raw64', number: '18446744073709551615' }],
  ])('of %s', (_name, hex, credential) => {
    expect(rawOf(Buffer.from(hex, 'hex'), formats)).toEqual({ frame: credential });
  });

  // UID 1E A6 86 71, which a reader of 34 bits gives as 71 86 A6 1E (monkeyboard Wiegand library, issue 56).
  it('with its bytes the wrong way round', () => {
    expect(rawOf(Buffer.from('000020007186a61e', 'hex'), formats, true)).toEqual({
      frame: { format: 'raw32', number: String(0x1ea68671) },
    });
    const said = Buffer.concat([Buffer.from([0, 0, 8]), Buffer.from('7186A61E')]);
    expect(textCardOf(said, { reverse: true, digits: 'auto' })).toEqual({
      frame: { format: 'text', number: String(0x1ea68671) },
    });
  });

  // Bits that published keypads send (HID, 4 and 8 bit bursts): 1 is 0001 and 11100001, # is 1011 and 01001011.
  it.each([
    ['4 bits', '0000040010', '1'],
    ['4 bits, the #', '00000400b0', '#'],
    ['8 bits', '00000800e1', '1'],
    ['8 bits, the *', '000008005a', '*'],
    ['8 bits, the #', '000008004b', '#'],
  ])('is none where it is a key: %s', (_name, hex, key) => {
    expect(rawOf(Buffer.from(hex, 'hex'), formats)).toEqual({ key });
  });

  // Glitches of a line, torn frames, and keys whose complement is wrong.
  it.each([
    ['8 bits', '000008002b'],
    ['8 bits, all set', '00000800ff'],
    ['9 bits', '000009000380'],
    ['16 bits', '000010000007'],
    ['23 bits', '0000170000000e'],
    ['4 bits that are no key', '00000400f0'],
  ])('has more than %s, unless a format says so', (_name, hex) => {
    const data = Buffer.from(hex, 'hex');
    expect(rawOf(data, formats)).toEqual({ reason: 'too few bits for a card' });
    const count = data[2] ?? 0;
    const named = wiegandFormats().safeParse([{ name: 'short', bits: 'C'.repeat(count) }]);
    if (named.success) expect(rawOf(data, named.data)).toMatchObject({ frame: { format: 'short' } });
  });

  it.each([
    ['no bits', '00000000'],
    ['fewer bytes than bits', '00001a008080'],
    ['more bytes than bits', '00000800ffff'],
    ['a wrong parity', '00001a0000800080'],
    ['nothing', ''],
  ])('that makes no sense is none: %s', (_name, hex) => {
    expect(rawOf(Buffer.from(hex, 'hex'), formats)).toHaveProperty('reason');
  });

  it('in characters and keys, or none where they do not fit', () => {
    expect(textCardOf(Buffer.from('000004', 'hex'))).toHaveProperty('reason');
    // OSDP.Net, FormattedCardDataTest.
    expect(textCardOf(Buffer.from('05000974657374696e707574', 'hex'))).toEqual({
      frame: { format: 'text', number: 'testinput' },
    });
    expect(textCardOf(Buffer.from('00000431323334', 'hex'))).toEqual({
      frame: { format: 'text', number: '1234' },
    });
    expect(keysOf(Buffer.from('000331320d', 'hex'))).toBe('12#');
    expect(keysOf(Buffer.from('000331327f', 'hex'))).toBe('12*');
    expect(keysOf(Buffer.from('000231', 'hex'))).toBeUndefined();
    expect(keysOf(Buffer.from('000101', 'hex'))).toBeUndefined();
  });
});

describe('a card in characters, as readers send it', () => {
  const fmt = (direction: number, count: number, text: string) =>
    charactersOf(Buffer.concat([Buffer.of(0, direction, count), Buffer.from(text, 'latin1')]));
  it.each([
    // libosdp issue 206: a maker counts START, END and CKSUM, and sends none of them.
    ['with a count two too high', 0, 12, '0001217496', '0001217496'],
    ['with a count three too high', 0, 13, '0001217496', '0001217496'],
    ['with no count', 0, 0, '0001217496', '0001217496'],
    ['with fill behind it', 0, 10, '0001217496\0\0', '0001217496'],
    ['with its line end', 0, 12, '0001217496\r\n', '0001217496'],
    ['between STX and ETX', 0, 12, '\x020001217496\x03', '0001217496'],
    ['with the sentinels and the check of a stripe', 0, 9, ';123456?4', '123456'],
    // OSDP.Net, FormattedCardData: direction 1 is told backward.
    ['backward', 1, 10, '6947121000', '0001217496'],
  ])('%s', (_name, direction, count, text, expected) => {
    expect(fmt(direction, count, text)).toBe(expected);
  });

  it.each([
    ['more digits than it counts: which of them are its number?', 0, 8, '0001217496'],
    ['far fewer', 0, 40, '0001217496'],
  ])('that has %s is none', (_name, direction, count, text) => {
    expect(fmt(direction, count, text)).toBeUndefined();
  });

  it('whatever it is, does no harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
        const card = textCardOf(data);
        if ('frame' in card) expect(card.frame.number).toMatch(/^[0-9A-Za-z]+$/);
      }),
    );
  });
});

describe('orders to a reader', () => {
  // OSDP.Net, ReaderLedControlsTest: reader, LED, for a time (7), then control 1, on 2, off 6, colours 4 (blue) and 3 (amber).
  it('name colours as others do', () => {
    const vector = Buffer.from('0203020102060004000102060403', 'hex');
    const { data } = rest('blue');
    expect(data).toHaveLength(vector.length);
    expect([data[9], data[12]]).toEqual([vector[9], vector[12]]);
    expect(rest('amber').data[13]).toBe(vector[13]);
    // Nothing for a time, and never off.
    expect([data[2], data[11]]).toEqual([0, 0]);
  });
});
