/** POST /api/commands/{target}: a command, as a platform sends it, on the path of all others. */
import type { FastifyPluginAsync } from 'fastify';
import type { ConsoleConfig } from '../../../config/sections/console.ts';
import type { Commands, Source } from '../../commands/index.ts';

export interface CommandsOptions {
  readonly commands: Pick<Commands, 'receiveCommand'>;
}

export function serveCommands(
  { commands: rules, commandRate: rate }: Pick<ConsoleConfig, 'commands' | 'commandRate'>,
  { commands }: CommandsOptions,
): FastifyPluginAsync {
  const source: Source = { kind: 'console', id: 'console', rules, rate, keys: [] };
  return async (server) => {
    server.post('/api/commands/:target', async (request, reply) => {
      const { target } = request.params as { target: string };
      const bytes = Buffer.from(JSON.stringify(request.body ?? null));
      const answer = await commands.receiveCommand(bytes, target, source);
      return answer ?? (await reply.code(429).send({ done: false, reason: 'too many commands' }));
    });
  };
}
