/** What a picture says of itself: its format, and how many pixels it has. Pure. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** SOF0 to SOF15, without DHT, JPG and DAC, which stand among them (ITU-T T.81, table B.1). */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
/** More segments before the frame than any camera writes. */
const SEGMENTS_MAX = 1000;
const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

function sizeOfJpeg(bytes: Buffer): Size | undefined {
  for (let at = 2, i = 0; at + 9 <= bytes.length && i < SEGMENTS_MAX; i++) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    // Fill bytes (B.1.1.2).
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (isFrame(marker)) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) return undefined;
    at += 2 + length;
  }
  return undefined;
}

/** undefined: it is neither a JPEG nor a PNG, or does not say. */
export function sizeOf(bytes: Buffer): Size | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return sizeOfJpeg(bytes);
  // IHDR is the first chunk (PNG specification, 11.2.1).
  if (bytes.length >= 24 && bytes.subarray(0, 8).equals(PNG))
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  return undefined;
}
