/** The ways into the console, against a server that runs: what lets in, what does not, and what ends it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Log } from '../../drivers/contract/driver.ts';
import { changeRole, performing, removeUser, withdrawToken } from '../../gateway/console/accounts-acts.ts';
import type { ShownSession, ShownToken, ShownUser } from '../../gateway/console/contract/users.ts';
import { silentLog } from '../helpers.ts';
import { eventsOf, startConsole } from './a-console.ts';
import { bearerOf, browserAt, codeOf, PASSWORD, START, schoolConsole } from './console-people.ts';

const DAY = 86_400_000;
const NEW_PASSWORD = 'seven green bottles';

describe('the first start', () => {
  it('has a link in the log that makes the first administrator, once, and ends the token of the data folder', async () => {
    const links: string[] = [];
    const warn: Log['warn'] = (fields) => {
      const { link } = fields as { link?: string };
      if (link !== undefined) links.push(link);
    };
    const log = { ...silentLog, warn };
    const one = await startConsole({}, { log });
    expect(links).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/setup#[\w-]{32}$/)]);
    const link = new URL(links[0] ?? '').hash.slice(1);
    const local = browserAt(one.base);
    expect(await codeOf(local.post('/login', { token: one.token('operator') }))).toBe(200);
    const shown = eventsOf(await local.ask('/api/stream'));
    await shown.next();

    const head = browserAt(one.base);
    expect(await (await head.post('/setup/link', { link })).json()).toEqual({
      name: null,
      role: 'administrator',
    });
    const weak = await head.post('/setup', { link, name: '李主任', password: '1234567890' });
    expect([weak.status, await weak.json()]).toEqual([400, { error: 'password-weak', detail: 'too-common' }]);
    const set = await head.post('/setup', { link, name: '李主任', password: NEW_PASSWORD });
    expect([set.status, await set.json()]).toEqual([200, { name: '李主任', role: 'administrator' }]);
    expect(await codeOf(head.ask('/api/users'))).toBe(200);
    expect(
      await codeOf(browserAt(one.base).post('/setup', { link, name: 'x', password: NEW_PASSWORD })),
    ).toBe(401);

    const file = join(one.dataDir, 'console.operator.token');
    await expect.poll(() => existsSync(file)).toBe(false);
    expect(await codeOf(local.ask('/api/me'))).toBe(401);
    await expect(async () => {
      for (;;) if ((await shown.next()).done) throw new Error('over');
    }).rejects.toThrow();
    // Nothing of it is to be had again: neither by a file that somebody puts back, nor by another start.
    const kept = readFileSync(join(one.dataDir, 'console.accounts'), 'utf8');
    for (const secret of [link, NEW_PASSWORD]) expect(kept).not.toContain(secret);
    await one.stop();
    writeFileSync(file, 'a-token-that-somebody-put-there\n');
    const after = await startConsole({}, { log }, true, one.dataDir);
    expect(links).toHaveLength(1);
    expect(after.url).toBe(`${after.base}/`);
    const tried = browserAt(after.base).post('/login', { token: 'a-token-that-somebody-put-there' });
    expect(await codeOf(tried)).toBe(401);
    await expect.poll(() => existsSync(file)).toBe(false);
    expect(await codeOf(browserAt(after.base).login('李主任', NEW_PASSWORD))).toBe(200);
  });
});

describe('a login by a password', () => {
  it('says nothing of who there is, and is in the audit with who it was said to be', async () => {
    const { browser, audits } = await schoolConsole();
    const answers = [];
    for (const [name, password] of [
      ['wang', 'wrong'],
      ['nobody', 'wrong'],
      ['WANG', PASSWORD.toUpperCase()],
    ] as const) {
      const answer = await browser().login(name, password);
      answers.push([answer.status, await answer.json(), answer.headers.getSetCookie()]);
    }
    for (const answer of answers) expect(answer).toEqual([401, { error: 'wrong-password' }, []]);
    expect(await audits.find(({ done }) => done === false)).toMatchObject({ kind: 'login', about: 'wang' });
    // However the name is typed.
    const right = await browser().login('Wang');
    expect([right.status, await right.json()]).toEqual([200, { name: 'wang', role: 'guard' }]);
    expect(await audits.find(({ done }) => done === true)).toEqual({
      ...{ kind: 'login', user: 'wang', role: 'guard', from: '127.0.0.1', done: true },
    });
  });

  it('is guessed ten times and then one in ten seconds; who has been in a browser gets in there all the same', async () => {
    const { browser, loggedIn, time } = await schoolConsole();
    const own = await loggedIn('wang');
    await own.post('/api/logout');
    const stranger = browser();
    const codes = [];
    for (let i = 0; i < 12; i++) codes.push(await codeOf(stranger.login('wang', `guess ${i}`)));
    expect(codes).toEqual([...Array(10).fill(401), 429, 429]);
    const refused = await stranger.login('wang');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    expect(await codeOf(own.login('wang'))).toBe(200);
    // What the browser knows of Wang is of no use for Li.
    expect(await codeOf(own.login('li'))).toBe(429);
    await time.advance(10_000);
    expect(await codeOf(stranger.login('wang'))).toBe(200);
  });

  it('that nobody wrote makes no sense', async () => {
    const { browser } = await schoolConsole();
    const { post } = browser();
    for (const body of [
      {},
      [],
      { name: 'wang' },
      { name: ['wang'], password: PASSWORD },
      { name: 'wang', password: { $ne: 1 } },
    ])
      expect(await codeOf(post('/login', body)), JSON.stringify(body)).toBe(400);
    expect(await codeOf(post('/login', { name: 'wang', password: 'x'.repeat(1001) }))).toBe(400);
  });
});

describe('a session of somebody', () => {
  it('ends with another password, but for the one that set it', async () => {
    const { loggedIn, browser } = await schoolConsole();
    const [own, other] = [await loggedIn('wang'), await loggedIn('wang')];
    const stolen = browser();
    for (const [name, value] of own.cookies) (stolen.cookies as Map<string, string>).set(name, value);
    const change = (old: string) => own.post('/api/me/password', { old, password: NEW_PASSWORD });
    expect(await codeOf(change('wrong'))).toBe(403);
    expect(await codeOf(other.ask('/api/me'))).toBe(200);
    expect(await codeOf(change(PASSWORD))).toBe(200);
    expect(await codeOf(own.ask('/api/me'))).toBe(200);
    // Its cookie is another one now: who took the old one has nothing.
    for (const one of [other, stolen]) expect(await codeOf(one.ask('/api/me'))).toBe(401);
    expect(await codeOf(browser().login('wang'))).toBe(401);
    expect(await codeOf(browser().login('wang', NEW_PASSWORD))).toBe(200);
  });

  it.each([
    ['another role', (name: string) => changeRole(name, 'viewer')],
    ['the removal of its user', removeUser],
  ])('ends with %s within seconds, where the command line did it', async (_what, act) => {
    const { loggedIn, byTerminal, time } = await schoolConsole();
    const own = await loggedIn('wang');
    const shown = eventsOf(await own.ask('/api/stream'));
    await shown.next();
    await byTerminal.change(performing(act('wang'), { name: 'root', from: 'terminal' }, START));
    await time.advance(5000);
    await expect.poll(() => codeOf(own.ask('/api/me'))).toBe(401);
    await expect(async () => {
      for (;;) if ((await shown.next()).done) throw new Error('over');
    }).rejects.toThrow();
  });

  it('is listed to its owner alone, and to administrators, and ended by either', async () => {
    const { loggedIn, audits } = await schoolConsole();
    const [li, wang, other] = [await loggedIn('li'), await loggedIn('wang'), await loggedIn('wang')];
    const listed = async (one: typeof li) =>
      (await (await one.ask('/api/sessions')).json()) as ShownSession[];
    expect((await listed(wang)).map(({ name, own }) => [name, own])).toEqual([
      ['wang', true],
      ['wang', false],
    ]);
    const all = await listed(li);
    expect(all.map(({ name }) => name)).toEqual(['li', 'wang', 'wang']);
    const end = (one: typeof li, id = '') => codeOf(one.ask(`/api/sessions/${id}`, { method: 'DELETE' }));
    expect(await end(wang, all[0]?.id)).toBe(404);
    expect(await codeOf(li.ask('/api/me'))).toBe(200);
    expect(await end(wang, all[2]?.id)).toBe(204);
    expect(await codeOf(other.ask('/api/me'))).toBe(401);
    expect(await audits.find(({ kind }) => kind === 'session-ended')).toMatchObject({
      user: 'wang',
      about: 'wang',
    });
    expect(await end(li, all[1]?.id)).toBe(204);
    expect(await codeOf(wang.ask('/api/me'))).toBe(401);
    // What is listed lets nobody in.
    const secrets = [...li.cookies.values()];
    expect(JSON.stringify(await listed(li))).not.toContain(secrets[0]);
  });
});

describe('users', () => {
  it('are added with a link, get another role and another link, are removed, each in the audit with who did it', async () => {
    const { loggedIn, browser, audits } = await schoolConsole();
    const li = await loggedIn('li');
    const made = await li.post('/api/users', { name: '张老师', role: 'viewer' });
    const { link } = (await made.json()) as { link: string };
    const zhang = browser();
    const secret = link.replace('/setup#', '');
    expect(await (await zhang.post('/setup/link', { link: secret })).json()).toEqual({
      name: '张老师',
      role: 'viewer',
    });
    expect(await codeOf(zhang.post('/setup', { link: secret, password: NEW_PASSWORD }))).toBe(200);
    const at = `/api/users/${encodeURIComponent('张老师')}`;
    expect(await codeOf(zhang.post(at, { role: 'administrator' }, 'PATCH'))).toBe(403);
    expect(await codeOf(li.post('/api/users', { name: '张老师', role: 'viewer' }))).toBe(409);
    expect(await codeOf(li.post('/api/users', { name: 'a', role: 'screen' }))).toBe(400);
    expect(await codeOf(li.post(at, { role: 'technician' }, 'PATCH'))).toBe(204);
    expect(await codeOf(zhang.ask('/api/me'))).toBe(401);
    const users = (await (await li.ask('/api/users')).json()) as ShownUser[];
    expect(users.find(({ name }) => name === '张老师')).toMatchObject({
      role: 'technician',
      hasPassword: true,
      sessions: 0,
    });
    expect(JSON.stringify(users)).not.toContain('scrypt');
    expect(await codeOf(li.ask(at, { method: 'DELETE' }))).toBe(204);
    expect(await codeOf(li.ask(at, { method: 'DELETE' }))).toBe(404);
    const last = await li.ask('/api/users/li', { method: 'DELETE' });
    expect([last.status, await last.json()]).toEqual([409, { error: 'last-administrator' }]);
    for (const kind of ['user-added', 'link-made', 'role-changed', 'user-removed'])
      expect(await audits.find((one) => one['kind'] === kind)).toMatchObject({
        user: 'li',
        from: '127.0.0.1',
        about: '张老师',
      });
  });
});

describe('a disk that refuses', () => {
  it('lets people in and out all the same, and changes no account', async () => {
    const { loggedIn, dataDir, browser } = await schoolConsole();
    const li = await loggedIn('li');
    // Behind it nothing is being written of accounts: a write that begins would take away what gets in its way.
    expect(await codeOf(li.post('/api/users', { name: 'chen', role: 'viewer' }))).toBe(200);
    // Neither file can be replaced, once what is being written is written.
    for (const name of ['console.accounts.new', 'console.sessions.new'])
      await expect
        .poll(() => mkdirSync(join(dataDir, name, 'in-the-way'), { recursive: true }))
        .toBeDefined();
    const added = await li.post('/api/users', { name: 'zhang', role: 'viewer' });
    expect([added.status, await added.json()]).toEqual([503, { error: 'disk' }]);
    const users = (await (await li.ask('/api/users')).json()) as ShownUser[];
    expect(users.map(({ name }) => name).toSorted()).toEqual(['chen', 'li', 'wang']);
    const wang = browser();
    expect(await codeOf(wang.login('wang'))).toBe(200);
    expect(await codeOf(wang.ask('/api/me'))).toBe(200);
    expect(await codeOf(wang.post('/api/logout'))).toBe(204);
    expect(await codeOf(wang.ask('/api/me'))).toBe(401);
  });
});

describe('a token', () => {
  const asProgram =
    (base: string, label: string) =>
    (path: string, init: RequestInit = {}) =>
      fetch(`${base}${path}`, { ...init, headers: { authorization: `Bearer ${bearerOf(label)}` } });

  it('of a program lets it look until its end, and what it follows ends with it', async () => {
    const { base, time } = await schoolConsole();
    const ask = asProgram(base, 'report');
    expect(await (await ask('/api/me')).json()).toMatchObject({ name: 'token:report', role: 'viewer' });
    const shown = eventsOf(await ask('/api/stream'));
    await shown.next();
    time.step(DAY - 1);
    expect(await codeOf(ask('/api/me'))).toBe(200);
    time.step(1);
    expect(await codeOf(ask('/api/me'))).toBe(401);
    await time.advance(10_000);
    await expect(async () => {
      for (;;) if ((await shown.next()).done) throw new Error('over');
    }).rejects.toThrow();
  });

  it('is made by an administrator, shown once, and worth nothing when it is withdrawn', async () => {
    const { base, loggedIn, dataDir, browser } = await schoolConsole();
    const li = await loggedIn('li');
    const made = await li.post('/api/tokens', { label: 'fleet', role: 'administrator', days: 30 });
    const { id, token } = (await made.json()) as { id: string; token: string };
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const ask = (path: string, init: RequestInit = {}) =>
      codeOf(fetch(`${base}${path}`, { ...init, headers }));
    expect(await ask('/api/me')).toBe(200);
    // Whoever steals it makes neither users nor other tokens, and it is no way into a browser.
    expect(await ask('/api/tokens', { method: 'POST', body: '{"label":"x","role":"viewer","days":1}' })).toBe(
      403,
    );
    expect(await codeOf(browser().post('/login', { token }))).toBe(401);
    const listed = await (await li.ask('/api/tokens')).text();
    expect(listed).toContain('fleet');
    expect(listed + readFileSync(join(dataDir, 'console.accounts'), 'utf8')).not.toContain(token);
    expect(await codeOf(li.post('/api/tokens', { label: 'x', role: 'viewer', days: null }))).toBe(400);
    expect(await codeOf(li.ask(`/api/tokens/${id}`, { method: 'DELETE' }))).toBe(204);
    expect(await ask('/api/me')).toBe(401);
  });

  it('of a screen serves over restarts, until it is withdrawn, and the first one is not made again', async () => {
    const one = await schoolConsole();
    const li = await one.loggedIn('li');
    const gate = one.browser();
    expect(await codeOf(gate.post('/login', { token: one.token('screen') }))).toBe(200);
    const shown = eventsOf(await gate.ask('/api/gate/gate'));
    const [first] = (await (await li.ask('/api/tokens')).json()) as ShownToken[];
    expect(await codeOf(gate.ask('/api/tokens'))).toBe(403);
    const withdrawn = (await (await li.ask('/api/tokens')).json()) as ShownToken[];
    const screen = withdrawn.find(({ role }) => role === 'screen');
    expect(first).toBeDefined();
    expect(await codeOf(li.ask(`/api/tokens/${screen?.id}`, { method: 'DELETE' }))).toBe(204);
    expect(await codeOf(gate.ask('/api/gate/gate'))).toBe(401);
    await expect(async () => {
      for (;;) if ((await shown.next()).done) throw new Error('over');
    }).rejects.toThrow();
    await one.stop();
    const after = await startConsole({}, {}, true, one.dataDir);
    expect(existsSync(join(one.dataDir, 'console.screen.token'))).toBe(false);
    expect(await codeOf(browserAt(after.base).login('li'))).toBe(200);
    // By the command line, too.
    await one.byTerminal.change(
      performing(withdrawToken('report'), { name: 'root', from: 'terminal' }, START),
    );
    await after.time.advance(5000);
    await expect.poll(() => codeOf(asProgram(after.base, 'report')('/api/me'))).toBe(401);
  });
});
