/** POST /setup: a password, by a link that serves once; it is a login too. POST /setup/link: whose a link is. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { findUser, usePassword } from '../accounts-acts.ts';
import { refusedSchema } from '../contract/failure.ts';
import { linkOwnerSchema, linkSchema, setupSchema, welcomeSchema } from '../contract/login.ts';
import type { Door } from '../door.ts';
import type { Identity } from '../identity.ts';
import { answerAccountsErrors, refuse } from './refused.ts';

export function serveSetup({ accounts }: Identity, door: Door): FastifyPluginAsyncZod {
  const tags = ['session'];
  const refused = { 401: refusedSchema, 429: refusedSchema };
  return async (server) => {
    answerAccountsErrors(server);
    server.post(
      '/setup/link',
      {
        config: { needs: 'anyone' },
        schema: {
          summary: 'Whose a one-time link is',
          tags,
          body: linkSchema,
          response: { 200: linkOwnerSchema, ...refused },
        },
      },
      async (request, reply) => {
        const link = await door.checkLink(request.body.link, request);
        if ('error' in link) return await refuse(reply, link);
        const { user: name } = link;
        const owner = name === null ? undefined : findUser(accounts.state.users, name);
        return { name, role: owner?.role ?? 'administrator' };
      },
    );
    server.post(
      '/setup',
      {
        config: { needs: 'anyone' },
        schema: {
          summary: 'Set a password by a one-time link, and log in',
          tags,
          body: setupSchema,
          response: { 200: welcomeSchema, ...refused },
        },
      },
      async (request, reply) => {
        const { link: secret, name: given = '', password } = request.body;
        const link = await door.checkLink(secret, request);
        if ('error' in link) return await refuse(reply, link);
        const name = link.user ?? given;
        const hash = await door.hashOf(password, name);
        const user = await accounts.perform(usePassword(secret, name, hash), { name, from: request.ip });
        return await door.openByPassword(user, request, reply);
      },
    );
  };
}
