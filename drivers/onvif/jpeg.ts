/** Whether bytes are a whole JPEG (ITU-T T.81, annex B). Pure. */

/** SOF0 to SOF15, without DHT, JPG and DAC, which stand among them (T.81, table B.1). */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
const [SOI, EOI, SOS] = [0xd8, 0xd9, 0xda];
/** Segments before a picture: more than any camera writes. */
const SEGMENTS_MAX = 1000;
/** What some write before it: an empty line. */
const BEFORE_MAX = 4;

/** The picture, without what stands before it; undefined: it has no frame with a width, no scan or no end. */
export function wholeJpeg(bytes: Buffer): Buffer | undefined {
  const start = bytes.subarray(0, BEFORE_MAX + 2).indexOf(Buffer.of(0xff, SOI));
  if (start === -1) return undefined;
  const jpeg = bytes.subarray(start);
  let hasFrame = false;
  for (let at = 2, i = 0; at + 4 <= jpeg.length && i < SEGMENTS_MAX; i++) {
    if (jpeg[at] !== 0xff) return undefined;
    const marker = jpeg[at + 1] ?? 0;
    // Fill bytes (B.1.1.2).
    if (marker === 0xff) {
      at++;
      continue;
    }
    const length = jpeg.readUInt16BE(at + 2);
    if (length < 2) return undefined;
    // A height of 0 is told behind the first scan (B.2.5).
    if (isFrame(marker)) hasFrame = at + 9 <= jpeg.length && jpeg.readUInt16BE(at + 7) > 0;
    if (marker === SOS)
      return hasFrame && jpeg.lastIndexOf(Buffer.of(0xff, EOI)) > at + 2 + length ? jpeg : undefined;
    at += 2 + length;
  }
  return undefined;
}
