/** The SIP port of a simulated platform, UDP and TCP (RFC 3261, 18): bytes to messages, and answers back the same way. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import type { Clock } from '../../drivers/contract/clock.ts';
import { bareAddress } from '../../drivers/contract/options.ts';
import {
  type Broken,
  type Message,
  readDatagram,
  sipSplitter,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import { PortTakenError } from '../simulator.ts';

/** Where a message came from, and where an answer goes. */
export interface Way {
  readonly by: 'UDP' | 'TCP';
  readonly address: string;
  readonly port: number;
  /** Never throws: what cannot be sent is lost. */
  send(bytes: Buffer): void;
  /** Of a connection: false once it has ended. */
  isOpen(): boolean;
}

export interface SipPort {
  readonly host: string;
  readonly port: number;
  /** A connection of our own. @throws Error where nobody takes it. */
  dial(address: string, port: number): Promise<Way>;
  close(): Promise<void>;
}

type Take = (message: Message | Broken, from: Way) => void;

/** Gateways that share a laptop's platform are few. */
const CONNECTIONS_MAX = 64;
const DIAL_MS = 3000;

const udpWay = (socket: UdpSocket, address: string, port: number): Way => ({
  ...{ by: 'UDP', address, port },
  send: (bytes) => socket.send(bytes, port, address, () => {}),
  isOpen: () => true,
});
const tcpWay = (socket: Socket): Way => ({
  ...{ by: 'TCP', address: bareAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 },
  send: (bytes) => void (socket.writable && socket.write(bytes)),
  isOpen: () => socket.writable,
});

/** `port` 0: any that is free for both. @throws PortTakenError, or what else the system says. */
export async function openSipPort(host: string, port: number, time: Clock, take: Take): Promise<SipPort> {
  const sockets = new Set<Socket>();
  const listen = (socket: Socket): Way => {
    const way = tcpWay(socket);
    const split = sipSplitter();
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      for (const message of split(chunk)) {
        take(message, way);
        // Nobody knows where the next one would begin.
        if ('broken' in message && message.request === undefined) socket.destroy();
      }
    });
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    return way;
  };
  const server = createServer((socket) => {
    if (sockets.size < CONNECTIONS_MAX) listen(socket);
    else socket.destroy();
  });
  const { udp, bound } = await bindBoth(server, host, port);
  udp.on('error', () => {});
  udp.on('message', (bytes, from) => {
    // Empty lines keep a way through NAT open.
    if (bytes.every((one) => one === 13 || one === 10 || one === 0)) return;
    take(readDatagram(bytes), udpWay(udp, bareAddress(from.address), from.port));
  });
  return {
    ...{ host, port: bound },
    async dial(address, to) {
      return listen(await dialWithin(address, to, DIAL_MS, time));
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => server.close(() => resolve())),
      ]);
    },
  };
}

async function bindBoth(server: Server, host: string, port: number) {
  const taken = (error: NodeJS.ErrnoException, which: number) =>
    error.code === 'EADDRINUSE' ? new PortTakenError(host, which) : error;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(taken(error, port)));
    server.listen({ host, port }, resolve);
  });
  const { port: bound } = server.address() as { port: number };
  const udp = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      udp.once('error', (error) => reject(taken(error, bound)));
      udp.bind({ address: host, port: bound, exclusive: true }, () => resolve());
    });
  } catch (error) {
    server.close();
    throw error;
  }
  return { udp, bound };
}

/** An IPv6 address as it stands in a URI (RFC 3986, 3.2.2). */
export const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** @throws Error where nobody takes the connection in time. */
export async function dialWithin(host: string, port: number, ms: number, time: Clock): Promise<Socket> {
  const socket = connect({ host, port });
  const late = time.after(ms, () => socket.destroy(new Error(`no connection to ${host}:${port}`)));
  try {
    await once(socket, 'connect');
    return socket;
  } finally {
    late.stop();
  }
}

/** Our address on the way to there: the system chooses it, and nothing is sent. */
export async function ownAddressTo(address: string, port: number): Promise<string> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  try {
    socket.connect(port, address);
    await once(socket, 'connect');
    return bareAddress(socket.address().address);
  } finally {
    socket.close();
  }
}
