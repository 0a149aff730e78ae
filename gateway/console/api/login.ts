/**
 * POST /login: a password, or a token, for a session. POST /api/logout: the session is over. POST /api/me/password:
 * another password. In the audit, without what was typed.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { changePassword, findUser } from '../accounts-acts.ts';
import { AccountsError } from '../accounts-file.ts';
import { refusedSchema } from '../contract/failure.ts';
import { loginSchema, ownPasswordSchema, welcomeSchema } from '../contract/login.ts';
import { takeSession } from '../cookies.ts';
import type { Door } from '../door.ts';
import type { Identity } from '../identity.ts';
import { answerAccountsErrors, refuse } from './refused.ts';

export function serveLogin({ accounts, sessions }: Identity, door: Door): FastifyPluginAsyncZod {
  const tags = ['session'];
  return async (server) => {
    answerAccountsErrors(server);
    server.addHook('onClose', async () => door.close());

    server.post(
      '/login',
      {
        config: { needs: 'anyone' },
        schema: {
          summary: 'Log in',
          tags,
          body: loginSchema,
          response: { 200: welcomeSchema, 401: refusedSchema, 429: refusedSchema },
        },
      },
      async (request, reply) => {
        const { body } = request;
        if ('token' in body) {
          const welcome = await door.openByToken(body.token, request, reply);
          return 'error' in welcome ? await refuse(reply, welcome) : welcome;
        }
        const user = await door.checkPassword(body.name, body.password, request);
        return 'error' in user ? await refuse(reply, user) : await door.openByPassword(user, request, reply);
      },
    );
    server.post(
      '/api/me/password',
      {
        config: { needs: 'look', audited: false },
        schema: {
          summary: 'Change the own password; all other sessions end',
          tags,
          body: ownPasswordSchema,
          response: { 200: welcomeSchema, 403: refusedSchema, 429: refusedSchema },
        },
      },
      async (request, reply) => {
        const { old, password } = request.body;
        const { name, session } = request.user;
        // Neither a program's token nor the one of the data folder has a password.
        if (session === undefined || findUser(accounts.state.users, name) === undefined)
          throw new AccountsError('no-such-user');
        const user = await door.checkPassword(name, old, request);
        if ('error' in user) return await refuse(reply, user, 403);
        const hash = await door.hashOf(password, name);
        const changed = await accounts.perform(changePassword(name, hash), { name, from: request.ip });
        return await door.openByPassword(changed, request, reply);
      },
    );
    server.post(
      '/api/logout',
      {
        config: { needs: 'screen', audited: false },
        schema: { summary: 'Log out', tags, response: { 204: z.null() } },
      },
      async (request, reply) => {
        const { user } = request;
        await sessions.end(({ id }) => id === user.session);
        door.note('logout', user, request.ip);
        return await takeSession(request, reply).code(204).send(null);
      },
    );
  };
}
