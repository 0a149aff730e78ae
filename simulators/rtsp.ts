/**
 * The stream of a simulated camera: a small RTSP server (RFC 2326) that sends H.264 (RFC 6184) interleaved in its
 * connection. Others answer a viewer who asks for UDP with 461; viewers then ask for TCP.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createViewer, type Viewer } from './rtsp/rtp.ts';
import { createVideo, type ParameterSets, type Video, type VideoSource } from './rtsp/video.ts';

export interface RtspServer {
  /** Where it listens. */
  readonly port: number;
  readonly viewers: () => number;
  /** Begins the picture anew: somebody turned the camera. */
  renew(): void;
  /** Drops all viewers. */
  drop(): void;
  close(): Promise<void>;
}

interface Entry {
  readonly username?: string | undefined;
  /** undefined: everybody may look. */
  readonly password?: string | undefined;
}

/** Where it listens; `port` 0: at a free one. */
interface Place {
  readonly host: string;
  readonly port: number;
  /** Where the port is taken it listens at a free one. */
  readonly orAny?: boolean | undefined;
}

export async function startRtsp(
  options: Place & { readonly source: VideoSource } & Entry,
): Promise<RtspServer> {
  const { host } = options;
  const video = createVideo(options.source);
  const sockets = new Set<Socket>();
  const guard = createGuard(options);
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const seat: Seat = { socket };
    let serving = Promise.resolve();
    const take = requestSplitter((text) => {
      serving = serving.then(() => serve(text, seat, video, guard, host));
    });
    socket.on('data', (chunk) => {
      if (!take(chunk)) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      if (seat.viewer !== undefined) video.viewers.delete(seat.viewer);
      video.rest();
    });
  });
  const port = await listenAt(server, options);
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    viewers: () => [...video.viewers].filter(({ playing }) => playing).length,
    renew: video.renew,
    drop,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        drop();
        video.stop();
      }),
  };
}

/** @returns the port. */
async function listenAt(server: Server, { host, port, orAny = false }: Place): Promise<number> {
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    if (!orAny || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return await listenAt(server, { host, port: 0 });
  }
  return (server.address() as AddressInfo).port;
}

/** A connection, and what it looks at. */
interface Seat {
  readonly socket: Socket;
  viewer?: Viewer;
}

/** A request, or what a viewer says of what it received: no longer, bytes. */
const REQUEST_MAX = 70_000;

/** The bytes of a connection -> requests without their bodies. false: it is not one any more. */
function requestSplitter(take: (text: string) => void) {
  let pending: Buffer = Buffer.alloc(0);
  return (chunk: Buffer): boolean => {
    if (pending.length > REQUEST_MAX) return false;
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      // What viewers send about what they received (RTCP) is of no interest.
      if (pending[0] === 0x24) {
        if (pending.length < 4 || pending.length < 4 + pending.readUInt16BE(2)) return true;
        pending = pending.subarray(4 + pending.readUInt16BE(2));
        continue;
      }
      const end = pending.indexOf('\r\n\r\n');
      if (end === -1) return true;
      const text = pending.subarray(0, end).toString('latin1');
      const length = Number(/^Content-Length:\s*(\d+)/im.exec(text)?.[1] ?? 0);
      pending = pending.subarray(end + 4 + length);
      take(text);
    }
  };
}

interface Guard {
  readonly challenge: string;
  admits(method: string, text: string): boolean;
}

/** Basic or digest. */
function createGuard({ username, password }: Entry): Guard {
  const realm = 'camera';
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const nonce = randomBytes(8).toString('hex');
  const admits = (method: string, text: string) => {
    if (password === undefined) return true;
    const line = /^Authorization:\s*(Basic|Digest)\s+(.*)$/im.exec(text);
    if (line?.[1] === 'Basic')
      return line[2]?.trim() === Buffer.from(`${username}:${password}`).toString('base64');
    const given = Object.fromEntries(
      [...(line?.[2] ?? '').matchAll(/\b(\w{1,30})="([^"]{0,500})"/g)].map(([, name, value]) => [
        name,
        value,
      ]),
    ) as Record<string, string | undefined>;
    const secret = md5(`${username}:${realm}:${password}`);
    return given['response'] === md5(`${secret}:${nonce}:${md5(`${method}:${given['uri']}`)}`);
  };
  return { challenge: `WWW-Authenticate: Digest realm="${realm}", nonce="${nonce}"`, admits };
}

const SESSION = 'Session: 4711;timeout=60';

/** Answers one request. */
async function serve(text: string, seat: Seat, video: Video, guard: Guard, host: string): Promise<void> {
  const { socket } = seat;
  const [method = '', url = ''] = text.split(' ', 2);
  const sequence = /^CSeq:\s*(\d+)/im.exec(text)?.[1] ?? '0';
  const answer = (status: string, more: readonly string[] = [], body = '') => {
    const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    socket.write([`RTSP/1.0 ${status}`, `CSeq: ${sequence}`, ...more, ...length, '', body].join('\r\n'));
  };
  if (method === 'OPTIONS')
    return answer('200 OK', ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER']);
  if (!guard.admits(method, text)) return answer('401 Unauthorized', [guard.challenge]);
  switch (method) {
    case 'DESCRIBE': {
      video.run();
      const base = `Content-Base: ${url.replace(/\/?$/, '/')}`;
      return answer(
        '200 OK',
        ['Content-Type: application/sdp', base],
        sdpOf(await video.parameterSets(), host),
      );
    }
    case 'SETUP': {
      const channel = /interleaved=(\d+)/.exec(text)?.[1];
      if (channel === undefined) return answer('461 Unsupported Transport');
      seat.viewer = createViewer(socket, Number(channel));
      video.viewers.add(seat.viewer);
      const transport = `Transport: RTP/AVP/TCP;unicast;interleaved=${channel}-${Number(channel) + 1}`;
      return answer('200 OK', [transport, SESSION]);
    }
    case 'PLAY':
      answer('200 OK', [SESSION, 'Range: npt=0.000-']);
      if (seat.viewer !== undefined) seat.viewer.playing = true;
      return video.run();
    case 'TEARDOWN':
      answer('200 OK', [SESSION]);
      socket.end();
      return;
    case 'GET_PARAMETER':
    case 'SET_PARAMETER':
      return answer('200 OK', [SESSION]);
    default:
      return answer('405 Method Not Allowed');
  }
}

const sdpOf = ({ sps, pps }: ParameterSets, host: string) =>
  [
    'v=0',
    `o=- 0 0 IN IP4 ${host}`,
    's=simulated camera',
    'c=IN IP4 0.0.0.0',
    't=0 0',
    'a=control:*',
    'm=video 0 RTP/AVP 96',
    'a=rtpmap:96 H264/90000',
    `a=fmtp:96 packetization-mode=1;profile-level-id=${sps.subarray(1, 4).toString('hex')};sprop-parameter-sets=${sps.toString('base64')},${pps.toString('base64')}`,
    'a=control:track1',
    '',
  ].join('\r\n');
