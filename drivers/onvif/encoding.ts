/** How a camera's answers are encoded. */
import iconv from 'iconv-lite';
import { decodeText } from '../text.ts';

/**
 * The bytes of an answer as text. Some declare GB 2312 and write UTF-8, some the other way round: what is valid UTF-8 is
 * read as that, and the declaration (XML 1.0, 4.3.3) of what is not is believed.
 */
export function decodeXml(bytes: Buffer): string {
  const text = bytes.toString();
  if (!text.includes('\ufffd')) return text;
  const declared = /^[^<]{0,9}<\?xml[^>]{0,100}\bencoding\s*=\s*["']\s*gb/i.test(
    bytes.toString('latin1', 0, 200),
  );
  return declared ? iconv.decode(bytes, 'gb18030') : decodeText(bytes);
}
