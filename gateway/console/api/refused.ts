/** What is not let in, and what cannot be done to accounts, as answers. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { AccountsError, type AccountsFault } from '../accounts-file.ts';
import type { Refused } from '../door.ts';

/** `status`: of who is not let in; who is in already is told 403. */
export function refuse(reply: FastifyReply, { error, seconds }: Refused, status: 401 | 403 = 401) {
  if (seconds !== undefined) reply.header('retry-after', seconds);
  return reply
    .code(error === 'too-many-guesses' ? 429 : status)
    .send({ error, ...(seconds !== undefined && { detail: String(seconds) }) });
}

const statusOf: Readonly<Record<AccountsFault, number>> = {
  'name-wrong': 400,
  'name-taken': 409,
  'no-such-user': 404,
  'no-such-link': 404,
  'no-such-token': 404,
  'last-administrator': 409,
  'end-wrong': 400,
  'password-weak': 400,
  'too-many': 409,
  'accounts-busy': 503,
  disk: 503,
};

/** For the routes of one plugin; what else goes wrong there is answered as everywhere. */
export function answerAccountsErrors(server: Pick<FastifyInstance, 'setErrorHandler'>): void {
  server.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof AccountsError)) throw error;
    const { code, detail } = error;
    return reply.code(statusOf[code]).send({ error: code, ...(detail !== undefined && { detail }) });
  });
}
