/**
 * How a stream goes to who asked for it: by datagrams, or by a connection that we make, or that is made to us (RFC 4145).
 * Datagrams are paced: a key picture at once would overflow the buffers on its way. A connection that does not keep up is
 * behind, and one that takes nothing at all is over.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createBucket } from '../../../contract/bucket.ts';
import type { Clock, Timer } from '../../../contract/clock.ts';
import { bareAddress } from '../../../contract/options.ts';
import type { Packets } from './rtp.ts';
import type { Offer } from './sdp.ts';

/** Packets of 1300 bytes: 33 Mbit/s, so that a key picture of 300 KB takes 70 ms. */
const PACE = { perSecond: 3200, burst: 32 };
const PACE_MS = 5;
/** A stream that has more than so many bytes waiting is behind: a few seconds of a camera. */
const BEHIND_BYTES = 4 * 1024 * 1024;
/** Who is to be there is there by then, or is not coming. */
const CONNECT_MS = 10_000;
/** A connection that takes nothing, or a port where nobody listens, for so long is dead. */
const DEAD_MS = 10_000;
/** A connection that we make has no port of its own that anybody could use: `discard` (RFC 4145, 4.1). */
const NO_PORT = 9;

export interface Way {
  /** Ours, for the answer. */
  readonly port: number;
  readonly isFramed: boolean;
  /** Begins. @throws Error: nobody is there within 10 s. */
  open(): Promise<void>;
  /** false: it is behind. What comes when it is so already is not sent; what made it so is. */
  send(packets: Packets): boolean;
  /** Calls when it is not behind any more. */
  onReady(run: () => void): void;
  /** Resolves once all is sent, or it is over. */
  drained(): Promise<void>;
  /** Resolves with the reason when it is over. Never rejects. */
  readonly ended: Promise<Error>;
  close(): void;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface WayOptions {
  readonly offer: Pick<Offer, 'transport' | 'setup' | 'address' | 'port'>;
  readonly ports: PortRange;
  readonly time: Clock;
  readonly discarded: (reason: string) => void;
}

/** @throws Error: no port of the range is free. */
export async function openWay(own: WayOptions): Promise<Way> {
  if (own.offer.transport === 'UDP') return await openDatagrams(own);
  return own.offer.setup === 'passive' ? connecting(own) : await waiting(own);
}

/** Tries each port of a range, in turns, so that one that was just left rests for a while. */
let turn = 0;
async function atFreePort<T>({ first, last }: PortRange, bind: (port: number) => Promise<T>): Promise<T> {
  const count = last - first + 1;
  for (let tries = 0; tries < count; tries++) {
    try {
      return await bind(first + (turn++ % count));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    }
  }
  throw new Error(`none of the ports ${first}-${last} is free`);
}

const bindUdp = (port: number) =>
  new Promise<UdpSocket>((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });

/** When somebody is told that a way is not behind any more, or that all is sent. */
function createWaiters() {
  const ready: (() => void)[] = [];
  const empty: (() => void)[] = [];
  const run = (list: (() => void)[]) => {
    for (const one of list.splice(0)) one();
  };
  return {
    ...{ ready, empty },
    /** So many bytes wait now. */
    wait(bytes: number) {
      if (bytes <= BEHIND_BYTES) run(ready);
      if (bytes === 0) run(empty);
    },
    over: () => run(empty),
  };
}

async function openDatagrams({ offer, ports, time }: WayOptions): Promise<Way> {
  const socket = await atFreePort(ports, bindUdp);
  const { promise: ended, resolve } = Promise.withResolvers<Error>();
  const bucket = createBucket(time);
  const waiters = createWaiters();
  let queue: Buffer[] = [];
  let next = 0;
  let bytes = 0;
  let timer: Timer | undefined;
  let isOver = false;
  /** Since when nobody listens there, and when that was said last. */
  let refused: { readonly since: number; readonly last: number } | undefined;
  const end = (why: Error) => {
    if (isOver) return;
    isOver = true;
    timer?.stop();
    queue = [];
    socket.close();
    waiters.over();
    resolve(why);
  };
  const failed = () => {
    const now = time.elapsed();
    const isAgain = refused !== undefined && now - refused.last < DEAD_MS / 2;
    refused = { since: isAgain && refused !== undefined ? refused.since : now, last: now };
    if (now - refused.since >= DEAD_MS) end(new Error(`nobody listens at ${offer.address}:${offer.port}`));
  };
  socket.on('error', failed);
  // What comes there (RTCP) says nothing that we act upon.
  socket.on('message', () => {});
  const flush = () => {
    timer = undefined;
    while (!isOver && next < queue.length && bucket.take(PACE)) {
      const packet = queue[next++] as Buffer;
      bytes -= packet.length;
      socket.send(packet, (error) => error !== null && error !== undefined && failed());
    }
    if (isOver) return;
    if (next < queue.length) timer = time.after(PACE_MS, flush);
    else {
      queue = [];
      next = 0;
    }
    waiters.wait(bytes);
  };
  return {
    ...{ port: socket.address().port, isFramed: false, ended },
    open: () =>
      new Promise((opened, reject) =>
        // So that the system tells us that nobody is there, and others are not heard.
        socket.connect(offer.port, offer.address, (error?: Error) => (error ? reject(error) : opened())),
      ),
    send({ list }) {
      if (isOver || bytes > BEHIND_BYTES) return false;
      for (const packet of list) {
        queue.push(packet);
        bytes += packet.length;
      }
      if (timer === undefined) flush();
      return bytes <= BEHIND_BYTES;
    },
    onReady: (run) => void waiters.ready.push(run),
    drained: () =>
      isOver || bytes === 0 ? Promise.resolve() : new Promise((run) => waiters.empty.push(run)),
    close: () => end(new Error('we ended it')),
  };
}

/** What goes over a connection, whoever made it: it comes by `use`. */
function overConnection(time: Clock, closeMore: () => void) {
  const { promise: ended, resolve } = Promise.withResolvers<Error>();
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => {});
  const waiters = createWaiters();
  let socket: Socket | undefined;
  let isOver = false;
  let movedAt = 0;
  const timers: Timer[] = [];
  const end = (why: Error) => {
    if (isOver) return;
    isOver = true;
    for (const timer of timers) timer.stop();
    socket?.destroy();
    closeMore();
    waiters.over();
    opened.reject(why);
    resolve(why);
  };
  const look = () => {
    const isStuck = socket !== undefined && socket.writableLength > 0 && time.elapsed() - movedAt >= DEAD_MS;
    if (isStuck) end(new Error(`the receiver took nothing for ${DEAD_MS / 1000} s`));
  };
  const waits = () => socket?.writableLength ?? 0;
  return {
    ended,
    end,
    use(one: Socket) {
      socket = one;
      movedAt = time.elapsed();
      one.setNoDelay(true);
      one.on('error', (error) => end(error));
      one.on('close', () => end(new Error('the receiver closed its connection')));
      // What is said there (RTCP) says nothing that we act upon.
      one.resume();
      timers.push(time.every(DEAD_MS / 4, look));
      opened.resolve();
    },
    async open() {
      const late = time.after(CONNECT_MS, () =>
        end(new Error(`no connection for the stream within ${CONNECT_MS / 1000} s`)),
      );
      await opened.promise.finally(() => late.stop());
    },
    send({ bytes }: Packets) {
      if (isOver || socket === undefined || waits() > BEHIND_BYTES) return false;
      if (waits() === 0) movedAt = time.elapsed();
      socket.write(bytes, (error) => {
        if (error) return;
        movedAt = time.elapsed();
        waiters.wait(waits());
      });
      return waits() <= BEHIND_BYTES;
    },
    onReady: (run: () => void) => void waiters.ready.push(run),
    drained: () =>
      isOver || waits() === 0 ? Promise.resolve() : new Promise<void>((run) => waiters.empty.push(run)),
    close: () => end(new Error('we ended it')),
  };
}

/** They are passive: we connect to them. */
function connecting({ offer, time }: WayOptions): Way {
  const { use, open, end, ...way } = overConnection(time, () => socket?.destroy());
  let socket: Socket | undefined;
  return {
    ...way,
    ...{ port: NO_PORT, isFramed: true },
    open() {
      socket = connect({ host: offer.address, port: offer.port });
      const own = socket;
      own.once('error', end);
      own.once('connect', () => {
        own.off('error', end);
        use(own);
      });
      return open();
    },
  };
}

const listenAt = (port: number) =>
  new Promise<Server>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => resolve(server));
  });

/** They are active: we wait for one connection, of theirs alone. */
async function waiting({ offer, ports, time, discarded }: WayOptions): Promise<Way> {
  const server = await atFreePort(ports, listenAt);
  const { use, open, end: _, ...way } = overConnection(time, () => server.close());
  server.removeAllListeners('error');
  server.on('error', () => {});
  server.on('connection', (socket) => {
    if (bareAddress(socket.remoteAddress ?? '') === offer.address && server.listening) {
      server.close();
      return use(socket);
    }
    discarded('a connection to a port of a stream by somebody else');
    socket.destroy();
  });
  const { port } = server.address() as { port: number };
  return { ...way, ...{ port, isFramed: true, open } };
}
