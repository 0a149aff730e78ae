/** Characters that a platform may not know: it says GB2312, and what it reads is often no more. Pure. */
import iconv from 'iconv-lite';

/** `gb18030`: as they are. `gb2312`: what is not in GB 2312-80 becomes a question mark. */
export const characterSets = ['gb18030', 'gb2312'] as const;
export type CharacterSet = (typeof characterSets)[number];

/** Of its first area, what GBK put in between: small Roman numerals, forms for vertical lines, letters with accents. */
const BETWEEN: readonly (readonly [number, number])[] = [
  [0xa2a1, 0xa2b0],
  [0xa2e3, 0xa2e3],
  [0xa6e0, 0xa6fe],
  [0xa8bb, 0xa8c0],
];

/** GB 2312-80 in two bytes: rows 1 to 9 are signs, 16 to 87 characters, cells from 1 to 94; row 55 ends at cell 89. */
function isGb2312(bytes: Buffer): boolean {
  if (bytes.length === 1) return true;
  const [row = 0, cell = 0] = bytes;
  if (bytes.length > 2 || cell < 0xa1 || cell === 0xff) return false;
  if (row < 0xa1 || row > 0xf7 || (row > 0xa9 && row < 0xb0)) return false;
  const code = row * 256 + cell;
  return !(row === 0xd7 && cell > 0xf9) && !BETWEEN.some(([from, to]) => code >= from && code <= to);
}

export function inCharacters(text: string, set: CharacterSet): string {
  // Plain letters are in all of them.
  if (set === 'gb18030' || /^[\x20-\x7e]*$/.test(text)) return text;
  return Array.from(text, (one) => (isGb2312(iconv.encode(one, 'gb18030')) ? one : '?')).join('');
}
