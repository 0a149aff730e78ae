/**
 * What an uploaded picture is, by its own bytes: a name or a header would be the word of whoever sends it. Only the head is
 * read, and the end is looked for; nothing is decoded here. Pure.
 *
 * - PNG: the specification, third edition, 5.2 (signature), 11.2.1 (IHDR) and 11.2.5 (IEND).
 * - JPEG: ITU-T T.81, annex B (markers; the size stands in the frame header SOFn).
 * - WebP: RFC 9649 (RIFF; a `VP8 `, `VP8L` or `VP8X` chunk comes first).
 */

export interface PictureHead {
  readonly contentType: 'image/png' | 'image/jpeg' | 'image/webp';
  /** Pixels, as they are stored: a JPEG may say that it is to be turned. */
  readonly width: number;
  readonly height: number;
}

/** undefined: it is no whole picture of a type that is known here. Never throws. */
export function readPictureHead(bytes: Buffer): PictureHead | undefined {
  try {
    const found = readPng(bytes) ?? readJpeg(bytes) ?? readWebp(bytes);
    return found !== undefined && found.width > 0 && found.height > 0 ? found : undefined;
  } catch (error) {
    // It ends before its head does.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** The last chunk, which has no content: its length, its name, its checksum. */
const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');

function readPng(bytes: Buffer): PictureHead | undefined {
  if (!bytes.subarray(0, 8).equals(PNG_SIGNATURE) || bytes.toString('latin1', 12, 16) !== 'IHDR')
    return undefined;
  if (!bytes.subarray(-PNG_END.length).equals(PNG_END)) return undefined;
  return { contentType: 'image/png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

function readJpeg(bytes: Buffer): PictureHead | undefined {
  if (bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  // Some cameras write zeros after the end.
  if (bytes.lastIndexOf(Buffer.from([0xff, 0xd9])) < 2) return undefined;
  for (let at = 2; ; ) {
    if (bytes.readUInt8(at) !== 0xff) return undefined;
    const marker = bytes.readUInt8(at + 1);
    // Fill bytes may stand before a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (isFrame(marker))
      return {
        contentType: 'image/jpeg',
        width: bytes.readUInt16BE(at + 7),
        height: bytes.readUInt16BE(at + 5),
      };
    const length = bytes.readUInt16BE(at + 2);
    // The picture itself began without saying how large it is.
    if (marker === 0xda || length < 2) return undefined;
    at += 2 + length;
  }
}

function readWebp(bytes: Buffer): PictureHead | undefined {
  const is = (text: string, at: number) => bytes.toString('latin1', at, at + text.length) === text;
  if (!is('RIFF', 0) || !is('WEBP', 8) || bytes.readUInt32LE(4) + 8 > bytes.length) return undefined;
  const size = (width: number, height: number) => ({ contentType: 'image/webp', width, height }) as const;
  if (is('VP8X', 12)) return size(bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1);
  if (is('VP8L', 12)) {
    // After a byte that says 0x2f: 14 bits each.
    const packed = bytes.readUInt32LE(21);
    return bytes.readUInt8(20) === 0x2f
      ? size((packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1)
      : undefined;
  }
  // After a tag of three bytes and a start code (RFC 6386, 9.1): 14 bits each, two more for scaling.
  if (is('VP8 ', 12) && bytes.readUIntBE(23, 3) === 0x9d012a)
    return size(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff);
  return undefined;
}
