/**
 * Where gateways ask for their certificates: open to anybody, over HTTPS or from this machine, for who asks shows a code
 * or a certificate. Wrong ones are answered slowly (console/guesses.ts), and so many at once are looked at and no more.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import { bareAddress, isLoopback } from '../../../drivers/contract/options.ts';
import { createGuesses } from '../../console/guesses.ts';
import {
  EnrolmentRefused,
  enrolling,
  hello,
  type Refusal,
  refusalText,
  renewing,
} from '../../enrolment/wire.ts';
import type { Authority } from '../authority/index.ts';

/** A request is 1 KB. */
const BODY_MAX = 16_384;
const AT_ONCE_MAX = 64;

const statuses: Partial<Record<Refusal, number>> = {
  malformed: 400,
  'no-authority': 503,
  'too-many': 429,
  'unknown-code': 404,
};

export interface EnrolContext {
  /** undefined: this instance has no authority. */
  readonly authority: () => Authority | undefined;
  readonly time: Clock;
  readonly log: Log;
}

/** As a plugin of the city's server. */
export const serveEnrolment =
  (context: EnrolContext): FastifyPluginAsync =>
  async (server) =>
    layEnrolment(server, context);

/** Lays `/enrol/hello`, `/enrol` and `/enrol/renew` into a server, which has no guard on them. */
export function layEnrolment(server: FastifyInstance, { authority, time, log }: EnrolContext): void {
  const guesses = createGuesses(time);
  let running = 0;

  const serve = <Schema extends z.ZodType>(
    path: string,
    [schema, summary]: readonly [schema: Schema, summary: string],
    answer: (authority: Authority, request: z.output<Schema>) => Promise<object>,
  ) => {
    const work = async (request: FastifyRequest): Promise<object> => {
      if (request.protocol !== 'https' && !isLoopback(bareAddress(request.ip)))
        throw new EnrolmentRefused('not-secure');
      const own = authority();
      if (own === undefined) throw new EnrolmentRefused('no-authority');
      const parsed = schema.safeParse(request.body);
      if (!parsed.success) throw new EnrolmentRefused('malformed');
      return await answer(own, parsed.data);
    };
    const config = { needs: 'anyone' } as const;
    const about = { summary, tags: ['enrolment'] };
    server.post(path, { bodyLimit: BODY_MAX, config, schema: about }, async (request, reply) => {
      if (running >= AT_ONCE_MAX) return refuse(reply, 'too-many');
      running++;
      try {
        return await reply.header('cache-control', 'no-store').send(await work(request));
      } catch (error) {
        if (!(error instanceof EnrolmentRefused)) {
          log.error({ path, error: (error as Error).message }, 'an enrolment could not be served');
          return refuse(reply, 'no-authority');
        }
        const { refusal } = error;
        log.info(
          { path, from: request.ip, refusal, campus: campusOf(request.body) },
          'an enrolment was refused',
        );
        return refuse(reply, (await guesses.wrong(request.ip)) ? refusal : 'too-many');
      } finally {
        running--;
      }
    });
  };
  serve('/enrol/hello', [hello, 'Shows to a gateway that the platform knows its code'], (own, request) =>
    own.hello(request),
  );
  serve(
    '/enrol',
    [enrolling, 'Gives a gateway its certificate, for a code that is good once'],
    async (own, request) => {
      const granted = await own.enrol(request);
      log.info({ campus: request.campus }, 'a campus was enrolled');
      return granted;
    },
  );
  serve(
    '/enrol/renew',
    [renewing, 'Another certificate, and the keys of commands, for who has one that is good'],
    async (own, request) => {
      const granted = await own.renew(request);
      if (request.csr !== undefined)
        log.info({ campus: request.campus }, 'the certificate of a campus was renewed');
      return granted;
    },
  );
}

const refuse = (reply: FastifyReply, error: Refusal) =>
  reply.code(statuses[error] ?? 403).send({ error, message: refusalText(error) });

const campusOf = (body: unknown): string | undefined => {
  const campus = (body as { campus?: unknown } | null | undefined)?.campus;
  return typeof campus === 'string' ? campus.slice(0, 20) : undefined;
};
