/** GET /api/notices: warnings of platforms. POST /api/notices/{id}/read: who asks has read one. */
import type { FastifyPluginAsync } from 'fastify';
import type { Notices } from '../../notices/index.ts';

export interface NoticesOptions {
  readonly notices: Pick<Notices, 'list' | 'noteRead'>;
}

export function serveNotices({ notices }: NoticesOptions): FastifyPluginAsync {
  return async (server) => {
    server.get('/api/notices', { config: { needs: 'look' } }, async () => notices.list());
    server.post('/api/notices/:id/read', { config: { needs: 'alarms' } }, async (request, reply) => {
      const { id } = request.params as { id: string };
      const known = await notices.noteRead(id, request.user.name);
      return known ? await reply.code(204).send() : await reply.code(404).send({ error: 'not-found' });
    });
  };
}
