/** GET /api/notices: the warnings of platforms that are valid now. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Notices } from '../../notices/index.ts';
import { noticesSchema } from '../contract/notices.ts';

export interface NoticesOptions {
  readonly notices: Pick<Notices, 'list' | 'readersOf'>;
}

export function serveNotices({ notices }: NoticesOptions): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/notices',
      {
        config: { needs: 'look' },
        schema: { summary: 'Warnings of platforms', tags: ['alarms'], response: { 200: noticesSchema } },
      },
      async () => notices.list().map((one) => ({ ...one, readers: [...notices.readersOf(one.id)] })),
    );
  };
}
