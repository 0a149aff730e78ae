/**
 * Who gets in. A server of this file is closed: a route is for who has logged in as an operator, unless it says in its
 * `config` for whom else it is. A route that says nothing is not open by mistake.
 *
 * It answers to the name that it listens on and no other, so that no page of a stranger reaches it through a browser
 * (DNS rebinding); what changes something must be JSON, which a stranger's form cannot send.
 */
import { isIP } from 'node:net';
import fastifyWebsocket from '@fastify/websocket';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import { sendPage } from './files.ts';
import { SECURITY_HEADERS } from './headers.ts';
import type { Role } from './sessions.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For whom it is, beside the operator. */
    readonly opensTo?: Role | 'anyone';
    /** Leads who is not let in to the login. */
    readonly isPage?: true;
  }
}

const BODY_MAX = 16_384;
/** Viewers of a camera have nothing to say. */
const SOCKET_MESSAGE_MAX = 1024;

export async function createClosedServer(
  config: Pick<ConsoleConfig, 'host' | 'names'>,
  roleOf: (cookieHeader: string | undefined) => Role | undefined,
): Promise<FastifyInstance> {
  const server = fastify({
    bodyLimit: BODY_MAX,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
  });
  // Before the guard: it ends the socket of an upgrade that is refused only where it saw it first.
  await server.register(fastifyWebsocket, { options: { maxPayload: SOCKET_MESSAGE_MAX } });
  server.addHook('onRequest', onlyFromItself(config));
  server.addHook('onRequest', async (request, reply) => {
    const { opensTo, isPage } = request.routeOptions.config;
    if (request.is404 || opensTo === 'anyone') return undefined;
    const role = roleOf(request.headers.cookie);
    if (role === 'operator' || (role !== undefined && role === opensTo)) return undefined;
    if (isPage) return await sendPage(reply.code(401), 'login.html');
    return await reply.code(role === undefined ? 401 : 403).send({ error: 'log in' });
  });
  return server;
}

/** Refuses what was asked of another name, or by another page. */
function onlyFromItself({ host, names }: Pick<ConsoleConfig, 'host' | 'names'>) {
  const known = new Set([host, ...names, ...(isLoopback(host) ? ['localhost', '127.0.0.1', '[::1]'] : [])]);
  // Listening everywhere, it may be called by any address, but by no name that was not given.
  const isOwn = (name: string) =>
    known.has(name) || (isEverywhere(host) && isIP(name.replace(/^\[|\]$/g, '')) !== 0);
  return async (request: FastifyRequest, reply: FastifyReply) => {
    reply.headers(SECURITY_HEADERS);
    const name = request.headers.host?.replace(/:\d+$/, '') ?? '';
    if (!isOwn(name))
      return await reply.code(421).send({ error: `this is not ${name}; add it to console.names` });
    const { origin } = request.headers;
    if (origin !== undefined && !isOf(origin, request.headers.host))
      return await reply.code(403).send({ error: 'from another page' });
    return undefined;
  };
}

const isOf = (origin: string, host: string | undefined) =>
  URL.canParse(origin) && new URL(origin).host === host;
const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.');
const isEverywhere = (host: string) => host === '0.0.0.0' || host === '::';
