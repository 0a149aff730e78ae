/**
 * Who gets in. A server of this file is closed: a route is for administrators, unless it says in its `config` which
 * right it needs. A route that says nothing is not open by mistake.
 *
 * It answers to its own names only (web-server.ts); what changes something must be JSON, which a stranger's form cannot
 * send.
 */
import fastifyCookie from '@fastify/cookie';
import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import { webConnections } from '../../drivers/connections.ts';
import { answerOnlyTo, createWebServer, type WebServerContext } from '../web-server.ts';
import { SECURITY_HEADERS } from './headers.ts';
import { type Right, type Role, roleMay } from './rights.ts';
import { answerInSchemas } from './schemas.ts';

/** Who asks. */
export interface User {
  /** As it stands in events and in the audit. */
  readonly name: string;
  readonly role: Role;
  can(right: Right): boolean;
  /** Aborted when the session is over: what still shows something to its owner ends. */
  readonly over: AbortSignal;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What who asks must have a right to; `anyone`: not even a login. */
    readonly needs?: Right | 'anyone';
  }
  interface FastifyRequest {
    /** Who asks; of no meaning on a route that is open to anyone. */
    user: User;
  }
}

export const userOf = (name: string, role: Role, over: AbortSignal): User => ({
  name,
  role,
  over,
  can: (right) => roleMay(role, right),
});

const BODY_MAX = 16_384;
/** Viewers of a camera have nothing to say. */
const SOCKET_MESSAGE_MAX = 1024;

export async function createClosedServer(
  config: Pick<ConsoleConfig, 'host' | 'names'>,
  findUser: (request: FastifyRequest) => User | undefined,
  context: WebServerContext,
): Promise<FastifyInstance> {
  const server = createWebServer('console', BODY_MAX, context);
  answerInSchemas(server, context.log);
  // Before the guard: it ends the socket of an upgrade that is refused only where it saw it first.
  await server.register(fastifyWebsocket, { options: { maxPayload: SOCKET_MESSAGE_MAX } });
  await server.register(fastifyCookie);
  server.decorateRequest('user', null as unknown as User);
  server.addHook('onRequest', async (_request, reply) => void reply.headers(SECURITY_HEADERS));
  server.addHook('onRequest', answerOnlyTo(config, 'console.names'));
  server.addHook('onRequest', async (request, reply) => {
    const { needs } = request.routeOptions.config;
    if (request.is404 || needs === 'anyone') return undefined;
    const user = findUser(request);
    if (user === undefined) return await reply.code(401).send({ error: 'log-in' });
    if (needs === undefined ? user.role !== 'administrator' : !user.can(needs))
      return await reply.code(403).send({ error: 'not-allowed' });
    request.user = user;
    webConnections.know(request.raw.socket);
    return undefined;
  });
  return server;
}
