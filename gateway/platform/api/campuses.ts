/** GET /api/campuses: all of them, or those of a district. GET /api/campuses/{id}: one, with what it lacks. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { refusedSchema } from '../../console/contract/failure.ts';
import { campusDetailView, campusView } from '../views.ts';
import { campusesQuery, idParams } from './asking.ts';
import type { PatientReads } from './database.ts';
import { pack, type Shared, sendPacked } from './shared.ts';

/** What of a campus changes at every event, its time, is not told at once. */
const EACH_MS = 2000;

export function serveCampuses(reads: PatientReads, shared: Shared): FastifyPluginAsyncZod {
  const tags = ['campuses'];
  return async (server) => {
    server.get(
      '/api/campuses',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'All campuses, or those of a district', tags },
          querystring: campusesQuery,
          response: { 200: z.array(campusView) },
        },
      },
      async (request, reply) => {
        const { district } = request.query;
        const read = async () => pack(await reads.campuses({ district }));
        const packed = await shared.get(`campuses ${district ?? ''}`, EACH_MS, read);
        return await sendPacked(request, reply, packed);
      },
    );
    server.get(
      '/api/campuses/:id',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'A campus; its contacts for who may see persons', tags },
          params: idParams,
          response: { 200: campusDetailView, 404: refusedSchema },
        },
      },
      async ({ user, params: { id } }, reply) => {
        const found = await reads.campus(id);
        if (found === undefined) return await reply.code(404).send({ error: 'not-found' });
        return user.can('persons') ? found : { ...found, contacts: [] };
      },
    );
  };
}
