/** The routes of a server, and what they answer to whom. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { Right } from '../../gateway/console/rights.ts';

export interface Route {
  readonly method: string;
  readonly url: string;
  readonly needs: Right | 'anyone' | undefined;
}

/** The routes of the servers that are made meanwhile. */
export async function routesOf(work: () => Promise<unknown>): Promise<Route[]> {
  const routes: Route[] = [];
  const listen = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
      for (const one of [method].flat())
        if (one !== 'HEAD') routes.push({ method: one, url, needs: config?.needs });
    });
  };
  subscribe('fastify.initialization', listen);
  await work().finally(() => unsubscribe('fastify.initialization', listen));
  return routes;
}

/** With something in the place of each parameter. */
export const pathOf = ({ url }: Route) => url.replace(/:\w+/g, 'x').replace('*', 'x');
export const nameOf = ({ method, url }: Route) => `${method} ${url}`;

/** The code of an answer; what follows it is not waited for. */
export async function codeOf(
  base: string,
  route: Route,
  headers: Record<string, string> = {},
): Promise<number> {
  const done = new AbortController();
  const { method } = route;
  const body = method === 'GET' || method === 'DELETE' ? {} : { body: '{}' };
  const type = method === 'GET' || method === 'DELETE' ? {} : { 'content-type': 'application/json' };
  const init = { method, headers: { ...type, ...headers }, ...body, signal: done.signal };
  const { status } = await fetch(`${base}${pathOf(route)}`, init);
  done.abort();
  return status;
}
