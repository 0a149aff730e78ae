/** GET /api/media/{reference}: a picture or a clip. */
import { createReadStream } from 'node:fs';
import type { FastifyPluginAsync } from 'fastify';
import type { MediaStore } from '../../media/store.ts';

export interface MediaOptions {
  readonly media: Pick<MediaStore, 'find'>;
}

export function serveMedia({ media }: MediaOptions): FastifyPluginAsync {
  return async (server) => {
    server.get('/api/media/:reference', { config: { needs: 'pictures' } }, async (request, reply) => {
      const { reference } = request.params as { reference: string };
      const found = await media.find(reference);
      if (found === undefined) return await reply.code(404).send({ error: 'it is not here any more' });
      return await reply.type(found.contentType).send(createReadStream(found.path));
    });
  };
}
