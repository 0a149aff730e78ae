/** GET /api/notices: warnings of platforms. POST /api/notices/{id}/read {by}: somebody has read one. */
import type { FastifyPluginAsync } from 'fastify';
import type { Notices } from '../../notices/index.ts';

export interface NoticesOptions {
  readonly notices: Pick<Notices, 'list' | 'noteRead'>;
}

const NAME_MAX = 100;

export function serveNotices({ notices }: NoticesOptions): FastifyPluginAsync {
  return async (server) => {
    server.get('/api/notices', async () => notices.list());
    server.post('/api/notices/:id/read', async (request, reply) => {
      const { id } = request.params as { id: string };
      const { by } = (request.body ?? {}) as { by?: unknown };
      if (typeof by !== 'string' || by.trim() === '' || by.length > NAME_MAX)
        return await reply.code(400).send({ error: 'by: who read it' });
      return await reply.code((await notices.noteRead(id, by)) ? 204 : 404).send();
    });
  };
}
