/** GET /api/media/{reference}: a picture or a clip; a part of it, where a player asks for one (RFC 9110, 14). */
import { createReadStream } from 'node:fs';
import type { FastifyPluginAsync } from 'fastify';
import type { MediaStore } from '../../media/store.ts';

export interface MediaOptions {
  readonly media: Pick<MediaStore, 'find'>;
}

/** Named by its content, it never changes; the browser asks each time whether its user may still see it. */
const KEPT = 'private, no-cache';

/**
 * The first and the last byte of the one range that is asked for. undefined: all of it, as of what makes no sense, and of
 * several ranges, which nobody must answer (RFC 9110, 14.2). null: there is nothing of it in the file.
 */
export function rangeIn(header: string | undefined, length: number) {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, length - Number(last)) : Number(first);
  const to = first === '' || last === '' ? length - 1 : Math.min(Number(last), length - 1);
  if (first !== '' && last !== '' && Number(last) < from) return undefined;
  return from > to ? null : { start: from, end: to };
}

export function serveMedia({ media }: MediaOptions): FastifyPluginAsync {
  return async (server) => {
    server.get(
      '/api/media/:reference',
      {
        config: { needs: 'pictures' },
        schema: { summary: 'A picture or a clip; clips by ranges', tags: ['cameras'] },
      },
      async (request, reply) => {
        const { reference } = request.params as { reference: string };
        const found = await media.find(reference);
        if (found === undefined) return await reply.code(404).send({ error: 'not-found' });
        const { path, contentType, bytes } = found;
        const etag = `"${reference}"`;
        reply.headers({ etag, 'accept-ranges': 'bytes', 'cache-control': KEPT });
        if (request.headers['if-none-match'] === etag) return await reply.code(304).send();
        const range = rangeIn(request.headers.range, bytes);
        if (range === null)
          return await reply
            .code(416)
            .header('content-range', `bytes */${bytes}`)
            .send({ error: 'no-such-range' });
        if (range !== undefined) {
          reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${bytes}`);
          reply.header('content-length', range.end - range.start + 1);
        } else reply.header('content-length', bytes);
        return await reply.type(contentType).send(createReadStream(path, range));
      },
    );
  };
}
