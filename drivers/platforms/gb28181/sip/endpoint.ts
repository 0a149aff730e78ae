/**
 * One SIP port, UDP and TCP, for all platforms (RFC 3261, 18). What comes from an address that no platform has is not
 * answered: who scans the port hears nothing. Answers go back the way that their question came. What comes too fast waits, on a
 * connection, or is dropped, as a datagram: it comes again. Answers to our own questions are no part of that.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect as connectTcp, createServer, isIP, type Socket } from 'node:net';
import { plainAddress } from '../../../addresses.ts';
import { boundConnections, listenAt, portError, turnedReason, webConnections } from '../../../connections.ts';
import { type Bucket, createBucket, type Rate } from '../../../contract/bucket.ts';
import type { Clock, Timer } from '../../../contract/clock.ts';
import {
  type Broken,
  isRequest,
  type Message,
  type Request,
  type Response,
  readDatagram,
  sipSplitter,
  writeMessage,
} from './message.ts';
import {
  type Answer,
  type Asked,
  createTransactions,
  type Peer,
  type Place,
  refuse,
  type Transactions,
} from './transactions.ts';

/** What is larger may be torn on its way, and goes by TCP (RFC 3261, 18.1.1). */
const DATAGRAM_MAX = 1300;
/** Via and the lines around it, which are written when it is sent. */
const VIA_MAX = 120;
/** Digits of a number that is not written yet, as of a length. */
const DIGITS_MAX = 8;
/** Over a connection nothing tears; what is longer is slow to read for who reads it at once. */
const BODY_OVER_TCP = 8192;
const CONNECT_MS = 5000;
/** A connection that nobody uses; platforms that want it kept send empty lines, or ask. */
const IDLE_MS = 180_000;
/** Connections that strangers of one address may hold beside each other. */
const CONNECTIONS_MAX = 8;

/** Of one address by datagrams, and on each connection. With what is kept of each for 32 s: less than TRANSACTIONS_MAX. */
const RATE: Rate = { perSecond: 40, burst: 400 };
/** Who reads no answers for so long loses the connection, bytes. */
const UNSENT_MAX = 1_000_000;
/** Of the kernel, for bursts: an answer to an alarm stands behind them. It gives what the system allows. */
const RECEIVED_MAX = 4_000_000;

/** Bytes of a body that goes the way it is meant to, beside a head of so many bytes without its Via. */
export const roomBeside = (head: number, transport: Place['transport']): number =>
  transport === 'TCP' ? BODY_OVER_TCP : DATAGRAM_MAX - VIA_MAX - DIGITS_MAX - head;

/** What one platform gets of the port. */
export interface Tenant {
  /** Whether what comes from there is this platform's. */
  readonly isFrom: (address: string, request: Request | undefined) => boolean;
  /** Whether a question of it is served. Default: each is. */
  readonly admits?: (request: Request) => 'take' | 'drop' | Answer;
  readonly asked: (asked: Asked) => void;
  readonly discarded: (reason: string) => void;
}

export interface Endpoint {
  readonly port: number;
  add(tenant: Tenant): () => void;
  /**
   * Asks, by TCP where it is too large for a datagram. `sentBy`: how the platform reaches us, `host:port`.
   * @throws Error with a sentence: no connection, no answer.
   */
  ask(request: Request, to: Place, sentBy: string, signal?: AbortSignal): Promise<Response>;
  close(): Promise<void>;
}

const NOT_FOUND: Answer = { status: 404, reason: 'Not Found' };
const BAD_REQUEST: Answer = { status: 400, reason: 'Bad Request' };

/** A datagram's way. */
const udpPeer = (socket: UdpSocket, address: string, port: number): Peer => ({
  ...{ transport: 'UDP', address, port },
  send: (bytes) => socket.send(bytes, port, address, () => {}),
});

const tcpPeer = (socket: Socket): Peer => ({
  ...{ transport: 'TCP', address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 },
  send(bytes) {
    if (socket.writable) socket.write(bytes);
    if (socket.writableLength > UNSENT_MAX) socket.destroy();
  },
  onClosed(run) {
    if (socket.destroyed) queueMicrotask(run);
    socket.once('close', run);
    return () => void socket.off('close', run);
  },
});

/** @throws LineError E_PORT_TAKEN, E_LINE_REFUSED */
export async function openEndpoint(own: {
  /** Of this machine; `0.0.0.0` or `::` all of them. */
  readonly address: string;
  readonly port: number;
  readonly time: Clock;
  /** What came from nobody whom we know: counted. */
  readonly stranger: (reason: string) => void;
}): Promise<Endpoint> {
  const { address, port, time, stranger } = own;
  const tenants = new Set<Tenant>();
  const tenantOf = (from: string, request?: Request) =>
    [...tenants].find(({ isFrom }) => isFrom(from, request));
  const isKnown = (from: string) => [...tenants].some(({ isFrom }) => isFrom(from, undefined));
  const discarded = (reason: string, from: string) => (tenantOf(from)?.discarded ?? stranger)(reason);

  const refusals = new WeakMap<Request, Answer>();
  const transactions: Transactions = createTransactions({
    time,
    admits(request, from) {
      const tenant = tenantOf(from.address, request);
      if (tenant === undefined) discarded('a question for nobody here', from.address);
      const verdict = tenant === undefined ? NOT_FOUND : (tenant.admits?.(request) ?? 'take');
      if (typeof verdict !== 'object') return verdict === 'take';
      // An INVITE is refused until its ACK, which is then no stranger's; of another question nothing is kept.
      if (request.method === 'INVITE') refusals.set(request, verdict);
      else refuse(request, from, verdict);
      return request.method === 'INVITE';
    },
    asked(asked) {
      const refusal = refusals.get(asked.request);
      if (refusal !== undefined) return asked.answer(refusal);
      return tenantOf(asked.from.address, asked.request)?.asked(asked);
    },
    discarded: (reason) => stranger(reason),
  });
  const take = (message: Message | Broken, from: Peer): boolean => {
    if (!('broken' in message)) {
      const isAnswer = transactions.receive(message, from) && !isRequest(message);
      return !isAnswer;
    }
    discarded(message.broken, from.address);
    const { request } = message;
    if (request !== undefined && request.method !== 'ACK') refuse(request, from, BAD_REQUEST);
    return true;
  };

  const udp = createSocket(isIP(address) === 6 ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
  const buckets = new Map<string, Bucket>();
  const mayCome = (source: string) => {
    const bucket = buckets.get(source) ?? createBucket(time);
    buckets.set(source, bucket);
    return bucket.take(RATE);
  };
  udp.on('message', (bytes, { address: raw, port: from }) => {
    const source = plainAddress(raw);
    if (!isKnown(source)) return stranger('a datagram of an unknown address');
    if (!transactions.isForUs(bytes) && !mayCome(source))
      return discarded('more datagrams than are read', source);
    // Empty lines keep a way through NAT open.
    if (bytes.every((one) => one === 13 || one === 10 || one === 0)) return;
    take(readDatagram(bytes), udpPeer(udp, source, from));
  });
  const tcp = createTcp({ time, take, isKnown, stranger });
  await bindBoth(udp, tcp.server, address, port);
  udp.on('error', () => stranger('an error of the socket'));

  return {
    port,
    add(tenant) {
      tenants.add(tenant);
      return () => {
        tenants.delete(tenant);
        buckets.clear();
      };
    },
    async ask(request, to, sentBy, signal) {
      const size = writeMessage(request).length + VIA_MAX;
      const isTcp = to.transport === 'TCP' || size > DATAGRAM_MAX;
      const peer = isTcp ? await tcp.peer(to) : udpPeer(udp, to.address, to.port);
      return await transactions.ask(request, peer, sentBy, signal);
    },
    async close() {
      transactions.close();
      await Promise.all([new Promise<void>((resolve) => udp.close(() => resolve())), tcp.close()]);
    },
  };
}

async function bindBoth(
  udp: UdpSocket,
  server: ReturnType<typeof createServer>,
  address: string,
  port: number,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) =>
      reject(portError(error, address, port, { who: 'the uplink', key: 'port' }));
    udp.once('error', refused);
    udp.bind({ address, port, exclusive: true }, () => {
      udp.off('error', refused);
      udp.setRecvBufferSize(RECEIVED_MAX);
      resolve();
    });
  });
  try {
    // Of IPv6 alone: the same port of IPv4 is another endpoint's.
    await listenAt(server, address, port, true);
  } catch (error) {
    udp.close();
    throw error;
  }
}

/** Connections: those that came, and those that we made, one a place. */
function createTcp({
  time,
  take,
  isKnown,
  stranger,
}: {
  readonly time: Clock;
  /** @returns whether it counts among what may come: all but answers that we wait for. */
  readonly take: (message: Message | Broken, from: Peer) => boolean;
  readonly isKnown: (address: string) => boolean;
  readonly stranger: (reason: string) => void;
}) {
  const sockets = new Set<Socket>();
  const made = new Map<string, Promise<Socket>>();
  const listen = (socket: Socket) => {
    const peer = tcpPeer(socket);
    const split = sipSplitter();
    sockets.add(socket);
    socket.setNoDelay(true);
    let idle = time.after(IDLE_MS, () => socket.destroy());
    const bucket = createBucket(time);
    let pause: Timer | undefined;
    const waiting: (Message | Broken)[] = [];
    const takeAll = () => {
      let counted = 0;
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        if (take(one, peer)) counted++;
        // Nobody knows where the next one would begin.
        if ('broken' in one && one.request === undefined) socket.destroy();
        else webConnections.know(socket);
        // What came behind an answer in one piece may be a question of who lets us in with it: that is done first.
        if ('broken' in one || isRequest(one) || waiting.length === 0) continue;
        setImmediate(takeAll);
        break;
      }
      const ms = bucket.spend(RATE, counted);
      if (ms === 0) return;
      socket.pause();
      pause = time.after(ms, () => socket.resume());
    };
    socket.on('data', (chunk) => {
      idle.stop();
      idle = time.after(IDLE_MS, () => socket.destroy());
      // RFC 5626, 3.5.1: who sends two empty lines wants one back.
      if (chunk.equals(Buffer.from('\r\n\r\n'))) peer.send(Buffer.from('\r\n'));
      const isTurnDue = waiting.length > 0;
      waiting.push(...split(chunk));
      if (!isTurnDue) takeAll();
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      idle.stop();
      pause?.stop();
      sockets.delete(socket);
    });
  };
  const server = createServer((socket) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    const same = [...sockets].filter(
      ({ remoteAddress }) => plainAddress(remoteAddress ?? '') === address,
    ).length;
    if (isKnown(address) && same < CONNECTIONS_MAX) return listen(socket);
    stranger('a connection of an unknown address');
    socket.destroy();
  });
  boundConnections(server, webConnections, (why) => stranger(turnedReason[why]));
  const open = async ({ address, port }: Place): Promise<Socket> => {
    const socket = connectTcp({ host: address, port });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = time.after(CONNECT_MS, () => reject(new Error('timed out')));
    socket.once('connect', resolve);
    socket.once('error', reject);
    try {
      await promise;
    } catch (error) {
      socket.destroy();
      throw new Error(`no TCP connection to ${address}:${port}: ${(error as Error).message}`, {
        cause: error,
      });
    } finally {
      late.stop();
    }
    listen(socket);
    return socket;
  };
  return {
    server,
    async peer(place: Place): Promise<Peer> {
      const key = `${place.address} ${place.port}`;
      let opening = made.get(key);
      if (opening === undefined) {
        opening = open(place);
        made.set(key, opening);
        const forget = () => made.delete(key);
        opening.then((socket) => socket.once('close', forget), forget);
      }
      return tcpPeer(await opening);
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
