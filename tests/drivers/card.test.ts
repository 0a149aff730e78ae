/** One card in all the forms that are printed, read and listed. Vectors: what vendors publish of one card each. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cardOfText, parseBits, parseWiegand, wiegandFormats, wiegandLayouts } from '../../drivers/bits.ts';
import {
  type CardReading,
  cardKey,
  cardOfKey,
  isCard,
  keysOfReading,
  normalKey,
  normalNumber,
  sameKeys,
} from '../../drivers/contract/card.ts';

/** Whether a row of a list is the card of a reading. */
const finds = (number: string, reading: CardReading, facility?: number) =>
  keysOfReading(reading).includes(cardKey(facility, number) ?? 'none');

/** The manual of the 09A-EMID reader (zgznk.com): card 01026F6C3A, and the six ways in which it can be set to say it. */
const em = { format: 'em4100', facility: 0x01, number: '40856634' };
/** The same as a reader of 26 bits gives it: 6F 6C3A. */
const em26 = { format: 'wiegand26', facility: 111, number: '27706' };

describe('a card with the number 01026F6C3A', () => {
  it.each([
    ['10H', '01026F6C3A'],
    ['10H in decimal', '004335823930'],
    ['8H10D', '0040856634'],
    ['8H10D without zeros', '40856634'],
    ['8 hex digits', '026F6C3A'],
    ['8 hex digits apart', '02:6f:6c:3a'],
    ['4H4D', '00623,27706'],
    ['2H4D, which has 24 bits', '111,27706'],
    ['2H4D with four digits', '0111,27706'],
    ['2H4D with a point', '111.27706'],
    ['2H4D as a Chinese keyboard writes it', '111，27706'],
  ])('is found in a list that has it as %s', (_name, number) => {
    expect(finds(number, em)).toBe(true);
    expect(finds(number, { ...em, number: '40856635' })).toBe(false);
  });

  it('is found at a reader of 26 bits where the list has no more than these: 6H8D, 2H4D', () => {
    for (const number of ['07302202', '7302202', '0007302202', '111,27706', '0007302202 111,27706'])
      expect(finds(number, em26)).toBe(true);
    expect(finds('27706', em26, 111)).toBe(true);
    // The list has more bits than the reader sees: another card may have the same lowest 24.
    for (const number of ['0040856634', '01026F6C3A', '026F6C3A', '00623,27706'])
      expect(finds(number, em26)).toBe(false);
    // Another person's decimal number is the second half of this one.
    expect(finds('27706', em26)).toBe(false);
    expect(finds('11127706', em26)).toBe(false);
  });
});

describe('the same card at two readers', () => {
  // monkeyboard Wiegand library, issue 59: one card as 34 and as 26 bits.
  it('of 34 and 26 bits', () => {
    const wide = parseWiegand('0000000001101000111100010010011011', wiegandLayouts.wiegand34);
    const narrow = parseWiegand('11101000111100010010011010', wiegandLayouts.wiegand26);
    for (const read of [wide, narrow]) {
      const { frame } = read as { frame: CardReading };
      for (const number of ['13754957', '0013754957', '00D1E24D', '209,57933'])
        expect(finds(number, frame)).toBe(true);
      expect(finds('57933', frame, 209)).toBe(true);
    }
  });

  // The same library, issue 56: MFRC522 reads 1EA68671, a reader of 34 bits 7186A61E.
  it('that turn the bytes', () => {
    const bits = 0x7186a61en.toString(2).padStart(32, '0');
    const ones = (text: string) => text.replaceAll('0', '').length % 2;
    const framed = `${ones(bits.slice(0, 16))}${bits}${1 - ones(bits.slice(16))}`;
    const { frame } = parseBits(framed, wiegandFormats().parse(undefined), true) as { frame: CardReading };
    expect(frame).toEqual({ format: 'wiegand34', facility: 0x1ea6, number: String(0x8671) });
    expect(finds('1E:A6:86:71', frame)).toBe(true);
    expect(parseBits(bits, [], true)).toEqual({ frame: { format: 'raw32', number: String(0x1ea68671) } });
    // A reader that prints it in decimal.
    const options = { reverse: true, digits: 'auto' } as const;
    expect(cardOfText('1904649758', 'ascii', options)).toEqual({
      frame: { format: 'ascii', number: String(0x1ea68671) },
    });
    expect(cardOfText('7186A61E', 'ascii', options)).toEqual({
      frame: { format: 'ascii', number: String(0x1ea68671) },
    });
  });

  // NITGEN eNCard-i, card format: 529D06E3 is 1386022627; its bytes the other way round are E3069D52, 3808861522.
  it('as hex and as decimal', () => {
    const card = { format: 'ascii', number: '529D06E3' };
    expect(finds('1386022627', card)).toBe(true);
    expect(finds('52:9d:06:e3', card)).toBe(true);
    expect(finds('3808861522', card)).toBe(false);
    expect(cardOfText('3808861522', 'ascii', { reverse: true, digits: 'auto' })).toEqual({
      frame: { format: 'ascii', number: '1386022627' },
    });
    // The same maker's standard format: 0801161DD6 as 3 and 5 digits.
    expect(cardOfText('02207638', 'keyboard', { reverse: false, digits: '2H4D' })).toEqual({
      frame: { format: 'keyboard', facility: 22, number: '7638' },
    });
  });

  it('of 7 and 10 bytes, as hex and as a number', () => {
    // UID 04 AF 68 DA C8 5A 80 (monkeyboard Wiegand library, issue 54).
    const uid = 0x04af68dac85a80n.toString();
    for (const number of ['04:AF:68:DA:C8:5A:80', '04AF68DAC85A80', '04af68dac85a80', uid, `0${uid}`])
      expect(finds(number, { format: 'raw56', number: uid })).toBe(true);
    const ten = 2n ** 80n - 1n;
    expect(finds('F'.repeat(20), { format: 'raw80', number: ten.toString() })).toBe(true);
    expect(normalNumber(`00${ten}`)).toBe('1208925819614629174706175');
    expect(parseBits(0x805ac8da68af04n.toString(2).padStart(56, '0'), [], true)).toEqual({
      frame: { format: 'raw56', number: uid },
    });
  });

  it('that says hex without a letter, where the config says so', () => {
    const read = (text: string, digits: 'auto' | 'hex') =>
      cardOfText(text, 'ascii', { reverse: false, digits });
    expect(read('12345678', 'auto')).toEqual({ frame: { format: 'ascii', number: '12345678' } });
    expect(read('12345678', 'hex')).toEqual({ frame: { format: 'ascii', number: String(0x12345678) } });
    expect(read('12:34:56:78', 'auto')).toEqual({ frame: { format: 'ascii', number: String(0x12345678) } });
    expect(read('0x12345678', 'auto')).toEqual({ frame: { format: 'ascii', number: String(0x12345678) } });
  });
});

describe('a card at a face terminal', () => {
  it('is that of the readers; a person is no card', () => {
    expect(finds('0007302202', { format: 'card', number: '7302202' })).toBe(true);
    expect(finds('111,27706', { format: 'card', number: '0007302202' })).toBe(true);
    expect(finds('7302202', { format: 'card', number: '111,27706' })).toBe(true);
    // Person 7302202 of a terminal is not who has facility 111 and card 27706.
    expect(finds('27706', { format: 'face', number: '7302202' }, 111)).toBe(false);
    expect(finds('111,27706', { format: 'person', number: '7302202' })).toBe(false);
  });
});

describe('a number that a reader prints', () => {
  it.each([
    ['0001217496', { format: 'ascii', number: '0001217496' }],
    ['111,27706', { format: 'ascii', facility: 111, number: '27706' }],
    ['00623,27706', { format: 'ascii', facility: 623, number: '27706' }],
    ['BA-12', undefined],
    ['S00012X', { format: 'ascii', number: 'S00012X' }],
    ['111,277', undefined],
    ['99999,99999', undefined],
  ])('%s', (text, frame) => {
    expect(cardOfText(text, 'ascii', { reverse: false, digits: 'auto' })).toEqual(
      frame === undefined ? { reason: 'not a card number' } : { frame },
    );
  });

  it('keeps its letters and zeros where it is a text', () => {
    expect(normalNumber('00S12')).toBe('00S12');
    expect(finds('00S12', { format: 'ascii', number: 'S12' })).toBe(false);
    expect(finds('S00012X', { format: 'ascii', number: 'S00012X' })).toBe(true);
  });
});

describe('keys', () => {
  it('of before become normal ones, once', () => {
    expect(normalKey('/0001217496')).toBe('/1217496');
    expect(normalKey('18/037848')).toBe('18/37848');
    expect(normalKey('/04AF68DAC85A80')).toBe('/1318764788865664');
    expect(normalKey('low24/7302202')).toBe('low24/7302202');
  });

  it('of the same card are the same in all its forms', () => {
    expect(sameKeys('/7302202')).toEqual(['/7302202', '111/27706', 'low24/7302202']);
    expect(sameKeys('111/27706')).toEqual(sameKeys('/7302202'));
    expect(sameKeys('/1318764788865664')).toEqual(['/1318764788865664']);
  });

  it('of a format are that one, whatever it is called', () => {
    const key = cardKey(111, '0027706', 'a/b') ?? '';
    expect(cardOfKey(key)).toEqual({ facility: 111, number: '27706', format: 'a/b' });
    expect(normalKey(key)).toBe(key);
    expect(sameKeys(key)).toEqual([key]);
    // Wiegand 26 and 34 need no name: the same card is found at an RDM6300 too.
    for (const format of [undefined, 'wiegand26', 'wiegand34'])
      expect(cardKey(111, '27706', format)).toBe('111/27706');
  });

  it('of facility and number find no card of other bits', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const word = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(byte, word, byte, fc.nat(), (facility, number, version, low) => {
        const row = cardKey(facility, String(number)) ?? '';
        const isIt = low === facility * 0x1_0000 + number;
        const em = keysOfReading({ format: 'em4100', facility: version, number: String(low) });
        expect(em.includes(row)).toBe(isIt);
        for (const format of ['corporate1000-35', 'corporate1000-48', 'wiegand37-facility', 'house'])
          expect(keysOfReading({ format, facility, number: String(number) })).not.toContain(row);
        const versioned = keysOfReading({ format: 'em4100', facility, number: String(number) });
        expect(versioned.includes(row)).toBe(facility === 0);
      }),
    );
  });

  it('never throw, are their own normal form, and find what they name', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[0-9A-Fa-f:.,， x-]{1,30}$/),
      fc.bigInt({ min: 0n, max: 2n ** 80n }).map(String),
    );
    fc.assert(
      fc.property(
        texts,
        fc.option(fc.integer({ min: 0, max: 99_999 }), { nil: undefined }),
        fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
        (text, facility, format) => {
          const key = cardKey(facility, text, format);
          expect(keysOfReading({ format: 'em4100', number: text, facility }).length).toBeGreaterThan(0);
          expect(normalNumber(normalNumber(text))).toBe(normalNumber(text));
          if (key === undefined) return;
          expect(normalKey(key)).toBe(key);
          expect(sameKeys(key)).toContain(key);
          expect(isCard({ number: text, facility }, { format: 'ascii', number: text, facility })).toBe(true);
        },
      ),
    );
  });
});
