/**
 * The bytes below MQTT: TCP, through a proxy where there is one, with TLS where the URL says so, as a WebSocket where
 * it says that. MQTT.js could dial too; doing it here gives TCP_NODELAY, one time limit, and the certificates.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect as dialTcp, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as dialTls, type TLSSocket } from 'node:tls';
import { SocksClient } from 'socks';
import WebSocket, { createWebSocketStream } from 'ws';
import type { ProxyOptions } from './options.ts';
import type { TlsMaterial } from './tls.ts';

export interface StreamOptions {
  /** `mqtt:`, `mqtts:`, `ws:` or `wss:`. */
  readonly url: string;
  /** Dialled instead of the name in `url`; the certificate is that of the name. Not through a proxy. */
  readonly address?: string | undefined;
  readonly tls?: TlsMaterial | undefined;
  readonly proxy?: ProxyOptions | undefined;
}

export interface OpenStream {
  readonly stream: Duplex;
  /** When the broker's certificate ends, epoch ms; undefined without TLS. */
  readonly certificateEnds?: number | undefined;
}

const DEFAULT_PORT: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'mqtts:': 8883,
  'ws:': 80,
  'wss:': 443,
};
/** The kernel's own probes of an idle connection, beside MQTT's: they also keep NAT tables fresh. */
const KEEPALIVE_MS = 10_000;
/** Of a WebSocket frame, which may hold several packets: `ws` itself holds up to 100 MB of one. */
const FRAME_MAXIMUM = 1_048_576;

/**
 * Dials; the stream is open when it resolves. `reached`: there is a line to the broker, on which TLS may begin.
 * @throws what the network, the proxy or TLS says; the reason of `signal` when it aborts.
 */
export async function openStream(
  { url, address, tls, proxy }: StreamOptions,
  signal: AbortSignal,
  reached: () => void = () => {},
): Promise<OpenStream> {
  const { protocol, hostname, port, href } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const target = { host, port: port === '' ? (DEFAULT_PORT[protocol] ?? 1883) : Number(port) };
  const dialled = { ...target, host: address ?? host };
  const socket = await abortable(proxy === undefined ? dial(dialled) : throughProxy(proxy, target), signal);
  reached();
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEPALIVE_MS);
  if (protocol === 'mqtt:') return { stream: socket };
  if (protocol === 'ws:') return { stream: await abortable(openWebSocket(href, socket), signal) };
  const secure = await abortable(startTls(socket, host, tls), signal);
  const { valid_to } = secure.getPeerCertificate();
  const certificateEnds = valid_to === undefined ? undefined : Date.parse(valid_to);
  const stream = protocol === 'wss:' ? await abortable(openWebSocket(href, secure), signal) : secure;
  return { stream, certificateEnds };
}

/** What is being opened is destroyed when the signal aborts, and when it comes too late. */
async function abortable<T extends Duplex>(
  { opening, destroy }: { opening: Promise<T>; destroy: () => void },
  signal: AbortSignal,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => {
    destroy();
    aborted.reject(signal.reason as Error);
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([opening, aborted.promise]);
  } catch (error) {
    destroy();
    opening.then((late) => late.destroy()).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

interface Target {
  readonly host: string;
  readonly port: number;
}

function dial(target: Target): { opening: Promise<Socket>; destroy: () => void } {
  const socket = dialTcp(target);
  return { opening: once(socket, 'connect').then(() => socket), destroy: () => socket.destroy() };
}

function throughProxy(
  proxy: ProxyOptions,
  target: Target,
): { opening: Promise<Socket>; destroy: () => void } {
  const { protocol, hostname, port } = new URL(proxy.url);
  const { username, password } = proxy;
  if (protocol === 'socks5:') {
    const opening = SocksClient.createConnection({
      command: 'connect',
      destination: target,
      proxy: {
        host: hostname,
        port: Number(port),
        type: 5,
        ...(username !== undefined && { userId: username, password: password ?? '' }),
      },
    }).then(({ socket }) => socket);
    return { opening, destroy: () => {} };
  }
  // RFC 9110, 9.3.6.
  const authority = `${isIP(target.host) === 6 ? `[${target.host}]` : target.host}:${target.port}`;
  const credentials = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
  const asked = request({
    host: hostname,
    port: Number(port),
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      ...(username !== undefined && { 'proxy-authorization': `Basic ${credentials}` }),
    },
  });
  const opening = new Promise<Socket>((resolve, reject) => {
    asked.once('error', reject);
    asked.once('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket as Socket);
      else {
        socket.destroy();
        reject(new Error(`the proxy ${proxy.url} refuses: ${response.statusCode} ${response.statusMessage}`));
      }
    });
    asked.once('response', (response) => {
      response.destroy();
      reject(new Error(`the proxy ${proxy.url} refuses: ${response.statusCode} ${response.statusMessage}`));
    });
    asked.end();
  });
  return { opening, destroy: () => asked.destroy() };
}

function startTls(
  socket: Socket,
  host: string,
  tls: TlsMaterial | undefined,
): { opening: Promise<TLSSocket>; destroy: () => void } {
  const { serverName = host, ca, cert, key } = tls ?? {};
  const secure = dialTls({
    socket,
    // SNI takes names only (RFC 6066, 3); an address is still checked against the certificate.
    ...(isIP(serverName) === 0 && { servername: serverName }),
    host: serverName,
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
  });
  return { opening: once(secure, 'secureConnect').then(() => secure), destroy: () => secure.destroy() };
}

function openWebSocket(url: string, socket: Duplex): { opening: Promise<Duplex>; destroy: () => void } {
  // MQTT 5, 6: the subprotocol is `mqtt`, in 3.1.1 too.
  const web = new WebSocket(url, ['mqtt'], {
    createConnection: () => socket,
    perMessageDeflate: false,
    maxPayload: FRAME_MAXIMUM,
  });
  const stream = createWebSocketStream(web);
  // Until the caller listens.
  stream.on('error', () => {});
  return { opening: once(web, 'open').then(() => stream), destroy: () => socket.destroy() };
}
