/** The routes that gateways ask, as strangers may use them; what the authority does: tests/system/authority.test.ts. */

import fc from 'fast-check';
import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EnrolmentRefused, isRefusal } from '../../../gateway/enrolment/wire.ts';
import { layEnrolment } from '../../../gateway/platform/api/enrol.ts';
import type { Authority } from '../../../gateway/platform/authority/index.ts';
import { manualClock } from '../../clocks.ts';
import { eventually, silentLog } from '../../helpers.ts';

const refuse = async () => {
  throw new EnrolmentRefused('unknown-code');
};
const hello = { id: '0'.repeat(32), nonce: 'A'.repeat(43) };

/** Routes over an authority that knows no code. */
function routes(authority: Partial<Authority> | 'none' = { hello: refuse, enrol: refuse, renew: refuse }) {
  const time = manualClock();
  const server = fastify();
  layEnrolment(server, {
    authority: () => (authority === 'none' ? undefined : (authority as Authority)),
    time,
    log: silentLog,
  });
  onTestFinished(() => server.close());
  const post = async (url: string, payload: object | string, remoteAddress = '127.0.0.1') => {
    const headers = { 'content-type': 'application/json' };
    const answer = await server.inject({ method: 'POST', url, payload, remoteAddress, headers });
    return { status: answer.statusCode, error: (answer.json() as { error?: unknown }).error };
  };
  return { post, time };
}

describe('POST /enrol', () => {
  it('takes no code in clear from another machine', async () => {
    const { post } = routes();
    expect(await post('/enrol/hello', hello, '10.0.0.9')).toEqual({ status: 403, error: 'not-secure' });
    expect(await post('/enrol/hello', hello)).toEqual({ status: 404, error: 'unknown-code' });
    expect(await post('/enrol/hello', hello, '::ffff:127.0.0.1')).toMatchObject({ status: 404 });
  });

  it('without an authority, or where its database is away, says so', async () => {
    const away = async () => {
      throw new Error('ECONNREFUSED 10.0.0.5');
    };
    for (const authority of ['none', { hello: away }] as const)
      expect(await routes(authority).post('/enrol/hello', hello)).toEqual({
        status: 503,
        error: 'no-authority',
      });
  });

  it('answers ten wrong codes of an address at once, then one a second, and refuses who has more waiting', async () => {
    const { post, time } = routes();
    const tries = Array.from({ length: 30 }, () => post('/enrol/hello', hello));
    const answered: unknown[] = [];
    for (const one of tries) void one.then(({ error }) => answered.push(error));
    const codes = () => answered.filter((error) => error === 'unknown-code').length;
    await eventually(() => expect(answered.length).toBe(25));
    expect(codes()).toBe(10);
    await time.advance(2000);
    await eventually(() => expect(codes()).toBe(12));
    await time.advance(10_000);
    await Promise.all(tries);
    expect(codes()).toBe(15);
  });

  const ordinary = fc.jsonValue().filter((one) => !/__proto__|constructor/.test(JSON.stringify(one)));
  it('of anything is refused in a word that gateways know', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/enrol', '/enrol/hello', '/enrol/renew'),
        // What would change a prototype Fastify refuses, in its own words.
        fc.oneof(ordinary, fc.record({ code: fc.string(), campus: fc.string(), csr: fc.string() })),
        async (url, body) => {
          const { post } = routes();
          const { status, error } = await post(url, JSON.stringify(body));
          expect(status).toBe(400);
          expect(isRefusal(error)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });
});
