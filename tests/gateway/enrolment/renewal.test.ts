/** A gateway whose platform says no, or nothing: it tells so, and asks again; the clock is moved by the test. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { UplinkConfig } from '../../../config/sections/uplinks.ts';
import { createEnrolments } from '../../../gateway/enrolment/index.ts';
import { pathsOf } from '../../../gateway/enrolment/kept.ts';
import { createMetrics } from '../../../gateway/observe/metrics.ts';
import { pem, randomSerial, signCertificate } from '../../../gateway/x509.ts';
import { manualClock } from '../../clocks.ts';
import { eventually, silentLog, temporaryDirectory } from '../../helpers.ts';

const DAY_MS = 86_400_000;
const CAMPUS = '4503000001';

/** A platform whose answers the test gives, a gateway that it enrolled `age` ago, and its clock. */
async function enrolled(
  age: number,
  answer: (request: { csr?: string }) => { status: number; body: object },
) {
  const time = manualClock();
  const directory = temporaryDirectory();
  const paths = pathsOf(directory, 'police');
  const asked: { csr?: string }[] = [];
  const server = fastify();
  server.post('/enrol/renew', async (request, reply) => {
    const body = request.body as { csr?: string };
    asked.push(body);
    const { status, body: answered } = answer(body);
    return await reply.code(status).send(answered);
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  const [authority, own] = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' })) as [
    ReturnType<typeof pair>,
    ReturnType<typeof pair>,
  ];
  const issuer = { name: 'CA', ...authority };
  const from = time.wall() - age;
  const times = { notBefore: from, notAfter: from + 400 * DAY_MS };
  const certify = (subject: string, publicKey: typeof own.publicKey, use: 'authority' | 'client') =>
    pem(
      'CERTIFICATE',
      signCertificate({ serial: randomSerial(), subject, publicKey, use, ...times }, issuer),
    );
  const ca = certify('CA', authority.publicKey, 'authority');
  const key = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeFileSync(paths.certFile, key + certify(CAMPUS, own.publicKey, 'client'));
  writeFileSync(paths.caFile, ca);
  const refreshedAt = new Date(time.wall()).toISOString();
  writeFileSync(
    paths.file,
    JSON.stringify({ version: '1', url, campus: CAMPUS, ca, authority: ca, keys: [], refreshedAt }),
  );
  const tls = { caFile: paths.caFile, certFile: paths.certFile, keyFile: paths.certFile };
  const uplinks = [{ id: 'police', enrolmentFile: paths.file, options: { tls } } as unknown as UplinkConfig];
  const metrics = createMetrics();
  const enrolments = createEnrolments({ uplinks }, { time, log: silentLog, metrics });
  onTestFinished(() => enrolments[Symbol.asyncDispose]());
  enrolments.start();
  const state = () => enrolments.states()['police'];
  const kept = () => JSON.parse(readFileSync(paths.file, 'utf8')) as Record<string, unknown>;
  return { time, asked, state, kept, metrics };
}
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

describe('an enrolment', () => {
  it('asks for keys once a day, and for a certificate when a third of its life is left', async () => {
    const { time, asked, state } = await enrolled(0, () => ({
      status: 503,
      body: { error: 'no-authority' },
    }));
    await eventually(() => expect(state()?.certificateEnds).toBeDefined());
    expect(asked).toEqual([]);
    await time.advance(DAY_MS + 3_600_000);
    await eventually(() => expect(asked.length).toBeGreaterThan(0));
    expect(asked[0]).not.toHaveProperty('csr');
    await eventually(() => expect(state()).toMatchObject({ state: 'failing' }));
  });

  it('that cannot be renewed asks again with the same key, and says why', async () => {
    const { time, asked, state, kept, metrics } = await enrolled(320 * DAY_MS, () => ({
      status: 500,
      body: {},
    }));
    await eventually(() => expect(asked).toHaveLength(1));
    await eventually(() =>
      expect(state()).toMatchObject({ state: 'failing', reason: expect.stringContaining('HTTP 500') }),
    );
    const { pending } = kept();
    expect(pending).toMatchObject({ key: expect.stringContaining('PRIVATE KEY') });
    await time.advance(3 * 3_600_000);
    await eventually(() => expect(asked.length).toBeGreaterThan(1));
    await eventually(() => expect(kept()['pending']).toEqual(pending));
    const { values } = await metrics.renewals.get();
    expect(values[0]).toMatchObject({ labels: { uplink: 'police', outcome: 'failed' } });
  });

  it('of a withdrawn campus says so, over a restart too', async () => {
    const { asked, state, kept } = await enrolled(320 * DAY_MS, () => ({
      status: 403,
      body: { error: 'withdrawn' },
    }));
    await eventually(() => expect(asked).toHaveLength(1));
    await eventually(() => expect(state()).toMatchObject({ state: 'withdrawn' }));
    await eventually(() => expect(kept()['withdrawnAt']).toEqual(expect.any(String)));
  });

  it('believes no certificate that is not for its key', async () => {
    const other = pair();
    const issuer = { name: 'CA', ...other };
    const of = {
      serial: randomSerial(),
      subject: CAMPUS,
      publicKey: other.publicKey,
      use: 'client',
    } as const;
    const certificate = pem('CERTIFICATE', signCertificate({ ...of, notBefore: 0, notAfter: 4e12 }, issuer));
    const body = { certificate, ca: certificate, uplink: { urls: [], prefix: 'x' }, keys: [] };
    const { state, kept } = await enrolled(320 * DAY_MS, () => ({ status: 200, body }));
    await eventually(() =>
      expect(state()).toMatchObject({ state: 'failing', reason: expect.stringContaining('another key') }),
    );
    expect(kept()['authority']).not.toBe(certificate);
  });
});
