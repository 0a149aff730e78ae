/**
 * GET /api/system: the machine, its disk and its clock. GET /api/system/certificates, /api/system/config,
 * /api/system/config/check, /api/system/audit; POST /api/system/audit/verify: follows its chain.
 *
 * What takes long is done in a thread apart, one question at a time, and asked once for all who ask the same.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { createIsolated, type Isolated, IsolatedError } from '../../lifecycle/isolated.ts';
import {
  auditPageSchema,
  certificatesSchema,
  chainSchema,
  configCheckSchema,
  configTextSchema,
  systemSchema,
} from '../contract/system.ts';
import { createSystemLook, type SystemLookOptions } from '../system-look.ts';

export type SystemOptions = SystemLookOptions;

const MODULE = new URL('../system-jobs.ts', import.meta.url).href;
/** A chain of a million entries takes some 5 s, a config of 10,000 devices as long. */
const DEADLINE_MS = 60_000;
/** What such a config takes. */
const HEAP_MB = 384;
const LINES_MAX = 2000;
const ENTRIES_MAX = 200;

const failure = z.object({ error: z.string(), detail: z.string().optional() });
const summarised = (summary: string) => ({ summary, tags: ['system'] });

/** `isolated`: where what takes long is done; by default in a thread of its own, which is there while it is needed. */
export function serveSystem(
  options: SystemOptions,
  isolated: Isolated = createIsolated({ time: options.time, deadlineMs: DEADLINE_MS, heapMb: HEAP_MB }),
): FastifyPluginAsyncZod {
  const { about, time } = options;
  const { file, dataDir } = about;
  return async (server) => {
    server.addHook('onClose', () => isolated.close());
    const asked = new Map<string, Promise<unknown>>();
    const ask = <T>(schema: z.ZodType<T>, name: string, input: object): Promise<T> => {
      const key = `${name} ${JSON.stringify(input)}`;
      const known = asked.get(key);
      const answer = known ?? isolated.run({ module: MODULE, name, input }).finally(() => asked.delete(key));
      asked.set(key, answer);
      return answer.then((value) => schema.parse(value));
    };
    server.setErrorHandler((error: Error & { readonly statusCode?: number }, _request, reply) => {
      // Whatever the disk says of a file: it is for who looks after the gateway.
      if (error.statusCode !== undefined) throw error;
      const code = error instanceof IsolatedError ? 503 : 500;
      return reply.code(code).send({ error: 'unreadable', detail: error.message.slice(0, 300) });
    });

    server.get(
      '/api/system',
      {
        config: { needs: 'system' },
        schema: { ...summarised('The machine, its disk and its clock'), response: { 200: systemSchema } },
      },
      createSystemLook(options),
    );
    server.get(
      '/api/system/certificates',
      {
        config: { needs: 'system' },
        schema: {
          ...summarised('When certificates end'),
          response: { 200: certificatesSchema, '5xx': failure },
        },
      },
      () =>
        ask(certificatesSchema, 'readCertificates', {
          ...{ file, others: about.certificates },
          // To the minute, so that who asks at the same time asks the same.
          now: Math.floor(time.wall() / 60_000) * 60_000,
        }),
    );
    server.get(
      '/api/system/config',
      {
        config: { needs: 'system' },
        schema: {
          ...summarised('The config as it is, its secrets hidden'),
          querystring: z.object({
            from: z.coerce.number().int().min(1).default(1),
            count: z.coerce.number().int().min(1).max(LINES_MAX).default(LINES_MAX),
          }),
          response: { 200: configTextSchema, '5xx': failure },
        },
      },
      ({ query }) => ask(configTextSchema, 'readConfigText', { file, dataDir, ...query }),
    );
    server.get(
      '/api/system/config/check',
      {
        config: { needs: 'system' },
        schema: {
          ...summarised('What the check says of the config as it is'),
          querystring: z.object({ language: z.enum(['en', 'zh']).default('en') }),
          response: { 200: configCheckSchema, '5xx': failure },
        },
      },
      ({ query }) => ask(configCheckSchema, 'checkConfigFile', { file, dataDir, ...query }),
    );
    server.get(
      '/api/system/audit',
      {
        config: { needs: 'system' },
        schema: {
          ...summarised('Who did what, the newest first'),
          querystring: z.object({
            before: z.coerce.number().int().min(1).default(Number.MAX_SAFE_INTEGER),
            limit: z.coerce.number().int().min(1).max(ENTRIES_MAX).default(50),
            find: z.string().max(100).default(''),
          }),
          response: { 200: auditPageSchema, '5xx': failure },
        },
      },
      ({ query }) => ask(auditPageSchema, 'readAudit', { dataDir, ...query }),
    );
    server.post(
      '/api/system/audit/verify',
      {
        config: { needs: 'system', audited: false },
        schema: {
          ...summarised('Follow the chain of the audit from its first entry to its last'),
          response: { 200: chainSchema, '5xx': failure },
        },
      },
      () => ask(chainSchema, 'followAudit', { dataDir, now: Math.floor(time.wall() / 1000) * 1000 }),
    );
  };
}
