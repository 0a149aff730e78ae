import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText } from '../../drivers/text.ts';

describe('a text of a panel', () => {
  // What Python's codecs make of each name.
  it.each([
    ['d2bbbac5c2a5b1b1cea7c7bd', '一号楼北围墙'],
    ['b1b1855e31bac5c3c5', '北區1号门'],
    ['b4ac895db6abc3c5', '船塢东门'],
    ['c3c5cec0cad2', '门卫室'],
    ['b6abc3c5a3a8b8dacda4a3a9', '东门（岗亭）'],
    ['d6ece946bbf9c2a5', '朱镕基楼'],
    ['41c7f842d7f9', 'A区B座'],
    ['9534b235d2b0c2a5', '𠮷野楼'],
  ])('%s in GB 18030 is %s', (hex, text) => {
    expect(decodeText(Buffer.from(hex, 'hex'))).toBe(text);
  });

  it.each([
    ['4bfc636865', 'Küche'],
    ['4772f6df65', 'Größe'],
    ['4c494741c7c34f', 'LIGAÇÃO'],
    ['6372e9e965', 'créée'],
    ['8c75767265206492617274', 'Œuvre d’art'],
    ['53747261df652035b0', 'Straße 5°'],
    ['53e36f204a6fe36f', 'São João'],
  ])('%s in Windows-1252 is %s', (hex, text) => {
    expect(decodeText(Buffer.from(hex, 'hex'))).toBe(text);
  });

  it.each(['北围墙', 'Küche', '門衛室 1', 'plain', 'Кухня'])('%s in UTF-8 is that', (text) => {
    expect(decodeText(Buffer.from(text))).toBe(text);
  });

  it('is a text, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(typeof decodeText(Buffer.from(bytes))).toBe('string');
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (text) => {
        // A byte order mark at the start is no letter.
        if (!text.startsWith('\ufeff')) expect(decodeText(Buffer.from(text))).toBe(text.toWellFormed());
      }),
    );
  });
});
