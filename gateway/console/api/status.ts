/** GET /api/status: how the gateway is. GET /api/words: what devices, areas and events are called. */
import type { FastifyPluginAsync } from 'fastify';
import { catalogue, typePrefix } from '../../../config/catalogue/events.ts';

export interface StatusOptions {
  readonly campus: { readonly id: string; readonly name: string };
  readonly cameras: readonly { readonly id: string; readonly name?: string | undefined }[];
  readonly doors: readonly string[];
  /** What devices and areas are called by people, by their ids. */
  readonly names: Readonly<Record<string, string | undefined>>;
  readonly status: () => Promise<object>;
}

export function serveStatus({ campus, cameras, doors, names, status }: StatusOptions): FastifyPluginAsync {
  const events = Object.fromEntries(
    Object.entries(catalogue).map(([type, { en, zh }]) => [`${typePrefix}${type}`, { en, zh }]),
  );
  return async (server) => {
    server.get('/api/words', async () => ({ names, events }));
    server.get('/api/status', async () => ({
      campus: campus.id,
      name: campus.name,
      cameras,
      gates: doors,
      ...(await status()),
    }));
  };
}
