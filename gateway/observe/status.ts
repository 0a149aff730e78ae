/**
 * The small HTTP server that tells how the gateway is, on loopback unless the config says otherwise.
 *
 *   GET /metrics   (Prometheus)      GET /health   503: the disk takes no events      GET /notices
 *
 * It answers to its own names only, as the console does. Nothing can be done here: nobody logs in.
 */
import type { FastifyInstance } from 'fastify';
import type { StatusConfig } from '../../config/sections/status.ts';
import { portError } from '../../drivers/connections.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WebServerContext } from '../web-server.ts';
import type { Metrics } from './metrics.ts';
import { watchProcess } from './process.ts';

export interface Health {
  readonly healthy: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The warnings of platforms, as far as the status server shows them. */
export interface NoticeBoard {
  list(): readonly object[];
}

/** Nothing is sent to it. */
const BODY_MAX = 1024;

interface StatusContext extends WebServerContext {
  readonly metrics: Metrics;
  readonly notices: NoticeBoard;
  readonly health: () => Promise<Health>;
}

/** Its start throws LineError where the port cannot be had. */
export function createStatusServer(config: StatusConfig, context: StatusContext): Part {
  let server: FastifyInstance | undefined;
  let watching: ReturnType<typeof watchProcess> | undefined;
  return {
    async start() {
      // Loaded by who has it: a daemon of years keeps what it has loaded.
      const { answerOnlyTo, createWebServer } = await import('../web-server.ts');
      server = createWebServer('status', BODY_MAX, context);
      server.addHook('onRequest', answerOnlyTo(config, 'status.names'));
      layRoutes(server, context);
      await server.listen({ host: config.host, port: config.port }).catch((error) => {
        throw portError(error, config.host, config.port, { who: 'status', key: 'port' });
      });
      watching = watchProcess(context.metrics.registry);
    },
    async [Symbol.asyncDispose]() {
      watching?.close();
      await server?.close();
    },
  };
}

function layRoutes(server: FastifyInstance, { metrics, notices, health }: StatusContext): void {
  server.setNotFoundHandler((_request, reply) => reply.code(404).send());
  server.setErrorHandler(({ statusCode = 500 }: { statusCode?: number }, _request, reply) =>
    reply.code(statusCode < 500 ? 400 : statusCode).send(),
  );

  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  server.get('/health', async (_request, reply) => {
    const { healthy, details } = await health();
    const line = `${JSON.stringify({ healthy, ...details })}\n`;
    return reply
      .code(healthy ? 200 : 503)
      .type('application/json')
      .send(line);
  });
  server.get('/notices', async (_request, reply) =>
    reply.type('application/json').send(`${JSON.stringify(notices.list())}\n`),
  );
}
