/**
 * Terminals that push over HTTP, and those whose endless answer is read: face terminals, visitor kiosks, doors of
 * other makers. A terminal is answered 200 when what it said is on disk, not before; 503 lets it try again.
 *
 *   POST /push/{device}            JSON, XML, a form, multipart with pictures; mapped by the profile
 *   /iclock/cdata?SN=...           ZKTeco's push
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyRequest } from 'fastify';
import jsonata from 'jsonata';
import { z } from 'zod';
import type { Clock, Timer } from '../contract/clock.ts';
import { type Device, defineDriver, type Host, LineError } from '../contract/driver.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import { duration } from '../contract/options.ts';
import { type Credentials, fetchAs } from '../digest.ts';
import { boundaryOf, type Message, multipartDecoder, readMessage, readTable } from './codec.ts';
import { type Mapped, mapMessage, type Profile, profileSchema, timeOf } from './mapping.ts';

const options = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('The address to listen on'),
      port: z.int().min(1).max(65_535),
    })
    .optional()
    .describe('Where terminals push to; several may share it'),
  pull: z
    .strictObject({
      url: z.url({ protocol: /^https?$/, error: 'http:// or https://' }),
      username: z.string(),
      passwordFile: z.string(),
    })
    .optional()
    .describe('A terminal whose endless answer is read instead: alertStream, eventManager'),
  profile: z.string().describe('How its messages are read: a file of config/profiles, or a path'),
  from: z.array(z.string()).min(1).optional().describe('The addresses that it may push from'),
  username: z.string().optional().describe('Basic authentication'),
  passwordFile: z.string().optional().describe('A file whose first line is the password'),
  tokenFile: z
    .string()
    .optional()
    .describe('A file whose first line must stand in the URL: /push/{device}?token=...'),
  serial: z.string().optional().describe("ZKTeco: the terminal's serial number (SN)"),
  pictures: z.boolean().default(false).describe('Whether the pictures that it sends are kept'),
  supervision: duration()
    .optional()
    .describe('Silent for longer, it is offline; needs a terminal that sends heartbeats'),
});
type Terminal = Device<z.output<typeof options>, Profile>;

const BODY_MAX = 4_000_000;
const REQUEST_TIMEOUT_MS = 15_000;
const CONNECTIONS_MAX = 200;
/** A terminal that got no answer sends the same bytes again. */
const SAME_WITHIN_MS = 60_000;
const KEY_WITHIN_MS = 86_400_000;
/** An endless answer in which nothing comes for so long is no answer. */
const PULL_SILENT_MS = 90_000;

const firstLine = (file: string) => readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? '';
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

export const httpPush = defineDriver({
  name: 'http-push',
  title: { en: 'Face and visitor terminals over HTTP', zh: '人脸、访客终端（HTTP 推送）' },
  options,
  profile: profileSchema,
  line: ({ id, options: { listen, pull } }) =>
    listen === undefined ? `http ${id} ${pull?.url ?? ''}` : `http ${listen.host}:${listen.port}`,

  problems({ options: own }) {
    const { listen, pull, from, username, passwordFile, tokenFile } = own;
    if ((listen === undefined) === (pull === undefined))
      return [{ path: ['listen'], message: 'one of listen and pull is needed' }];
    if (listen !== undefined && from === undefined && passwordFile === undefined && tokenFile === undefined)
      return [
        {
          path: ['listen'],
          message: 'anybody could push: from, username and passwordFile, or tokenFile is needed',
        },
      ];
    if ((username === undefined) !== (passwordFile === undefined))
      return [{ path: ['passwordFile'], message: 'username and passwordFile go together' }];
    return [];
  },

  async open(devices, host) {
    const terminals = (devices as readonly Terminal[]).map((terminal) => ({
      terminal,
      take: taker(terminal, host),
    }));
    const watch = superviser(
      terminals.map(({ terminal }) => terminal),
      host,
    );
    const close = async (end: () => Promise<void>) => {
      watch.close();
      await end();
    };
    const [only] = terminals;
    const pull = only?.terminal.options.pull;
    if (only !== undefined && pull !== undefined) {
      const stop = new AbortController();
      const credentials = { username: pull.username, password: firstLine(pull.passwordFile) };
      const ended = readStream(
        pull.url,
        credentials,
        AbortSignal.any([stop.signal, host.signal]),
        host.clock,
        {
          opened: () => watch.heard(only.terminal.id),
          async message(message) {
            watch.heard(only.terminal.id);
            if (typeof message === 'string') return host.discarded(only.terminal.id, message, 0);
            // Nobody can be asked again: what the disk refuses gets a second chance here.
            await only
              .take(message)
              .catch(() => host.clock.wait(1000).then(() => only.take(message)))
              .catch(() => {});
          },
          noise: (reason, bytes) => host.discarded(only.terminal.id, reason, bytes),
        },
      );
      return { ended, close: () => close(async () => stop.abort()) };
    }
    const ended = Promise.withResolvers<void>();
    const server = await serve(terminals, host, watch.heard);
    return {
      ended: ended.promise,
      close: () =>
        close(async () => {
          await server.close();
          ended.resolve();
        }),
    };
  },
});

type Take = (message: Message, raw?: Buffer) => Promise<void>;

/** Takes messages of a terminal: resolves when all of it is on disk. @throws where the disk refuses. */
function taker(terminal: Terminal, host: Host): Take {
  const expression = jsonata((terminal.profile as Profile).map);
  return async ({ body, pictures }, raw) => {
    const mapped = await mapMessage(expression, body, host.clock);
    const { id: device, options: own } = terminal;
    if (typeof mapped === 'string') return host.discarded(device, 'what the profile cannot map', 0, mapped);
    const [first] = pictures;
    // What the disk refuses of it goes without its picture.
    const picture =
      own.pictures && first !== undefined && mapped.length > 0
        ? await host.keep(device, first).catch(() => undefined)
        : undefined;
    for (const [i, one] of mapped.entries()) {
      const digest =
        one.key ?? (raw === undefined ? undefined : createHash('sha256').update(raw).digest('base64'));
      await host.report({
        ...observationOf(device, one, host.clock.wall()),
        ...(picture !== undefined && { picture }),
        ...(digest !== undefined && {
          repeat: {
            key: `http-push/${device}/${digest}/${i}`,
            within: one.key === undefined ? SAME_WITHIN_MS : KEY_WITHIN_MS,
          },
        }),
      });
    }
  };
}

function observationOf(device: string, mapped: Mapped, now: number): DeviceObservation {
  const at = timeOf(mapped.at, now);
  const common = {
    device,
    ...(at !== undefined && { at }),
    ...(mapped.text !== undefined && { text: mapped.text }),
  };
  if (mapped.kind === 'visit') {
    const details = { part: mapped.visit.id };
    return { ...common, kind: 'visit', state: 'raised', visit: mapped.visit, details };
  }
  if (mapped.kind !== 'credential') {
    const { kind, state, zone, cause } = mapped;
    return {
      ...common,
      kind,
      state,
      ...(zone !== undefined && { zone: { number: zone } }),
      ...(cause !== undefined && { cause }),
    };
  }
  const { credential, decision, reason, match } = mapped;
  const { facility, ...card } = credential;
  return {
    ...common,
    kind: 'credential',
    state: 'raised',
    credential: { ...card, ...(facility !== undefined && { facility }) },
    ...(decision !== undefined && {
      access: { door: device, decision, ...(reason !== undefined && { reason }), holder: card.number },
    }),
    ...(match !== undefined && { details: { match } }),
  };
}

/** Who is heard of, and who is not any more. */
function superviser(terminals: readonly Terminal[], host: Host) {
  const timers = new Map<string, Timer>();
  const watch = ({ id, options: { supervision } }: Terminal) => {
    if (supervision === undefined) return;
    timers.get(id)?.stop();
    const silent = () => host.link(id, 'offline', `silent for ${supervision / 1000} s`);
    timers.set(id, host.clock.after(supervision, silent));
  };
  for (const terminal of terminals) watch(terminal);
  return {
    heard(id: string) {
      host.link(id, 'online');
      const terminal = terminals.find((one) => one.id === id);
      if (terminal !== undefined) watch(terminal);
    },
    close() {
      for (const timer of timers.values()) timer.stop();
    },
  };
}

async function serve(
  terminals: readonly { readonly terminal: Terminal; readonly take: Take }[],
  host: Host,
  heard: (id: string) => void,
) {
  const [first] = terminals;
  // Loaded by who needs it: a daemon of years keeps what it has loaded.
  const { fastify } = await import('fastify');
  const { host: address, port } = first?.terminal.options.listen ?? { host: '127.0.0.1', port: 0 };
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
    host.discarded(id ?? first?.terminal.id ?? '', 'a request that cannot be read', 0, error.message);
    return reply.code(error.statusCode ?? 500).send();
  });

  const refuse = (request: FastifyRequest, found: (typeof terminals)[number] | undefined) => {
    const why =
      found === undefined ? 'a terminal that is not in the config' : whyNot(request, found.terminal);
    if (why !== undefined) host.discarded(found?.terminal.id ?? first?.terminal.id ?? '', why, 0, request.ip);
    return why !== undefined;
  };
  const bodyOf = ({ body }: FastifyRequest) => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));

  server.post('/push/:id', async (request, reply) => {
    const { id } = request.params as { id: string };
    const found = terminals.find(({ terminal }) => terminal.id === id);
    if (refuse(request, found) || found === undefined) return await reply.code(401).send();
    heard(id);
    const raw = bodyOf(request);
    const message = readMessage(request.headers['content-type'] ?? '', raw);
    if (typeof message === 'string') {
      host.discarded(id, message, raw.length);
      return await reply.code(400).send();
    }
    return await found.take(message, raw).then(
      () => reply.code(200).send(),
      () => reply.code(503).send(),
    );
  });

  // ZKTeco's push: the terminal asks for its settings, then sends tables, and asks for orders now and then.
  const bySerial = (request: FastifyRequest) => {
    const { SN } = request.query as { SN?: unknown };
    return terminals.find(
      ({ terminal }) => terminal.options.serial !== undefined && terminal.options.serial === SN,
    );
  };
  server.get('/iclock/cdata', async (request, reply) => {
    const found = bySerial(request);
    if (refuse(request, found) || found === undefined) return await reply.code(401).send();
    heard(found.terminal.id);
    return await reply.send(
      `GET OPTION FROM: ${found.terminal.options.serial}\nStamp=9999\nOpStamp=9999\nErrorDelay=30\nDelay=10\nTransFlag=1111000000\nRealtime=1\nEncrypt=0\n`,
    );
  });
  server.get('/iclock/:what', async (request, reply) => {
    const found = bySerial(request);
    if (refuse(request, found) || found === undefined) return await reply.code(401).send();
    heard(found.terminal.id);
    return await reply.send('OK');
  });
  server.post('/iclock/:what', async (request, reply) => {
    const found = bySerial(request);
    if (refuse(request, found) || found === undefined) return await reply.code(401).send();
    heard(found.terminal.id);
    const { what } = request.params as { what: string };
    const { table = '' } = request.query as { table?: string };
    if (what !== 'cdata') return await reply.send('OK');
    const rows = readTable(table, bodyOf(request).toString('utf8'));
    try {
      for (const row of rows) {
        const raw = Buffer.from(JSON.stringify(row));
        await found.take({ body: row, pictures: [] }, raw);
      }
      return await reply.send(`OK: ${rows.length}`);
    } catch {
      // Without OK it sends all of them again; those that are on disk are known.
      return await reply.code(503).send();
    }
  });

  try {
    await server.listen({ host: address, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new LineError(code === 'EADDRINUSE' ? 'E_PORT_TAKEN' : 'E_LINE_REFUSED', message, { cause: error });
  }
  return server;
}

/** Reads an endless multipart answer. Rejects when it ends. */
async function readStream(
  url: string,
  credentials: Credentials,
  signal: AbortSignal,
  time: Clock,
  on: {
    readonly opened: () => void;
    readonly message: (message: Message | string) => Promise<void>;
    readonly noise: (reason: string, bytes: number) => void;
  },
): Promise<void> {
  const silent = new AbortController();
  let timer: Timer | undefined;
  const patience = () => {
    timer?.stop();
    timer = time.after(PULL_SILENT_MS, () => silent.abort());
  };
  patience();
  try {
    const response = await fetchAs(url, credentials, { signal: AbortSignal.any([signal, silent.signal]) });
    const boundary = boundaryOf(response.headers.get('content-type') ?? '');
    if (!response.ok || response.body === null || boundary === undefined) {
      await response.body?.cancel();
      const why = response.status === 401 ? ' (the password?)' : '';
      throw new LineError('E_LINE_REFUSED', `${url} answers ${response.status}${why}, and no stream`);
    }
    on.opened();
    const decoder = multipartDecoder(boundary);
    for await (const chunk of response.body) {
      patience();
      for (const one of decoder.push(Buffer.from(chunk))) {
        if ('discarded' in one) on.noise(one.reason, one.discarded);
        else await on.message(readMessage(one.frame.contentType, one.frame.bytes));
      }
    }
    throw new LineError('E_LINE_LOST', `${url} ended`);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof LineError) throw error;
    const reason = silent.signal.aborted
      ? `nothing for ${PULL_SILENT_MS / 1000} s`
      : (((error as Error).cause as Error | undefined)?.message ?? (error as Error).message);
    throw new LineError('E_LINE_LOST', `${url}: ${reason}`, { cause: error });
  } finally {
    timer?.stop();
  }
}
