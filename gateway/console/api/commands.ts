/** POST /api/commands/{target}: what a user asks for, on the path of all commands, in this user's name. */
import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { actionOf } from '../../../config/catalogue/actions.ts';
import type { ConsoleConfig } from '../../../config/sections/console.ts';
import type { Commands, Source } from '../../commands/index.ts';
import { orderSchema, outcomeSchema } from '../contract/commands.ts';
import { rulesOf } from '../rights.ts';

export interface CommandsOptions {
  readonly commands: Pick<Commands, 'order'>;
}

export function serveCommands(
  { commands: narrowed, commandRate: rate }: Pick<ConsoleConfig, 'commands' | 'commandRate'>,
  { commands }: CommandsOptions,
): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/commands/:target',
      {
        config: { needs: 'look', audited: false },
        schema: {
          summary: 'Ask for something to be done',
          tags: ['commands'],
          params: z.object({ target: z.string().min(1).max(64) }),
          body: orderSchema,
          response: { 200: outcomeSchema },
        },
      },
      async ({ params: { target }, body, user }) => {
        const { id = randomUUID(), action, issuedAt, expiresAt } = body;
        const source: Source = {
          kind: 'console',
          id: 'console',
          sender: user.name,
          rules: rulesOf(user.role, narrowed),
          rate,
          keys: [],
        };
        // Who asks is who logged in, whatever the page says.
        const { by: _own, ...given } = body.arguments;
        const named = 'by' in actionOf(action).arguments.shape;
        return await commands.order(
          {
            ...{ id, action, target, issuer: user.name },
            ...(issuedAt !== undefined && { issuedAt: Date.parse(issuedAt) }),
            ...(expiresAt !== undefined && { expiresAt: Date.parse(expiresAt) }),
            arguments: { ...given, ...(named && { by: user.name }) },
          },
          source,
        );
      },
    );
  };
}
