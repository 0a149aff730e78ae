/** Requests are read, and answers written, by the schemas of contract/; what is wrong is said in the same shape everywhere. */
import type { FastifyError, FastifyInstance } from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import type { Log } from '../../drivers/contract/driver.ts';

/** What stands for a fault of ours, or of who asks, in `{ error }`. */
const codes: Readonly<Record<number, string>> = {
  404: 'not-found',
  413: 'too-large',
  415: 'not-json',
  429: 'too-many',
  503: 'unavailable',
};

export function answerInSchemas(server: FastifyInstance, log: Pick<Log, 'warn'>): void {
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not-found' }));
  server.setErrorHandler((error: FastifyError, request, reply) => {
    if (hasZodFastifySchemaValidationErrors(error)) {
      const [first] = error.validation;
      const where = first?.instancePath.replace(/^\//, '').replaceAll('/', '.');
      return reply.code(400).send({
        error: 'invalid',
        detail: `${where ? `${where}: ` : ''}${first?.message ?? ''}`.slice(0, 300),
      });
    }
    const { statusCode: status = 500, message } = error;
    // Somebody else's fault, who is away: told where it was found.
    if (status >= 500 && status !== 503) {
      log.warn({ route: request.routeOptions.url, error: message }, 'the console could not answer');
      return reply.code(500).send({ error: 'failed' });
    }
    return reply.code(status).send({ error: codes[status] ?? 'invalid' });
  });
}
