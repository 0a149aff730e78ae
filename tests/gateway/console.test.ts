import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import type { Event } from '../../config/catalogue/events.ts';
import { configSchema } from '../../config/schema.ts';
import { type ConsoleOptions, createConsole } from '../../gateway/console/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { freePort, silentLog, stream, temporaryDirectory } from '../helpers.ts';

const pickup = (door: string, children: readonly string[]) =>
  ({
    id: 'e-1',
    type: 'cn.campus.access.pickup',
    data: { access: { door, decision: 'granted', holder: 'g-1', children } },
  }) as unknown as Event;

async function start(
  own: object = {},
  more: Partial<ConsoleOptions> = {},
  begins = true,
  dataDir = temporaryDirectory(),
) {
  const port = await freePort();
  const { console: config } = configSchema.parse({
    campus: { id: '45001', name: '一中' },
    console: { port, ...own },
  });
  const time = manualClock();
  const audits = stream<object>();
  const stored: ((event: Event, sequence: number) => void)[] = [];
  const taken = stream<{ body: object; target: string }>();
  const read = stream<string>();
  const one = createConsole({
    config: config!,
    dataDir,
    campus: { id: '45001', name: '一中' },
    cameras: [{ id: 'cam' }],
    doors: ['gate'],
    names: { d: '北墙' },
    status: async () => ({ healthy: true }),
    recorder: { onStored: (listener) => void stored.push(listener) },
    journal: {
      audit: async (_at, body) => {
        audits.push(JSON.parse(body) as object);
        return 'hash';
      },
      readBack: async (lane) =>
        lane === 'urgent'
          ? [
              {
                sequence: 7,
                lane: 0,
                id: 'a',
                seenAt: 0,
                type: 'alarm.raised',
                device: 'd',
                body: '{"id":"a"}',
              },
            ]
          : [],
    },
    commands: {
      receiveCommand: async (payload, target) => {
        taken.push({ body: JSON.parse(Buffer.from(payload).toString()) as object, target });
        return { id: 'c', done: false, reason: 'no rule allows it' };
      },
    },
    notices: {
      list: () => [],
      noteRead: async (id, by) => {
        read.push(`${id} ${by}`);
        return id === 'n-1';
      },
    },
    persons: {
      get: async (ids) => ids.map((id) => (id === 'c-1' ? { name: '李明', class: '一年级2班' } : undefined)),
    },
    media: { find: async () => undefined },
    view: (_camera, socket) => socket.send('seen'),
    metrics: createMetrics(),
    time,
    log: silentLog,
    ...more,
  });
  const stop = async () => await one[Symbol.asyncDispose]();
  onTestFinished(stop);
  if (begins) await one.start();
  const base = `http://127.0.0.1:${port}`;
  const token = (role: string) => readFileSync(join(dataDir, `console.${role}.token`), 'utf8').trim();
  const login = (text: string, headers: object = {}) =>
    fetch(`${base}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ token: text }),
    });
  const as = async (role: string) => {
    const cookie = (await login(token(role))).headers.get('set-cookie')?.split(';')[0] ?? '';
    return (path: string, init: RequestInit = {}) =>
      fetch(`${base}${path}`, { ...init, headers: { ...init.headers, cookie } });
  };
  const happen = (event: Event) => {
    for (const listener of stored) listener(event, 9);
  };
  return { url: one.url, stop, time, base, port, dataDir, token, login, as, audits, taken, read, happen };
}

/** The server-sent events of an answer. */
async function* eventsOf(response: Response): AsyncGenerator<Record<string, unknown>> {
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      if (line.startsWith('data: ')) yield JSON.parse(line.slice(6)) as Record<string, unknown>;
    }
  }
}

describe('the console as a part', () => {
  it('acquires nothing when it is made', async () => {
    const { url, dataDir } = await start({}, {}, false);
    expect([url, readdirSync(dataDir)]).toEqual([undefined, []]);
  });

  it('tells a page that it is still there', async () => {
    const { as, time } = await start();
    const { body } = await (await as('operator'))('/api/events');
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const more = async () => {
      text += (await reader?.read())?.value ?? '';
    };
    while (!text.includes('"a"')) await more();
    await time.advance(15_000);
    while (!text.includes(': here\n\n')) await more();
  });
});

describe('who may see the console', () => {
  it('has the token of a file that only the gateway reads, and is in the audit', async () => {
    const { login, token, audits, dataDir, url, base } = await start();
    expect(statSync(join(dataDir, 'console.operator.token')).mode & 0o777).toBe(0o600);
    expect(url).toBe(`${base}/#${token('operator')}`);
    const right = await login(token('operator'));
    expect(right.status).toBe(200);
    expect(right.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/);
    expect(await audits.next()).toEqual({ kind: 'login', from: '127.0.0.1', done: true, role: 'operator' });
    expect((await login('guess')).status).toBe(401);
    expect(await audits.next()).toMatchObject({ kind: 'login', done: false });
  });

  it('is slowed down who guesses, and gets in at once with the right token, whatever waits', async () => {
    const { login, token, audits, time } = await start();
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
    const failed = (audits.rest() as { done: boolean; count?: number }[]).filter(({ done }) => !done);
    expect(failed).toEqual([
      { kind: 'login', from: '127.0.0.1', done: false },
      { kind: 'login', from: '127.0.0.1', done: false, count: 18 },
    ]);
  });

  it.each(['/api/status', '/api/events', '/api/notices', '/api/gate/gate', `/api/media/${'0'.repeat(64)}`])(
    'sees nothing of %s without a login',
    async (path) => {
      const { base } = await start();
      expect((await fetch(`${base}${path}`)).status).toBe(401);
      expect((await fetch(`${base}${path}`, { headers: { cookie: 'campus-session=x' } })).status).toBe(401);
    },
  );

  it('gets the login instead of a page, and pages that let nothing foreign in', async () => {
    const { base, as } = await start();
    const page = await fetch(`${base}/`);
    expect([page.status, await page.text()]).toEqual([401, expect.stringContaining('console.css')]);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    const operator = await as('operator');
    expect((await operator('/')).status).toBe(200);
    expect((await operator('/gate/gate')).status).toBe(200);
    expect((await operator('/pages/index.js')).headers.get('content-type')).toContain('javascript');
    expect((await operator('/pages/..%2fserver.ts')).status).toBe(404);
    expect((await operator('/pages/console.operator.token')).status).toBe(404);
  });

  it('on a screen sees the gate and nothing else', async () => {
    const { as } = await start();
    const screen = await as('screen');
    expect((await screen('/gate/gate')).status).toBe(200);
    expect((await screen('/api/status')).status).toBe(403);
    expect((await screen('/')).status).toBe(401);
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect((await screen('/api/commands/gate', post)).status).toBe(403);
  });

  it('asks for it by its name, from its own pages, with JSON', async () => {
    const { port, login, token, as } = await start({ names: ['console.school'] });
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
    expect((await operator('/api/notices/n-1/read', form)).status).toBe(400);
  });
});

describe('a session', () => {
  const cookieOf = async ({ login, token }: Awaited<ReturnType<typeof start>>, role: string) =>
    (await login(token(role))).headers.get('set-cookie') ?? '';
  const askAs = (base: string, cookie: string) => (path: string) =>
    fetch(`${base}${path}`, { headers: { cookie: cookie.split(';')[0] ?? '' } }).then(({ status }) => status);

  it('ends with the logout: its cookie is worth nothing, what it shows ends', async () => {
    const one = await start();
    const cookie = await cookieOf(one, 'operator');
    const other = await cookieOf(one, 'operator');
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    const events = eventsOf(await fetch(`${one.base}/api/events`, { headers }));
    await events.next();
    const socket = new WebSocket(`${one.base.replace('http', 'ws')}/api/live/cam`, { headers });
    const closed = new Promise((resolve) => socket.on('close', (_code, reason) => resolve(String(reason))));
    await new Promise((resolve) => socket.on('message', resolve));
    const answer = await fetch(`${one.base}/api/logout`, { method: 'POST', headers });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([
      204,
      expect.stringMatching(/^campus-session=; .*Max-Age=0/),
    ]);
    await expect(events.next()).rejects.toThrow();
    expect(await closed).toBe('logged out');
    expect(await askAs(one.base, cookie)('/api/status')).toBe(401);
    expect(await askAs(one.base, other)('/api/status')).toBe(200);
    expect(one.audits.rest()).toContainEqual({
      kind: 'logout',
      from: '127.0.0.1',
      done: true,
      role: 'operator',
    });
    expect((await fetch(`${one.base}/api/logout`, { method: 'POST', headers })).status).toBe(401);
    const foreign = {
      method: 'POST',
      headers: { cookie: other.split(';')[0] ?? '', origin: 'http://evil.example' },
    };
    expect((await fetch(`${one.base}/api/logout`, foreign)).status).toBe(403);
  });

  it('outlives a restart, a logout too, and its secret is on no disk', async () => {
    const before = await start();
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

    const after = await start({}, {}, true, before.dataDir);
    expect(await askAs(after.base, screen)('/gate/gate')).toBe(200);
    expect(await askAs(after.base, operator)('/api/status')).toBe(200);
    expect(await askAs(after.base, gone)('/api/status')).toBe(401);
  });

  it('of a screen stays in a browser that is switched off, and is renewed by its page', async () => {
    const one = await start();
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
    const { base, login, token } = await start();
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
  it('tells what was and what happens', async () => {
    const { as, happen } = await start();
    const operator = await as('operator');
    const events = eventsOf(await operator('/api/events'));
    expect((await events.next()).value).toEqual({ id: 'a', sequence: '7' });
    happen(pickup('gate', ['c-1']));
    expect((await events.next()).value).toMatchObject({ type: 'cn.campus.access.pickup', sequence: '9' });
    expect(await (await operator('/api/status')).json()).toMatchObject({ name: '一中', healthy: true });
    expect(await (await operator('/api/words')).json()).toMatchObject({
      names: { d: '北墙' },
      events: { 'cn.campus.alarm.raised': { zh: '报警发生' } },
    });
  });

  it('shows at a gate whose child may go, by name, and of that gate only', async () => {
    const { as, happen } = await start();
    const screen = await as('screen');
    const events = eventsOf(await screen('/api/gate/gate'));
    happen(pickup('other', ['c-1']));
    happen({ id: 'x', type: 'cn.campus.alarm.raised', data: {} } as unknown as Event);
    happen(pickup('gate', ['c-1', 'c-9']));
    expect((await events.next()).value).toEqual({
      id: 'e-1',
      decision: 'granted',
      children: [{ name: '李明', class: '一年级2班' }, { name: 'c-9' }],
    });
    expect((await screen('/api/gate/none')).status).toBe(404);
  });

  it('takes who read a notice, and commands on the path of all others', async () => {
    const { as, read, taken } = await start();
    const operator = await as('operator');
    const post = (path: string, body: object) =>
      operator(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await post('/api/notices/n-1/read', { by: '王' })).status).toBe(204);
    expect(await read.next()).toBe('n-1 王');
    expect((await post('/api/notices/n-2/read', { by: '王' })).status).toBe(404);
    expect((await post('/api/notices/n-1/read', { by: ' ' })).status).toBe(400);
    const command = { id: 'c', action: 'unlock' };
    expect(await (await post('/api/commands/gate-io', command)).json()).toMatchObject({ done: false });
    expect(await taken.next()).toEqual({ body: command, target: 'gate-io' });
  });
});
