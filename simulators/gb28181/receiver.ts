/** Where a stream arrives: RTP by UDP, or by TCP to whoever connects (RFC 4571), into a file, counted. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createServer, isIP, type Socket } from 'node:net';
import type { Clock } from '../../drivers/contract/clock.ts';
import { psReader } from './ps.ts';
import { frameSplitter, type Payload, rtpReader } from './rtp.ts';
import { dialWithin } from './wire.ts';

export type Carrier = 'udp' | 'tcp-passive' | 'tcp-active';

/** What was received so far. */
export interface Received {
  readonly file: string;
  readonly bytes: number;
  readonly pictures: number;
  readonly keys: number;
  readonly sounds: number;
  readonly video: string | undefined;
  readonly audio: string | undefined;
  readonly packets: number;
  readonly lost: number;
  readonly late: number;
  /** Packets and bytes that are no RTP of PS. */
  readonly strange: number;
  readonly ssrc: number | undefined;
}

export interface Receiver {
  /** Where it listens; 9 (discard) where it will connect (RFC 4145, 4.1). */
  readonly port: number;
  /** Of `tcp-active`: to where the sender listens. @throws Error where it does not. */
  connect(host: string, port: number): Promise<void>;
  /** ms of `time.elapsed` when the first key picture was whole. Never rejects; it may never resolve. */
  readonly firstKey: Promise<number>;
  /** Resolves when the sender closed its connection. */
  readonly ended: Promise<void>;
  received(): Received;
  /** The file is whole when it resolves. @throws what the disk says. */
  close(): Promise<void>;
}

/** A key picture in full comes in one burst; the system may allow less. */
const RECEIVE_BUFFER = 4_194_304;
const CONNECT_MS = 5000;
const DISCARD_PORT = 9;

interface ReceiverOptions {
  readonly carrier: Carrier;
  /** Ours, to which the sender sends. */
  readonly address: string;
  readonly file: string;
  readonly time: Clock;
}

/** @throws Error where it cannot listen, or write there. */
export async function openReceiver({ carrier, address, file, time }: ReceiverOptions): Promise<Receiver> {
  const output = createWriteStream(file);
  await once(output, 'open');
  const firstKey = Promise.withResolvers<number>();
  let wrong: Error | undefined;
  output.on('error', (error) => {
    wrong = error;
  });
  const rtp = rtpReader();
  const ps = psReader((picture) => {
    if (picture.isKey && picture.isWhole) firstKey.resolve(time.elapsed());
  });
  let bytes = 0;
  const take = (payloads: readonly Payload[]) => {
    for (const payload of payloads) {
      if (payload.lost > 0) ps.lost();
      bytes += payload.bytes.length;
      if (wrong === undefined) output.write(payload.bytes);
      ps.push(payload.bytes);
      if (payload.isLast) ps.endPicture();
    }
  };
  const packet = (one: Buffer) => {
    take(rtp.push(one));
    return output.writableNeedDrain;
  };
  const carried = await carriers[carrier](address, packet, (run) => output.once('drain', run), time);
  return {
    port: carried.port,
    connect: carried.connect,
    ended: carried.ended,
    firstKey: firstKey.promise,
    received: () => ({
      ...{ file, bytes, ssrc: rtp.ssrc, lost: rtp.counts.lost, late: rtp.counts.late },
      packets: rtp.counts.packets,
      strange: rtp.counts.other + ps.seen.strange,
      pictures: ps.seen.pictures,
      keys: ps.seen.keys,
      sounds: ps.seen.sounds,
      video: ps.seen.video,
      audio: ps.seen.audio,
    }),
    async close() {
      await carried.close();
      take(rtp.rest());
      ps.endPicture();
      await new Promise<void>((resolve) => output.end(resolve).once('error', () => resolve()));
      if (wrong !== undefined) throw wrong;
    },
  };
}

interface Carried {
  readonly port: number;
  connect(host: string, port: number): Promise<void>;
  readonly ended: Promise<void>;
  close(): Promise<void>;
}
/** `packet`: one that came; true: no more until `drained`, where the sender can be held. */
type Carry = (
  address: string,
  packet: (bytes: Buffer) => boolean,
  drained: (run: () => void) => void,
  time: Clock,
) => Promise<Carried>;

const nothingToConnect = async () => {};

/** What comes over a connection; resolves when it ended. */
function readPackets(socket: Socket, packet: Parameters<Carry>[1], drained: Parameters<Carry>[2]) {
  const split = frameSplitter();
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    let isFull = false;
    for (const one of split(chunk)) isFull = packet(one);
    if (!isFull) return;
    socket.pause();
    drained(() => socket.resume());
  });
  return new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

const carriers: Readonly<Record<Carrier, Carry>> = {
  async udp(address, packet) {
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
    socket.on('error', () => {});
    socket.on('message', packet);
    socket.bind({ address, port: 0 });
    await once(socket, 'listening');
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER);
    } catch {}
    return {
      port: socket.address().port,
      connect: nothingToConnect,
      ended: new Promise(() => {}),
      close: () => new Promise((resolve) => socket.close(() => resolve())),
    };
  },
  async 'tcp-passive'(address, packet, drained) {
    const ended = Promise.withResolvers<void>();
    let taken: Socket | undefined;
    const server = createServer((socket) => {
      // One sender, and no second.
      if (taken !== undefined) return socket.destroy();
      taken = socket;
      readPackets(socket, packet, drained).then(ended.resolve);
    });
    server.listen({ host: address, port: 0 });
    await once(server, 'listening');
    return {
      port: (server.address() as { port: number }).port,
      connect: nothingToConnect,
      ended: ended.promise,
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          taken?.destroy();
        }),
    };
  },
  async 'tcp-active'(_address, packet, drained, time) {
    const ended = Promise.withResolvers<void>();
    let socket: Socket | undefined;
    return {
      port: DISCARD_PORT,
      ended: ended.promise,
      async connect(host, port) {
        socket = await dialWithin(host, port, CONNECT_MS, time);
        readPackets(socket, packet, drained).then(ended.resolve);
      },
      close: async () => void socket?.destroy(),
    };
  },
};
