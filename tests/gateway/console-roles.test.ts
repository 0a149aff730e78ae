/** What each role may, over all routes that the console's server has, whoever wrote them. */
import { describe, expect, it } from 'vitest';
import { type Role, roleMay, roles } from '../../gateway/console/rights.ts';
import { temporaryDirectory } from '../helpers.ts';
import { startConsole } from './a-console.ts';
import { bearerOf, browserAt, settle } from './console-people.ts';
import { codeOf, nameOf, pathOf, type Route, routesOf } from './routes.ts';

const programs = roles.filter((role) => role !== 'screen');

async function consoleOfRoles() {
  const dataDir = temporaryDirectory();
  await settle(
    dataDir,
    [],
    programs.map((role) => ({ label: role, role, until: Date.UTC(2030, 0) })),
  );
  let started: Awaited<ReturnType<typeof startConsole>> | undefined;
  const routes = await routesOf(async () => {
    started = await startConsole({}, {}, true, dataDir);
  });
  if (started === undefined) throw new Error('it did not start');
  const { base, token } = started;
  const screen = browserAt(base);
  await screen.post('/login', { token: token('screen') });
  const local = browserAt(base);
  await local.post('/login', { token: token('operator') });
  const cookieOf = ({ cookies }: typeof screen) => ({
    cookie: `campus-session=${cookies.get('campus-session')}`,
  });
  const headersOf = (role: Role): Record<string, string> =>
    role === 'screen' ? cookieOf(screen) : { authorization: `Bearer ${bearerOf(role)}` };
  return { base, routes, headersOf, local: cookieOf(local) };
}

const isGuarded = ({ needs }: Route) => needs !== 'anyone';
/** What the table of rights says; no program looks after users: who steals its token makes no other. */
const may = (role: Role, { needs = 'users' }: Route) =>
  needs !== 'anyone' && needs !== 'users' && roleMay(role, needs);

describe('a route of the console', () => {
  it('says what it needs, and is for anyone only where it is a page or a way in', async () => {
    const { base, routes } = await consoleOfRoles();
    expect(routes.length).toBeGreaterThan(40);
    expect(routes.filter(({ needs }) => needs === undefined).map(nameOf)).toEqual([]);
    const isWayIn = ({ method, url }: Route) =>
      method === 'GET' ? !url.startsWith('/api/') : ['/login', '/setup', '/setup/link'].includes(url);
    const open = routes.filter((route) => !isGuarded(route));
    expect(open.filter((route) => !isWayIn(route)).map(nameOf)).toEqual([]);

    // Who is nobody gets 401, whatever he says that he is. A token of a program is for its header, and no cookie.
    const asCookie = { cookie: `campus-session=${bearerOf('administrator')}` };
    for (const headers of [undefined, asCookie, { authorization: `Bearer ${'x'.repeat(32)}` }])
      for (const route of routes.filter(isGuarded))
        expect(await codeOf(base, route, headers), nameOf(route)).toBe(401);
  });

  it.each(roles)('is for a %s where the table of rights says so', async (role) => {
    const { base, routes, headersOf } = await consoleOfRoles();
    // What ends the session comes last.
    const isLast = ({ url }: Route) => Number(url === '/api/logout');
    for (const route of routes.filter(isGuarded).sort((a, b) => isLast(a) - isLast(b))) {
      const code = await codeOf(base, route, headersOf(role));
      expect(code === 403, `${nameOf(route)} ${code}`).toBe(!may(role, route));
      expect(code, nameOf(route)).not.toBe(401);
    }
  });

  it('that changes something is no viewer’s, and a screen sees its gate', async () => {
    const { routes } = await consoleOfRoles();
    const changed = routes.filter((route) => route.method !== 'GET' && may('viewer', route)).map(nameOf);
    // What a viewer may command is said on the path of commands.
    const own = ['POST /api/commands/:target', 'POST /api/logout', 'POST /api/me/password'];
    expect(changed.sort()).toEqual([...own, 'DELETE /api/sessions/:id'].sort());
    const shown = routes.filter((route) => may('screen', route));
    expect(shown.filter(({ url }) => !url.startsWith('/api/gate/')).map(nameOf)).toEqual([
      'POST /api/logout',
    ]);
  });

  it('that changes something takes it from no other page, as no form, and none that is too large', async () => {
    const { base, routes, local } = await consoleOfRoles();
    const changing = routes.filter(({ method }) => method !== 'GET' && method !== 'DELETE');
    expect(changing.length).toBeGreaterThan(8);
    for (const route of routes.filter(({ method }) => method !== 'GET'))
      for (const origin of ['http://evil.example', 'null', 'https://127.0.0.1'])
        expect(await codeOf(base, route, { ...local, origin }), `${nameOf(route)} of ${origin}`).toBe(403);
    for (const route of changing) {
      const send = async (body: string, type: string) => {
        const { method } = route;
        const headers = { ...local, 'content-type': type };
        return (await fetch(`${base}${pathOf(route)}`, { method, headers, body })).status;
      };
      const name = nameOf(route);
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
      ])
        expect(await send('{"name":"x","password":"y"}', type), `${name} as ${type}`).toBeGreaterThanOrEqual(
          400,
        );
      if (route.url === '/api/logout') continue;
      expect(await send(`{"x":"${'x'.repeat(9_000_000)}"}`, 'application/json'), name).toBe(413);
    }
  });
});
