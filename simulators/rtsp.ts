/**
 * The stream of a simulated camera: a small RTSP server (RFC 2326) that sends H.264 (RFC 6184) interleaved in its
 * connection. Others answer a viewer who asks for UDP with 461; viewers then ask for TCP.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** Gives a stream of H.264 in byte-stream form (annex B), as long as somebody looks; the function it gives ends it. */
export type VideoSource = (take: (bytes: Buffer) => void) => () => void;

export interface RtspServer {
  readonly viewers: () => number;
  /** Begins the picture anew: somebody turned the camera. */
  renew(): void;
  /** Drops all viewers. */
  drop(): void;
  close(): Promise<void>;
}

const START = Buffer.of(0, 0, 1);
const MTU = 1400;
const CLOCK = 90;
const SPS = 7;
const PPS = 8;
const IDR = 5;

/** Bytes of annex B -> NAL units, each whole. */
function nalSplitter(take: (nal: Buffer) => void) {
  let pending: Buffer = Buffer.alloc(0);
  return (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    let from = pending.indexOf(START);
    if (from === -1) return;
    for (;;) {
      const next = pending.indexOf(START, from + 3);
      if (next === -1) break;
      // A start code of four bytes begins with a zero that belongs to nobody.
      const end = pending[next - 1] === 0 ? next - 1 : next;
      if (end > from + 3) take(pending.subarray(from + 3, end));
      from = next;
    }
    pending = pending.subarray(from);
  };
}

const typeOf = (nal: Buffer) => (nal[0] ?? 0) & 0x1f;
const isSlice = (nal: Buffer) => typeOf(nal) >= 1 && typeOf(nal) <= IDR;
/** first_mb_in_slice is 0, which Exp-Golomb writes as a single 1. */
const beginsPicture = (nal: Buffer) => isSlice(nal) && ((nal[1] ?? 0) & 0x80) !== 0;

interface Viewer {
  readonly socket: Socket;
  readonly channel: number;
  playing: boolean;
  sequence: number;
  readonly ssrc: number;
  /** It has seen a key frame. */
  started: boolean;
}

export async function startRtsp(options: {
  readonly host: string;
  readonly port: number;
  readonly source: VideoSource;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}): Promise<RtspServer> {
  const { host, port, source, username, password } = options;
  const viewers = new Set<Viewer>();
  const sockets = new Set<Socket>();
  const headers: { sps?: Buffer; pps?: Buffer } = {};
  const waiting: (() => void)[] = [];
  let stop: (() => void) | undefined;

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
  const sendNal = (viewer: Viewer, nal: Buffer, last: boolean, time: number) => {
    if (nal.length <= MTU) return send(viewer, nal, last, time);
    const [head = 0] = nal;
    for (let at = 1; at < nal.length; at += MTU) {
      const end = at + MTU >= nal.length;
      const fragment = Buffer.of(
        (head & 0xe0) | 28,
        (at === 1 ? 0x80 : 0) | (end ? 0x40 : 0) | (head & 0x1f),
      );
      send(viewer, Buffer.concat([fragment, nal.subarray(at, at + MTU)]), last && end, time);
    }
  };
  let picture: Buffer[] = [];
  const flush = () => {
    if (picture.length === 0) return;
    const time = Math.floor(performance.now() * CLOCK);
    const isKey = picture.some((nal) => typeOf(nal) === IDR);
    for (const viewer of viewers) {
      if (!viewer.playing || (!viewer.started && !isKey)) continue;
      viewer.started = true;
      for (const [i, nal] of picture.entries()) sendNal(viewer, nal, i === picture.length - 1, time);
    }
    picture = [];
  };
  const take = (nal: Buffer) => {
    if (typeOf(nal) === SPS) headers.sps = Buffer.from(nal);
    if (typeOf(nal) === PPS) headers.pps = Buffer.from(nal);
    if (headers.sps !== undefined && headers.pps !== undefined)
      for (const known of waiting.splice(0)) known();
    if ((!isSlice(nal) || beginsPicture(nal)) && picture.some(isSlice)) flush();
    // The delimiter has done its work: a picture goes out with the next one's, not later.
    if (typeOf(nal) !== 9) picture.push(Buffer.from(nal));
  };
  const run = () => {
    stop ??= source(nalSplitter(take));
  };
  const rest = () => {
    if ([...viewers].some(({ playing }) => playing)) return;
    stop?.();
    stop = undefined;
    picture = [];
  };

  const realm = 'camera';
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const nonce = randomBytes(8).toString('hex');
  const isAllowed = (method: string, text: string) => {
    if (password === undefined) return true;
    const line = /^Authorization:\s*(Basic|Digest)\s+(.*)$/im.exec(text);
    if (line?.[1] === 'Basic')
      return line[2]?.trim() === Buffer.from(`${username}:${password}`).toString('base64');
    const given = Object.fromEntries(
      [...(line?.[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    ) as Record<string, string | undefined>;
    const secret = md5(`${username}:${realm}:${password}`);
    return given['response'] === md5(`${secret}:${nonce}:${md5(`${method}:${given['uri']}`)}`);
  };

  const serve = async (socket: Socket, text: string, viewer: { own?: Viewer }) => {
    const [method = '', url = ''] = text.split(' ', 2);
    const sequence = /^CSeq:\s*(\d+)/im.exec(text)?.[1] ?? '0';
    const answer = (status: string, more: readonly string[] = [], body = '') =>
      socket.write(
        [
          `RTSP/1.0 ${status}`,
          `CSeq: ${sequence}`,
          ...more,
          ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
          '',
          body,
        ].join('\r\n'),
      );
    if (method === 'OPTIONS')
      return answer('200 OK', ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER']);
    if (!isAllowed(method, text))
      return answer('401 Unauthorized', [`WWW-Authenticate: Digest realm="${realm}", nonce="${nonce}"`]);
    const session = 'Session: 4711;timeout=60';
    switch (method) {
      case 'DESCRIBE': {
        run();
        if (headers.pps === undefined) await new Promise<void>((resolve) => waiting.push(resolve));
        const sets = [headers.sps, headers.pps].map((one) => one?.toString('base64')).join(',');
        const profile = headers.sps?.subarray(1, 4).toString('hex') ?? '42001f';
        const sdp = [
          'v=0',
          `o=- 0 0 IN IP4 ${host}`,
          's=simulated camera',
          'c=IN IP4 0.0.0.0',
          't=0 0',
          'a=control:*',
          'm=video 0 RTP/AVP 96',
          'a=rtpmap:96 H264/90000',
          `a=fmtp:96 packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${sets}`,
          'a=control:track1',
          '',
        ].join('\r\n');
        return answer(
          '200 OK',
          ['Content-Type: application/sdp', `Content-Base: ${url.replace(/\/?$/, '/')}`],
          sdp,
        );
      }
      case 'SETUP': {
        const channel = /interleaved=(\d+)/.exec(text)?.[1];
        if (channel === undefined) return answer('461 Unsupported Transport');
        viewer.own = {
          socket,
          channel: Number(channel),
          playing: false,
          sequence: randomInt(65_536),
          ssrc: randomInt(2 ** 32),
          started: false,
        };
        viewers.add(viewer.own);
        const transport = `Transport: RTP/AVP/TCP;unicast;interleaved=${channel}-${Number(channel) + 1}`;
        return answer('200 OK', [transport, session]);
      }
      case 'PLAY':
        answer('200 OK', [session, 'Range: npt=0.000-']);
        if (viewer.own !== undefined) viewer.own.playing = true;
        return run();
      case 'TEARDOWN':
        answer('200 OK', [session]);
        return socket.end();
      case 'GET_PARAMETER':
      case 'SET_PARAMETER':
        return answer('200 OK', [session]);
      default:
        return answer('405 Method Not Allowed');
    }
  };

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const viewer: { own?: Viewer } = {};
    let pending: Buffer = Buffer.alloc(0);
    let serving = Promise.resolve();
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        // What viewers send about what they received (RTCP) is of no interest.
        if (pending[0] === 0x24) {
          if (pending.length < 4 || pending.length < 4 + pending.readUInt16BE(2)) return;
          pending = pending.subarray(4 + pending.readUInt16BE(2));
          continue;
        }
        const end = pending.indexOf('\r\n\r\n');
        if (end === -1) return;
        const text = pending.subarray(0, end).toString('latin1');
        const length = Number(/^Content-Length:\s*(\d+)/im.exec(text)?.[1] ?? 0);
        pending = pending.subarray(end + 4 + length);
        serving = serving.then(() => serve(socket, text, viewer)).then(() => {});
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      if (viewer.own !== undefined) viewers.delete(viewer.own);
      rest();
    });
  });
  server.listen({ host, port });
  await once(server, 'listening');
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    viewers: () => [...viewers].filter(({ playing }) => playing).length,
    renew() {
      if (stop === undefined) return;
      stop();
      stop = source(nalSplitter(take));
    },
    drop,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        drop();
        stop?.();
        stop = undefined;
      }),
  };
}
