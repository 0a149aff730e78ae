/**
 * The last minute of a wire, for who looks on: what was read and written, as it was. It costs every byte a copy and
 * nothing more: what it means is said when somebody asks (Driver.explain).
 *
 * Kept in slabs, so that a silent wire costs one of them and a loud one no more than all. In a slab each piece is
 *
 *   elapsed f64 | way u8 | peer u8 | kept u16 | length u32 | bytes
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Piece, Tap } from '../../drivers/contract/tap.ts';

const KEPT_MS = 60_000;
const SLAB_BYTES = 4096;
/** Of one wire: an OSDP line that is polled 20 times a second says some 40 KB a minute, with their heads. */
const SLABS_MAX = 16;
const HEAD = 16;
/** Of one piece; what is longer goes into several, as the stream that it is. */
const PIECE_MAX = 2048;
/** Who talks on one slab: more than that share a name. */
const PEERS_MAX = 250;

/** A piece, and when it was. */
export interface Kept extends Piece {
  /** Counts up over the life of the wire. */
  readonly number: number;
  /** Epoch ms. */
  readonly at: number;
}

export interface WireTap extends Tap {
  /** What is kept, the oldest first. `complete`: nothing of the last minute had to go. */
  pieces(): { readonly pieces: readonly Kept[]; readonly isComplete: boolean };
  /** Epoch ms; undefined: the other end has said nothing yet. */
  heardAt(): number | undefined;
}

interface Slab {
  readonly bytes: Buffer;
  /** Up to where it is written. */
  end: number;
  /** The number of its first piece. */
  first: number;
  count: number;
  /** `elapsed` of its last piece. */
  last: number;
  readonly peers: string[];
}

export function createWireTap(time: Pick<Clock, 'wall' | 'elapsed'>): WireTap {
  const slabs: Slab[] = [];
  let next = 0;
  let heardAt: number | undefined;
  /** `elapsed` of the last piece that had to go before its time. */
  let lostAt = Number.NEGATIVE_INFINITY;

  const turn = (now: number): Slab => {
    while (slabs[0] !== undefined && now - slabs[0].last > KEPT_MS) slabs.shift();
    const oldest = slabs.length >= SLABS_MAX ? slabs.shift() : undefined;
    if (oldest !== undefined) lostAt = oldest.last;
    const bytes = oldest?.bytes ?? Buffer.allocUnsafe(SLAB_BYTES);
    const slab: Slab = { bytes, end: 0, first: next, count: 0, last: now, peers: [] };
    slabs.push(slab);
    return slab;
  };
  const peerIn = ({ peers }: Slab, peer: string): number => {
    const known = peers.indexOf(peer);
    if (known !== -1) return known;
    if (peers.length >= PEERS_MAX) return PEERS_MAX - 1;
    return peers.push(peer) - 1;
  };
  const keep = (isSaid: boolean, bytes: Uint8Array, peer: string, length: number) => {
    const now = time.elapsed();
    const current = slabs.at(-1);
    const slab =
      current === undefined || current.end + HEAD + bytes.length > SLAB_BYTES ? turn(now) : current;
    const { end } = slab;
    slab.bytes.writeDoubleLE(now, end);
    slab.bytes[end + 8] = isSaid ? 1 : 0;
    slab.bytes[end + 9] = peerIn(slab, peer);
    slab.bytes.writeUInt16LE(bytes.length, end + 10);
    slab.bytes.writeUInt32LE(Math.min(length, 0xffffffff), end + 12);
    slab.bytes.set(bytes, end + HEAD);
    slab.end = end + HEAD + bytes.length;
    slab.count++;
    slab.last = now;
    next++;
  };
  const keepAll = (isSaid: boolean, bytes: Uint8Array, peer = '', length = bytes.length) => {
    if (bytes.length <= PIECE_MAX) return keep(isSaid, bytes, peer, length);
    for (let at = 0; at < bytes.length; at += PIECE_MAX) {
      const part = bytes.subarray(at, at + PIECE_MAX);
      keep(isSaid, part, peer, part.length);
    }
  };
  const piecesIn = ({ bytes, end, first, peers }: Slab, toWall: number): Kept[] => {
    const found: Kept[] = [];
    for (let at = 0; at < end; ) {
      const kept = bytes.readUInt16LE(at + 10);
      found.push({
        number: first + found.length,
        at: bytes.readDoubleLE(at) + toWall,
        said: bytes[at + 8] === 1,
        peer: peers[bytes[at + 9] ?? 0] ?? '',
        bytes: Uint8Array.from(bytes.subarray(at + HEAD, at + HEAD + kept)),
        length: bytes.readUInt32LE(at + 12),
      });
      at += HEAD + kept;
    }
    return found;
  };
  return {
    heard(bytes, peer, length) {
      heardAt = time.wall();
      keepAll(false, bytes, peer, length);
    },
    said: (bytes, peer, length) => keepAll(true, bytes, peer, length),
    pieces() {
      const now = time.elapsed();
      const toWall = time.wall() - now;
      const since = now + toWall - KEPT_MS;
      const pieces = slabs.flatMap((slab) => piecesIn(slab, toWall)).filter(({ at }) => at >= since);
      return { pieces, isComplete: now - lostAt > KEPT_MS };
    },
    heardAt: () => heardAt,
  };
}
