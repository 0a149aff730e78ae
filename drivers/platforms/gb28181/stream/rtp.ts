/** RTP (RFC 3550, 5.1) of a program stream, and how its packets stand on a connection (RFC 4571, 2). Pure. */

const HEADER_BYTES = 12;
/** Of a packet with its header, so that it fits each way's MTU with room for tunnels. */
const PACKET_MAX = 1300;
const PAYLOAD_MAX = PACKET_MAX - HEADER_BYTES;

export interface RtpOptions {
  readonly ssrc: number;
  readonly payloadType: number;
  /** Of the first packet, 16 bits; RFC 3550, 5.1: random. */
  readonly sequence: number;
  /** Is added to each time, 32 bits; random. */
  readonly offset: number;
  /** Each packet stands behind its length, as a connection needs it. */
  readonly isFramed: boolean;
}

export interface Packets {
  /** All, one behind the other. */
  readonly bytes: Buffer;
  /** Each; views of `bytes`. */
  readonly list: readonly Buffer[];
}

/** @returns what parts a pack into packets: all with its time, the last with the marker. */
export function createPacketizer(own: RtpOptions): (pack: Buffer, time: number) => Packets {
  const prefix = own.isFramed ? 2 : 0;
  const head = prefix + HEADER_BYTES;
  let sequence = own.sequence;
  return (pack, time) => {
    const count = Math.max(1, Math.ceil(pack.length / PAYLOAD_MAX));
    const bytes = Buffer.allocUnsafe(pack.length + count * head);
    const stamp = (time + own.offset) % 2 ** 32;
    const list: Buffer[] = [];
    let at = 0;
    for (let taken = 0; list.length < count; taken += PAYLOAD_MAX) {
      const start = at;
      const length = Math.min(PAYLOAD_MAX, pack.length - taken);
      if (prefix > 0) bytes.writeUInt16BE(HEADER_BYTES + length, at);
      at += prefix;
      // Version 2; no padding, no extension, no contributing sources.
      bytes[at] = 0x80;
      bytes[at + 1] = (list.length === count - 1 ? 0x80 : 0) | own.payloadType;
      bytes.writeUInt16BE(sequence, at + 2);
      bytes.writeUInt32BE(stamp, at + 4);
      bytes.writeUInt32BE(own.ssrc, at + 8);
      pack.copy(bytes, at + HEADER_BYTES, taken, taken + length);
      at += HEADER_BYTES + length;
      sequence = (sequence + 1) % 2 ** 16;
      list.push(bytes.subarray(start, at));
    }
    return { bytes, list };
  };
}
