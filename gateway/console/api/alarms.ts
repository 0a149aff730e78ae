/** GET /api/alarms: what somebody has to look after, and what was closed last. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Board } from '../board.ts';
import { alarmsSchema } from '../contract/alarms.ts';
import type { Sirens } from '../sirens.ts';

export interface AlarmsOptions {
  readonly board: Pick<Board, 'list' | 'glance'>;
  readonly sirens: Sirens;
}

export function serveAlarms({ board, sirens }: AlarmsOptions): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/alarms',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'Alarms until each is restored and closed, the last ones that were, and sirens',
          tags: ['alarms'],
          response: { 200: alarmsSchema },
        },
      },
      async () => ({ ...board.list(), sirens: [...sirens.list()] }),
    );
  };
}
