/** What each role may at each route of the city, and what no stranger may send. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Role, roleMay, roles } from '../gateway/console/rights.ts';
import { alarmOf, campusOf, startCity } from './a-city.ts';
import { runs } from './fuzz.ts';
import { bearerOf, browserAt, PASSWORD, settle } from './gateway/console-people.ts';
import { codeOf, nameOf, pathOf, type Route, routesOf } from './gateway/routes.ts';
import { temporaryDirectory } from './helpers.ts';

const people = roles.filter((role) => role !== 'screen');

async function cityOfRoles() {
  const dataDir = temporaryDirectory();
  await settle(
    dataDir,
    people.map((role) => ({ name: role, role })),
    roles.map((role) => ({ label: role, role, until: Date.UTC(2030, 0) })),
  );
  let started: Awaited<ReturnType<typeof startCity>> | undefined;
  const routes = await routesOf(async () => {
    started = await startCity({ dataDir });
  });
  if (started === undefined) throw new Error('it did not start');
  const { base, port, store } = started;
  store.putCampus(campusOf('x'));
  store.putAlarm(alarmOf('x', 'x'));
  const cookieOf = async (login: object) => {
    const browser = browserAt(base);
    expect((await browser.post('/login', login)).status).toBe(200);
    return { cookie: `campus-city-${port}=${browser.cookies.get(`campus-city-${port}`)}` };
  };
  const sessionOf = (role: Role) =>
    cookieOf(role === 'screen' ? { token: bearerOf('screen') } : { name: role, password: PASSWORD });
  return { base, port, routes, store, sessionOf };
}

const isGuarded = ({ needs }: Route) => needs !== 'anyone';
/** What ends the session, or all sessions, comes last. */
const inOrder = (routes: readonly Route[]) =>
  routes.filter(isGuarded).sort((a, b) => Number(a.url === '/api/logout') - Number(b.url === '/api/logout'));

describe('a route of the city', () => {
  it('says what it needs, and is for anyone only where it is a page, a way in, or tells little', async () => {
    const { base, routes } = await cityOfRoles();
    expect(routes.map(nameOf)).toEqual(
      expect.arrayContaining([
        ...['GET /api/me', 'GET /api/overview', 'GET /api/campuses', 'GET /api/campuses/:id'],
        ...['GET /api/alarms', 'POST /api/alarms/:id/acknowledge', 'POST /api/alarms/:id/close'],
        ...['GET /api/events', 'GET /api/latency', 'GET /api/stream', 'GET /api/openapi.json'],
        'GET /api/audit',
        ...['POST /login', 'POST /setup', 'GET /api/users', 'GET /api/tokens', 'GET /api/sessions'],
      ]),
    );
    expect(routes.filter(({ needs }) => needs === undefined).map(nameOf)).toEqual([]);
    const isWayIn = ({ method, url }: Route) =>
      method === 'GET'
        ? !url.startsWith('/api/')
        : // Gateways show a code or a certificate.
          ['/login', '/setup', '/setup/link', '/enrol', '/enrol/hello', '/enrol/renew'].includes(url);
    expect(routes.filter((route) => !isGuarded(route) && !isWayIn(route)).map(nameOf)).toEqual([]);
    for (const headers of [undefined, { authorization: `Bearer ${'x'.repeat(32)}` }])
      for (const route of routes.filter(isGuarded))
        expect(await codeOf(base, route, headers), nameOf(route)).toBe(401);
  });

  it.each(roles)('is for a %s where the table of rights says so', async (role) => {
    const { base, routes, sessionOf } = await cityOfRoles();
    const session = await sessionOf(role);
    for (const route of inOrder(routes)) {
      const code = await codeOf(base, route, session);
      expect(code === 403, `${nameOf(route)} ${code}`).toBe(!roleMay(role, route.needs as 'look'));
      expect([401, 500], `${nameOf(route)} ${code}`).not.toContain(code);
    }
  });

  it('is no token’s of a program that looks after users, whoever made it', async () => {
    const { base, routes } = await cityOfRoles();
    const authorization = `Bearer ${bearerOf('administrator')}`;
    for (const route of routes.filter(({ needs }) => needs === 'users'))
      expect(await codeOf(base, route, { authorization }), nameOf(route)).toBe(403);
  });

  it('takes nothing that changes from another page, as a form, or too large', async () => {
    const { base, routes, sessionOf } = await cityOfRoles();
    const session = await sessionOf('administrator');
    const changing = routes.filter(({ method }) => method !== 'GET');
    expect(changing.length).toBeGreaterThan(8);
    for (const route of changing) {
      for (const origin of ['http://evil.example', 'null', 'https://127.0.0.1'])
        expect(await codeOf(base, route, { ...session, origin }), nameOf(route)).toBe(403);
      if (route.method === 'DELETE' || route.url === '/api/logout') continue;
      const send = async (body: string, type: string) => {
        const headers = { ...session, 'content-type': type };
        const { method } = route;
        return (await fetch(`${base}${pathOf(route)}`, { method, headers, body })).status;
      };
      for (const type of ['text/plain', 'application/x-www-form-urlencoded'])
        expect(await send('{"reason":"real"}', type), nameOf(route)).toBe(415);
      expect(await send(`{"x":"${'x'.repeat(20_000)}"}`, 'application/json'), nameOf(route)).toBe(413);
    }
  });

  it('answers to no other name', async () => {
    const { base, port } = await cityOfRoles();
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example'])
      expect((await ask(base, '/api/me', { host })).status, host).toBe(421);
  });
});

/** `fetch` writes its own Host. */
async function ask(base: string, path: string, headers: Record<string, string>) {
  const { request } = await import('node:http');
  return await new Promise<{ status: number }>((resolve, reject) => {
    request(`${base}${path}`, { headers }, ({ statusCode = 0 }) => resolve({ status: statusCode }))
      .on('error', reject)
      .end();
  });
}

describe('what is asked of the city', () => {
  const wrong = [
    ...['/api/alarms?limit=0', '/api/alarms?limit=501', '/api/alarms?limit=x', '/api/alarms?limit=1e9'],
    ...['/api/alarms?state=gone', '/api/alarms?before=x', '/api/alarms?before=2026-13-40T00:00:00Z,a'],
    ...['/api/alarms?before=2026-01-05T08:00:00Z,', `/api/alarms?place=${'x'.repeat(101)}`],
    ...['/api/alarms?campus=%00', '/api/alarms?district=a%0ab', '/api/campuses?district=', '/api/alarms/%00'],
    ...['/api/alarms?campus=a&campus=b', '/api/events?type=', '/api/events?from=yesterday'],
    ...['/api/events?from=0000-01-01T00:00:00Z', '/api/events?to=2026-01-05T08:00:00%2B08:00'],
    ...['/api/latency', '/api/latency?from=2026-01-05T08:00:00Z&to=2026-01-05T08:00:00Z'],
    '/api/latency?from=2026-01-01T00:00:00Z&to=2026-01-09T00:00:00Z',
    `/api/stream?after=${'x'.repeat(65)}`,
    ...['/api/stream?zone=1', '/api/alarms?distrikt=450305', '/api/campuses?campus=1', '/api/events?place=x'],
  ];

  it('has a shape and an end, or is refused without the database', async () => {
    const { base, store, sessionOf } = await cityOfRoles();
    const headers = await sessionOf('viewer');
    store.asked.length = 0;
    for (const path of wrong) {
      const response = await fetch(`${base}${path}`, { headers });
      expect(response.status, path).toBe(400);
      expect(await response.json()).toMatchObject({ error: 'invalid' });
    }
    expect(store.asked).toEqual([]);
  });

  it('never makes it stumble, whatever it is', async () => {
    const { base, sessionOf } = await cityOfRoles();
    const headers = { ...(await sessionOf('operator')), 'content-type': 'application/json' };
    const path = fc.constantFrom('/api/alarms', '/api/campuses', '/api/events', '/api/latency');
    const name = fc.constantFrom('campus', 'district', 'place', 'before', 'limit', 'state', 'type', 'from');
    const query = fc.dictionary(name, fc.string({ unit: 'binary', maxLength: 60 }));
    const act = fc.constantFrom('acknowledge', 'close');
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc.record({ reason: fc.anything(), note: fc.anything() }).map((one) => JSON.stringify(one) ?? ''),
    );
    await fc.assert(
      fc.asyncProperty(path, query, act, body, async (where, what, action, sent) => {
        const text = new URLSearchParams(what).toString();
        const read = await fetch(`${base}${where}?${text}`, { headers });
        expect([200, 400]).toContain(read.status);
        const acted = await fetch(`${base}/api/alarms/y/${action}`, { method: 'POST', headers, body: sent });
        expect([400, 404]).toContain(acted.status);
      }),
      { numRuns: runs(60) },
    );
  });
});
