/** GET /api/doors: how doors are. GET /api/doors/inside: who is inside, for who may know it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Persons } from '../../persons/index.ts';
import type { State } from '../../road/recorder.ts';
import { doorsSchema, insideSchema } from '../contract/doors.ts';
import { type AccessNow, type DoorConfig, dayBegan, doorsOf, visitorsIn, whoIsInside } from '../doors.ts';
import type { Troubles } from '../troubles.ts';

export interface DoorsOptions {
  readonly access: AccessNow;
  readonly doorConfigs: readonly DoorConfig[];
  readonly states: ReadonlyMap<string, State>;
  readonly persons: Persons;
  readonly campus: { readonly timezone: string };
  readonly time: Pick<Clock, 'wall'>;
}

export function serveDoors(
  { access, doorConfigs, states, persons, campus, time }: DoorsOptions,
  troubles: () => Troubles,
): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/doors',
      {
        config: { needs: 'look' },
        schema: { summary: 'How doors are', tags: ['doors'], response: { 200: doorsSchema } },
      },
      async () => {
        const lockdownSince = access.lockdownSince();
        return {
          doors: doorsOf(doorConfigs, access, troubles()),
          ...(lockdownSince !== undefined && { lockdownSince }),
          inside: access.inside().length,
          visitors: visitorsIn(states.values()).length,
          today: dayBegan(time.wall(), campus.timezone),
        };
      },
    );
    server.get(
      '/api/doors/inside',
      {
        config: { needs: 'persons' },
        schema: {
          summary: 'Who went in and did not come out, as far as cards tell, and the visitors who are here',
          tags: ['doors'],
          querystring: z.object({ search: z.string().max(100).default('') }),
          response: { 200: insideSchema },
        },
      },
      async ({ query: { search } }) =>
        await whoIsInside(access, persons, visitorsIn(states.values()), search),
    );
  };
}
