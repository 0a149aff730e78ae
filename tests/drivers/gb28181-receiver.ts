/**
 * Who takes a stream of GB/T 28181, written by RFC 3550 and 4571 without our muxer: it looks at each packet's sequence,
 * SSRC, time and marker, and leaves the program stream itself to ffmpeg.
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../helpers.ts';

const run = promisify(execFile);

/** What came, so far. */
export function createReceived() {
  const parts: Buffer[] = [];
  const wrong: string[] = [];
  const ssrcs = new Set<number>();
  const stamps: number[] = [];
  let sequence: number | undefined;
  let wasLast = true;
  return {
    ...{ wrong, ssrcs, stamps },
    /** One RTP packet. */
    take(packet: Buffer) {
      if (packet.length < 13 || packet.length > 1300) wrong.push(`a packet of ${packet.length} bytes`);
      if (packet[0] !== 0x80 || ((packet[1] ?? 0) & 0x7f) !== 96) wrong.push('a header that is another');
      const number = packet.readUInt16BE(2);
      if (sequence !== undefined && number !== (sequence + 1) % 65_536)
        wrong.push(`${number} after ${sequence}`);
      sequence = number;
      const stamp = packet.readUInt32BE(4);
      // A new time after each marker, and there only.
      if (wasLast === (stamp === stamps.at(-1))) wrong.push(`the time ${stamp} after ${stamps.at(-1)}`);
      if (wasLast) stamps.push(stamp);
      wasLast = ((packet[1] ?? 0) & 0x80) !== 0;
      ssrcs.add(packet.readUInt32BE(8));
      parts.push(packet.subarray(12));
    },
    get bytes() {
      return Buffer.concat(parts);
    },
  };
}

/** Parts what came on a connection: two bytes of length, and a packet. */
function unframe(take: (packet: Buffer) => void) {
  let held = Buffer.alloc(0);
  return (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length > 1 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0);
      take(Buffer.from(held.subarray(2, end)));
      held = held.subarray(end);
    }
  };
}

/** `udp`; `passive`: it waits for a connection; `active`: it makes one, by `connect`. */
export async function startReceiver(by: 'udp' | 'passive' | 'active') {
  const received = createReceived();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const listen = (socket: Socket) => {
    socket.on('data', unframe(received.take));
    socket.on('error', () => {});
    socket.once('close', () => end());
    onTestFinished(() => void socket.destroy());
  };
  let port = 9;
  if (by === 'udp') {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 });
    socket.on('message', (packet) => received.take(packet));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    onTestFinished(() => void socket.close());
    port = socket.address().port;
  } else if (by === 'passive') {
    const server = createServer(listen).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    port = (server.address() as AddressInfo).port;
  }
  return {
    ...{ received, port },
    /** A connection was closed. */
    ended,
    /** As who is active: to the port of an answer. */
    connect: (to: number) => listen(connect({ port: to, host: '127.0.0.1' })),
  };
}

/** The MD5 of each picture, as ffmpeg decodes it; `format`: `mpeg`, a program stream, an elementary stream, a clip. */
export async function picturesOf(
  bytes: Buffer,
  format: 'mpeg' | 'h264' | 'hevc' | 'mp4',
): Promise<readonly string[]> {
  const file = join(temporaryDirectory(), `stream.${format}`);
  writeFileSync(file, bytes);
  const input = ['-v', 'error', '-f', format, '-i', file];
  const { stdout } = await run('ffmpeg', [
    ...input,
    '-map',
    '0:v',
    '-fps_mode',
    'passthrough',
    '-f',
    'framemd5',
    '-',
  ]);
  return stdout
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => line.split(',').at(-1)?.trim() ?? '');
}

/** The streams of a program stream, as ffprobe sees them, and what it complains about. */
export async function probe(bytes: Buffer) {
  const file = join(temporaryDirectory(), 'stream.ps');
  writeFileSync(file, bytes);
  const show = ['-v', 'warning', '-f', 'mpeg', '-show_streams', '-show_packets', '-of', 'json', file];
  const { stdout, stderr } = await run('ffprobe', show, { maxBuffer: 100_000_000 });
  const { streams, packets } = JSON.parse(stdout) as {
    streams: { codec_name: string; id: string; width?: number; sample_rate?: string }[];
    packets: { codec_type: string; pts: number; dts: number; size: string }[];
  };
  return { streams, packets, complaints: stderr };
}
