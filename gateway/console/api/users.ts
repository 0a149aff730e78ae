/** Users: who there is, with which role; a link with which a new one, or one who forgot it, sets a password. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Actor, addUser, changeRole, makeLink, removeUser } from '../accounts-acts.ts';
import { setupPath } from '../address.ts';
import { madeLinkSchema, newUserSchema, roleSchema, userSchema } from '../contract/users.ts';
import type { User } from '../guard.ts';
import type { Identity } from '../identity.ts';
import { answerAccountsErrors } from './refused.ts';

export const actorOf = ({ user, ip }: { readonly user: User; readonly ip: string }): Actor => ({
  name: user.name,
  from: ip,
});

const params = z.object({ name: z.string().min(1).max(100) });

export function serveUsers({ accounts, sessions }: Identity, now: () => number): FastifyPluginAsyncZod {
  const tags = ['users'];
  const config = { needs: 'users', audited: false } as const;
  const linkFor = async (name: string, by: Actor) => {
    const { secret, until } = await accounts.perform(makeLink(name), by);
    return { link: setupPath(secret), until };
  };
  return async (server) => {
    answerAccountsErrors(server);
    server.get(
      '/api/users',
      { config, schema: { summary: 'Users', tags, response: { 200: z.array(userSchema) } } },
      async () => {
        const { users, links } = accounts.state;
        const open = sessions.list();
        return users.map(({ name, role, since, password }) => ({
          name,
          role,
          since,
          hasPassword: password !== null,
          linkUntil: links.find((one) => one.user === name && one.until > now())?.until ?? null,
          sessions: open.filter((one) => one.by === 'password' && one.name === name).length,
        }));
      },
    );
    server.post(
      '/api/users',
      {
        config,
        schema: {
          summary: 'A new user, who sets a password by the link',
          tags,
          body: newUserSchema,
          response: { 200: madeLinkSchema },
        },
      },
      async (request) => {
        const { name, role } = request.body;
        const by = actorOf(request);
        await accounts.perform(addUser(name, role), by);
        return await linkFor(name, by);
      },
    );
    server.patch(
      '/api/users/:name',
      {
        config,
        schema: {
          summary: 'Another role; the sessions of before end',
          tags,
          params,
          body: roleSchema,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await accounts.perform(changeRole(request.params.name, request.body.role), actorOf(request));
        return await reply.code(204).send(null);
      },
    );
    server.post(
      '/api/users/:name/link',
      {
        config,
        schema: {
          summary: 'A link to set another password, once',
          tags,
          params,
          response: { 200: madeLinkSchema },
        },
      },
      async (request) => linkFor(request.params.name, actorOf(request)),
    );
    server.delete(
      '/api/users/:name',
      { config, schema: { summary: 'A user is removed', tags, params, response: { 204: z.null() } } },
      async (request, reply) => {
        await accounts.perform(removeUser(request.params.name), actorOf(request));
        return await reply.code(204).send(null);
      },
    );
  };
}
