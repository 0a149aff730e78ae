/**
 * What the servers of the console, of the city's platform and of the status have in common: bounded connections, and names. They answer to the
 * name that they listen on and no other, so that no page of a stranger reaches them through a browser (DNS rebinding).
 */
import { isIP } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { boundedHttp, type Share, type Turned, turnedReason } from '../drivers/connections.ts';
import type { Clock } from '../drivers/contract/clock.ts';
import type { Log } from '../drivers/contract/driver.ts';
import { burstLog } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';

export interface WebServerContext {
  readonly metrics: Pick<Metrics, 'turned'>;
  readonly time: Clock;
  readonly log: Log;
}

/** How a server is reached. */
export interface WebServerReach {
  /** PEM: it speaks HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Whose word about who asks, and how, is taken (X-Forwarded-For, -Proto): addresses and ranges. */
  readonly proxies?: readonly string[];
  /** What its connections are counted as. */
  readonly share?: Share;
}

/** Who it is, in the metrics and the log. */
export type Listener = 'console' | 'platform' | 'status';

/** It has no routes and does not listen yet. `listener`: its name in the metrics and the log. */
export function createWebServer(
  listener: Listener,
  bodyLimit: number,
  { metrics, time, log }: WebServerContext,
  { tls, proxies = [], share }: WebServerReach = {},
): FastifyInstance {
  const bursts = burstLog(log, time);
  const onTurned = (why: Turned) => {
    metrics.turned.inc({ listener, why });
    bursts.warn(why, { listener }, `the port of the ${listener}: ${turnedReason[why]}`);
  };
  const server = fastify({
    bodyLimit,
    forceCloseConnections: true,
    serverFactory: boundedHttp(onTurned, { ...(tls && { tls }), ...(share && { share }) }),
    // Where nobody is named, nobody is believed.
    trustProxy: proxies.length > 0 ? [...proxies] : false,
    routerOptions: { maxParamLength: 200 },
  });
  server.addHook('onClose', async () => bursts.close());
  return server;
}

/**
 * A hook that refuses what was asked of another name (421), or by another page (403). `key`: where a name would be added.
 */
export function answerOnlyTo(
  { host, names }: { readonly host: string; readonly names: readonly string[] },
  key: string,
) {
  const known = new Set(
    [host, ...names, ...(isLoopback(host) ? ['localhost', '127.0.0.1', '::1'] : [])].map(bare),
  );
  // Listening everywhere, it may be called by any address, but by no name that was not given.
  const isOwn = (name: string) => known.has(name) || (isEverywhere(host) && isIP(name) !== 0);
  return async ({ headers }: FastifyRequest, reply: FastifyReply) => {
    const called = hostOf(headers.host);
    if (called === undefined || !isOwn(bare(called.hostname)))
      return await reply.code(421).send({ error: `this is not ${headers.host ?? ''}; add it to ${key}` });
    const { origin } = headers;
    if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === called.host))
      return await reply.code(403).send({ error: 'from another page' });
    return undefined;
  };
}

/** A Host header (RFC 9110, 7.2): a name or an address, `[...]` around IPv6, perhaps a port. */
function hostOf(header: string | undefined): URL | undefined {
  const text = `http://${header ?? ''}`;
  return header !== undefined && /^[^\s/\\@?#]+$/.test(header) && URL.canParse(text)
    ? new URL(text)
    : undefined;
}

/** A name, or an address without brackets, as a URL writes it: `[::0:1]` and `::1` are one. */
function bare(name: string): string {
  const text = isIP(name) === 6 ? `[${name}]` : name;
  return (hostOf(text)?.hostname ?? name.toLowerCase()).replace(/^\[|\]$/g, '');
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.');
const isEverywhere = (host: string) => host === '0.0.0.0' || host === '::';
