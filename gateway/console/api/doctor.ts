/** GET /api/system/doctor: the last examination; POST /api/system/doctor: one now, for all who ask meanwhile. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Doctor } from '../../doctor/index.ts';
import { refusal } from '../contract/refusal.ts';
import { examinationSchema } from '../contract/system.ts';

export interface DoctorOptions {
  readonly doctor: Pick<Doctor, 'examine' | 'last'>;
}

const tags = ['system'];

export function serveDoctor({ doctor }: DoctorOptions): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/system/doctor',
      {
        config: { needs: 'system' },
        schema: {
          summary: 'What the last examination found',
          tags,
          response: { 200: examinationSchema, 404: refusal },
        },
      },
      async (_request, reply) => {
        const last = doctor.last();
        if (last === undefined) return await reply.code(404).send({ error: 'not-found' });
        return { ...last, findings: [...last.findings] };
      },
    );
    server.post(
      '/api/system/doctor',
      {
        // It changes nothing.
        config: { needs: 'system', audited: false },
        schema: {
          summary: 'Examine the machine, and ask how platforms and devices are',
          tags,
          response: { 200: examinationSchema, 503: refusal },
        },
      },
      async (_request, reply) => {
        try {
          const { at, findings } = await doctor.examine();
          return { at, findings: [...findings] };
        } catch {
          return await reply.code(503).send({ error: 'doctor-busy' });
        }
      },
    );
  };
}
