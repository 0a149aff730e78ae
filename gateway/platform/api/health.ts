/**
 * GET /health: whether it takes events and has its database; 503: not. GET /metrics, for Prometheus.
 *
 * Anyone hears whether it is well, as a balancer asks; the rest is for who has logged in, for a program's token, and for
 * who asks on this machine with no proxy between.
 */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { bareAddress, isLoopback } from '../../../drivers/contract/options.ts';
import type { Signing } from '../authority/signing.ts';
import type { Look } from './city.ts';
import type { CityMetrics, SourceState } from './metrics.ts';

export interface HealthOptions {
  readonly look: Look;
  readonly source: () => SourceState;
  readonly metrics: CityMetrics;
  readonly pages: { readonly size: number };
  /** Whether commands can be signed. */
  readonly signing?: (() => Signing) | undefined;
  /** Who asks, where he is known. */
  readonly find: (request: FastifyRequest) => { can(right: 'look'): boolean } | undefined;
}

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

export function serveHealth({
  look,
  source,
  metrics,
  pages,
  find,
  signing,
}: HealthOptions): FastifyPluginAsync {
  const isHere = ({ ip, headers }: FastifyRequest) =>
    isLoopback(bareAddress(ip)) && FORWARDED.every((name) => headers[name] === undefined);
  const mayLook = (request: FastifyRequest) => find(request)?.can('look') ?? isHere(request);
  const config = { needs: 'anyone' } as const;
  return async (server) => {
    server.get(
      '/health',
      { config, schema: { summary: 'Whether it takes events: 200 or 503', tags: ['health'] } },
      async (request, reply) => {
        const answers = await look().then(
          ({ gaps, latency, campuses }) => ({ gaps, latency, campuses: campuses.total }),
          () => undefined,
        );
        const state = source();
        const healthy = answers !== undefined && state.connected && state.storing !== false;
        const details = {
          source: state,
          database: { answers: answers !== undefined },
          signing: signing?.(),
          ...answers,
        };
        return reply.code(healthy ? 200 : 503).send({ healthy, ...(mayLook(request) && details) });
      },
    );
    server.get(
      '/metrics',
      { config, schema: { summary: 'For Prometheus', tags: ['health'] } },
      async (request, reply) => {
        if (!mayLook(request)) return await reply.code(401).send({ error: 'log-in' });
        const overview = await look().catch(() => undefined);
        return reply
          .type(metrics.registry.contentType)
          .send(await metrics.read(overview, { ...source(), pages: pages.size }));
      },
    );
  };
}
