/** POST /api/commands/{target}: a command, as a platform sends it, on the path of all others. */
import type { FastifyPluginAsync } from 'fastify';
import type { ConsoleConfig } from '../../../config/sections/console.ts';
import type { Commands, Source } from '../../commands/index.ts';

export interface CommandsOptions {
  readonly commands: Pick<Commands, 'receiveCommand'>;
}

export function serveCommands(
  rules: ConsoleConfig['commands'],
  { commands }: CommandsOptions,
): FastifyPluginAsync {
  const source: Source = { kind: 'console', id: 'console', rules, keys: [] };
  return async (server) => {
    server.post('/api/commands/:target', async (request) => {
      const { target } = request.params as { target: string };
      return await commands.receiveCommand(Buffer.from(JSON.stringify(request.body ?? null)), target, source);
    });
  };
}
