/**
 * The port that terminals push to. A terminal is answered 200 when what it said is on disk, not before; 503 lets it try
 * again.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Host, LineError } from '../contract/driver.ts';
import { readMessage, readTable } from './codec.ts';
import type { Intake } from './intake.ts';
import { firstLine, type Terminal } from './options.ts';

const BODY_MAX = 4_000_000;
const REQUEST_TIMEOUT_MS = 15_000;
const CONNECTIONS_MAX = 200;

const same = (a: string, b: string) => {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
};
/** `::ffff:10.0.0.9` is 10.0.0.9. */
const plainAddress = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** Why a request is not this terminal's; undefined: it is. */
function whyNot(request: FastifyRequest, { options: own }: Terminal): string | undefined {
  const { from, username, passwordFile, tokenFile } = own;
  if (from !== undefined && !from.includes(plainAddress(request.ip))) return 'an address that is not its own';
  if (passwordFile !== undefined) {
    const wanted = `Basic ${Buffer.from(`${username ?? ''}:${firstLine(passwordFile)}`).toString('base64')}`;
    if (!same(request.headers.authorization ?? '', wanted)) return 'no or a wrong password';
  }
  const { token } = request.query as { token?: unknown };
  if (tokenFile !== undefined && (typeof token !== 'string' || !same(token, firstLine(tokenFile))))
    return 'no or a wrong token';
  return undefined;
}

/** A terminal, and who takes what it says. */
export interface Pushing {
  readonly terminal: Terminal;
  readonly intake: Intake;
}

/** Lets in who is a terminal of the config and has the right to be; answers and counts everybody else. */
type Admit = (
  request: FastifyRequest,
  reply: FastifyReply,
  fits: (terminal: Terminal) => boolean,
) => Promise<Pushing | undefined>;

/** `heard`: a terminal said something. @throws LineError E_PORT_TAKEN, E_LINE_REFUSED. */
export async function servePort(
  terminals: readonly [Pushing, ...Pushing[]],
  host: Host,
  heard: (id: string) => void,
): Promise<FastifyInstance> {
  const [{ terminal: first }] = terminals;
  const { host: address, port } = first.options.listen ?? { host: '127.0.0.1', port: 0 };
  // Loaded by who needs it: a daemon of years keeps what it has loaded.
  const { fastify } = await import('fastify');
  const server = fastify({
    bodyLimit: BODY_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  server.server.maxConnections = CONNECTIONS_MAX;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const { id } = request.params as { id?: string };
    host.discarded(id ?? first.id, 'a request that cannot be read', 0, error.message);
    return reply.code(error.statusCode ?? 500).send();
  });

  const admit: Admit = async (request, reply, fits) => {
    const found = terminals.find(({ terminal }) => fits(terminal));
    const why =
      found === undefined ? 'a terminal that is not in the config' : whyNot(request, found.terminal);
    if (found !== undefined && why === undefined) {
      heard(found.terminal.id);
      return found;
    }
    host.discarded(found?.terminal.id ?? first.id, why ?? '', 0, request.ip);
    await reply.code(401).send();
    return undefined;
  };
  servePush(server, admit, host);
  serveZkteco(server, admit);
  try {
    await server.listen({ host: address, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new LineError(code === 'EADDRINUSE' ? 'E_PORT_TAKEN' : 'E_LINE_REFUSED', message, { cause: error });
  }
  return server;
}

const bodyOf = ({ body }: FastifyRequest) => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));

/** JSON, XML, a form, multipart with pictures. */
function servePush(server: FastifyInstance, admit: Admit, host: Host) {
  server.post('/push/:id', async (request, reply) => {
    const { id } = request.params as { id: string };
    const found = await admit(request, reply, (terminal) => terminal.id === id);
    if (found === undefined) return reply;
    const raw = bodyOf(request);
    const message = readMessage(request.headers['content-type'] ?? '', raw);
    if (typeof message === 'string') {
      host.discarded(id, message, raw.length);
      return await reply.code(400).send();
    }
    return await found.intake(message, raw).then(
      () => reply.code(200).send(),
      () => reply.code(503).send(),
    );
  });
}

/** ZKTeco's push: the terminal asks for its settings, then sends tables, and asks for orders now and then. */
function serveZkteco(server: FastifyInstance, admit: Admit) {
  const admitSerial = (request: FastifyRequest, reply: FastifyReply) => {
    const { SN } = request.query as { SN?: unknown };
    return admit(request, reply, ({ options: { serial } }) => serial !== undefined && serial === SN);
  };
  server.get('/iclock/cdata', async (request, reply) => {
    const found = await admitSerial(request, reply);
    if (found === undefined) return reply;
    return await reply.send(
      `GET OPTION FROM: ${found.terminal.options.serial}\nStamp=9999\nOpStamp=9999\nErrorDelay=30\nDelay=10\nTransFlag=1111000000\nRealtime=1\nEncrypt=0\n`,
    );
  });
  server.get('/iclock/:what', async (request, reply) => {
    const found = await admitSerial(request, reply);
    return found === undefined ? reply : await reply.send('OK');
  });
  server.post('/iclock/:what', async (request, reply) => {
    const found = await admitSerial(request, reply);
    if (found === undefined) return reply;
    const { what } = request.params as { what: string };
    const { table = '' } = request.query as { table?: string };
    if (what !== 'cdata') return await reply.send('OK');
    const rows = readTable(table, bodyOf(request).toString('utf8'));
    try {
      for (const row of rows)
        await found.intake({ body: row, pictures: [] }, Buffer.from(JSON.stringify(row)));
      return await reply.send(`OK: ${rows.length}`);
    } catch {
      // Without OK it sends all of them again; those that are on disk are known.
      return await reply.code(503).send();
    }
  });
}
