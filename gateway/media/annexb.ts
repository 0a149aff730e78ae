/**
 * Pictures of an MP4, NAL units each after its length, -> Annex B of H.264 and H.265: each after a start code, the parameter
 * sets before each key picture. Pure.
 */
import type { VideoTrack } from './tracks.ts';

const START = Buffer.of(0, 0, 0, 1);

/** The types of NAL units (H.264, table 7-1; H.265, table 7-1): the sets in the order in which they build on each other. */
const kinds = {
  h264: { typeOf: (unit: Buffer) => unit.readUInt8(0) & 0x1f, delimiter: 9, sets: [7, 8] },
  h265: { typeOf: (unit: Buffer) => (unit.readUInt8(0) >> 1) & 0x3f, delimiter: 35, sets: [32, 33, 34] },
} as const;

/** For the pictures of one stream, in their order. The function throws RangeError where a NAL unit ends early. */
export function createAnnexB({ codec, lengthSize, parameterSets }: VideoTrack) {
  const { typeOf, delimiter, sets } = kinds[codec];
  const isSet = (type: number) => sets.some((one) => one === type);
  const known = new Map<number, readonly Buffer[]>();
  /** A camera whose options are changed sends other ones among its pictures. */
  const learn = (units: readonly Buffer[]) => {
    const found = Map.groupBy(units, typeOf);
    for (const type of sets) {
      const own = found.get(type);
      if (own !== undefined) known.set(type, own);
    }
  };
  learn(parameterSets.filter(({ length }) => length > 0));
  return (sample: Buffer, isKey: boolean): Buffer => {
    const units = unitsIn(sample, lengthSize);
    learn(units);
    const ordered = isKey
      ? [
          // The delimiter is the first of a picture, or none.
          ...units.filter((unit) => typeOf(unit) === delimiter),
          ...sets.flatMap((type) => known.get(type) ?? []),
          ...units.filter((unit) => typeOf(unit) !== delimiter && !isSet(typeOf(unit))),
        ]
      : units;
    return Buffer.concat(ordered.flatMap((unit) => [START, unit]));
  };
}

function unitsIn(sample: Buffer, lengthSize: number): Buffer[] {
  const units: Buffer[] = [];
  for (let at = 0; at < sample.length; ) {
    const length = sample.readUIntBE(at, lengthSize);
    at += lengthSize;
    if (at + length > sample.length) throw new RangeError('a NAL unit ends early');
    if (length > 0) units.push(sample.subarray(at, at + length));
    at += length;
  }
  return units;
}
