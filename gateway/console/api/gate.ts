/** GET /api/gate/{door}: whose child may go, as server-sent events (screens.ts). */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Screens, ScreensOptions } from '../screens.ts';

export type GateOptions = ScreensOptions;

export function serveGate(screens: Screens, { gates }: Pick<GateOptions, 'gates'>): FastifyPluginAsyncZod {
  return async (server) => {
    server.addHook('onListen', async () => screens.start());
    server.addHook('preClose', async () => screens.close());
    server.get(
      '/api/gate/:door',
      {
        config: { needs: 'screen' },
        schema: {
          summary: 'What the screen at a gate shows, as server-sent events; goes on after Last-Event-ID',
          tags: ['gate'],
          params: z.object({ door: z.string().min(1).max(64) }),
        },
      },
      async (request, reply) => {
        const { door } = request.params;
        if (!gates.has(door)) return await reply.code(404).send({ error: 'not-found' });
        if (!screens.follow(request, reply, door)) return await reply.code(503).send({ error: 'too-many' });
        return reply;
      },
    );
  };
}
