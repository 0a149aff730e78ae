/** What the page of the system is told: the machine, the config as it is, and who did what. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { speak } from '../../config/language.ts';
import { type SystemOptions, serveSystem } from '../../gateway/console/api/system.ts';
import {
  type AuditPage,
  auditPageSchema,
  certificatesSchema,
  chainSchema,
  configCheckSchema,
  configTextSchema,
  systemSchema,
} from '../../gateway/console/contract/system.ts';
import { createClosedServer, userOf } from '../../gateway/console/guard.ts';
import type { Role } from '../../gateway/console/rights.ts';
import type { Isolated } from '../../gateway/lifecycle/isolated.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

const BASE = 'campus: { id: "45001", name: 一中 }\n';

/** Does in this thread what takes long: the one apart takes a second to begin. */
const here: Isolated = {
  async run({ module, name, input }) {
    const exported = (await import(fileURLToPath(module))) as Record<string, (input: unknown) => unknown>;
    return exported[name]?.(structuredClone(input));
  },
  close: async () => {},
  async [Symbol.asyncDispose]() {},
};
afterEach(() => speak('en'));

/** The system's part of a closed server, for who has this role. */
async function system(
  yaml = BASE,
  more: Partial<SystemOptions> = {},
  role: Role = 'technician',
  isThreaded = false,
) {
  const dataDir = temporaryDirectory();
  const file = join(dataDir, 'campus.yaml');
  writeFileSync(file, yaml);
  const [time, metrics] = [manualClock(), createMetrics()];
  const user = userOf('wang', role, new AbortController().signal);
  const server = await createClosedServer({ host: '127.0.0.1', names: [] }, () => user, {
    ...{ metrics, time, log: silentLog },
  });
  onTestFinished(() => server.close());
  await server.register(
    serveSystem(
      {
        about: {
          ...{ file, dataDir, campus: { id: '45001', name: '一中' }, timezone: 'Asia/Shanghai' },
          ...{ lowDisk: 1e9, budget: 8e9, certificates: [] },
        },
        journal: { condition: { good: true } },
        recorder: { unsaved: new Map() },
        storage: { low: () => [] },
        damaged: { list: () => [] },
        reloading: { last: () => undefined },
        clock: { synchronised: () => true, onStep: () => () => {} },
        startedAt: new Date(time.wall()).toISOString(),
        ...{ metrics, time },
        ...more,
      },
      isThreaded ? undefined : here,
    ),
  );
  const json = async (url: string) => {
    const { statusCode: status, body } = await server.inject({ url });
    return { status, body: JSON.parse(body) as unknown };
  };
  const post = async (url: string) => {
    const { statusCode: status, body } = await server.inject({ method: 'POST', url, payload: {} });
    return { status, body: JSON.parse(body) as unknown };
  };
  return { dataDir, file, json, post, time };
}

describe('the machine', () => {
  it('tells its disk, its clock and its versions', async () => {
    const { json, dataDir, time } = await system(BASE, {
      journal: {
        condition: { good: false, code: 'SQLITE_FULL', reason: 'full', since: 7 },
      },
      storage: { low: () => ['disk'] },
      damaged: { list: () => ['journal.sqlite.damaged-1'] },
      clock: {
        synchronised: () => false,
        onStep(listener) {
          setImmediate(() => listener(-3_600_000));
          return () => {};
        },
      },
      reloading: {
        last: () => ({
          number: 2,
          at: 'T',
          ...{ by: 'root', done: false, changes: [], errors: [], why: { en: 'dataDir', zh: 'dataDir' } },
        }),
      },
    });
    const { status, body } = await json('/api/system');
    expect(status).toBe(200);
    const found = systemSchema.strict().parse(body);
    expect(found).toEqual(body);
    expect(found.disk).toMatchObject({
      ...{ directory: dataDir, low: ['disk'], good: false, code: 'SQLITE_FULL', reason: 'full', lowAt: 1e9 },
      ...{ since: new Date(7).toISOString(), damaged: ['journal.sqlite.damaged-1'], unsaved: 0 },
    });
    expect(found.disk.free).toBeGreaterThan(0);
    expect(found.disk.total).toBeGreaterThanOrEqual(found.disk.free ?? 0);
    expect(found.clock).toMatchObject({ synchronised: false, timezone: 'Asia/Shanghai' });
    expect(found.clock.jumped).toEqual({ at: new Date(time.wall()).toISOString(), ms: -3_600_000 });
    expect(found.versions.node).toBe(process.versions.node);
    expect(found.reloaded).toEqual({
      number: 2,
      at: 'T',
      ...{ by: 'root', done: false, changes: [], errors: [], why: { en: 'dataDir', zh: 'dataDir' } },
    });
  });
});

describe('who may look', () => {
  it.each(['viewer', 'guard', 'operator', 'screen'] as const)('is no %s', async (role) => {
    const { json, post } = await system(BASE, {}, role);
    for (const path of ['', '/config', '/config/check', '/certificates', '/audit'])
      expect((await json(`/api/system${path}`)).status, path).toBe(403);
    expect((await post('/api/system/audit/verify')).status).toBe(403);
  });
});

describe('the config as it is', () => {
  it('is shown without its secrets, with what the check says at its lines, in the language of who asks', async () => {
    const { json } = await system(
      `${BASE}uplinks:\n  - { id: police, url: "mqtt://10.0.0.4", password: Hu4-Zm1x9 }\n  - { id: city, ulr: x }\n`,
    );
    const text = configTextSchema.parse((await json('/api/system/config')).body);
    expect(text.lines).toEqual([
      'campus: { id: "45001", name: 一中 }',
      'uplinks:',
      '  - { id: police, url: "mqtt://10.0.0.4", password: •••••• }',
      '  - { id: city, ulr: x }',
    ]);
    const check = configCheckSchema.parse((await json('/api/system/config/check')).body);
    expect(check.problems).toContainEqual({
      ...{ level: 'error', line: 4, column: expect.any(Number) },
      message: expect.stringContaining('unknown key'),
    });
    expect(check.problems.map(({ line }) => line)).toContain(3);
    expect(JSON.stringify(check)).not.toContain('Hu4-Zm1x9');
    const chinese = configCheckSchema.parse((await json('/api/system/config/check?language=zh')).body);
    expect(chinese.problems.map(({ message }) => message).join()).toContain('未知的键');
    const english = configCheckSchema.parse((await json('/api/system/config/check?language=en')).body);
    expect(english).toEqual(check);
  });

  it('is told to be the one that runs, until its file is another one', async () => {
    const { json, dataDir, file } = await system();
    expect((await json('/api/system/config')).body).toMatchObject({ isTaken: null, total: 1 });
    const journal = await openHere(dataDir);
    await journal.auditChange('config', 1, '{}', createHash('sha256').update(BASE).digest('hex'));
    await journal.close();
    expect((await json('/api/system/config')).body).toMatchObject({ isTaken: true });
    appendFileSync(file, 'status: { port: 9464 }\n# end\n');
    const { body } = await json('/api/system/config?from=2&count=1');
    expect(body).toMatchObject({ isTaken: false, from: 2, total: 3, lines: ['status: { port: 9464 }'] });
  });

  it('is told to be unreadable where it is, and takes no other file', async () => {
    const { json, file } = await system();
    writeFileSync(file, Buffer.alloc(5_000_000, 0x61));
    expect(await json('/api/system/config')).toMatchObject({
      ...{ status: 500, body: { error: 'unreadable', detail: expect.stringContaining('campus.yaml') } },
    });
    expect((await json('/api/system/config?file=/etc/passwd&from=0')).status).toBe(400);
  });
});

describe('certificates', () => {
  it('are told with their end, the first to end first, and where the config names them', async () => {
    const { json, dataDir } = await system(
      `${BASE}uplinks:\n  - { id: police, url: "mqtts://10.0.0.4", tls: { caFile: ca.pem, certFile: gone.pem } }\n`,
    );
    execFileSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', '/dev/null', '-out', join(dataDir, 'ca.pem'), '-days', '30', '-subj', '/CN=police ca'],
    ]);
    const found = certificatesSchema.parse((await json('/api/system/certificates')).body);
    const where = 'uplinks.police.tls.caFile';
    expect(found.certificates).toMatchObject([{ where, subject: 'police ca', issuer: 'police ca' }]);
    expect(found.unreadable).toMatchObject([{ where: 'uplinks.police.tls.certFile' }]);
  });
});

describe('the audit', () => {
  async function audited(count: number) {
    const one = await system();
    const journal = await openHere(one.dataDir);
    for (let i = 1; i <= count; i++)
      await journal.audit(
        1000 * i,
        JSON.stringify({ kind: i % 2 === 0 ? 'login' : 'command', by: `用户${i}` }),
      );
    await journal.close();
    const page = async (query = '') =>
      auditPageSchema.parse((await one.json(`/api/system/audit${query}`)).body);
    return { ...one, page };
  }

  it('is told page by page, the newest first, and all of it', async () => {
    const { page } = await audited(7);
    const numbers: number[] = [];
    let next: AuditPage['next'] = Number.MAX_SAFE_INTEGER;
    while (next !== undefined) {
      const got: AuditPage = await page(`?limit=3&before=${next}`);
      numbers.push(...got.entries.map(({ number }) => number));
      ({ next } = got);
    }
    expect(numbers).toEqual([7, 6, 5, 4, 3, 2, 1]);
    const [entry] = (await page('?limit=1')).entries;
    expect(entry).toMatchObject({ kind: 'command', body: { by: '用户7' }, at: new Date(7000).toISOString() });
  });

  it('is searched for a text, whatever its letters', async () => {
    const { page } = await audited(7);
    expect((await page('?find=LOGIN')).entries.map(({ number }) => number)).toEqual([6, 4, 2]);
    expect((await page(`?find=${encodeURIComponent('用户3')}`)).entries.map(({ number }) => number)).toEqual([
      3,
    ]);
    expect((await page('?find=%25')).entries).toEqual([]);
  });

  it('is followed from its first entry to its last; one that was changed is found, and told by its number', async () => {
    const { post, dataDir, page } = await audited(7);
    const whole = chainSchema.parse((await post('/api/system/audit/verify')).body);
    expect(whole).toMatchObject({ entries: 7, first: 1, last: 7 });
    expect(whole.broken).toBeUndefined();
    expect(whole.hash).toBe((await page('?limit=1')).entries[0]?.hash);
    const db = new Database(join(dataDir, 'journal.sqlite'));
    db.exec("UPDATE audit SET body = 'no JSON' WHERE number = 4");
    db.close();
    expect((await post('/api/system/audit/verify')).body).toMatchObject({ broken: { number: 4 } });
    expect((await page('?limit=1&before=5')).entries[0]).toMatchObject({
      kind: '',
      body: { text: 'no JSON' },
    });
  });

  it('is followed in a thread apart, which says so where there is no journal', async () => {
    const { post, dataDir } = await system(BASE, {}, 'technician', true);
    await (await openHere(dataDir)).close();
    expect(await post('/api/system/audit/verify')).toMatchObject({ status: 200, body: { entries: 0 } });
    rmSync(join(dataDir, 'journal.sqlite'));
    expect(await post('/api/system/audit/verify')).toMatchObject({
      status: 500,
      body: { error: 'unreadable' },
    });
  });
});
