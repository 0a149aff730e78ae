/**
 * What the connections of strangers may take. A process has one table of open files: the journal, the serial lines and
 * the platforms need theirs, so that an alarm is acknowledged while somebody opens connections without end. Listeners
 * therefore hold no more than a share of it, all of a kind together, and a full share lets go of the oldest connection
 * that has not shown who it is: its owner comes again, while refusing new ones would lock everybody out.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { BlockList, isIP, type Server, type Socket } from 'node:net';
import { ownAddresses } from './addresses.ts';
import { LineError } from './contract/driver.ts';

export { ownAddresses };

/** A request, headers and body, is whole within this, or its connection ends. */
const STALLED_MS = 10_000;
/** So often Node looks for stalled requests; its own 30 s would let them be for 40. */
const LOOK_MS = 1000;

/** Longer than the pages and Prometheus are silent between two questions. */
const KEEP_ALIVE_MS = 72_000;

/** What becomes of a connection that cannot stay: let go for a newer one; or the system had no descriptor for it. */
export type Turned = 'shed' | 'no descriptor';

/** As a reason of what was discarded. */
export const turnedReason: Readonly<Record<Turned, string>> = {
  shed: 'a connection that was let go for a newer one',
  'no descriptor': 'a connection for which the system had no descriptor',
};

export interface Share {
  /** Takes a connection in. `shed`: it is let go for a newer one. */
  add(socket: Socket, shed: () => void): void;
  /** Its peer has shown who it is (a password, a good frame): it goes only when all others are known too and heard later. */
  know(socket: Socket): void;
  readonly size: number;
}

/** @param most so many connections, of all listeners that have this share. */
export function createShare(most: number): Share {
  // Both in the order in which they would go.
  const strangers = new Map<Socket, () => void>();
  const known = new Map<Socket, () => void>();
  const forget = (socket: Socket) => {
    strangers.delete(socket);
    known.delete(socket);
  };
  const size = () => strangers.size + known.size;
  return {
    add(socket, shed) {
      while (size() >= most) {
        const [[oldest, tell] = []] = strangers.size > 0 ? strangers : known;
        if (oldest === undefined || tell === undefined) break;
        forget(oldest);
        oldest.destroy();
        tell();
      }
      strangers.set(socket, shed);
      socket.once('close', () => forget(socket));
    },
    know(one) {
      const socket = carriers.get(one) ?? one;
      const shed = strangers.get(socket) ?? known.get(socket);
      if (shed === undefined) return;
      forget(socket);
      known.set(socket, shed);
    },
    get size() {
      return size();
    },
  };
}

/** How many files this process may have open. Node raises the soft limit to the hard one when it starts. */
export function descriptorLimit(limits = readLimits()): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // Not Linux: the shares' own ceilings stand.
    return '';
  }
}

/** Of 1024 descriptors, which is what most systems give, half are nobody's but the road's. */
const WEB_MAX = 256;
const PANELS_MAX = 1024;
const CITY_MAX = 2048;
const limit = descriptorLimit();

/** Of all HTTP listeners: console, status, terminals. */
export const webConnections = createShare(Math.min(WEB_MAX, Math.floor(limit / 4)));
/** Of the page of a city: its process has no journal and no serial lines, and more who look. */
export const cityConnections = createShare(Math.min(CITY_MAX, Math.floor(limit / 2)));
/** Of all ports that alarm panels report to. */
export const panelConnections = createShare(Math.min(PANELS_MAX, Math.floor(limit / 4)));

/**
 * Counts a server's connections into a share. An error of `accept` is no end of the server: it accepts again when there
 * are descriptors. (libuv turns most such connections away itself and tells nobody.)
 */
export function boundConnections(server: Server, share: Share, turned: (why: Turned) => void): void {
  server.on('connection', (socket) => share.add(socket, () => turned('shed')));
  server.on('error', (error) => {
    if (isAcceptError(error)) turned('no descriptor');
  });
}

export const isAcceptError = (error: Error): boolean => (error as NodeJS.ErrnoException).syscall === 'accept';

/** A handshake is done within this: who connects and says nothing is let go. */
const HANDSHAKE_MS = 10_000;

/** The connections under those of TLS, which are what a share counts. */
const carriers = new WeakMap<Socket, Socket>();

/** Of a server that speaks TLS, a share's `know` is told of sockets that lie on those that it counted. */
function findCarriers(server: Server): void {
  const open = new Map<string, Socket>();
  const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    open.set(key, socket);
    socket.once('close', () => {
      if (open.get(key) === socket) open.delete(key);
    });
  });
  server.on('secureConnection', (socket: Socket) => {
    const carrier = open.get(keyOf(socket));
    if (carrier !== undefined) carriers.set(socket, carrier);
  });
}

/**
 * fastify's `serverFactory`, which it calls for each address that it listens on: stalled requests end, and connections
 * are counted. `stalledMs`: of a port whose bodies are large. `tls`: PEM, of a port that speaks TLS. `share`: of what
 * they are counted as.
 */
export const boundedHttp =
  (
    turned: (why: Turned) => void,
    {
      stalledMs = STALLED_MS,
      tls,
      share = webConnections,
    }: {
      readonly stalledMs?: number;
      readonly tls?: { readonly cert: string; readonly key: string };
      readonly share?: Share;
    } = {},
  ) =>
  (handler: RequestListener): HttpServer => {
    const options = {
      headersTimeout: Math.min(stalledMs, STALLED_MS),
      requestTimeout: stalledMs,
      connectionsCheckingInterval: Math.min(LOOK_MS, stalledMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
    };
    const server =
      tls === undefined
        ? createServer(options, handler)
        : createTlsServer(
            { ...options, ...tls, handshakeTimeout: HANDSHAKE_MS, minVersion: 'TLSv1.2' },
            handler,
          );
    if (tls !== undefined) findCarriers(server);
    boundConnections(server, share, turned);
    return server;
  };

/** Why a port cannot be listened on, by the code of the system, with what mends it. */
function whyNot({ code, message }: NodeJS.ErrnoException, host: string): string {
  switch (code) {
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${host}; it has ${ownAddresses().join(', ')}, and 0.0.0.0 is all of them`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${JSON.stringify(host)} is no address of this machine, and no name that is known; 0.0.0.0 is all its addresses`;
    case 'EACCES':
      return 'it has no right to this port; take one from 1024 on';
    default:
      return message;
  }
}

/** The same as an error. `who`, `key`: who asks for the port, and where. */
export function portError(
  error: NodeJS.ErrnoException,
  address: string,
  port: number,
  { who = 'this device', key = 'listen.port' } = {},
): LineError {
  if (error.code === 'EADDRINUSE') {
    const message = `port ${port} on ${address} is taken by another program; stop it or give ${who} another \`${key}\``;
    return new LineError('E_PORT_TAKEN', message, { cause: error });
  }
  return new LineError('E_LINE_REFUSED', `cannot listen on ${address}:${port}: ${whyNot(error, address)}`, {
    cause: error,
  });
}

/** @throws LineError E_PORT_TAKEN, E_LINE_REFUSED */
export function listenAt(server: Server, address: string, port: number, ipv6Only = false): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) => reject(portError(error, address, port));
    server.once('error', refused);
    server.listen({ host: address, port, ipv6Only }, () => {
      server.off('error', refused);
      resolve();
    });
  });
}

/** Whether an address is one of these, or in one of these networks; all are, where none is named. IPv4 addresses come as IPv6 (::ffff:10.0.0.9) where the port is of both. */
export function senderCheck(ranges: readonly string[] | undefined): (address: string) => boolean {
  if (ranges === undefined) return () => true;
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', length] = range.split('/');
    const family = address.includes(':') ? 'ipv6' : 'ipv4';
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
