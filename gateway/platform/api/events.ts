/** GET /api/events: what came, the newest first. GET /api/latency: how late alarms were, by the minute. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { refusedSchema } from '../../console/contract/failure.ts';
import { withoutPersons } from '../../console/without-persons.ts';
import { eventView, latencyView } from '../views.ts';
import { beforeOf, eventsQuery, isSpan, latencyQuery } from './asking.ts';
import type { PatientReads } from './database.ts';
import { createSlowly } from './slow.ts';

type Whole = Parameters<typeof withoutPersons>[0];

/** As it came, without whom it is about; what is no event of ours is nobody's to see. */
function anonymous(event: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { data } = event;
  if (typeof data !== 'object' || data === null) return { ...event, data: {} };
  return { ...withoutPersons(event as unknown as Whole) };
}

export function serveEvents(reads: PatientReads): FastifyPluginAsyncZod {
  const slowly = createSlowly();
  return async (server) => {
    server.get(
      '/api/events',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'Events, the newest first; persons for who may see them', tags: ['events'] },
          querystring: eventsQuery,
          response: { 200: z.array(eventView) },
        },
      },
      async ({ user, query: { before, ...query } }) => {
        const asked = { ...query, before: beforeOf(before) };
        const found = await slowly(user.name, () => reads.events(asked));
        return user.can('persons')
          ? [...found]
          : found.map((one) => ({ ...one, event: anonymous(one.event) }));
      },
    );
    server.get(
      '/api/latency',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'How late alarms were, by the minute', tags: ['city'] },
          querystring: latencyQuery,
          response: { 200: z.array(latencyView), 400: refusedSchema },
        },
      },
      async ({ user, query }, reply) => {
        if (!isSpan(query)) return await reply.code(400).send({ error: 'invalid', detail: 'from, to' });
        return [...(await slowly(user.name, () => reads.latency(query)))];
      },
    );
  };
}
