/**
 * The pages, and what they are made of. The front end shows no more than the API gives it, so that its files are for
 * anyone: who is not logged in gets the login from it.
 */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { giveSession, sessionSecret } from '../cookies.ts';
import type { Asset, FrontEnd } from '../front-end.ts';
import { policy } from '../headers.ts';
import type { Identity } from '../identity.ts';

/** The paths of app.ts; each answers with the same page. */
const pagePaths = [
  '/',
  '/plan',
  '/areas',
  '/doors',
  '/cameras',
  '/cameras/:camera',
  '/events',
  '/events/:id',
  '/devices',
  '/devices/:device',
  '/platforms',
  '/platforms/:platform',
  '/ledger',
  '/ledger/:part',
  '/ledger/:part/:which',
  '/walk-test',
  '/simulators',
  '/system',
  '/system/:part',
  '/setup',
  '/account',
] as const;

const YEAR_S = 31_536_000;

function send(request: FastifyRequest, reply: FastifyReply, asset: Asset) {
  const encoded = asset.encoded(request.headers['accept-encoding'] ?? '');
  if (encoded !== undefined) reply.header('content-encoding', encoded.encoding);
  return reply
    .header('vary', 'accept-encoding')
    .type(asset.type)
    .send(encoded?.bytes ?? asset.bytes);
}

/** Which pages. */
export interface Pages {
  /** Paths that all answer with the page `index`. */
  readonly paths: readonly string[];
  readonly index: string;
  /** The page of the screens at gates. */
  readonly gate?: string;
}

const CONSOLE: Pages = { paths: pagePaths, index: 'index.html', gate: 'gate.html' };

export function servePages(
  frontEnd: FrontEnd,
  { sessions }: Pick<Identity, 'sessions'>,
  { paths, index, gate }: Pages = CONSOLE,
): FastifyPluginAsync {
  const { version, page, scriptHashes } = frontEnd;
  const security = policy(...scriptHashes);
  const isLoggedIn = (request: FastifyRequest) => sessions.find(sessionSecret(request)) !== undefined;
  /** Who is not logged in is told so by the code too, beside the page with the login. */
  const shell = (reply: FastifyReply, known: boolean) =>
    reply.code(known ? 200 : 401).header('content-security-policy', security);
  const anyone = { config: { needs: 'anyone' }, schema: { hide: true } } as const;
  return async (server) => {
    server.get('/web/:version/*', anyone, async (request, reply) => {
      const { version: asked, '*': path } = request.params as { version: string; '*': string };
      const asset = asked === version ? frontEnd.asset(path) : undefined;
      if (asset === undefined) return await reply.code(404).send({ error: 'not-found' });
      reply.header('cache-control', `public, max-age=${YEAR_S}, immutable`);
      return await send(request, reply, asset);
    });
    for (const path of paths)
      server.get(path, anyone, async (request, reply) =>
        send(request, shell(reply, isLoggedIn(request)), page(index)),
      );
    if (gate === undefined) return;
    server.get('/gate/:door', anyone, async (request, reply) => {
      // A browser forgets a cookie after 400 days; a screen hangs there for longer.
      const secret = sessionSecret(request);
      if (secret !== undefined && sessions.find(secret)?.by === 'token')
        giveSession(request, reply, secret, true);
      return send(request, shell(reply, true), page(gate));
    });
  };
}
