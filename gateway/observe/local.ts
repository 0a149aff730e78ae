/**
 * How the gateway is, told to its own machine whatever the config says: over `gateway.sock` in the data folder, which only
 * the gateway's user and root can open. `campus-gateway health` asks it, so that a container's health check, an upgrade and
 * a technician need no port.
 *
 *   GET /health      GET /metrics      POST /NAME   one of `acts`      and what a part serves there (`also`)
 *
 * The alarms do not need it: where it cannot be had, a line in the log says so and the gateway runs.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Part } from '../lifecycle/part.ts';
import { PRIVATE_FILE } from '../lifecycle/private-files.ts';
import type { Metrics } from './metrics.ts';
import type { Health } from './status.ts';

export const localSocket = (dataDir: string): string => join(dataDir, 'gateway.sock');

/** sun_path with its zero (unix(7)). */
const LONGEST_PATH = 107;
/** Nobody but the machine's own tools asks: of more at once, one is stuck. */
const CONNECTIONS_MAX = 8;
const REQUEST_MS = 5000;
/** Of what is asked, bytes. */
const BODY_MAX = 65_536;

/** What somebody asks on this machine. */
export interface LocalRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: string;
}
export interface LocalAnswer {
  readonly status: number;
  readonly body: string | Uint8Array;
}

interface Context {
  readonly dataDir: string;
  readonly metrics: Pick<Metrics, 'registry'>;
  readonly health: () => Promise<Health>;
  /** What who has this machine can have done, by name: `given` is JSON as it came. Rejects where it is not understood. */
  readonly acts?: Readonly<Record<string, (given: unknown) => Promise<object>>>;
  /** What else is served; undefined: it is nothing of that. */
  readonly also?: (request: LocalRequest) => Promise<LocalAnswer | undefined>;
  readonly log: Log;
}

export function createLocalStatus({ dataDir, metrics, health, acts = {}, also, log }: Context): Part {
  const path = localSocket(dataDir);
  let server: Server | undefined;
  const actOn = async (name: string, body: string): Promise<LocalAnswer | undefined> => {
    const act = Object.hasOwn(acts, name) ? acts[name] : undefined;
    if (act === undefined) return undefined;
    try {
      return {
        status: 200,
        body: `${JSON.stringify(await act(JSON.parse(body)))}
`,
      };
    } catch (error) {
      return {
        status: 400,
        body: `${JSON.stringify({ error: (error as Error).message })}
`,
      };
    }
  };
  const answer = async (request: IncomingMessage): Promise<LocalAnswer> => {
    const { url = '/', method = 'GET' } = request;
    if (url === '/metrics') return { status: 200, body: await metrics.registry.metrics() };
    if (url !== '/health') {
      const body = await bodyOf(request);
      const acted = method === 'POST' ? await actOn(url.slice(1), body) : undefined;
      return acted ?? (await also?.({ method, path: url, body })) ?? { status: 404, body: '{}\n' };
    }
    const { healthy, details } = await health();
    return { status: healthy ? 200 : 503, body: `${JSON.stringify({ healthy, ...details })}\n` };
  };
  return {
    async start() {
      const refused = (reason: string) =>
        log.warn({ reason, path }, 'how the gateway is cannot be asked over its socket in the data folder');
      if (Buffer.byteLength(path) > LONGEST_PATH) return refused('the path is longer than a socket may have');
      const own = createServer(
        { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
        (request, response) => {
          answer(request).then(
            ({ status, body }) => response.writeHead(status, { connection: 'close' }).end(body),
            () => response.writeHead(500, { connection: 'close' }).end(),
          );
        },
      );
      own.maxConnections = CONNECTIONS_MAX;
      try {
        // Who has the data folder's lock is alone with it: this one is of a process that was killed.
        rmSync(path, { force: true });
        await new Promise<void>((resolve, reject) => own.once('error', reject).listen(path, resolve));
        chmodSync(path, PRIVATE_FILE);
      } catch (error) {
        own.close();
        return refused((error as Error).message);
      }
      own.on('error', (error) =>
        log.warn({ error: error.message, path }, 'the socket in the data folder failed'),
      );
      server = own;
    },
    async [Symbol.asyncDispose]() {
      server?.closeAllConnections();
      const closing = server;
      if (closing !== undefined) await new Promise<void>((resolve) => closing.close(() => resolve()));
    },
  };
}

/** @throws Error where it is too long, or breaks off. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) {
    text += piece as string;
    if (text.length > BODY_MAX) throw new Error('it is too long');
  }
  return text;
}
