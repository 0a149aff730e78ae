/** GET /api/openapi.json: what this API is, OpenAPI 3, made of the schemas that it reads and answers by. */
import type { FastifyPluginAsync } from 'fastify';

export function serveOpenApi(): FastifyPluginAsync {
  return async (server) => {
    server.get('/api/openapi.json', { config: { needs: 'look' }, schema: { hide: true } }, async () =>
      server.swagger(),
    );
  };
}
