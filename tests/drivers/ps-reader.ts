/** A program stream, parted by ISO/IEC 13818-1 by hand and bit for bit: no code of our muxer. It throws at what is wrong. */

export interface Pes {
  readonly id: number;
  readonly pts: number | undefined;
  readonly dts: number | undefined;
  readonly payload: Buffer;
}

export interface ReadPack {
  readonly scr: number;
  /** stream_type by stream_id, where the pack has a map. */
  readonly map: ReadonlyMap<number, number> | undefined;
  readonly mapVersion: number | undefined;
  readonly hasSystemHeader: boolean;
  readonly pes: readonly Pes[];
}

function bitsOf(bytes: Buffer) {
  let at = 0;
  return (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, at++)
      value = value * 2 + (((bytes[Math.floor(at / 8)] as number) >> (7 - (at % 8))) & 1);
    return value;
  };
}

const must = (holds: boolean, what: string) => {
  if (!holds) throw new Error(`not so: ${what}`);
};

/** The division of annex A, a bit at a time; of all with its CRC_32 it leaves 0. */
function remainderOf(bytes: Buffer): number {
  let register = 0xffffffffn;
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      const out = (register >> 31n) ^ BigInt((byte >> bit) & 1);
      register = (register << 1n) & 0xffffffffn;
      if (out === 1n) register ^= 0x04c11db7n;
    }
  return Number(register);
}

function timeOf(bits: (count: number) => number, mark: number): number {
  must(bits(4) === mark, `the mark ${mark} of a time`);
  let time = 0;
  for (const count of [3, 15, 15]) {
    time = time * 2 ** count + bits(count);
    must(bits(1) === 1, 'a marker bit of a time');
  }
  return time;
}

function readPes(packet: Buffer): Pes {
  const bits = bitsOf(packet.subarray(6));
  must(bits(2) === 2, 'PES begins with 10');
  must(bits(2) === 0, 'not scrambled');
  bits(4);
  const times = bits(2);
  must(bits(6) === 0, 'no ESCR, no rate, no trick mode, no copy info, no CRC, no extension');
  const head = bits(8);
  must(head === [0, -1, 5, 10][times], 'the length of the header');
  const pts = times === 0 ? undefined : timeOf(bits, times);
  const dts = times === 3 ? timeOf(bits, 1) : pts;
  return { id: packet[3] as number, pts, dts, payload: packet.subarray(9 + head) };
}

function readMap(packet: Buffer): { map: Map<number, number>; version: number } {
  must(remainderOf(packet) === 0, 'CRC_32 of the map');
  const bits = bitsOf(packet.subarray(6));
  must(bits(1) === 1, 'the map counts now');
  bits(2);
  const version = bits(5);
  must(bits(8) === 0xff && bits(16) === 0, 'reserved bits, and no info of the program');
  const length = bits(16);
  must(length === packet.length - 16, 'elementary_stream_map_length');
  const map = new Map<number, number>();
  for (let at = 0; at < length; at += 4) {
    const type = bits(8);
    map.set(bits(8), type);
    must(bits(16) === 0, 'no info of the stream');
  }
  return { map, version };
}

export function readPs(stream: Buffer): readonly ReadPack[] {
  const packs: { -readonly [K in keyof ReadPack]: ReadPack[K] }[] = [];
  for (let at = 0; at < stream.length; ) {
    must(stream.readUIntBE(at, 3) === 1, `a start code at ${at}`);
    const id = stream[at + 3] as number;
    if (id === 0xba) {
      const bits = bitsOf(stream.subarray(at + 4, at + 14));
      must(bits(2) === 1, 'a pack of MPEG-2');
      let scr = 0;
      for (const count of [3, 15, 15]) {
        scr = scr * 2 ** count + bits(count);
        must(bits(1) === 1, 'a marker bit of the SCR');
      }
      must(bits(9) === 0 && bits(1) === 1, 'SCR_ext, marker');
      must(bits(22) > 0 && bits(2) === 3, 'program_mux_rate, markers');
      must(bits(5) === 31 && bits(3) === 0, 'no stuffing');
      packs.push({ scr, map: undefined, mapVersion: undefined, hasSystemHeader: false, pes: [] });
      at += 14;
      continue;
    }
    const end = at + 6 + stream.readUInt16BE(at + 4);
    must(end <= stream.length, `a length that reaches beyond, at ${at}`);
    const packet = stream.subarray(at, end);
    const pack = packs.at(-1);
    if (pack === undefined) throw new Error('something before the first pack');
    if (id === 0xbb) {
      must(pack.pes.length === 0 && pack.map === undefined, 'the system header stands first');
      must((packet.length - 12) % 3 === 0, 'the length of the system header');
      pack.hasSystemHeader = true;
    } else if (id === 0xbc) {
      const { map, version } = readMap(packet);
      Object.assign(pack, { map, mapVersion: version });
    } else pack.pes = [...pack.pes, readPes(packet)];
    at = end;
  }
  return packs;
}

/** All that a stream has of one stream_id. */
export const payloadOf = (packs: readonly ReadPack[], id: number): Buffer =>
  Buffer.concat(packs.flatMap(({ pes }) => pes.filter((one) => one.id === id).map(({ payload }) => payload)));
