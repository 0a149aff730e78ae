/** What users do by the console, noted in the audit: which route of the API, with what in its path, by whom, from where. */
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Journal } from '../journal/index.ts';
import type { User } from './guard.ts';

export interface ActsContext {
  readonly journal: Pick<Journal, 'audit'>;
  readonly time: Clock;
}

/** Its body is not noted: what matters of it is in the audit by what takes it. Never throws. */
export function noteActs({ journal, time }: ActsContext) {
  return ({ name }: User, { method, routeOptions, params, ip }: FastifyRequest): void => {
    const entry = { kind: 'console', user: name, from: ip, method, route: routeOptions.url, of: params };
    journal.audit(time.wall(), JSON.stringify(entry)).catch(() => {});
  };
}
