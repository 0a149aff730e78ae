/** Devices that take lines of text, LED signs first: text and a profile to bytes. They answer nothing. */
import iconv from 'iconv-lite';
import { z } from 'zod';

export const lineProfileSchema = z.strictObject({
  title: z.strictObject({ en: z.string(), zh: z.string() }),
  verified: z.boolean().describe('Checked on the hardware, not only from a manual'),
  encoding: z
    .enum(['utf8', 'gb18030', 'ascii'])
    .describe('Of the text; most signs in China take GB 2312, a part of GB 18030'),
  show: z.string().includes('{text}').describe('What shows a text; {text} stands for it. YAML knows "\\x02"'),
  clear: z.string().describe('What shows nothing'),
  characters: z.int().min(1).max(1000).describe('Longer texts are cut'),
});
export type LineProfile = z.output<typeof lineProfileSchema>;

/** The bytes that show a text. Control characters in it would be commands to the sign: they become spaces. */
export function encodeShow({ show, encoding, characters }: LineProfile, text: string): Buffer {
  const clean = [...text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')].slice(0, characters).join('');
  // A function: "$&" in a text is no pattern.
  return iconv.encode(
    show.replace('{text}', () => clean),
    encoding,
  );
}

export const encodeClear = ({ clear, encoding }: LineProfile): Buffer => iconv.encode(clear, encoding);
