import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { Event } from '../../config/catalogue/events.ts';
import { eventsOf, nextOf, settledAccounts, startConsole } from './a-console.ts';

const pickup = (door: string, children: readonly string[]) =>
  ({
    id: 'e-1',
    type: 'cn.campus.access.pickup',
    data: { access: { door, decision: 'granted', holder: 'g-1', children } },
  }) as unknown as Event;

describe('the console as a part', () => {
  it('acquires nothing when it is made', async () => {
    const { url, dataDir } = await startConsole({}, {}, false);
    expect([url, readdirSync(dataDir)]).toEqual([undefined, []]);
  });

  it('tells a page every two seconds how the whole is', async () => {
    const { as, time } = await startConsole({}, { status: async () => ({ healthy: false }) });
    const events = eventsOf(await (await as('operator'))('/api/stream'));
    expect((await events.next()).value).toMatchObject({ event: 'hello', id: 'j:6' });
    const bad = { level: 'bad', because: [{ cause: 'disk-refuses' }] };
    expect((await events.next()).value).toMatchObject({ event: 'overview', data: bad });
    const next = events.next();
    await time.advance(2000);
    expect((await next).value).toMatchObject({ event: 'overview', data: bad });
  });
});

describe('who may see the console', () => {
  it('has the token of a file that only the gateway reads, and is in the audit', async () => {
    const { login, token, audits, dataDir, url, base } = await startConsole();
    expect(statSync(join(dataDir, 'console.operator.token')).mode & 0o777).toBe(0o600);
    expect(url).toBe(`${base}/#${token('operator')}`);
    const right = await login(token('operator'));
    expect(right.status).toBe(200);
    expect(right.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/);
    const next = () => audits.find(({ kind }) => kind === 'login');
    expect(await next()).toEqual({
      kind: 'login',
      user: 'local',
      role: 'administrator',
      from: '127.0.0.1',
      done: true,
    });
    expect((await login('guess')).status).toBe(401);
    expect(await next()).toMatchObject({ kind: 'login', done: false });
  });
});

describe('who may not see the console', () => {
  it('is slowed down who guesses, and gets in at once with the right token, whatever waits', async () => {
    const { login, token, audits, time, dataDir } = await startConsole();
    await settledAccounts(dataDir);
    for (let i = 0; i < 10; i++) expect((await login(`guess-${i}`)).status).toBe(401);
    const timers = time.pending;
    const waits = async (count: number) => {
      while (time.pending < timers + count) await new Promise((resolve) => setImmediate(resolve));
    };
    // Eight that guess all the time: five of them wait, and every place that is free is taken.
    const waiting = Array.from({ length: 5 }, () => login('guess'));
    await waits(5);
    for (let i = 0; i < 3; i++) expect((await login('guess')).status).toBe(429);
    for (let i = 0; i < 100; i++) expect((await login(token('operator'))).status).toBe(200);
    expect((await login('guess')).status).toBe(429);
    await time.advance(5000);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    // 19 were refused: one entry at once, one a minute.
    await time.advance(60_000);
    const failed = (audits.rest() as { done?: boolean; count?: number }[]).filter(
      ({ done }) => done === false,
    );
    expect(failed).toEqual([
      { kind: 'login', from: '127.0.0.1', done: false },
      { kind: 'login', from: '127.0.0.1', done: false, count: 18 },
    ]);
  });

  it.each([
    '/api/me',
    '/api/overview',
    '/api/stream',
    '/api/notices',
    '/api/gate/gate',
    `/api/media/${'0'.repeat(64)}`,
  ])('sees nothing of %s without a login', async (path) => {
    const { base } = await startConsole();
    expect((await fetch(`${base}${path}`)).status).toBe(401);
    expect((await fetch(`${base}${path}`, { headers: { cookie: 'campus-session=x' } })).status).toBe(401);
  });

  it('gets the front end without a login, and nothing of the place with it', async () => {
    const { base } = await startConsole();
    const page = await fetch(`${base}/`);
    const html = await page.text();
    expect(page.status).toBe(401);
    expect(html).not.toContain('一中');
    // What stands in the page itself is named by its hash, and nothing else runs that is not of the console.
    const inline = [...html.matchAll(/<script(?: type="importmap")?>([^<]*)</g)].map(
      ([, script = '']) => script,
    );
    expect(inline).toHaveLength(2);
    const hashes = inline.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain(`script-src 'self' ${hashes.join(' ')};`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    const main = /src="([^"]+main\.ts)"/.exec(html)?.[1] ?? '';
    const module = await fetch(`${base}${main}`);
    expect(module.headers.get('content-type')).toContain('javascript');
    expect(module.headers.get('cache-control')).toContain('immutable');
    for (const path of [
      '..%2fserver.ts',
      '../server.ts',
      '%2e%2e/server.ts',
      'tsconfig.json',
      'lib/../../server.ts',
    ])
      expect((await fetch(`${base}${main.replace('main.ts', path)}`)).status, path).toBe(404);
    for (const [, path = ''] of html.matchAll(/(?:href|src)="([^"]+)"/g))
      expect((await fetch(`${base}${path}`)).status, path).toBe(200);
    const within = await (await startConsole()).as('operator');
    expect((await within('/')).status).toBe(200);
    expect(await (await within('/api/status')).json()).toEqual({ healthy: true });
  });

  it('on a screen sees the gate and nothing else', async () => {
    const { as } = await startConsole();
    const screen = await as('screen');
    expect((await screen('/gate/gate')).status).toBe(200);
    expect((await screen('/api/me')).status).toBe(403);
    expect((await screen('/api/stream')).status).toBe(403);
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect((await screen('/api/commands/gate', post)).status).toBe(403);
  });

  it('asks for it by its name, from its own pages, with JSON', async () => {
    const { port, login, token, as } = await startConsole({ names: ['console.school'] });
    const named = (host: string) =>
      new Promise<number>((resolve) => {
        request({ port, path: '/', headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        }).end();
      });
    expect(await named('evil.example')).toBe(421);
    expect(await named(`localhost:${port}`)).toBe(401);
    expect(await named('console.school')).toBe(401);
    for (const origin of ['http://evil.example', 'null'])
      expect((await login(token('operator'), { origin })).status).toBe(403);
    expect((await login(token('operator'), { origin: `http://127.0.0.1:${port}` })).status).toBe(200);
    const operator = await as('operator');
    const form = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{"by":"x"}' };
    expect((await operator('/api/commands/gate-io', form)).status).toBe(415);
  });
});

describe('a session', () => {
  const cookieOf = async ({ login, token }: Awaited<ReturnType<typeof startConsole>>, role: string) =>
    (await login(token(role))).headers.get('set-cookie') ?? '';
  const askAs = (base: string, cookie: string) => (path: string) =>
    fetch(`${base}${path}`, { headers: { cookie: cookie.split(';')[0] ?? '' } }).then(({ status }) => status);

  it('ends with the logout: its cookie is worth nothing, what it shows ends', async () => {
    const one = await startConsole();
    const cookie = await cookieOf(one, 'operator');
    const other = await cookieOf(one, 'operator');
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    const events = eventsOf(await fetch(`${one.base}/api/stream`, { headers }));
    await events.next();
    const socket = new WebSocket(`${one.base.replace('http', 'ws')}/api/live/cam`, { headers });
    const closed = new Promise((resolve) => socket.on('close', (_code, reason) => resolve(String(reason))));
    await new Promise((resolve) => socket.on('message', resolve));
    const answer = await fetch(`${one.base}/api/logout`, { method: 'POST', headers });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([
      204,
      expect.stringMatching(/^campus-session=; .*Max-Age=0/),
    ]);
    await expect(nextOf(events)).rejects.toThrow();
    expect(await closed).toBe('logged out');
    expect(await askAs(one.base, cookie)('/api/me')).toBe(401);
    expect(await askAs(one.base, other)('/api/me')).toBe(200);
    expect(one.audits.rest()).toContainEqual({
      kind: 'logout',
      user: 'local',
      role: 'administrator',
      from: '127.0.0.1',
      done: true,
    });
    expect((await fetch(`${one.base}/api/logout`, { method: 'POST', headers })).status).toBe(401);
    const foreign = {
      method: 'POST',
      headers: { cookie: other.split(';')[0] ?? '', origin: 'http://evil.example' },
    };
    expect((await fetch(`${one.base}/api/logout`, foreign)).status).toBe(403);
  });

  it('outlives a restart, a logout too, and its secret is on no disk', async () => {
    const before = await startConsole();
    const screen = await cookieOf(before, 'screen');
    const operator = await cookieOf(before, 'operator');
    const gone = await cookieOf(before, 'operator');
    const headers = { cookie: gone.split(';')[0] ?? '' };
    expect((await fetch(`${before.base}/api/logout`, { method: 'POST', headers })).status).toBe(204);
    await before.stop();
    const file = join(before.dataDir, 'console.sessions');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const secret = /campus-session=([^;]+)/.exec(screen)?.[1] ?? '';
    const kept = readFileSync(file, 'utf8');
    expect(kept).not.toContain(secret);
    expect(kept).toContain(createHash('sha256').update(secret).digest('base64url'));

    const after = await startConsole({}, {}, true, before.dataDir);
    expect(await askAs(after.base, screen)('/gate/gate')).toBe(200);
    expect(await askAs(after.base, operator)('/api/me')).toBe(200);
    expect(await askAs(after.base, gone)('/api/me')).toBe(401);
  });

  it('of a screen stays in a browser that is switched off, and is renewed by its page', async () => {
    const one = await startConsole();
    const screen = await cookieOf(one, 'screen');
    expect(screen).toContain(`Max-Age=${400 * 86_400}`);
    expect(await cookieOf(one, 'operator')).not.toContain('Max-Age');
    const headers = { cookie: screen.split(';')[0] ?? '' };
    const page = await fetch(`${one.base}/gate/gate`, { headers });
    expect(page.headers.get('set-cookie')).toBe(screen);
  });
});

describe('a live picture', () => {
  const look = (base: string, path: string, headers: Record<string, string> = {}) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(`${base.replace('http', 'ws')}${path}`, { headers });
      socket.on('message', (data) => {
        resolve(String(data));
        socket.close();
      });
      socket.on('close', (_code, reason) => resolve(String(reason)));
      socket.on('unexpected-response', (_request, response) => resolve(String(response.statusCode)));
      socket.on('error', () => {});
    });

  it('is for who has logged in, of a camera that there is', async () => {
    const { base, login, token } = await startConsole();
    const cookieOf = async (role: string) =>
      (await login(token(role))).headers.get('set-cookie')?.split(';')[0] ?? '';
    const cookie = await cookieOf('operator');
    expect(await look(base, '/api/live/cam')).toBe('401');
    expect(await look(base, '/api/live/cam', { cookie: await cookieOf('screen') })).toBe('403');
    expect(await look(base, '/api/live/cam', { cookie, origin: 'http://evil.example' })).toBe('403');
    expect(await look(base, '/api/live/cam', { cookie })).toBe('seen');
    expect(await look(base, '/api/live/none', { cookie })).toBe('there is no camera none');
  });
});

describe('the console', () => {
  it('tells what happens, of persons to who may know of them', async () => {
    const { as, happen, happenUnsaved } = await startConsole();
    const operator = await as('operator');
    const events = eventsOf(await operator('/api/stream'));
    await nextOf(events);
    happen(pickup('gate', ['c-1']));
    expect(await nextOf(events)).toMatchObject({
      id: 'j:7',
      data: { type: 'cn.campus.access.pickup', sequence: '7', data: { access: { holder: 'g-1' } } },
    });
    // The disk refuses: it is told all the same, and bears no number to go on from.
    happenUnsaved({ id: 'm', type: 'cn.campus.alarm.raised', data: {} } as unknown as Event);
    expect(await nextOf(events)).toMatchObject({ id: undefined, data: { id: 'm', sequence: '0' } });
    expect(await (await operator('/api/me')).json()).toMatchObject({
      name: 'local',
      role: 'administrator',
      campus: { name: '一中' },
      names: { d: '北墙' },
    });
  });

  it('goes on where a page was, of all lanes in their order, and says where that is too much', async () => {
    const { as, happen } = await startConsole();
    const operator = await as('operator');
    const event = (id: string) => ({ id, type: 'cn.campus.alarm.raised', data: {} }) as unknown as Event;
    for (let i = 7; i < 12; i++) happen(event(`e-${i}`), i % 2 === 0 ? 'urgent' : 'normal');
    const missed = async (after: string, headers: object = {}) => {
      const path = after === '' ? '/api/stream' : `/api/stream?after=${after}`;
      const events = eventsOf(await operator(path, { headers: { ...headers } }));
      await nextOf(events);
      happen(event('now'));
      const ids: unknown[] = [];
      for (;;) {
        const one = await nextOf(events);
        if (one?.event === 'missed') ids.push('missed');
        else ids.push((one as { data: Event }).data.id);
        if (ids.at(-1) === 'now') return ids;
      }
    };
    expect(await missed('', { 'last-event-id': 'j:8' })).toEqual(['e-9', 'e-10', 'e-11', 'now']);
    expect(await missed('j:10')).toEqual(['e-11', 'now']);
    // Of another numbering, and what is no number.
    for (const after of ['k:8', 'j:999', 'j', '%00']) expect(await missed(after)).toEqual(['missed', 'now']);
    for (let i = 0; i < 600; i++) happen(event(`f-${i}`));
    expect(await missed('j:8')).toEqual(['missed', 'now']);
  });

  it('takes commands on the path of all others, in the name of who logged in', async () => {
    const { as, taken } = await startConsole();
    const operator = await as('operator');
    const post = (path: string, body: object) =>
      operator(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const answer = await post('/api/commands/north', {
      id: 'c',
      action: 'arm',
      arguments: { by: 'the head' },
    });
    expect(await answer.json()).toEqual({ id: 'c', done: false, reason: 'no rule allows it' });
    expect(await taken.next()).toEqual({
      ...{ id: 'c', action: 'arm', target: 'north', issuer: 'local', sender: 'local', may: true },
      arguments: { by: 'local' },
    });
    await post('/api/commands/cam', { action: 'reboot' });
    expect(await taken.next()).toMatchObject({ action: 'reboot', id: expect.any(String) });
    // As a program says it that keeps its commands for a while.
    const until = { issuedAt: '2026-01-05T08:00:00Z', expiresAt: '2026-01-05T16:00:30+08:00' };
    await post('/api/commands/cam', { action: 'reboot', ...until });
    expect(await taken.next()).toMatchObject({
      issuedAt: Date.UTC(2026, 0, 5, 8),
      expiresAt: Date.UTC(2026, 0, 5, 8, 0, 30),
    });
    expect((await post('/api/commands/cam', { action: 'stream' })).status).toBe(400);
  });
});
