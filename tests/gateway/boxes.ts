/** Boxes of ISO/IEC 14496-12 by hand. */

export const hex = (text: string) => Buffer.from(text.replace(/ /g, ''), 'hex');

export function box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

/** Numbers of 4 bytes; negative ones as two's complement. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * i);
  return bytes;
}

/** A NAL unit after its length of 4 bytes. */
export const counted = (unit: Buffer) => Buffer.concat([words(unit.length), unit]);

/** H.264: a sequence set, a picture set, and a second one of each. */
export const [SPS, PPS] = [hex('67 42c01e'), hex('68 ce3c80')];
export const AVCC = box('avcC', hex('01 42c01e ff e1 0004'), SPS, hex('01 0004'), PPS);
/** H.265: the types 32, 33, 34, in arrays. */
const [VPS, SPS5, PPS5] = [hex('4001 0c'), hex('4201 01'), hex('4401 c1')];
export const SETS_H265 = [VPS, SPS5, PPS5];
export const HVCC = box(
  'hvcC',
  hex('01 01 60000000 b00000000000 5d f000 fc fd f8 f8 0000 0f 03'),
  ...[hex('a0 0001 0003'), VPS, hex('a1 0001 0003'), SPS5, hex('a2 0001 0003'), PPS5],
);

export const videoEntry = (type: string, configuration: Buffer) => box(type, Buffer.alloc(78), configuration);

/** A track of these samples; `table`: the boxes of its `stbl` beside the first. */
export const trak = (id: number, timescale: number, entry: Buffer, ...table: readonly Buffer[]) =>
  box(
    'trak',
    box('tkhd', words(0, 0, 0, id, 0)),
    box(
      'mdia',
      box('mdhd', words(0, 0, 0, timescale, 0)),
      box('minf', box('stbl', box('stsd', words(0, 1), entry), ...table)),
    ),
  );
