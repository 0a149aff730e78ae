/**
 * RTP as it comes (RFC 3550, 5.1), put in order: over UDP a packet may overtake another. What does not come while so many
 * others do is lost. Pure.
 */
export interface Payload {
  readonly bytes: Buffer;
  /** The last of a picture (RFC 3551, 5). */
  readonly isLast: boolean;
  /** So many packets before it did not come. */
  readonly lost: number;
}

export interface RtpReader {
  /** One packet; what can be used now, in its order. */
  push(packet: Buffer): readonly Payload[];
  /** Nothing comes any more: what still waits. */
  rest(): readonly Payload[];
  readonly counts: {
    readonly packets: number;
    readonly lost: number;
    /** Came again, or later than it was waited for. */
    readonly late: number;
    /** No RTP, or of another payload type than PS. */
    readonly other: number;
  };
  /** Of the first packet. */
  readonly ssrc: number | undefined;
}

/** Packets that come while one is missing: some 5 ms of a picture in full. */
const WAITING_MAX = 64;
/** Further apart, it is another beginning. */
const JUMP_MAX = 3000;
/** As the offer says (GB/T 28181-2016, annex C: 96 is PS). */
const PS = 96;

function read(packet: Buffer) {
  const [first = 0, second = 0] = packet;
  if (packet.length < 12 || first >> 6 !== 2 || (second & 0x7f) !== PS) return undefined;
  let at = 12 + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (packet.length < at + 4) return undefined;
    at += 4 + 4 * packet.readUInt16BE(at + 2);
  }
  const padding = (first & 0x20) === 0 ? 0 : (packet.at(-1) ?? 0);
  if (at > packet.length - padding) return undefined;
  return {
    sequence: packet.readUInt16BE(2),
    ssrc: packet.readUInt32BE(8),
    isLast: (second & 0x80) !== 0,
    bytes: packet.subarray(at, packet.length - padding),
  };
}

export function rtpReader(): RtpReader {
  const counts = { packets: 0, lost: 0, late: 0, other: 0 };
  const waiting = new Map<number, { readonly bytes: Buffer; readonly isLast: boolean }>();
  let next: number | undefined;
  let ssrc: number | undefined;
  const ready = (lost: number): Payload[] => {
    const out: Payload[] = [];
    for (let missing = lost; next !== undefined; next = (next + 1) & 0xffff, missing = 0) {
      const one = waiting.get(next);
      if (one === undefined) break;
      waiting.delete(next);
      out.push({ bytes: one.bytes, isLast: one.isLast, lost: missing });
    }
    return out;
  };
  /** Goes on with the next one that is there. */
  const skip = (): Payload[] => {
    let lost = 0;
    for (; next !== undefined && !waiting.has(next); next = (next + 1) & 0xffff) lost++;
    counts.lost += lost;
    return ready(lost);
  };
  return {
    counts,
    get ssrc() {
      return ssrc;
    },
    push(packet) {
      const one = read(packet);
      if (one === undefined) {
        counts.other++;
        return [];
      }
      counts.packets++;
      ssrc ??= one.ssrc;
      next ??= one.sequence;
      const ahead = (one.sequence - next) & 0xffff;
      if (ahead >= JUMP_MAX && ahead <= 0x10000 - JUMP_MAX) {
        // It began anew.
        waiting.clear();
        next = one.sequence;
      } else if (ahead > 0x8000 || waiting.has(one.sequence)) {
        counts.late++;
        return [];
      }
      waiting.set(one.sequence, one);
      const out = ready(0);
      return waiting.size > WAITING_MAX ? [...out, ...skip()] : out;
    },
    rest() {
      const out: Payload[] = [];
      while (waiting.size > 0) out.push(...skip());
      return out;
    },
  };
}

/** Parts a connection into packets: two bytes of length before each (RFC 4571, 2). */
export function frameSplitter(): (chunk: Buffer) => readonly Buffer[] {
  let held: Buffer[] = [];
  let size = 0;
  let wanted = 2;
  return (chunk) => {
    held.push(chunk);
    size += chunk.length;
    if (size < wanted) return [];
    const all = held.length === 1 ? chunk : Buffer.concat(held);
    const packets: Buffer[] = [];
    let at = 0;
    wanted = 2;
    while (all.length - at >= 2) {
      const length = all.readUInt16BE(at);
      if (all.length - at - 2 < length) {
        wanted = 2 + length;
        break;
      }
      packets.push(all.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    held = at === all.length ? [] : [Buffer.from(all.subarray(at))];
    size = all.length - at;
    return packets;
  };
}
