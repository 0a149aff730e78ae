/** GET /api/me: who looks. GET /api/overview: how the whole is. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { type Me, meSchema } from '../../console/contract/me.ts';
import { rightsOf } from '../../console/rights.ts';
import { version } from '../../version.ts';
import { cityRights, type OverviewView, overviewView } from '../views.ts';

/** How the whole is: read once for all who ask within two seconds. */
export type Look = () => Promise<OverviewView>;

export function serveCity(city: Me['campus'], look: Look): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/me',
      {
        config: { needs: 'look' },
        schema: { summary: 'Who looks', tags: ['session'], response: { 200: meSchema } },
      },
      async ({ user, user: { name, role, hasPassword = false } }) => ({
        ...{ name, role, hasPassword, version, campus: city },
        ...{ names: {}, cameras: [], gates: [], ledger: false },
        rights: cityRights.filter((right) => rightsOf(role).includes(right) && user.can(right)),
      }),
    );
    server.get(
      '/api/overview',
      {
        config: { needs: 'look' },
        schema: { summary: 'How the whole is', tags: ['city'], response: { 200: overviewView } },
      },
      look,
    );
  };
}
