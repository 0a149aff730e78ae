/** What terminals push, on the paths that they or their makers chose, and what they hear when it is on disk. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { plainAddress } from '../addresses.ts';
import type { Host } from '../contract/driver.ts';
import type { Intake, Taken } from './intake.ts';
import type { Terminal } from './options.ts';
import type { Hearing } from './repeats.ts';
import { echoesOf, lapiRules, pushRule, type RequestRule, renderReply } from './requests.ts';

/** A terminal, and who takes what it says. */
export interface Pushing {
  readonly terminal: Terminal;
  readonly intake: Intake;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it, once that is known. */
    pushing: Pushing | null;
  }
  interface FastifyContextConfig {
    /** Which terminal a request claims to be of. undefined: none of the config, or it could be of several. */
    whose?: (request: FastifyRequest) => Pushing | undefined;
  }
}

export const bodyOf = ({ body }: FastifyRequest) => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));
export const statusOf = {
  taken: 200,
  senseless: 400,
  'too-large': 413,
  later: 503,
} as const satisfies Record<Taken['is'], number>;

/** Whether the answer reaches who asked: one who is gone by then sends the same again. */
export function hearingOf({ raw }: FastifyReply): Hearing {
  let is: ReturnType<Hearing> = 'pending';
  raw.once('finish', () => {
    is = raw.statusCode === 200 ? 'heard' : 'lost';
  });
  raw.once('close', () => {
    if (is === 'pending') is = 'lost';
  });
  return () => is;
}

/** A path, and what each terminal hears there. */
interface Route {
  readonly method: RequestRule['method'];
  readonly path: string;
  readonly rules: Map<Pushing, RequestRule>;
}

/** The routes of all terminals of a port; what a profile says of a path comes before what is usual there. */
function routesOf(terminals: readonly Pushing[]): Iterable<Route> {
  const routes = new Map<string, Route>();
  for (const pushing of terminals)
    for (const rule of [pushRule, ...lapiRules, ...(pushing.terminal.profile?.requests ?? [])]) {
      const { method, path } = rule;
      // As the port takes it: with a stroke at its end or without.
      const plain = path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
      const key = `${method} ${plain}`;
      const route = routes.get(key) ?? { method, path: plain, rules: new Map() };
      route.rules.set(pushing, rule);
      routes.set(key, route);
    }
  return routes.values();
}

/** The name of Basic and Digest. */
function nameIn(authorization: string | undefined): string | undefined {
  const [, digest] = /^digest .*\busername="([^"]*)"/i.exec(authorization ?? '') ?? [];
  if (digest !== undefined) return digest;
  const [, basic] = /^basic (\S+)$/i.exec(authorization ?? '') ?? [];
  return basic === undefined ? undefined : Buffer.from(basic, 'base64').toString().split(':', 1)[0];
}

/** Who sends to a path that names nobody: whom its address, or its name, leaves alone. */
function senderOf(rules: ReadonlyMap<Pushing, RequestRule>, request: FastifyRequest): Pushing | undefined {
  const address = plainAddress(request.ip);
  const may = [...rules.keys()].filter(
    ({
      terminal: {
        options: { from },
      },
    }) => from?.some((one) => plainAddress(one) === address) ?? true,
  );
  const own = may.filter(
    ({
      terminal: {
        options: { from },
      },
    }) => from !== undefined,
  );
  const near = own.length > 0 ? own : may;
  if (near.length < 2) return near[0];
  const name = nameIn(request.headers.authorization);
  const named = near.filter(
    ({
      terminal: {
        options: { username },
      },
    }) => username !== undefined && username === name,
  );
  return named.length === 1 ? named[0] : undefined;
}

/** JSON, XML, a form, multipart with pictures. */
export function servePush(
  server: FastifyInstance,
  terminals: readonly Pushing[],
  { clock }: Pick<Host, 'clock'>,
): void {
  for (const { method, path, rules } of routesOf(terminals)) {
    const isNamed = path.includes('{device}');
    const whose = (request: FastifyRequest) => {
      if (!isNamed) return senderOf(rules, request);
      const { device } = request.params as { device?: string };
      return [...rules.keys()].find(({ terminal: { id } }) => id === device);
    };
    server.route({
      method,
      url: path.replaceAll('{device}', ':device'),
      config: { whose },
      handler: (request, reply) => {
        const pushing = request.pushing as Pushing;
        return answer(pushing, rules.get(pushing) as RequestRule, { request, reply, wall: clock.wall });
      },
    });
  }
}

/** Takes what a request says, and says what its terminal wants to hear once that is on disk. */
async function answer(
  { intake }: Pushing,
  { method, events, reply: wanted }: RequestRule,
  {
    request,
    reply,
    wall,
  }: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly wall: () => number },
): Promise<FastifyReply> {
  const [, query = ''] = (request.raw.url ?? '').split('?', 2);
  const said =
    method === 'GET'
      ? { contentType: 'application/x-www-form-urlencoded', bytes: Buffer.from(query) }
      : { contentType: request.headers['content-type'] ?? '', bytes: bodyOf(request) };
  const echo = echoesOf(wanted);
  // A heartbeat may say anything: it is looked at where its answer repeats some of it.
  const taken: Taken =
    !events && echo.length === 0
      ? { is: 'taken', events: 0, echoes: [] }
      : await intake({ ...said, echo, hearing: hearingOf(reply), ...(!events && { isQuiet: true }) });
  if (taken.is !== 'taken') return await reply.code(statusOf[taken.is]).send();
  if (wanted === undefined) return await reply.code(200).send();
  const { contentType, body } = renderReply(wanted, { wall: wall(), echoes: taken.echoes });
  return await reply.code(200).header('content-type', contentType).send(body);
}
