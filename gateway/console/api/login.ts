/** POST /login {token}: a token for a cookie; in the audit. */
import type { FastifyPluginAsync } from 'fastify';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import type { Journal } from '../../journal/index.ts';
import type { Sessions } from '../sessions.ts';

export interface LoginOptions {
  readonly journal: Pick<Journal, 'audit'>;
  readonly time: Clock;
  readonly log: Log;
}

export function serveLogin(sessions: Pick<Sessions, 'login'>, options: LoginOptions): FastifyPluginAsync {
  const { journal, time, log } = options;
  const note = (from: string, outcome: object) =>
    journal.audit(time.wall(), JSON.stringify({ kind: 'login', from, ...outcome })).catch(() => {});
  return async (server) => {
    server.post('/login', { config: { opensTo: 'anyone' } }, async (request, reply) => {
      const { token } = (request.body ?? {}) as { token?: unknown };
      const from = request.ip;
      const session = sessions.login(typeof token === 'string' ? token : '');
      if (session === undefined || session === 'slow') {
        // A flood of guesses is slowed down before it fills the audit.
        if (session === undefined) void note(from, { done: false });
        log.warn({ from }, 'a login to the console was refused');
        return await reply.code(session === 'slow' ? 429 : 401).send({ error: 'no such token' });
      }
      const { role, cookie } = session;
      void note(from, { done: true, role });
      log.info({ from, role }, 'a login to the console');
      return await reply.header('set-cookie', cookie).send({ role });
    });
  };
}
