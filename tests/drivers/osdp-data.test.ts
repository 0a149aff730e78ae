import { describe, expect, it } from 'vitest';
import { wiegandFormats } from '../../drivers/bits.ts';
import { keysOf, rawOf, textCardOf } from '../../drivers/osdp/data.ts';

describe('a card of a reader', () => {
  const formats = wiegandFormats().parse(undefined);
  it.each([
    // 26 bits: even parity 1, facility 1, card 1, odd parity 0, then six bits of nothing.
    ['26 bits', '00001a0080800080', { format: 'wiegand26', facility: 1, number: '1' }],
    ['8 bits', '00000800ff', { format: 'raw8', number: '255' }],
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
    expect(textCardOf(Buffer.from('00000431323334', 'hex'))).toEqual({
      frame: { format: 'text', number: '1234' },
    });
    expect(keysOf(Buffer.from('000331320d', 'hex'))).toBe('12#');
    expect(keysOf(Buffer.from('000331327f', 'hex'))).toBe('12*');
    expect(keysOf(Buffer.from('000231', 'hex'))).toBeUndefined();
    expect(keysOf(Buffer.from('000101', 'hex'))).toBeUndefined();
  });
});
