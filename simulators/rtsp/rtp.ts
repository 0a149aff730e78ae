/** H.264 to one viewer: RTP (RFC 6184) interleaved in the connection of RTSP. */
import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';

const MTU = 1400;

export interface Viewer {
  readonly socket: Socket;
  readonly channel: number;
  playing: boolean;
  sequence: number;
  readonly ssrc: number;
  /** It has seen a key frame. */
  started: boolean;
}

export const createViewer = (socket: Socket, channel: number): Viewer => ({
  socket,
  channel,
  playing: false,
  sequence: randomInt(65_536),
  ssrc: randomInt(2 ** 32),
  started: false,
});

const send = (viewer: Viewer, payload: Buffer, marker: boolean, time: number) => {
  // Who does not read is not waited for: the network would lose it too.
  if (viewer.socket.writableLength > 2_000_000) return;
  const packet = Buffer.alloc(4 + 12);
  packet.write('$');
  packet[1] = viewer.channel;
  packet.writeUInt16BE(12 + payload.length, 2);
  packet[4] = 0x80;
  packet[5] = 96 | (marker ? 0x80 : 0);
  packet.writeUInt16BE(viewer.sequence++ & 0xffff, 6);
  packet.writeUInt32BE(time >>> 0, 8);
  packet.writeUInt32BE(viewer.ssrc, 12);
  viewer.socket.write(Buffer.concat([packet, payload]));
};
/** One NAL unit, in fragments where it is longer than a packet. `last`: of its picture; `time`: of 90 kHz. */
export const sendNal = (viewer: Viewer, nal: Buffer, last: boolean, time: number) => {
  if (nal.length <= MTU) return send(viewer, nal, last, time);
  const [head = 0] = nal;
  for (let at = 1; at < nal.length; at += MTU) {
    const end = at + MTU >= nal.length;
    const fragment = Buffer.of((head & 0xe0) | 28, (at === 1 ? 0x80 : 0) | (end ? 0x40 : 0) | (head & 0x1f));
    send(viewer, Buffer.concat([fragment, nal.subarray(at, at + MTU)]), last && end, time);
  }
};
