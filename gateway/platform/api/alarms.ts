/** GET /api/alarms: what somebody has to look after. POST /api/alarms/{id}/acknowledge, /close: an operator does (acts.ts). */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { refusedSchema } from '../../console/contract/failure.ts';
import { acknowledgeRequest, actOutcome, alarmView, closeRequest } from '../views.ts';
import type { Acts } from './acts.ts';
import { alarmsQuery, beforeOf, idParams } from './asking.ts';
import type { PatientReads } from './database.ts';
import { pack, type Shared, sendPacked } from './shared.ts';

const EACH_MS = 1000;

export function serveAlarms(reads: PatientReads, shared: Shared, perform: Acts): FastifyPluginAsyncZod {
  const tags = ['alarms'];
  // What is done goes into the audit with what became of it.
  const acting = { needs: 'alarms', audited: false } as const;
  const outcomes = { 200: actOutcome, 404: refusedSchema };
  return async (server) => {
    server.get(
      '/api/alarms',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'Alarms: untaken ones first, tests last, then the newest first', tags },
          querystring: alarmsQuery,
          response: { 200: z.array(alarmView) },
        },
      },
      async (request, reply) => {
        const { before, ...query } = request.query;
        const asked = { ...query, before: beforeOf(before) };
        const read = async () => pack(await reads.alarms(asked));
        const packed = await shared.get(`alarms ${JSON.stringify(asked)}`, EACH_MS, read);
        return await sendPacked(request, reply, packed);
      },
    );
    server.get(
      '/api/alarms/:id',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'An alarm', tags },
          params: idParams,
          response: { 200: alarmView, 404: refusedSchema },
        },
      },
      async ({ params: { id } }, reply) =>
        (await reads.alarm(id)) ?? (await reply.code(404).send({ error: 'not-found' })),
    );
    server.post(
      '/api/alarms/:id/acknowledge',
      {
        config: acting,
        schema: {
          ...{ summary: 'Take an alarm, at its campus', tags },
          params: idParams,
          body: acknowledgeRequest,
          response: outcomes,
        },
      },
      async ({ user, ip, params: { id: alarm } }, reply) => {
        const act = { action: 'acknowledge', alarm, by: user.name, from: ip, more: {} } as const;
        return (await perform(act)) ?? (await reply.code(404).send({ error: 'not-found' }));
      },
    );
    server.post(
      '/api/alarms/:id/close',
      {
        config: acting,
        schema: {
          ...{ summary: 'Say what an alarm was, and that it is over, at its campus', tags },
          params: idParams,
          body: closeRequest,
          response: outcomes,
        },
      },
      async ({ user, ip, params: { id: alarm }, body: { reason, note } }, reply) => {
        const more = { reason, ...(note !== undefined && { note }) };
        const act = { action: 'close', alarm, by: user.name, from: ip, more } as const;
        return (await perform(act)) ?? (await reply.code(404).send({ error: 'not-found' }));
      },
    );
  };
}
