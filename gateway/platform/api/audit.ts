/** GET /api/audit: who did what at the platform, the newest first. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { auditView } from '../views.ts';
import { auditQuery } from './asking.ts';
import type { PatientReads } from './database.ts';
import { createSlowly } from './slow.ts';

export function serveAudit(reads: Pick<PatientReads, 'audits'>): FastifyPluginAsyncZod {
  const slowly = createSlowly();
  return async (server) => {
    server.get(
      '/api/audit',
      {
        config: { needs: 'users' },
        schema: {
          ...{
            summary: 'Who did what at the platform, the newest first; for administrators',
            tags: ['audit'],
          },
          querystring: auditQuery,
          response: { 200: z.array(auditView) },
        },
      },
      async ({ user, query }) => [...(await slowly(user.name, () => reads.audits(query)))],
    );
  };
}
