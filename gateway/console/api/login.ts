/** POST /login {token}: a token for a cookie. POST /api/logout: the session is over. In the audit. */
import type { FastifyPluginAsync } from 'fastify';
import { createFailedLogins, type FailedLoginsContext } from '../failed-logins.ts';
import { createGuesses } from '../guesses.ts';
import type { Sessions } from '../sessions.ts';

export type LoginOptions = FailedLoginsContext;

export function serveLogin(
  sessions: Pick<Sessions, 'login' | 'logout' | 'find'>,
  options: LoginOptions,
): FastifyPluginAsync {
  const { journal, time, log } = options;
  const note = (kind: 'login' | 'logout', from: string, outcome: object) => {
    log.info({ from, ...outcome }, `a ${kind} ${kind === 'login' ? 'to' : 'from'} the console`);
    journal.audit(time.wall(), JSON.stringify({ kind, from, done: true, ...outcome })).catch(() => {});
  };
  return async (server) => {
    const guesses = createGuesses(time);
    const failed = createFailedLogins(options);
    server.addHook('onClose', async () => failed.close());

    server.post('/login', { config: { needs: 'anyone' } }, async (request, reply) => {
      const from = request.ip;
      const { token } = (request.body ?? {}) as { token?: unknown };
      const session = await sessions.login(typeof token === 'string' ? token : '');
      if (session === undefined) {
        failed.note(from);
        return (await guesses.wrong(from))
          ? await reply.code(401).send({ error: 'no such token' })
          : await reply.code(429).send({ error: 'too many wrong tokens; wait a few seconds' });
      }
      const { role, cookie } = session;
      note('login', from, { role });
      return await reply.header('set-cookie', cookie).send({ role });
    });

    server.post('/api/logout', { config: { needs: 'screen' } }, async (request, reply) => {
      const { cookie } = request.headers;
      const role = sessions.find(cookie)?.role;
      const cleared = await sessions.logout(cookie);
      note('logout', request.ip, { role });
      return await reply.code(204).header('set-cookie', cleared).send();
    });
  };
}
