/** The technician's console, from the side of the road. */
import type { FastifyInstance } from 'fastify';
import type { Part } from '../lifecycle/part.ts';
import type { Recorder } from '../road/recorder.ts';
import type { ServerOptions } from './server.ts';
import { createSessions } from './sessions.ts';
import { createViewers } from './viewers.ts';

export interface ConsoleOptions extends ServerOptions {
  readonly dataDir: string;
  readonly recorder: Pick<Recorder, 'onStored'>;
}

export interface Console extends Part {
  /** Where it is, with the token of the operator: for a terminal, not for a log. undefined: it has not started. */
  readonly url: string | undefined;
  /** @throws what `listen` throws, and what the disk says of the token files. */
  start(): Promise<void>;
}

export function createConsole(options: ConsoleOptions): Console {
  const { config, doors, cameras, time, log } = options;
  const { host, port } = config;
  const viewers = createViewers(options.recorder, time);
  let server: FastifyInstance | undefined;
  let url: string | undefined;
  return {
    get url() {
      return url;
    },
    async start() {
      // Loaded by who has a console: a daemon of years keeps what it has loaded.
      const { buildServer } = await import('./server.ts');
      const sessions = createSessions(options.dataDir, time);
      server = await buildServer(options, sessions, viewers);
      await server.listen({ host, port });
      viewers.start();
      const address = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
      url = `${address}#${sessions.tokens.operator}`;
      log.info({ address, doors, cameras: cameras.length }, 'the console is there');
    },
    async [Symbol.asyncDispose]() {
      viewers.close();
      await server?.close();
    },
  };
}
