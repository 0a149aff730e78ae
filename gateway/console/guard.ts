/**
 * Who gets in. A server of this file is closed: a route is for who looks after users, unless it says in its `config` which
 * right it needs. A route that says nothing is not open by mistake.
 *
 * It answers to its own names only (web-server.ts); what changes something must be JSON, which a stranger's form cannot
 * send.
 */
import fastifyCookie from '@fastify/cookie';
import fastifyRateLimit from '@fastify/rate-limit';
import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import { type Share, webConnections } from '../../drivers/connections.ts';
import { answerOnlyTo, createWebServer, type Listener, type WebServerContext } from '../web-server.ts';
import { CONSOLE_COOKIE } from './cookies.ts';
import { sourceOf } from './guesses.ts';
import { SECURITY_HEADERS, STRICT_TRANSPORT } from './headers.ts';
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
  /** The id of the session; undefined: a program's token. */
  readonly session?: string;
  /** It was had by a password. */
  readonly hasPassword?: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What who asks must have a right to; `anyone`: not even a login. */
    readonly needs?: Right | 'anyone';
    /** false: what was done is noted in the audit by the route itself, or changes nothing; true: reading is noted, too. */
    readonly audited?: boolean;
  }
  interface FastifyInstance {
    /** What the cookie of a session is called here: browsers keep those of all ports of a machine together. */
    readonly sessionCookie: string;
  }
  interface FastifyRequest {
    /** Who asks; of no meaning on a route that is open to anyone. */
    user: User;
  }
}

/** Somebody with all rights of a role. */
export const userOf = (name: string, role: Role, over: AbortSignal): User => ({
  name,
  role,
  over,
  can: (right) => roleMay(role, right),
});

const BODY_MAX = 16_384;
/** Viewers of a camera have nothing to say. */
const SOCKET_MESSAGE_MAX = 1024;

/**
 * Requests a minute: of a session or a token, which is more than ten pages ask for that show a flood of alarms; of a
 * source that is nobody's.
 */
const KNOWN_MAX = 12_000;
const REFUSED_MAX = 600;

export interface Guard {
  /** What was done by whom, for the audit. */
  readonly noteAct?: (user: User, request: FastifyRequest) => void;
  /** PEM: it speaks HTTPS. `isStrict`: browsers are told to come by nothing else. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly isStrict?: () => boolean;
  /** Another server than the console: what it is called, where a name of it is added, its cookie, its connections. */
  readonly as?: {
    readonly listener: Listener;
    readonly namesKey: string;
    readonly cookie: string;
    readonly share: Share;
  };
}

const CONSOLE = {
  ...({ listener: 'console', namesKey: 'console.names' } as const),
  ...{ cookie: CONSOLE_COOKIE, share: webConnections },
};

/** `find`: who asks; undefined: nobody that is known. */
export async function createClosedServer(
  config: Pick<ConsoleConfig, 'host' | 'names'> & Partial<Pick<ConsoleConfig, 'proxies'>>,
  find: (request: FastifyRequest) => User | undefined,
  context: WebServerContext,
  { noteAct, tls, isStrict = () => false, as = CONSOLE }: Guard = {},
): Promise<FastifyInstance> {
  const { proxies = [] } = config;
  const server = createWebServer(as.listener, BODY_MAX, context, { tls, proxies, share: as.share });
  answerInSchemas(server, context.log);
  // What a form of another page could send.
  server.removeContentTypeParser('text/plain');
  // Before the guard: it ends the socket of an upgrade that is refused only where it saw it first.
  await server.register(fastifyWebsocket, { options: { maxPayload: SOCKET_MESSAGE_MAX } });
  await server.register(fastifyCookie);
  const { refuseStranger, isTooMuch } = await limits(server);
  server.decorate('sessionCookie', as.cookie);
  server.decorateRequest('user', null as unknown as User);
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (isStrict()) reply.headers(STRICT_TRANSPORT);
  });
  server.addHook('onRequest', answerOnlyTo(config, as.namesKey));
  server.addHook('onRequest', async (request, reply) => {
    const { needs = 'users' } = request.routeOptions.config;
    if (request.is404 || needs === 'anyone') return undefined;
    const user = find(request);
    if (user === undefined) return await refuseStranger(request, reply);
    request.user = user;
    if (!user.can(needs)) return await reply.code(403).send({ error: 'not-allowed' });
    if (await isTooMuch(request)) return await reply.code(429).send({ error: 'too-many' });
    as.share.know(request.raw.socket);
    return undefined;
  });
  server.addHook('onResponse', async (request, { statusCode }) => {
    const { audited = !['GET', 'HEAD'].includes(request.method) } = request.routeOptions.config;
    if (audited && statusCode < 400 && request.user !== null) noteAct?.(request.user, request);
  });
  return server;
}

/**
 * Limits of requests, so that no page and no stranger keeps the gateway busy. A stranger's do not count against who is
 * known behind the same address.
 */
async function limits(server: FastifyInstance) {
  await server.register(fastifyRateLimit, { global: false, timeWindow: 60_000 });
  const ofStrangers = server.createRateLimit({
    max: REFUSED_MAX,
    keyGenerator: ({ ip }) => `source ${sourceOf(ip)}`,
  });
  const ofKnown = server.createRateLimit({
    max: KNOWN_MAX,
    keyGenerator: ({ user }) => `user ${user.session ?? user.name}`,
  });
  return {
    async isTooMuch(request: FastifyRequest) {
      const found = await ofKnown(request);
      return !found.isAllowed && found.isExceeded;
    },
    async refuseStranger(request: FastifyRequest, reply: FastifyReply) {
      const found = await ofStrangers(request);
      if (!found.isAllowed && found.isExceeded) return await reply.code(429).send({ error: 'too-many' });
      return await reply.code(401).send({ error: 'log-in' });
    },
  };
}
