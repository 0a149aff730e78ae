/** GET /api/stream: what happens, as server-sent events (stream.ts). */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Stream } from '../stream.ts';

export function serveStream({ follow }: Pick<Stream, 'follow'>): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/stream',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'What happens, as server-sent events; goes on after Last-Event-ID',
          tags: ['session'],
          querystring: z.object({ after: z.string().max(100).optional() }),
        },
      },
      follow,
    );
  };
}
