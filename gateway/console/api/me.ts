/** GET /api/me: who looks, what they may, and what all pages need to know of the place. GET /api/overview: how it is. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Ledger } from '../../ledger/index.ts';
import { version } from '../../version.ts';
import { type Me, meSchema } from '../contract/me.ts';
import { overviewSchema } from '../contract/overview.ts';
import type { Simulators } from '../contract/simulators.ts';
import type { Look } from '../overview.ts';
import { rightsOf } from '../rights.ts';

export interface MeOptions {
  readonly campus: Me['campus'];
  readonly cameras: readonly { readonly id: string; readonly name?: string | undefined }[];
  readonly doors: readonly string[];
  /** What devices and areas are called by people, by their ids. */
  readonly names: Readonly<Record<string, string | undefined>>;
  readonly status: () => Promise<object>;
  /** `current` undefined: there is none, or it is between two. */
  readonly ledger: { readonly current: Ledger | undefined };
  /** undefined: there is nothing to simulate, whoever may. */
  readonly simulators?: Simulators | undefined;
}

export function serveMe(
  { campus, cameras, doors, names, simulators, ledger, status }: MeOptions,
  look: Look,
): FastifyPluginAsyncZod {
  const called = Object.entries(names).filter((one): one is [string, string] => one[1] !== undefined);
  const place = { version, campus, names: Object.fromEntries(called), gates: [...doors] };
  const seen = cameras.map(({ id, name }) => ({ id, ...(name !== undefined && { name }) }));
  return async (server) => {
    server.get(
      '/api/me',
      {
        config: { needs: 'look' },
        schema: { summary: 'Who looks', tags: ['session'], response: { 200: meSchema } },
      },
      async ({ user, user: { name, role, hasPassword = false } }) => ({
        name,
        role,
        hasPassword,
        rights: rightsOf(role).filter(
          (right) => user.can(right) && (right !== 'simulate' || simulators !== undefined),
        ),
        ...place,
        cameras: seen,
        ledger: ledger.current !== undefined,
      }),
    );
    server.get(
      '/api/overview',
      {
        config: { needs: 'look' },
        schema: { summary: 'How the whole is', tags: ['session'], response: { 200: overviewSchema } },
      },
      look,
    );
    server.get(
      '/api/status',
      {
        config: { needs: 'look' },
        schema: { summary: 'What /health of the status port says', tags: ['session'] },
      },
      status,
    );
  };
}
