/** GET /api/alarms: what somebody has to look after. POST /api/alarms/{id}/acknowledge, /close: an operator does (acts.ts). */
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { refusedSchema } from '../../console/contract/failure.ts';
import { acknowledgeRequest, actOutcome, alarmView, closeRequest } from '../views.ts';
import type { Acts } from './acts.ts';
import { alarmsQuery, beforeOf, campusQuery, idParams } from './asking.ts';
import type { PatientReads } from './database.ts';
import { pack, type Shared, sendPacked } from './shared.ts';

const EACH_MS = 1000;

/** There is none, or nobody said which of several campuses' it is. */
const refuse = (reply: FastifyReply, found: 'several' | undefined) =>
  found === undefined
    ? reply.code(404).send({ error: 'not-found' })
    : reply.code(409).send({ error: 'several-campuses', detail: 'campus' });

export function serveAlarms(reads: PatientReads, shared: Shared, perform: Acts): FastifyPluginAsyncZod {
  const tags = ['alarms'];
  // What is done goes into the audit with what became of it.
  const acting = { needs: 'alarms', audited: false } as const;
  const outcomes = { 200: actOutcome, 404: refusedSchema, 409: refusedSchema };
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
          ...{ params: idParams, querystring: campusQuery },
          response: { 200: alarmView, 404: refusedSchema, 409: refusedSchema },
        },
      },
      async ({ params: { id }, query: { campus } }, reply) => {
        const found = await reads.alarm(id, campus);
        return found === undefined || found === 'several' ? await refuse(reply, found) : found;
      },
    );
    server.post(
      '/api/alarms/:id/acknowledge',
      {
        config: acting,
        schema: {
          ...{ summary: 'Take an alarm, at its campus; `here`: at the desk, where that cannot', tags },
          ...{ params: idParams, querystring: campusQuery },
          body: acknowledgeRequest,
          response: outcomes,
        },
      },
      async ({ user, ip, params: { id: alarm }, query: { campus }, body: { here = false } }, reply) => {
        const act = {
          action: 'acknowledge',
          alarm,
          campus,
          by: user.name,
          from: ip,
          here,
          more: {},
        } as const;
        const outcome = await perform(act);
        return outcome === undefined || outcome === 'several' ? await refuse(reply, outcome) : outcome;
      },
    );
    server.post(
      '/api/alarms/:id/close',
      {
        config: acting,
        schema: {
          ...{
            summary:
              'Say what an alarm was, and that it is over, at its campus; `here`: at the desk, where that cannot',
            tags,
          },
          ...{ params: idParams, querystring: campusQuery },
          body: closeRequest,
          response: outcomes,
        },
      },
      async ({ user, ip, params: { id: alarm }, query: { campus }, body }, reply) => {
        const { reason, note, here = false } = body;
        const more = { reason, ...(note !== undefined && { note }) };
        const act = { action: 'close', alarm, campus, by: user.name, from: ip, here, more } as const;
        const outcome = await perform(act);
        return outcome === undefined || outcome === 'several' ? await refuse(reply, outcome) : outcome;
      },
    );
  };
}
