/**
 * /api/walk-test: begin, follow and end a walk test. GET /api/walk-tests: the reports of those that ended; …/{report}/html,
 * …/{report}/pdf, …/{report}/json: one as a file.
 */
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Config } from '../../../config/schema.ts';
import type { ConsoleConfig } from '../../../config/sections/console.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import { fitsTarget } from '../../commands/command.ts';
import type { WalkError, WalkTest, WalkView } from '../../walk-test/index.ts';
import type { ArmingNow } from '../areas.ts';
import { refusal } from '../contract/refusal.ts';
import {
  beginWalkSchema,
  endedWalkSchema,
  remarkSchema,
  type WalkTestView,
  walkReportsSchema,
  walkTestSchema,
} from '../contract/walk-test.ts';
import { rulesOf } from '../rights.ts';

export interface WalkTestOptions {
  readonly walkTest: Omit<
    WalkTest,
    'start' | 'onStored' | 'onTaken' | 'onReceived' | typeof Symbol.asyncDispose
  >;
  readonly of: Pick<Config, 'areas'>;
  readonly config: Pick<ConsoleConfig, 'commands'>;
  readonly arming: ArmingNow;
  readonly uplinks: { states(): Readonly<Record<string, object>> };
  readonly log: Log;
}

const statusOf: Readonly<Record<WalkError['code'], number>> = {
  'walk-test-runs': 409,
  'no-walk-test': 409,
  'nothing-to-try': 409,
  'not-found': 404,
  'no-browser': 404,
  'not-marked': 503,
  'not-printed': 503,
};
/** By its code: the part is made elsewhere, and its class is known by its type alone. */
const isWalkError = (error: unknown): error is WalkError =>
  error instanceof Error && Object.hasOwn(statusOf, (error as Partial<WalkError>).code ?? '');

const DETAIL_MAX = 300;
const tags = ['walk-test'];
const needs = { config: { needs: 'walk' } } as const;
const problems = { 403: refusal, 404: refusal, 409: refusal, 503: refusal };
/** A page that is looked at and nothing else. */
const ALONE = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

export function serveWalkTest(options: WalkTestOptions): FastifyPluginAsyncZod {
  const { walkTest, of, arming, uplinks, log } = options;
  const shown = ({ running, points }: WalkView): WalkTestView => {
    const armed = new Set(
      arming.areas().flatMap(({ id, state }) => (state === 'armed' || state === 'entry-delay' ? [id] : [])),
    );
    const all = points.map((point) => ({ ...point, areas: [...point.areas] }));
    return {
      ...(running && {
        running: {
          ...running,
          areas: running.areas === null ? null : [...running.areas],
          others: [...running.others],
        },
      }),
      points: all as WalkTestView['points'],
      areas: of.areas.map(({ id, name = id }) => ({
        ...{ id, name, armed: armed.has(id) },
        points: all.filter(({ areas }) => areas.includes(id)).length,
      })),
      platforms: Object.keys(uplinks.states()),
    };
  };
  return async (server) => {
    server.setErrorHandler((error: Error & { readonly statusCode?: number }, _request, reply) => {
      const detail = error.message.slice(0, DETAIL_MAX);
      if (isWalkError(error)) {
        const { code } = error;
        return reply.code(statusOf[code]).send({ error: code, ...(detail !== code && { detail }) });
      }
      if (error.statusCode !== undefined) throw error;
      log.warn({ error: detail }, 'a walk test could not be written');
      return reply.code(503).send({ error: 'disk-refuses', detail });
    });
    server.get(
      '/api/walk-test',
      { ...needs, schema: { summary: 'The walk test that runs', tags, response: { 200: walkTestSchema } } },
      async () => shown(walkTest.view()),
    );
    server.post(
      '/api/walk-test',
      {
        ...needs,
        schema: {
          ...{ summary: 'Begin a walk test', tags, body: beginWalkSchema },
          response: { 200: walkTestSchema, ...problems },
        },
      },
      async ({ body: { areas, minutes }, user }, reply) => {
        // What `console.commands` does not let be tested by an order is not tested by a walk either.
        const rules = rulesOf(user.role, options.config.commands);
        const may = (target: string) =>
          rules.some(
            ({ actions, targets }) =>
              actions.includes('test') && targets.some((one) => fitsTarget(one, target)),
          );
        if (!(areas ?? ['gateway']).every(may)) return reply.code(403).send({ error: 'not-allowed' });
        return shown(await walkTest.begin({ areas, forMs: minutes * 60_000, by: user.name }));
      },
    );
    server.post(
      '/api/walk-test/remark',
      {
        config: { needs: 'walk', audited: false },
        schema: {
          ...{ summary: 'Say why a point is not tried', tags, body: remarkSchema },
          response: { 200: walkTestSchema, ...problems },
        },
      },
      async ({ body: { point, text }, user }) => shown(walkTest.remark(point, text, user.name)),
    );
    server.post(
      '/api/walk-test/end',
      {
        ...needs,
        schema: {
          ...{ summary: 'End it: its report is written', tags, body: z.strictObject({}) },
          response: { 200: endedWalkSchema, ...problems },
        },
      },
      async ({ user }) => ({ report: await walkTest.end(user.name) }),
    );
    server.get(
      '/api/walk-tests',
      { ...needs, schema: { summary: 'The reports', tags, response: { 200: walkReportsSchema } } },
      async () => {
        const reports = (await walkTest.reports()).map((one) => ({
          ...one,
          areas: one.areas === null ? null : [...one.areas],
        }));
        return { canPrint: walkTest.canPrint(), reports };
      },
    );
    serveReports(server, walkTest);
  };
}

function serveReports(
  server: Parameters<FastifyPluginAsyncZod>[0],
  walkTest: WalkTestOptions['walkTest'],
): void {
  const params = z.object({ report: z.string().max(40) });
  const querystring = z.object({ language: z.enum(['en', 'zh']).default('en') });
  const about = (summary: string) => ({ ...needs, schema: { summary, tags, params, querystring } });
  const named = (reply: FastifyReply, report: string, end: string) =>
    reply.header('content-disposition', `attachment; filename="walk-test-${report}.${end}"`);
  server.get(
    '/api/walk-tests/:report/html',
    about('A report as a page'),
    async ({ params: { report }, query: { language } }, reply) => {
      const page = await walkTest.html(report, language);
      reply.header('content-security-policy', ALONE).type('text/html; charset=utf-8');
      return await named(reply, report, 'html').send(page);
    },
  );
  server.get(
    '/api/walk-tests/:report/pdf',
    about('A report as PDF; 404 `no-browser` where nothing can print it'),
    async ({ params: { report }, query: { language } }, reply) => {
      const bytes = await walkTest.pdf(report, language);
      return await named(reply, report, 'pdf').type('application/pdf').send(bytes);
    },
  );
  server.get(
    '/api/walk-tests/:report/json',
    about('What a report says, for programs'),
    async (request, reply) => {
      const { report } = request.params;
      const found = await walkTest.record(report);
      if (found === undefined) return await reply.code(404).send({ error: 'not-found' });
      return await named(reply, report, 'json').send(found);
    },
  );
}
