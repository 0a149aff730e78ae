/** GET /api/alarms: what somebody has to look after, and what was closed last. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Board } from '../board.ts';
import { alarmsSchema } from '../contract/alarms.ts';
import type { Sirens } from '../sirens.ts';

export interface AlarmsOptions {
  readonly board: Pick<Board, 'list' | 'isNewest' | 'glance'>;
  readonly sirens: Sirens;
  readonly time: Clock;
}

/** However many pages ask in a flood of alarms, the list is put into words this often at most. */
const EACH_MS = 200;

export function serveAlarms(options: AlarmsOptions): FastifyPluginAsyncZod {
  const answer = answers(options);
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
      // Not by the schema each time: what it is of is checked by the compiler, and by a test.
      async (_request, reply) =>
        reply.type('application/json; charset=utf-8').send((await answer()) as unknown as never),
    );
  };
}

/** All who ask while one waits for its turn get the same; what happened before they asked is in it. */
function answers({ board, sirens, time }: AlarmsOptions): () => Promise<string> {
  let latest:
    | { readonly at: number; readonly list: object; readonly sounding: string; readonly text: string }
    | undefined;
  let next: Promise<string> | undefined;
  const write = () => {
    next = undefined;
    const list = board.list();
    const sounding = JSON.stringify(sirens.list());
    const isSame = latest?.list === list && latest.sounding === sounding;
    const text =
      isSame && latest !== undefined ? latest.text : JSON.stringify({ ...list, sirens: sirens.list() });
    latest = { at: time.elapsed(), list, sounding, text };
    return text;
  };
  return async () => {
    const age = latest === undefined ? EACH_MS : time.elapsed() - latest.at;
    if (age >= EACH_MS || latest === undefined || board.isNewest(latest.list)) return write();
    next ??= time.wait(EACH_MS - age).then(write);
    return await next;
  };
}
