/** Sessions: the own ones; those of all for who looks after users. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Journal } from '../../journal/index.ts';
import { sessionSchema } from '../contract/users.ts';
import type { User } from '../guard.ts';
import type { Identity } from '../identity.ts';
import type { Session } from '../sessions.ts';

export interface SessionsOptions {
  readonly journal: Pick<Journal, 'audit'>;
}

export function serveSessions(
  { sessions }: Identity,
  { journal }: SessionsOptions,
  now: () => number,
): FastifyPluginAsyncZod {
  const tags = ['session'];
  const mayEnd = (user: User) => (session: Session) =>
    user.can('users') || (session.name === user.name && session.by !== 'token');
  return async (server) => {
    server.get(
      '/api/sessions',
      {
        config: { needs: 'look' },
        schema: { summary: 'Sessions', tags, response: { 200: z.array(sessionSchema) } },
      },
      async ({ user }) =>
        sessions
          .list()
          .filter(mayEnd(user))
          .map(({ over: _over, until = null, ...rest }) => ({
            ...rest,
            until,
            own: rest.id === user.session,
          })),
    );
    server.delete(
      '/api/sessions/:id',
      {
        config: { needs: 'look', audited: false },
        schema: {
          summary: 'A session ends',
          tags,
          params: z.object({ id: z.string().max(64) }),
          response: { 204: z.null(), 404: z.object({ error: z.string() }) },
        },
      },
      async ({ user, ip, params: { id } }, reply) => {
        const fits = mayEnd(user);
        const found = sessions.list().find((one) => one.id === id && fits(one));
        if (found === undefined) return await reply.code(404).send({ error: 'not-found' });
        await sessions.end((one) => one.id === id);
        const entry = { kind: 'session-ended', user: user.name, from: ip, about: found.name, session: id };
        await journal.audit(now(), JSON.stringify(entry)).catch(() => {});
        return await reply.code(204).send(null);
      },
    );
  };
}
