/**
 * The technician's console: pages and their API, from the side of the road.
 *
 *   GET  /                     the overview          GET  /gate/{door}   the screen for picking up
 *   GET  /live/{camera}        a camera              POST /login         {token}
 *   GET  /api/status           GET /api/events       GET  /api/gate/{door}    both: server-sent events
 *   GET  /api/notices          POST /api/notices/{id}/read {by}
 *   POST /api/commands/{target}     a command, as a platform sends it
 *   GET  /api/media/{reference}     WS   /api/live/{camera}?form=mse|jsmpeg
 *
 * It answers to the name that it listens on and no other, so that no page of a stranger reaches it through a browser
 * (DNS rebinding); what changes something must be JSON, which a stranger's form cannot send.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyWebsocket from '@fastify/websocket';
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { catalogue, type Event, typePrefix } from '../../config/catalogue/events.ts';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Commands, Source } from '../commands/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Live } from '../media/live.ts';
import type { MediaStore } from '../media/store.ts';
import type { Notices } from '../notices/index.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Persons } from '../persons/index.ts';
import type { Recorder } from '../road/recorder.ts';
import { createSessions, type Role } from './session.ts';

export interface ConsoleOptions {
  readonly config: ConsoleConfig;
  readonly dataDir: string;
  readonly campus: { readonly id: string; readonly name: string };
  readonly cameras: readonly { readonly id: string; readonly name?: string | undefined }[];
  readonly doors: readonly string[];
  /** What devices and areas are called by people, by their ids. */
  readonly names: Readonly<Record<string, string | undefined>>;
  readonly status: () => Promise<object>;
  readonly recorder: Pick<Recorder, 'onStored'>;
  readonly journal: Pick<Journal, 'audit' | 'readBack'>;
  readonly commands: Pick<Commands, 'receiveCommand'>;
  readonly notices: Pick<Notices, 'list' | 'noteRead'>;
  readonly persons: Persons;
  readonly media: Pick<MediaStore, 'find'>;
  /** Lets a viewer see a camera, until the socket ends. */
  readonly view: Live['view'];
  readonly clock: Pick<WallClock, 'now'>;
  readonly log: Log;
}

export interface Console {
  /** Where it is, with the token of the operator: for a terminal, not for a log. */
  readonly url: string;
  close(): Promise<void>;
}

const pages = join(import.meta.dirname, 'pages');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};
/** What may be asked for by name; read once, at the start. */
const files: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['console.css', 'common.js', 'index.js', 'gate.js', 'live.js', 'login.js'].map((name) => [
      name,
      join(pages, name),
    ]),
  ),
  'jsmpeg.js': fileURLToPath(import.meta.resolve('@cycjimmy/jsmpeg-player')),
};
const BODY_MAX = 16_384;
const SHOWN_EVENTS = 200;
/** A viewer of events who is this far behind is let go; its page connects again. */
const BEHIND_MAX = 1_000_000;
const SECURITY = {
  'content-security-policy':
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** @throws what `listen` throws, and what the disk says of the token files. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { config, campus, doors, cameras, recorder, journal, commands, notices, persons, clock, log } =
    options;
  const { host, port } = config;
  const sessions = createSessions(options.dataDir);
  const server = fastify({
    bodyLimit: BODY_MAX,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
  });

  await server.register(fastifyWebsocket, { options: { maxPayload: 1024 } });

  const names = new Set([
    host,
    ...config.names,
    ...(isLoopback(host) ? ['localhost', '127.0.0.1', '[::1]'] : []),
  ]);
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY);
    const name = request.headers.host?.replace(/:\d+$/, '') ?? '';
    // Listening everywhere, it may be called by any address, but by no name that was not given.
    if (!names.has(name) && !(isEverywhere(host) && isIP(name.replace(/^\[|\]$/g, '')) !== 0))
      return await reply.code(421).send({ error: `this is not ${name}; add it to console.names` });
    const { origin } = request.headers;
    if (origin !== undefined && !isOf(origin, request.headers.host))
      return await reply.code(403).send({ error: 'from another page' });
    return undefined;
  });

  // --- who ---

  const login = async (token: string, request: FastifyRequest, reply: FastifyReply) => {
    const session = sessions.login(token);
    const done = session !== undefined && session !== 'slow';
    // A flood of guesses is slowed down before it fills the audit.
    if (session !== 'slow')
      journal
        .audit(
          clock.now(),
          JSON.stringify({ kind: 'login', from: request.ip, done, ...(done && { role: session.role }) }),
        )
        .catch(() => {});
    if (!done) {
      log.warn({ from: request.ip }, 'a login to the console was refused');
      return await reply.code(session === 'slow' ? 429 : 401).send({ error: 'no such token' });
    }
    log.info({ from: request.ip, role: session.role }, 'a login to the console');
    return await reply.header('set-cookie', session.cookie).send({ role: session.role });
  };
  server.post('/login', async (request, reply) => {
    const { token } = (request.body ?? {}) as { token?: unknown };
    return await login(typeof token === 'string' ? token : '', request, reply);
  });
  /** Lets a role in, the operator everywhere; a page leads to the login. */
  const only =
    (role: Role, isPage = false) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      const own = sessions.roleOf(request.headers.cookie);
      if (own === 'operator' || own === role) return undefined;
      if (!isPage) return await reply.code(own === undefined ? 401 : 403).send({ error: 'log in' });
      return await reply
        .type(types['.html'] ?? '')
        .code(401)
        .send(page('login.html'));
    };

  // --- pages ---

  const page = (name: string) => readFileSync(join(pages, name), 'utf8');
  const bytes = new Map(Object.entries(files).map(([name, path]) => [name, readFileSync(path)]));
  server.get('/pages/:name', async (request, reply) => {
    const { name } = request.params as { name: string };
    const found = bytes.get(name);
    if (found === undefined) return await reply.code(404).send();
    return await reply.type(types[extname(name)] ?? '').send(found);
  });
  const servePage = (path: string, name: string, role: Role) =>
    server.get(path, { preHandler: only(role, true) }, async (_request, reply) =>
      reply.type(types['.html'] ?? '').send(page(name)),
    );
  servePage('/', 'index.html', 'operator');
  servePage('/live/:camera', 'live.html', 'operator');
  servePage('/gate/:door', 'gate.html', 'screen');

  // --- what happens ---

  const viewers = new Set<{
    readonly reply: FastifyReply;
    readonly take: (event: Event, sequence: number) => void;
  }>();
  const follow = (
    request: FastifyRequest,
    reply: FastifyReply,
    take: (event: Event, sequence: number) => unknown,
  ) => {
    reply.raw.writeHead(200, { ...SECURITY, 'content-type': 'text/event-stream' });
    reply.raw.write(': hello\n\n');
    const tell = async (event: Event, sequence: number) => {
      const told = await take(event, sequence);
      if (told === undefined) return;
      reply.raw.write(`data: ${JSON.stringify(told)}\n\n`);
      if (reply.raw.writableLength > BEHIND_MAX) reply.raw.destroy();
    };
    const viewer = {
      reply,
      take: (event: Event, sequence: number) => void tell(event, sequence).catch(() => {}),
    };
    viewers.add(viewer);
    request.raw.on('close', () => viewers.delete(viewer));
    void reply.hijack();
    return viewer;
  };
  const beating = setInterval(() => {
    for (const { reply } of viewers) reply.raw.write(': here\n\n');
  }, 15_000).unref();
  recorder.onStored((event, sequence) => {
    for (const { take } of viewers) take(event, sequence);
  });

  server.get('/api/events', { preHandler: only('operator') }, async (request, reply) => {
    const { take } = follow(request, reply, (event, sequence) => ({ ...event, sequence: String(sequence) }));
    const before = await Promise.all(
      (['urgent', 'normal'] as const).map((lane) =>
        journal.readBack(lane, Number.MAX_SAFE_INTEGER, SHOWN_EVENTS),
      ),
    ).catch(() => []);
    const known = before.flat().sort((a, b) => a.sequence - b.sequence);
    for (const { body, sequence } of known.slice(-SHOWN_EVENTS)) take(JSON.parse(body) as Event, sequence);
  });
  server.get('/api/gate/:door', { preHandler: only('screen') }, async (request, reply) => {
    const { door } = request.params as { door: string };
    if (!doors.includes(door)) return await reply.code(404).send({ error: `there is no door ${door}` });
    follow(request, reply, async ({ type, data, id }) => {
      const { access } = data as {
        access?: { door: string; decision: string; reason?: string; children?: readonly string[] };
      };
      if (access?.door !== door || !type.startsWith(`${typePrefix}access.`)) return undefined;
      const { decision, reason, children = [] } = access;
      const found = await persons.get(children);
      return {
        id,
        decision,
        reason,
        children: found.map((person, i) => person ?? { name: children[i] ?? '' }),
      };
    });
    return undefined;
  });

  // --- what is, and what can be done ---

  server.get('/api/words', { preHandler: only('operator') }, async () => ({
    names: options.names,
    events: Object.fromEntries(
      Object.entries(catalogue).map(([type, { en, zh }]) => [`${typePrefix}${type}`, { en, zh }]),
    ),
  }));
  server.get('/api/status', { preHandler: only('operator') }, async () => ({
    campus: campus.id,
    name: campus.name,
    cameras,
    gates: doors,
    ...(await options.status()),
  }));
  server.get('/api/notices', { preHandler: only('operator') }, async () => notices.list());
  server.post('/api/notices/:id/read', { preHandler: only('operator') }, async (request, reply) => {
    const { id } = request.params as { id: string };
    const { by } = (request.body ?? {}) as { by?: unknown };
    if (typeof by !== 'string' || by.trim() === '' || by.length > 100)
      return await reply.code(400).send({ error: 'by: who read it' });
    return await reply.code((await notices.noteRead(id, by)) ? 204 : 404).send();
  });
  const source: Source = { kind: 'console', id: 'console', rules: config.commands, keys: [] };
  server.post('/api/commands/:target', { preHandler: only('operator') }, async (request) => {
    const { target } = request.params as { target: string };
    return await commands.receiveCommand(Buffer.from(JSON.stringify(request.body ?? null)), target, source);
  });
  server.get('/api/media/:reference', { preHandler: only('operator') }, async (request, reply) => {
    const { reference } = request.params as { reference: string };
    const found = await options.media.find(reference);
    if (found === undefined) return await reply.code(404).send({ error: 'it is not here any more' });
    return await reply.type(found.contentType).send(createReadStream(found.path));
  });

  server.get('/api/live/:camera', { websocket: true, preValidation: only('operator') }, (socket, request) => {
    const { camera } = request.params as { camera: string };
    const { form } = request.query as { form?: string };
    if (cameras.some(({ id }) => id === camera))
      options.view(camera, socket, form === 'jsmpeg' ? 'jsmpeg' : 'mse');
    else socket.close(1008, `there is no camera ${camera}`);
  });

  await server.listen({ host, port });
  const address = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
  log.info({ address, doors, cameras: cameras.length }, 'the console is there');
  return {
    url: `${address}#${sessions.tokens.operator}`,
    async close() {
      clearInterval(beating);
      for (const { reply } of viewers) reply.raw.destroy();
      await server.close();
    },
  };
}

const isOf = (origin: string, host: string | undefined) =>
  URL.canParse(origin) && new URL(origin).host === host;
const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.');
const isEverywhere = (host: string) => host === '0.0.0.0' || host === '::';
