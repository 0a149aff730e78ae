/** GET and POST /api/simulators: the other ends of the wires that the config names, where it allows that. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Simulators } from '../contract/simulators.ts';
import { outcome, simulatorAction, simulatorsView } from '../contract/simulators.ts';

export interface SimulatorsOptions {
  /** undefined: the config allows none. */
  readonly simulators?: Simulators | undefined;
  readonly journal: { audit(at: number, body: string): Promise<string> };
  readonly time: { wall(): number };
}

export function serveSimulators({ simulators, journal, time }: SimulatorsOptions): FastifyPluginAsyncZod {
  return async (server) => {
    if (simulators === undefined) return;
    server.get(
      '/api/simulators',
      {
        config: { needs: 'simulate' },
        schema: {
          summary: 'Which devices can be simulated, which are, and what they can do',
          tags: ['simulators'],
          response: { 200: simulatorsView },
        },
      },
      () => simulators.view(),
    );
    server.post(
      '/api/simulators',
      {
        config: { needs: 'simulate', audited: false },
        schema: {
          summary: 'Start, drive and stop simulators',
          tags: ['simulators'],
          body: simulatorAction,
          response: { 200: outcome },
        },
      },
      async ({ body, user: { name } }) => {
        const done = await simulators.perform(body);
        // What comes of it looks as if it were real: the audit says that it was not.
        journal
          .audit(time.wall(), JSON.stringify({ kind: 'simulated', by: name, ...body, ...done }))
          .catch(() => {});
        return done;
      },
    );
  };
}
