/**
 * The last minute of a wire, for who looks on: what was read and written, as it was. It costs every byte a copy and
 * nothing more: what it means is said when somebody asks (Driver.explain).
 *
 * Kept in slabs, so that a silent wire costs one of them and a loud one no more than all. In a slab each piece is
 *
 *   elapsed f64 | way u8 | peer u8 | kept u16 | length u32 | bytes
 */
import type { Clock } from '../drivers/contract/clock.ts';
import type { Piece, Tap } from '../drivers/contract/tap.ts';

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
  /** A copy of what is kept. */
  snapshot(): WireSnapshot;
  /** Epoch ms; undefined: the other end has said nothing yet. */
  heardAt(): number | undefined;
}

/** A plain value, quick to copy: it crosses threads, and is read there (`piecesOf`). */
export interface WireSnapshot {
  readonly slabs: readonly {
    readonly bytes: Uint8Array;
    readonly first: number;
    readonly peers: readonly string[];
  }[];
  /** From `elapsed` to epoch ms. */
  readonly toWall: number;
  /** What was before is too old, epoch ms. */
  readonly since: number;
  /** Nothing of the last minute had to go. */
  readonly isComplete: boolean;
}

/** What a snapshot holds, the oldest first. */
export function piecesOf({ slabs, toWall, since }: WireSnapshot): readonly Kept[] {
  const found: Kept[] = [];
  for (const { bytes, first, peers } of slabs) {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0, number = first; at < view.length; number++) {
      const kept = view.readUInt16LE(at + 10);
      const when = view.readDoubleLE(at) + toWall;
      const [said, peer = ''] = [view[at + 8] === 1, peers[view[at + 9] ?? 0]];
      const own = Uint8Array.from(view.subarray(at + HEAD, at + HEAD + kept));
      if (when >= since)
        found.push({ number, at: when, said, peer, bytes: own, length: view.readUInt32LE(at + 12) });
      at += HEAD + kept;
    }
  }
  return found;
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
  return {
    heard(bytes, peer, length) {
      heardAt = time.wall();
      keepAll(false, bytes, peer, length);
    },
    said: (bytes, peer, length) => keepAll(true, bytes, peer, length),
    snapshot() {
      const now = time.elapsed();
      const toWall = time.wall() - now;
      return {
        slabs: slabs.map(({ bytes, end, first, peers }) => ({
          bytes: Uint8Array.from(bytes.subarray(0, end)),
          first,
          peers: [...peers],
        })),
        ...{ toWall, since: now + toWall - KEPT_MS, isComplete: now - lostAt > KEPT_MS },
      };
    },
    heardAt: () => heardAt,
  };
}
