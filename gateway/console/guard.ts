/**
 * Who gets in. A server of this file is closed: a route is for who has logged in as an operator, unless it says in its
 * `config` for whom else it is. A route that says nothing is not open by mistake.
 *
 * It answers to its own names only (web-server.ts); what changes something must be JSON, which a stranger's form cannot
 * send.
 */
import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import { webConnections } from '../../drivers/connections.ts';
import { answerOnlyTo, createWebServer, type WebServerContext } from '../web-server.ts';
import { sendPage } from './files.ts';
import { SECURITY_HEADERS } from './headers.ts';
import type { Role, Session } from './sessions.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For whom it is, beside the operator. */
    readonly opensTo?: Role | 'anyone';
    /** Leads who is not let in to the login. */
    readonly isPage?: true;
  }
  interface FastifyRequest {
    /** Whose it is; undefined on a route that is open to anyone. */
    session: Session | undefined;
  }
}

const BODY_MAX = 16_384;
/** Viewers of a camera have nothing to say. */
const SOCKET_MESSAGE_MAX = 1024;

export async function createClosedServer(
  config: Pick<ConsoleConfig, 'host' | 'names'>,
  findSession: (cookieHeader: string | undefined) => Session | undefined,
  context: WebServerContext,
): Promise<FastifyInstance> {
  const server = createWebServer('console', BODY_MAX, context);
  // Before the guard: it ends the socket of an upgrade that is refused only where it saw it first.
  await server.register(fastifyWebsocket, { options: { maxPayload: SOCKET_MESSAGE_MAX } });
  server.decorateRequest('session', undefined);
  server.addHook('onRequest', async (_request, reply) => void reply.headers(SECURITY_HEADERS));
  server.addHook('onRequest', answerOnlyTo(config, 'console.names'));
  server.addHook('onRequest', async (request, reply) => {
    const { opensTo, isPage } = request.routeOptions.config;
    if (request.is404 || opensTo === 'anyone') return undefined;
    const session = findSession(request.headers.cookie);
    const role = session?.role;
    if (role === 'operator' || (role !== undefined && role === opensTo)) {
      request.session = session;
      webConnections.know(request.raw.socket);
      return undefined;
    }
    if (isPage) return await sendPage(reply.code(401), 'login.html');
    return await reply.code(role === undefined ? 401 : 403).send({ error: 'log in' });
  });
  return server;
}
