/** Tokens of programs and of the screens at gates: which there are, a new one, one that is withdrawn. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { makeToken, withdrawToken } from '../accounts-acts.ts';
import { madeTokenSchema, newTokenSchema, tokenSchema } from '../contract/users.ts';
import type { Identity } from '../identity.ts';
import { answerAccountsErrors } from './refused.ts';
import { actorOf } from './users.ts';

const DAY_MS = 86_400_000;

export function serveTokens({ accounts }: Identity, now: () => number): FastifyPluginAsyncZod {
  const tags = ['users'];
  const config = { needs: 'users', audited: false } as const;
  return async (server) => {
    answerAccountsErrors(server);
    server.get(
      '/api/tokens',
      { config, schema: { summary: 'Tokens', tags, response: { 200: z.array(tokenSchema) } } },
      async () =>
        accounts.state.tokens.map(({ id, label, role, by, since, until }) => ({
          id,
          label,
          role,
          by,
          since,
          until,
        })),
    );
    server.post(
      '/api/tokens',
      {
        config,
        schema: {
          summary: 'A new token, which is shown this once',
          tags,
          body: newTokenSchema,
          response: { 200: madeTokenSchema },
        },
      },
      async (request) => {
        const { label, role, days } = request.body;
        const until = days === null ? null : now() + days * DAY_MS;
        const by = actorOf(request);
        const { id, secret } = await accounts.perform(makeToken({ label, role, until }, by.name), by);
        return { id, token: secret };
      },
    );
    server.delete(
      '/api/tokens/:id',
      {
        config,
        schema: {
          summary: 'A token is worth nothing from now on',
          tags,
          params: z.object({ id: z.string().max(32) }),
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await accounts.perform(withdrawToken(request.params.id), actorOf(request));
        return await reply.code(204).send(null);
      },
    );
  };
}
