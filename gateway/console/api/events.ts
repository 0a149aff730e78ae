/** GET /api/events: what happened lately and what happens, as server-sent events. */
import type { FastifyPluginAsync } from 'fastify';
import type { Event } from '../../../config/catalogue/events.ts';
import type { Journal } from '../../journal/index.ts';
import type { Viewers } from '../viewers.ts';

export interface EventsOptions {
  readonly journal: Pick<Journal, 'readBack'>;
}

const SHOWN_EVENTS = 200;

export function serveEvents(viewers: Viewers, { journal }: EventsOptions): FastifyPluginAsync {
  const latest = async () => {
    const lanes = await Promise.all(
      (['urgent', 'normal'] as const).map((lane) =>
        journal.readBack(lane, Number.MAX_SAFE_INTEGER, SHOWN_EVENTS),
      ),
    ).catch(() => []);
    return lanes
      .flat()
      .sort((a, b) => a.sequence - b.sequence)
      .slice(-SHOWN_EVENTS);
  };
  return async (server) => {
    server.get('/api/events', async (request, reply) => {
      const tell = viewers.follow(request, reply, (event, sequence) => ({
        ...event,
        sequence: String(sequence),
      }));
      for (const { body, sequence } of await latest()) tell(JSON.parse(body) as Event, sequence);
    });
  };
}
