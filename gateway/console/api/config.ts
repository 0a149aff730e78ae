/**
 * /api/config: the config is changed. GET …/draft: the file, its secrets hidden. POST …/difference: what a text would change;
 * POST …/apply: takes it up. GET …/versions, …/versions/{name}; POST …/versions/{name}/back: takes an earlier one up.
 *
 * What is wrong, compared and taken up is the gateway's word (reloading); here secrets are put back into what a browser,
 * which never saw them, wrote.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Clock } from '../../../drivers/contract/clock.ts';
import { createIsolated, type Isolated } from '../../lifecycle/isolated.ts';
import { configAppliedSchema, configDifferenceSchema, type Reloading } from '../contract/config.ts';
import {
  configDraftSchema,
  configTextOfVersionSchema,
  configVersionsSchema,
  writtenConfigSchema,
} from '../contract/config-edit.ts';

export interface ConfigOptions {
  readonly about: { readonly file: string };
  readonly reloading: Reloading;
  readonly time: Clock;
}

const MODULE = new URL('../config-jobs.ts', import.meta.url).href;
const DEADLINE_MS = 60_000;
const HEAP_MB = 384;
/** A config of 4 MB as JSON. */
const BODY_MAX = 8_388_608;

const problem = z.object({ error: z.string(), detail: z.string().optional() });
const needs = { needs: 'config' } as const;
/** What is taken up is in the audit by what takes it. */
const unaudited = { ...needs, audited: false } as const;
const summarised = (summary: string) => ({ summary, tags: ['config'] });
const nameSchema = z.object({ name: z.string().max(100) });
const completedSchema = z.union([
  z.object({ text: z.string() }),
  z.object({ line: z.number() }),
  z.object({ changed: z.literal(true) }),
]);

/** `isolated`: where texts are looked through; by default in a thread of its own, which is there while it is needed. */
export function serveConfig(
  { about: { file }, reloading, time }: ConfigOptions,
  isolated: Isolated = createIsolated({ time, deadlineMs: DEADLINE_MS, heapMb: HEAP_MB }),
): FastifyPluginAsyncZod {
  const ask = async <T>(schema: z.ZodType<T>, name: string, input: object): Promise<T> =>
    schema.parse(await isolated.run({ module: MODULE, name, input }));
  /** The whole text, or what is wrong with what was written. */
  const complete = async (written: z.output<typeof writtenConfigSchema>) => {
    const done = await ask(completedSchema, 'completeText', { file, ...written });
    if ('text' in done) return done;
    return 'line' in done
      ? { code: 422 as const, problem: { error: 'hidden-secret', detail: String(done.line) } }
      : { code: 409 as const, problem: { error: 'changed-meanwhile' } };
  };
  return async (server) => {
    server.addHook('onClose', () => isolated.close());
    server.get(
      '/api/config/draft',
      {
        config: needs,
        schema: {
          ...summarised('The config to change, its secrets hidden'),
          response: { 200: configDraftSchema },
        },
      },
      () => ask(configDraftSchema, 'readDraft', { file }),
    );
    server.post(
      '/api/config/difference',
      {
        config: unaudited,
        bodyLimit: BODY_MAX,
        schema: {
          ...summarised('What a text would change'),
          body: writtenConfigSchema,
          response: { 200: configDifferenceSchema, 409: problem, 422: problem },
        },
      },
      async ({ body }, reply) => {
        const whole = await complete(body);
        if ('problem' in whole) return await reply.code(whole.code).send(whole.problem);
        return await reloading.difference(whole.text);
      },
    );
    server.post(
      '/api/config/apply',
      {
        config: unaudited,
        bodyLimit: BODY_MAX,
        schema: {
          ...summarised('Take a text up'),
          body: writtenConfigSchema,
          response: { 200: configAppliedSchema, 409: problem, 422: problem },
        },
      },
      async ({ body, user }, reply) => {
        const whole = await complete(body);
        if ('problem' in whole) return await reply.code(whole.code).send(whole.problem);
        return await reloading.apply(whole.text, user.name);
      },
    );
    server.get(
      '/api/config/versions',
      {
        config: needs,
        schema: { ...summarised('Versions that were taken up'), response: { 200: configVersionsSchema } },
      },
      async () => ({ versions: [...(await reloading.versions())] }),
    );
    server.get(
      '/api/config/versions/:name',
      {
        config: needs,
        schema: {
          ...summarised('A version, its secrets hidden'),
          params: nameSchema,
          response: { 200: configTextOfVersionSchema, 404: problem },
        },
      },
      async ({ params }, reply) => {
        const text = await reloading.text(params.name);
        if (text === undefined) return await reply.code(404).send({ error: 'no-such-version' });
        return { text: await ask(z.string(), 'hideText', { text }) };
      },
    );
    server.post(
      '/api/config/versions/:name/back',
      {
        config: unaudited,
        schema: {
          ...summarised('Take an earlier version up'),
          params: nameSchema,
          response: { 200: configAppliedSchema },
        },
      },
      ({ params, user }) => reloading.back(params.name, user.name),
    );
  };
}
