/**
 * The console's server: pages and their API. Each file of api/ is a plugin that says its routes, and the server is
 * closed: a route is for the operator unless it says for whom else it is (guard.ts).
 */
import type { FastifyInstance } from 'fastify';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import type { WebServerContext } from '../web-server.ts';
import { type CommandsOptions, serveCommands } from './api/commands.ts';
import { type EventsOptions, serveEvents } from './api/events.ts';
import { type GateOptions, serveGate } from './api/gate.ts';
import { type LiveOptions, serveLive } from './api/live.ts';
import { type LoginOptions, serveLogin } from './api/login.ts';
import { type MediaOptions, serveMedia } from './api/media.ts';
import { type NoticesOptions, serveNotices } from './api/notices.ts';
import { servePages } from './api/pages.ts';
import { type StatusOptions, serveStatus } from './api/status.ts';
import { createClosedServer } from './guard.ts';
import type { Sessions } from './sessions.ts';
import type { Viewers } from './viewers.ts';

export interface ServerOptions
  extends WebServerContext,
    LoginOptions,
    StatusOptions,
    GateOptions,
    NoticesOptions,
    CommandsOptions,
    MediaOptions,
    LiveOptions {
  readonly config: ConsoleConfig;
  readonly cameras: StatusOptions['cameras'];
  readonly journal: LoginOptions['journal'] & EventsOptions['journal'];
}

/** It does not listen yet. */
export async function buildServer(
  options: ServerOptions,
  sessions: Sessions,
  viewers: Viewers,
): Promise<FastifyInstance> {
  const server = await createClosedServer(options.config, sessions.find, options);
  for (const api of [
    serveLogin(sessions, options),
    servePages(sessions),
    serveStatus(options),
    serveEvents(viewers, options),
    serveGate(viewers, options),
    serveNotices(options),
    serveCommands(options.config, options),
    serveMedia(options),
    serveLive(options),
  ])
    await server.register(api);
  return server;
}
