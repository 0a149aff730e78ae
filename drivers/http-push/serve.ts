/**
 * The port that terminals push to. Who sends is known from the head of a request; before that no body is read. A
 * terminal is answered 200 when what it said is on disk, not before; 503 lets it try again.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate, type ZlibOptions } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { plainAddress } from '../addresses.ts';
import { boundConnections, portError, turnedReason, webConnections } from '../connections.ts';
import type { Clock } from '../contract/clock.ts';
import type { Host } from '../contract/driver.ts';
import type { Tap } from '../contract/tap.ts';
import { plainUrl, tell } from '../http-tap.ts';
import { createGuard, type Guard, type Verdict } from './challenge.ts';
import { createHandshakes } from './handshakes.ts';
import { createLimits, type Limits, slow } from './limits.ts';
import { lineOf } from './options.ts';
import { bodyOf, type Pushing, servePush } from './push.ts';
import { whichPath, whoCame } from './strangers.ts';
import { createWanted } from './wanted.ts';
import { serveZkteco } from './zkteco.ts';

const BODY_MAX = 4_000_000;
const HEAD_MAX = 8192;
/** An event with a picture, of a terminal that was not asked for its password yet. */
const UNWANTED_MAX = 1_000_000;
/** A body that comes on and on, slowly. */
const REQUEST_TIMEOUT_MS = 60_000;
/** How long a terminal's connection may rest between two requests. */
const REST_MS = 75_000;
/** A slow disk may take as long. */
const STORE_MS = 60_000;

/** RFC 9110, 8.3.1, as far as it matters. */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/;
const UNTYPED = 'application/octet-stream';

/** What node:http found wrong, in HTTP's words. */
const lastWords: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/**
 * `heard`: a terminal said something. `stallMs`: a request of which nothing comes for so long is ended.
 * @throws LineError E_PORT_TAKEN, E_LINE_REFUSED.
 */
export async function servePort(
  terminals: readonly [Pushing, ...Pushing[]],
  host: Host,
  heard: (id: string) => void,
  stallMs = 10_000,
): Promise<FastifyInstance> {
  const [{ terminal: first }] = terminals;
  /** What nobody of the config said is of the port. */
  const line = lineOf(first);
  const { host: address, port } = first.options.listen ?? { host: '127.0.0.1', port: 0 };
  const limits = createLimits(host.clock, (source) =>
    host.discarded(line, 'more connections than an address may have', 0, source),
  );
  // Loaded by who needs it: a daemon of years keeps what it has loaded.
  const { fastify } = await import('fastify');
  const server = fastify({
    bodyLimit: BODY_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: stallMs,
    keepAliveTimeout: REST_MS,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    // How a technician types an address: /push//gate, /push/gate/.
    routerOptions: { maxParamLength: 100, ignoreDuplicateSlashes: true, ignoreTrailingSlash: true },
    http: {
      maxHeaderSize: HEAD_MAX,
      // Some terminals say none, and there is but one host here (RFC 9112, 3.2 has it).
      requireHostHeader: false,
      headersTimeout: stallMs,
      connectionsCheckingInterval: Math.min(1000, stallMs),
    },
    clientErrorHandler({ code, message }, socket) {
      if (code !== 'ECONNRESET') host.discarded(line, 'a request that cannot be read', 0, code ?? message);
      if (socket.writable) socket.end(`HTTP/1.1 ${lastWords[code ?? ''] ?? '400 Bad Request'}\r\n\r\n`);
      socket.destroySoon();
    },
  });
  boundConnections(server.server, webConnections, (why) => host.discarded(line, turnedReason[why], 0));
  server.server.on('connection', limits.connected);
  const expecting = passExpectations(server);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.decorateRequest('pushing', null);
  server.setErrorHandler((error: Error & { statusCode?: number }, { pushing }, reply) => {
    host.discarded(pushing?.terminal.id ?? line, 'a request that cannot be read', 0, error.message);
    return reply.code(error.statusCode ?? 500).send();
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send());

  const handshakes = createHandshakes(host.clock);
  server.addHook('onClose', async () => handshakes.close());
  const guard = createGuard(host.clock);
  const admit = createAdmission(terminals, { host, limits, guard, handshakes, heard, stallMs });
  server.addHook('onRequest', async (request, reply) => {
    if (!(await admit(request, reply))) return reply;
    if (expecting.delete(request.raw)) reply.raw.writeContinue();
    // What a body is stands in it: a type that is none costs nothing.
    if (!MEDIA_TYPE.test(request.headers['content-type'] ?? '')) request.headers['content-type'] = UNTYPED;
    return undefined;
  });
  server.addHook('preValidation', async (request, reply) => {
    if (await unpack(request)) return undefined;
    host.discarded(request.pushing?.terminal.id ?? line, 'a body that cannot be unpacked', 0);
    return await reply.code(400).send();
  });
  // All of it is there: from now on the terminal waits for us.
  server.addHook('preHandler', async ({ raw }) => void raw.socket.setTimeout(STORE_MS));
  tapRequests(server, host.tap);
  servePush(server, terminals, host);
  serveZkteco(server, terminals, host);
  try {
    await server.listen({ host: address, port });
  } catch (error) {
    throw portError(error as NodeJS.ErrnoException, address, port);
  }
  return server;
}

/** Of terminals that were let in, what they said and what they are answered. */
function tapRequests(server: FastifyInstance, tap: Tap | undefined): void {
  const peerOf = ({ pushing, ip }: FastifyRequest) => `${pushing?.terminal.id ?? ''} ${ip}`;
  server.addHook('preHandler', async (request) =>
    tell.heard(tap, peerOf(request), () => ({
      head: `${request.method} ${plainUrl(request.raw.url ?? '')}`,
      contentType: request.headers['content-type'],
      body: bodyOf(request),
    })),
  );
  server.addHook('onSend', async (request, reply, payload) => {
    if (request.pushing !== null)
      tell.said(tap, peerOf(request), () => ({
        head: String(reply.statusCode),
        contentType: String(reply.getHeader('content-type') ?? ''),
        body: typeof payload === 'string' ? payload : '',
      }));
    return payload;
  });
}

const packings: Readonly<Record<string, (packed: Buffer, options: ZlibOptions) => Promise<Buffer>>> = {
  gzip: promisify<Buffer, ZlibOptions, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, ZlibOptions, Buffer>(gunzip),
  deflate: promisify<Buffer, ZlibOptions, Buffer>(inflate),
};
const isPacked = (coding = '') => !/^\s*(identity)?\s*$/i.test(coding);
/** Text packs to a twentieth at best. */
const unpackedMost = (packed: number) => Math.min(BODY_MAX, packed * 32 + 4096);
/** A body as it was before it was packed (RFC 9110, 8.4.1), no larger than any other. @returns whether it is there. */
async function unpack(request: FastifyRequest): Promise<boolean> {
  const coding = request.headers['content-encoding'] ?? '';
  const { body } = request;
  if (!isPacked(coding) || !Buffer.isBuffer(body)) return true;
  try {
    const maxOutputLength = unpackedMost(body.length);
    request.body = await packings[coding.trim().toLowerCase()]?.(body, { maxOutputLength });
    return request.body !== undefined;
  } catch {
    return false;
  }
}

/** Who says `Expect: 100-continue` hears it after the head was looked at, not before. */
function passExpectations({ server }: FastifyInstance): WeakSet<IncomingMessage> {
  const expecting = new WeakSet<IncomingMessage>();
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    expecting.add(request);
    server.emit('request', request, response);
  });
  return expecting;
}

const strangerOf = ({ ip, raw, params, query }: FastifyRequest) => {
  const { device } = params as { readonly device?: string };
  const { SN } = query as { readonly SN?: unknown };
  return { address: ip, url: raw.url ?? '', device, serial: typeof SN === 'string' ? SN : undefined };
};

/** What it must show is not known: its file cannot be read. */
interface Unknown {
  readonly is: 'unknown';
  readonly why: string;
}

/**
 * Lets in who is a terminal of the config and has the right to be; answers and counts everybody else. Nothing of a
 * body is kept before, and then as much as there is room for.
 */
function createAdmission(
  terminals: readonly [Pushing, ...Pushing[]],
  {
    host,
    limits,
    guard,
    handshakes,
    heard,
    stallMs,
  }: {
    readonly host: Host;
    readonly limits: Limits;
    readonly guard: Guard;
    readonly handshakes: ReturnType<typeof createHandshakes>;
    readonly heard: (id: string) => void;
    readonly stallMs: number;
  },
): (request: FastifyRequest, reply: FastifyReply) => Promise<boolean> {
  const wantedOf = createWanted(
    terminals.map(({ terminal }) => terminal),
    host,
  );
  const line = lineOf(terminals[0].terminal);
  const there = {
    ids: terminals.map(({ terminal: { id } }) => id),
    serials: terminals.flatMap(({ terminal: { options } }) => options.serial ?? []),
  };
  const paths = [...there.ids.map((id) => `/push/${id}`), '/iclock/cdata'];
  const expected = new Set(
    terminals.flatMap(({ terminal: { options } }) => options.from?.map(plainAddress) ?? []),
  );

  const refuse = async (request: FastifyRequest, reply: FastifyReply, status: number) => {
    const { raw } = request;
    if (Number(request.headers['content-length'] ?? 0) > UNWANTED_MAX) reply.header('connection', 'close');
    else throwAway(raw, host.clock, stallMs);
    if (status !== 401) reply.header('retry-after', '1');
    await reply.code(status).send();
    return false;
  };
  const judge = (request: FastifyRequest, found: Pushing | undefined): Verdict | Unknown => {
    const { token } = request.query as { token?: unknown };
    if (found === undefined) {
      // Without a password it is no guess, and names of terminals are no secret.
      const isGuess = request.headers.authorization !== undefined || token !== undefined;
      return { is: isGuess ? 'wrong' : 'unsaid', why: 'a terminal that is not in the config' };
    }
    const { method, headers } = request;
    const head = {
      method,
      url: request.raw.url ?? '',
      address: plainAddress(request.ip),
      authorization: headers.authorization,
      token,
    };
    const known = wantedOf(found.terminal);
    return 'wanted' in known ? guard.judge(head, known.wanted) : { is: 'unknown', ...known };
  };
  return async (request, reply) => {
    const { socket } = request.raw;
    const { whose } = request.routeOptions.config;
    const said = host.discarded;
    if (!limits.admits(socket, expected.has(plainAddress(request.ip)))) {
      said(line, 'more requests than are looked at', 0, request.ip);
      return await refuse(request, reply, 429);
    }
    const url = request.raw.url ?? '';
    if (whose === undefined) {
      said(line, 'a request for what is not there', 0, whichPath(request.ip, url, paths));
      return await refuse(request, reply, 404);
    }
    const found = whose(request);
    const verdict = judge(request, found);
    if (verdict.is === 'unknown') {
      said(found?.terminal.id ?? line, 'its password or token cannot be read from its file', 0, verdict.why);
      return await refuse(request, reply, 503);
    }
    if (found === undefined || verdict.is !== 'right') {
      const count = () => {
        if (!('why' in verdict)) return;
        if (found === undefined) said(line, verdict.why, 0, whoCame(strangerOf(request), there));
        else said(found.terminal.id, verdict.why, 0, request.ip);
      };
      if (found !== undefined && verdict.is === 'unsaid')
        handshakes.asked(`${found.terminal.id} ${request.ip}`, count);
      else count();
      if (verdict.is === 'wrong') await slow(limits.wrong(socket), host.clock, host.signal);
      const asked = found && wantedOf(found.terminal);
      if (asked !== undefined && 'wanted' in asked)
        reply.header('www-authenticate', guard.challenges(asked.wanted, verdict.is === 'stale'));
      return await refuse(request, reply, 401);
    }
    const { id } = found.terminal;
    handshakes.answered(`${id} ${request.ip}`);
    limits.right(socket);
    webConnections.know(socket);
    heard(id);
    const {
      'transfer-encoding': chunked,
      'content-encoding': coding,
      'content-length': bytes,
    } = request.headers;
    const sent = chunked === undefined ? Math.min(BODY_MAX, Number(bytes ?? 0)) : BODY_MAX;
    const length = isPacked(coding) ? unpackedMost(sent) : sent;
    // It must not be taken for one that stalls.
    const waitMs = limits.pace(id, length, stallMs / 2);
    if (waitMs === undefined) {
      said(id, 'more than a terminal says', 0, request.ip);
      return await refuse(request, reply, 429);
    }
    await slow(waitMs, host.clock, host.signal);
    const release = limits.reserve(socket, length);
    if (release === undefined) {
      said(id, 'more bytes at once than there is room for', 0, request.ip);
      return await refuse(request, reply, 503);
    }
    reply.raw.once('close', release);
    request.pushing = found;
    return true;
  };
}

/** Lets a body go by that nobody wants, where it is small: a client that waits to be asked for its password sends it. */
function throwAway(raw: IncomingMessage, clock: Clock, stallMs: number) {
  const patience = clock.after(stallMs, () => raw.socket.destroy());
  raw.once('close', () => patience.stop());
  let bytes = 0;
  raw.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > UNWANTED_MAX) raw.socket.destroy();
  });
}
