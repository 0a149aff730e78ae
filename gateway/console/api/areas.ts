/** GET /api/areas: how areas are, and what keeps them from being armed. GET /api/calendar: what their schedules do. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type ArmingNow, areasOf, calendarOf, type ZoneNames } from '../areas.ts';
import { areasSchema, calendarSchema } from '../contract/areas.ts';
import type { Troubles } from '../troubles.ts';

export interface AreasOptions {
  readonly arming: ArmingNow;
  readonly campus: { readonly timezone: string };
  readonly zoneNames: ZoneNames;
}

/** Two months: a holiday and what is around it. */
const DAYS_MAX = 62;

export function serveAreas(
  { arming, campus, zoneNames }: AreasOptions,
  troubles: () => Troubles,
): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/areas',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'How areas are, and what keeps them from being armed',
          tags: ['areas'],
          response: { 200: areasSchema },
        },
      },
      async () => ({ areas: areasOf(arming, zoneNames, troubles()) }),
    );
    server.get(
      '/api/calendar',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'Today and the days after it: school or not, and what the schedules of areas do',
          tags: ['areas'],
          querystring: z.object({ days: z.coerce.number().int().min(1).max(DAYS_MAX).default(14) }),
          response: { 200: calendarSchema },
        },
      },
      async ({ query: { days } }) => await calendarOf(arming, campus.timezone, days),
    );
  };
}
