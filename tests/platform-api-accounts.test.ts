/** Accounts of a city: in its data folder, shared by the instances that have it, and by the command line. */
import { readdirSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { alarmOf, campusOf, startCity } from './a-city.ts';
import { settledAccounts } from './gateway/a-console.ts';
import { browserAt, PASSWORD, settle } from './gateway/console-people.ts';
import { run } from './gateway/terminal.ts';
import { temporaryDirectory } from './helpers.ts';

describe('campus-gateway users, of a platform', () => {
  it('works on its data folder, and makes links to its page', async () => {
    const { dataDir, base, time } = await startCity();
    // Its clock is another one than that of the disk: it would take a lock of now for one that was left.
    await settledAccounts(dataDir);
    const link = await run('users', 'link', dataDir);
    expect(link).toMatchObject({ status: 0, stdout: expect.stringContaining(`${base}/setup#`) });
    const [, secret] = /#(\S+)/.exec(link.stdout) ?? [];
    // Taken up within seconds.
    await time.advance(5000);
    const browser = browserAt(base);
    await expect
      .poll(
        async () => (await browser.post('/setup', { link: secret, name: 'li', password: PASSWORD })).status,
      )
      .toBe(200);
    await settledAccounts(dataDir);
    expect((await run('users', 'add', dataDir, 'wang', '--role', 'operator')).stdout).toContain(base);
    expect((await run('users', 'list', dataDir)).stdout).toMatch(
      /^li {2}administrator\nwang {2}operator {2}link/,
    );
    expect((await browser.ask('/api/users')).status).toBe(200);
  });

  it('makes a link without a host where there was no page yet', async () => {
    const { stdout } = await run('users', 'link', temporaryDirectory());
    expect(stdout).toMatch(/\(the address of the page\)\/setup#[\w-]{32}$/m);
  });
});

describe('instances of one data folder', () => {
  it('have the same accounts, and each its own sessions', async () => {
    const dataDir = temporaryDirectory();
    await settle(dataDir, [
      { name: 'li', role: 'administrator' },
      { name: 'wang', role: 'operator' },
    ]);
    const [one, two] = [await startCity({ dataDir }), await startCity({ dataDir })];
    // One browser, which keeps cookies of all ports together.
    const cookies = new Map<string, string>();
    const at = (base: string) => {
      const browser = browserAt(base);
      for (const [name, value] of cookies) (browser.cookies as Map<string, string>).set(name, value);
      return browser;
    };
    for (const { base } of [one, two]) {
      const browser = at(base);
      expect((await browser.login('wang')).status).toBe(200);
      for (const [name, value] of browser.cookies) cookies.set(name, value);
    }
    for (const { base } of [one, two]) expect((await at(base).ask('/api/me')).status).toBe(200);
    // Removed at one, out at both.
    const li = browserAt(one.base);
    await li.login('li');
    expect((await li.post('/api/users/wang', {}, 'DELETE')).status).toBe(204);
    expect((await at(one.base).ask('/api/me')).status).toBe(401);
    await two.time.advance(5000);
    await expect.poll(async () => (await at(two.base).ask('/api/me')).status).toBe(401);
    // What is written has no password and no secret in it, and is for its owner alone.
    for (const file of readdirSync(dataDir))
      if (file !== 'console.address') expect(statSync(join(dataDir, file)).mode & 0o077, file).toBe(0);
  });

  it('write the audit into the database', async () => {
    const dataDir = temporaryDirectory();
    await settle(dataDir, [{ name: 'li', role: 'administrator' }]);
    const { base, store } = await startCity({ dataDir });
    const li = browserAt(base);
    await li.login('li');
    expect(await store.audits.next()).toMatchObject({
      kind: 'login',
      user: 'li',
      from: '127.0.0.1',
      done: true,
    });
    await li.post('/api/users', { name: 'wang', role: 'operator' });
    expect(await store.audits.find(({ kind }) => kind === 'user-added')).toMatchObject({
      about: 'wang',
      user: 'li',
    });
    // It is read by administrators, the newest first.
    const read = async (query: string) =>
      (await (await li.ask(`/api/audit${query}`)).json()) as { id: string; entry: Record<string, unknown> }[];
    const [newest, ...older] = await read('?user=li');
    expect(newest).toMatchObject({ at: expect.stringMatching(/Z$/), entry: { user: 'li' } });
    expect(older.at(-1)?.entry).toMatchObject({ kind: 'login' });
    expect(await read('?user=nobody')).toEqual([]);
    await read('?campus=1&before=7&limit=2');
    expect(store.asked.findLast(({ what }) => what === 'audits')?.of).toEqual({
      campus: '1',
      before: '7',
      limit: 2,
    });
    expect((await li.ask('/api/audit?before=x')).status).toBe(400);
    await browserAt(base).login('li', 'wrong password');
    expect(await store.audits.find(({ done }) => done === false)).toMatchObject({
      kind: 'login',
      about: 'li',
    });
  });
});

describe('the city', () => {
  it('speaks HTTPS with a certificate of its own where others reach it', async () => {
    const { port, server, dataDir } = await startCity({ tls: 'self-signed' });
    expect(server.address).toBe(`https://127.0.0.1:${port}`);
    const status = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/health', rejectUnauthorized: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    expect(readdirSync(dataDir)).toContain('console.certificate');
  });

  it('says in OpenAPI what it answers, and answers so', async () => {
    const dataDir = temporaryDirectory();
    await settle(dataDir, [{ name: 'wang', role: 'operator' }]);
    const { base, store } = await startCity({ dataDir });
    const at = '2026-01-05T08:00:00Z';
    store.putCampus(campusOf('1', { coordinates: { latitude: 25.2, longitude: 110.2, datum: 'GCJ-02' } }));
    store.putAlarm(alarmOf('a', '1', { closed: { by: 'wang', at, reason: 'real' } }));
    store.events.push({
      ...{ id: 'e', campus: '1', type: 'cn.campus.alarm.raised', time: at, receivedAt: at },
      ...{ lane: 'urgent', sequence: '1', event: { id: 'e' } },
    });
    store.latency.push({ at, count: 1, p50: 100, p99: 200, most: 300 });
    const wang = browserAt(base);
    await wang.login('wang');
    const document = (await (await wang.ask('/api/openapi.json')).json()) as Document;
    expect(document.openapi).toMatch(/^3\.\d+\.\d+$/);
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    ajvFormats.default(ajv);
    const asked = {
      ...{ '/api/me': '', '/api/overview': '', '/api/campuses': '', '/api/campuses/{id}': '1' },
      ...{ '/api/alarms': '', '/api/alarms/{id}': 'a', '/api/events': '' },
      '/api/latency': '?from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z',
    };
    for (const [path, more] of Object.entries(asked)) {
      const { get } = document.paths[path] ?? {};
      const schema = get?.responses['200']?.content?.['application/json']?.schema;
      const validate = ajv.compile({ ...schema, components: document.components });
      validate(await (await wang.ask(path.replace('{id}', '') + more)).json());
      expect(validate.errors, path).toBeNull();
      expect(validate('something else')).toBe(false);
    }
  });
});

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly get?: {
          readonly responses: Readonly<
            Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
          >;
        };
      }
    >
  >;
  readonly components?: object;
}
