/**
 * Texts of devices that do not say how they are encoded: names of zones, users and rooms. DC-09 says ASCII, and
 * Windows-1252 in some blocks (5.5.1.8); panels send UTF-8, and those sold in China GB 18030 too. It is found out, of all
 * that stands in a frame's brackets at once. The second byte of GB 18030 may be `[`, `]`, `|` or `^`: so the bytes become
 * text before it is taken apart.
 */
import iconv from 'iconv-lite';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function decodeText(bytes: Buffer): string {
  const ascii = bytes.toString('latin1');
  if (/^[\0-\x7f]*$/.test(ascii)) return ascii;
  try {
    return utf8.decode(bytes);
  } catch {
    return iconv.decode(bytes, isChinese(bytes) ? 'gb18030' : 'windows-1252');
  }
}

const isHigh = (byte: number | undefined, least: number) =>
  byte !== undefined && byte >= least && byte <= 0xfe;
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;
const isLetter = (byte: number | undefined) =>
  byte !== undefined && /[A-Za-z]/.test(String.fromCharCode(byte));

/**
 * Whether bytes that are no UTF-8 are GB 18030. Most texts in Windows-1252 are valid GB 18030 too (`Kü` and `che` give
 * one rare sign), but do not read as Chinese: the 3755 signs in daily use (GB 2312, first level: B0A1 to D7F9) are most
 * of each Chinese name, and accented small letters, E0 to FF, never begin one. A sign between two Latin letters, as in
 * `LIGAÇÃO`, speaks for neither.
 */
function isChinese(bytes: Buffer): boolean {
  let usual = 0;
  let rare = 0;
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] ?? 0;
    if (lead < 0x80) {
      i++;
      continue;
    }
    const second = bytes[i + 1];
    if (!isHigh(lead, 0x81)) return false;
    if (isDigit(second)) {
      // Four bytes, GB 18030's own.
      if (!isHigh(bytes[i + 2], 0x81) || !isDigit(bytes[i + 3])) return false;
      rare++;
      i += 4;
      continue;
    }
    if (!isHigh(second, 0x40) || second === 0x7f) return false;
    const between = isLetter(bytes[i - 1]) && isLetter(bytes[i + 2]);
    if (lead >= 0xb0 && lead <= 0xd7 && isHigh(second, 0xa1) && !between) usual++;
    // The signs before B0 are punctuation, full-width digits and letters: they say nothing.
    else if (lead >= 0xb0 || !isHigh(second, 0xa1)) rare++;
    i += 2;
  }
  return usual > 0 && usual >= rare;
}
