/** The authority of a city over a real PostgreSQL, with openssl as the one who judges what it signs. */
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { chownSync, cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import canonicalize from 'canonicalize';
import fastify from 'fastify';
import { Client } from 'pg';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { codeId, codeKey, isSame, proofOf, readCode } from '../../gateway/enrolment/code.ts';
import { fingerprintOf, signRenewing } from '../../gateway/enrolment/wire.ts';
import { layEnrolment } from '../../gateway/platform/api/enrol.ts';
import { openAuthorityFiles } from '../../gateway/platform/authority/files.ts';
import { openAuthority, withdrawCampus } from '../../gateway/platform/authority/index.ts';
import { createRegistry } from '../../gateway/platform/authority/registry.ts';
import { startAuthority } from '../../gateway/platform/authority/running.ts';
import { openDatabase } from '../../gateway/platform/database/connection.ts';
import { migrate } from '../../gateway/platform/database/migrations.ts';
import { signRequest } from '../../gateway/x509.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { hasPostgres, postgres } from './postgres.ts';
import { need } from './tools.ts';

const DAY_MS = 86_400_000;
const CAMPUS = '4503000001';
const prefixOf = (campus: string) => `campus/v1/${campus}`;

/** An authority with a clock that the test moves, and its routes. */
async function platform(context: TestContext) {
  need(context, 'openssl');
  if (!hasPostgres()) context.skip('postgresql is not installed');
  const { url } = await postgres();
  const database = openDatabase(url, { time: systemClock, log: silentLog }, 4);
  onTestFinished(() => database.close());
  await migrate(database);
  // Another eye: what is in the tables, without what reads it in the product.
  const psql = async (statement: string) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(statement);
    await client.end();
    return rows;
  };
  const directory = join(temporaryDirectory(), 'authority');
  let now = Date.now();
  const time = { ...systemClock, wall: () => now };
  const registry = createRegistry(database);
  const open = async (passphrase?: string, folder = directory) => {
    const files = openAuthorityFiles(folder, { passphrase, create: true, now });
    if (files === undefined) throw new Error('no authority');
    return await openAuthority({ files, registry, time });
  };
  const authority = await open('open sesame');
  const server = fastify();
  layEnrolment(server, { authority: () => authority, time, log: silentLog });
  const post = async (path: string, payload: object) => {
    const answer = await server.inject({ method: 'POST', url: path, payload });
    return { status: answer.statusCode, body: answer.json() as Record<string, unknown> };
  };
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  const put = (name: string, text: unknown) => {
    writeFileSync(join(directory, name), String(text));
    return name;
  };
  const codeFor = async (campus = CAMPUS, validMs = 7 * DAY_MS) =>
    (await authority.codes([campus], { prefixOf, validMs }))[0]?.code ?? '';
  const move = (ms: number) => {
    now += ms;
  };
  return {
    database,
    time,
    authority,
    directory,
    psql,
    registry,
    open,
    post,
    openssl,
    put,
    codeFor,
    move,
    now: () => now,
  };
}

/** A gateway's key, and its request. */
function asker() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, csr: signRequest(CAMPUS, publicKey, privateKey) };
}

describe('the authority of a city', { timeout: 120_000 }, () => {
  it.skipIf(process.getuid?.() !== 0)('belongs to whom the folder of the platform belongs', () => {
    const data = temporaryDirectory();
    const directory = join(data, 'authority');
    const mine = () => statSync(directory).uid;
    mkdirSync(directory);
    chownSync(data, 1234, 1235);
    openAuthorityFiles(directory, { create: true, now: Date.now() });
    // A folder that was there stays whose it is.
    expect(mine()).toBe(0);

    const other = join(data, 'other');
    const files = openAuthorityFiles(other, { create: true, now: Date.now() });
    files?.keepCommandKey('one', generateKeyPairSync('ed25519').privateKey);
    const owners = ['.', ...readdirSync(other)].map((name) => statSync(join(other, name)));
    expect(owners.map(({ uid, gid }) => [uid, gid])).toEqual(Array(4).fill([1234, 1235]));
  });

  it('issues what openssl verifies: its own certificate, a campus, a broker, a list', async (context) => {
    const { authority, directory, openssl, put, post, codeFor, registry } = await platform(context);
    const { csr } = asker();
    expect(openssl('req', '-verify', '-noout', '-in', put('a.csr', csr))).toBeDefined();
    const { body } = await post('/enrol', { code: await codeFor(), campus: CAMPUS, csr });
    put('campus.pem', body['certificate']);
    const broker = await authority.issueServer(['broker.city.example', '10.0.0.9']);
    put('broker.pem', broker.cert);
    const verifies = (file: string, ...more: string[]) =>
      openssl('verify', '-x509_strict', '-CAfile', 'authority.pem', ...more, file).trim();
    expect(verifies('authority.pem')).toBe('authority.pem: OK');
    expect(verifies('campus.pem', '-purpose', 'sslclient')).toBe('campus.pem: OK');
    expect(() => verifies('campus.pem', '-purpose', 'sslserver')).toThrow();
    expect(
      verifies('broker.pem', '-purpose', 'sslserver', '-verify_hostname', 'broker.city.example'),
    ).toMatch(/OK$/);
    expect(() => verifies('broker.pem', '-verify_hostname', 'other.example')).toThrow();
    expect(openssl('x509', '-noout', '-subject', '-in', 'campus.pem').trim()).toBe(`subject=CN = ${CAMPUS}`);

    await authority.writeList();
    const checked = (file: string) => verifies(file, '-crl_check', '-CRLfile', 'revoked.pem');
    expect(checked('campus.pem')).toBe('campus.pem: OK');
    expect(await withdrawCampus(registry, CAMPUS, 'closed', Date.now())).toMatchObject({ revoked: 1 });
    await authority.writeList();
    expect(() => checked('campus.pem')).toThrow(/revoked/);
    expect(checked('broker.pem')).toBe('broker.pem: OK');
    const list = openssl('crl', '-in', 'revoked.pem', '-CAfile', 'authority.pem', '-text', '-noout');
    expect(list).toContain('Privilege Withdrawn');
    expect(list).toMatch(/CRL Number/);
    for (const name of ['authority.key', 'revoked.pem'])
      expect((statSync(join(directory, name)).mode & 0o777).toString(8)).toBe('600');
    expect(openssl('rsa', '-help')).toBeDefined();
    expect(() => openssl('pkey', '-in', 'authority.key', '-passin', 'pass:wrong', '-noout')).toThrow();
    openssl('pkey', '-in', 'authority.key', '-passin', 'pass:open sesame', '-noout');
  });

  it('gives one certificate for a code, again where the answer was lost, and to nobody else', async (context) => {
    const { post, codeFor, move, authority } = await platform(context);
    const code = await codeFor();
    const { csr } = asker();
    const ask = (request: object) => post('/enrol', { code, campus: CAMPUS, csr, ...request });
    expect((await ask({ campus: '4503000002' })).body['error']).toBe('other-campus');
    expect((await ask({ code: code.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) })).status).toBe(404);
    expect((await ask({ csr: 'none' })).status).toBe(400);
    const first = await ask({});
    expect(first.status).toBe(200);
    expect((await ask({ code: code.toLowerCase().replaceAll('-', ' ') })).body).toEqual(first.body);
    expect((await ask({ csr: asker().csr })).body['error']).toBe('spent-code');
    move(2 * 3_600_000);
    expect((await ask({})).body['error']).toBe('spent-code');
    const late = await codeFor();
    move(8 * DAY_MS);
    expect((await ask({ code: late })).body['error']).toBe('ended-code');
    const [one] = await authority.codes([CAMPUS], { prefixOf, validMs: DAY_MS });
    const [two] = await authority.codes([CAMPUS], { prefixOf, validMs: DAY_MS });
    expect((await ask({ code: one?.code })).body['error']).toBe('unknown-code');
    expect((await ask({ code: two?.code })).status).toBe(200);
  });

  it('gives two who use one code at once no two certificates', async (context) => {
    const { post, codeFor, psql } = await platform(context);
    const code = await codeFor();
    const all = await Promise.all(
      Array.from({ length: 4 }, () => post('/enrol', { code, campus: CAMPUS, csr: asker().csr })),
    );
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await psql('SELECT count(*)::int AS count FROM enrolment_certificate')).toEqual([{ count: 1 }]);
    // Nothing of a code is in the database that could be typed.
    expect(JSON.stringify(await psql('SELECT * FROM enrolment_code'))).not.toContain(code.slice(0, 11));
  });
});

describe('who has a code or a certificate', { timeout: 120_000 }, () => {
  it('hears that the platform knows the code before it is sent', async (context) => {
    const { authority, post, codeFor } = await platform(context);
    const read = readCode(await codeFor());
    if ('wrong' in read) throw new Error(read.wrong);
    const nonce = Buffer.alloc(32, 7);
    const { body } = await post('/enrol/hello', {
      id: codeId(read.code),
      nonce: nonce.toString('base64url'),
    });
    const der = new X509Certificate(String(body['ca'])).raw;
    expect(body['ca']).toBe(authority.ca);
    expect(
      isSame(Buffer.from(String(body['proof']), 'base64url'), proofOf(codeKey(read.code), nonce, der)),
    ).toBe(true);
    expect(
      (await post('/enrol/hello', { id: '0'.repeat(32), nonce: nonce.toString('base64url') })).status,
    ).toBe(404);
  });

  it('gets another while it is good, and nothing once its campus is withdrawn', async (context) => {
    const { authority, post, codeFor, move, now, registry } = await platform(context);
    const { csr, privateKey } = asker();
    const enrolled = await post('/enrol', { code: await codeFor(), campus: CAMPUS, csr });
    const serial = new X509Certificate(String(enrolled.body['certificate'])).serialNumber.toLowerCase();
    const next = asker();
    const audience = fingerprintOf(new X509Certificate(authority.ca).raw);
    const signed = (more: object = {}, key = privateKey) =>
      signRenewing(
        { campus: CAMPUS, serial, time: new Date(now()).toISOString(), audience, csr: next.csr, ...more },
        key,
      );
    const renew = async (request: object) => (await post('/enrol/renew', request)).body;
    move(200 * DAY_MS);
    expect((await renew(signed({}, next.privateKey)))['error']).toBe('wrong-signature');
    expect((await renew({ ...signed(), csr: asker().csr }))['error']).toBe('wrong-signature');
    expect((await renew(signed({ time: new Date(now() - 3_600_000).toISOString() })))['error']).toBe(
      'wrong-time',
    );
    expect((await renew(signed({ audience: 'other' })))['error']).toBe('unknown-certificate');
    const made = await renew(signed());
    const certificate = new X509Certificate(String(made['certificate']));
    expect(certificate.checkPrivateKey(next.privateKey)).toBe(true);
    expect(Math.round((certificate.validToDate.getTime() - now()) / DAY_MS)).toBe(397);
    // The answer was lost.
    expect((await renew(signed()))['certificate']).toBe(made['certificate']);
    const { csr: _none, ...without } = signed();
    expect((await renew(signRenewing(without, privateKey)))['certificate']).toBeUndefined();
    move(198 * DAY_MS);
    expect((await renew(signed()))['error']).toBe('ended-certificate');
    await withdrawCampus(registry, CAMPUS, undefined, now());
    const now2 = { serial: certificate.serialNumber.toLowerCase() };
    expect((await renew(signed(now2, next.privateKey)))['error']).toBe('withdrawn');
    expect([...(await registry.states())]).toEqual([
      [prefixOf(CAMPUS), { campus: CAMPUS, state: 'withdrawn' }],
    ]);
    // A new code lets it in again.
    expect((await post('/enrol', { code: await codeFor(), campus: CAMPUS, csr })).status).toBe(200);
    expect((await registry.campuses()).map(({ state }) => state)).toEqual(['enrolled']);
  });

  it('gets none where another machine takes its place in the middle of it', async (context) => {
    const { authority, directory, post, codeFor, now, registry, psql } = await platform(context);
    const { csr, privateKey } = asker();
    const enrolled = await post('/enrol', { code: await codeFor(), campus: CAMPUS, csr });
    const serial = new X509Certificate(String(enrolled.body['certificate'])).serialNumber.toLowerCase();
    const files = openAuthorityFiles(directory, { passphrase: 'open sesame', create: false, now: now() });
    if (files === undefined) throw new Error('no authority');
    const code = await codeFor();
    const slow: typeof registry = {
      ...registry,
      async change(work) {
        expect((await post('/enrol', { code, campus: CAMPUS, csr: asker().csr })).status).toBe(200);
        return await registry.change(work);
      },
    };
    const late = await openAuthority({ files, registry: slow, time: { wall: now } });
    const request = {
      ...{ campus: CAMPUS, serial, time: new Date(now()).toISOString() },
      ...{ audience: authority.fingerprint, csr: asker().csr },
    };
    await expect(late.renew(signRenewing(request, privateKey))).rejects.toMatchObject({
      refusal: 'unknown-certificate',
    });
    const good = 'SELECT count(*) FROM enrolment_certificate WHERE revoked_at IS NULL AND campus IS NOT NULL';
    expect(await psql(good)).toEqual([{ count: '1' }]);
  });
});

describe('the keys of an authority', { timeout: 120_000 }, () => {
  it('sign commands with the key of now, and the old one ends behind the next', async (context) => {
    const { authority, move, directory, openssl, put } = await platform(context);
    const command = { id: 'c-1', action: 'acknowledge', target: 'gateway', audience: CAMPUS, arguments: {} };
    expect(await authority.signCommand(command)).toEqual(command);
    const first = await authority.rotate(30 * DAY_MS);
    const signedWith = async (publicKey: string) => {
      const { signature = '', ...rest } = await authority.signCommand(command);
      const bytes = Buffer.from(canonicalize(rest) ?? '');
      return verify(null, bytes, createPublicKey(publicKey), Buffer.from(signature, 'base64url'));
    };
    expect(await signedWith(first.publicKey)).toBe(true);
    const { signature = '', ...rest } = await authority.signCommand(command);
    put('command.json', canonicalize(rest));
    put('key.pem', first.publicKey);
    writeFileSync(join(directory, 'signature'), Buffer.from(signature, 'base64url'));
    expect(
      openssl(
        'pkeyutl',
        '-verify',
        '-pubin',
        '-inkey',
        'key.pem',
        '-rawin',
        '-in',
        'command.json',
        '-sigfile',
        'signature',
      ),
    ).toContain('Success');
    const second = await authority.rotate(30 * DAY_MS);
    expect(await signedWith(first.publicKey)).toBe(true);
    move(16 * DAY_MS);
    expect(await signedWith(second.publicKey)).toBe(true);
    expect((await authority.keys()).map(({ notAfter }) => notAfter !== undefined)).toEqual([true, false]);
    move(15 * DAY_MS);
    expect((await authority.keys()).map(({ id }) => id)).toEqual([second.id]);
  });

  it('are missed on another machine, which says so until they are copied, and after each rotation again', async (context) => {
    const { authority, database, directory, registry, time, codeFor, move } = await platform(context);
    const begin = async (dataDir: string | undefined) => {
      const running = await startAuthority({
        dataDir,
        database,
        passphrase: 'open sesame',
        time,
        log: silentLog,
      });
      onTestFinished(() => running.close());
      return running;
    };
    const prefix = prefixOf(CAMPUS);
    await codeFor();
    await registry.change((changes) => changes.setState(CAMPUS, 'enrolled', time.wall()));
    const elsewhere = temporaryDirectory();
    // No campus knows a key yet.
    expect((await begin(elsewhere)).signing()).toEqual({ able: true });
    const first = await authority.rotate(30 * DAY_MS);
    const without = await begin(elsewhere);
    expect(without.signing()).toEqual({
      able: false,
      reason: expect.stringContaining('copy the folder authority'),
    });
    expect(without.cannotSign(prefix)).toContain('0600');
    expect(without.cannotSign(prefixOf('4503000002'))).toBeUndefined();
    expect((await begin(undefined)).signing().reason).toContain('--data');
    cpSync(directory, join(elsewhere, 'authority'), { recursive: true });
    const copied = await begin(elsewhere);
    expect(copied.signing()).toEqual({ able: true });
    expect(copied.cannotSign(prefix)).toBeUndefined();
    const command = { id: 'c-1', action: 'close', target: 'gateway', arguments: {} };
    expect(await copied.sign(prefix, command)).toHaveProperty('signature');
    const second = await authority.rotate(30 * DAY_MS);
    const lacking = await begin(elsewhere);
    expect(lacking.signing()).toEqual({
      able: true,
      reason: expect.stringContaining(`command-${second.id}.key`),
    });
    expect(lacking.cannotSign(prefix)).toBeUndefined();
    move(31 * DAY_MS);
    expect((await authority.keys()).map(({ id }) => id)).not.toContain(first.id);
    expect((await begin(elsewhere)).cannotSign(prefix)).toContain('keys rotate');
    expect((await begin(dirname(directory))).signing()).toEqual({ able: true });
  });

  it('are those of one for a database, and stay closed without the passphrase', async (context) => {
    const { authority, open } = await platform(context);
    expect((await open('open sesame')).fingerprint).toBe(authority.fingerprint);
    await expect(open('wrong')).rejects.toThrow(/AUTHORITY_PASSPHRASE/);
    await expect(open(undefined)).rejects.toThrow(/AUTHORITY_PASSPHRASE/);
    await expect(open(undefined, join(temporaryDirectory(), 'other'))).rejects.toThrow(/another one/);
  });
});
