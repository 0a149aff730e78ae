/** The city's API: what it answers, to whom. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alarmOf, campusOf, startCity } from './a-city.ts';
import { bearerOf, browserAt, settle } from './gateway/console-people.ts';
import { temporaryDirectory } from './helpers.ts';

const people = [
  { name: 'li', role: 'administrator' },
  { name: 'wang', role: 'operator' },
  { name: 'zhao', role: 'operator' },
  { name: 'sun', role: 'viewer' },
] as const;

async function city(more: Parameters<typeof startCity>[0] = {}) {
  const dataDir = temporaryDirectory();
  await settle(dataDir, people, [{ label: 'prometheus', role: 'viewer' }]);
  const one = await startCity({ dataDir, ...more });
  const loggedIn = async (name: string) => {
    const browser = browserAt(one.base);
    expect((await browser.login(name)).status).toBe(200);
    return browser;
  };
  return { ...one, loggedIn };
}

const jsonOf = async <T = Record<string, unknown>>(asked: Promise<Response>) => {
  const response = await asked;
  return { status: response.status, body: (await response.json()) as T };
};

type Named = readonly { readonly id: string }[];

describe('the city', () => {
  it('tells who is logged in what they may, and nobody else anything', async () => {
    const { loggedIn, base } = await city();
    const wang = await loggedIn('wang');
    expect(await jsonOf(wang.ask('/api/me'))).toMatchObject({
      status: 200,
      body: { name: 'wang', role: 'operator', hasPassword: true, rights: ['look', 'persons', 'alarms'] },
    });
    expect([...wang.cookies.keys()].some((name) => name.startsWith('campus-city-'))).toBe(true);
    expect(await jsonOf(browserAt(base).ask('/api/me'))).toMatchObject({ status: 401 });
  });

  it('shows an alarm that a later version closed, and asks whose it is where two campuses used its id', async () => {
    const { loggedIn, store } = await city();
    const act = { by: 'wang', at: '2026-01-05T08:00:00.000Z' };
    const closed = { ...act, reason: 'of-a-later-version' };
    store.putAlarm(alarmOf('a', '1', { closed, test: 'of-a-later-version' }));
    const wang = await loggedIn('wang');
    expect(await jsonOf(wang.ask('/api/alarms/a'))).toMatchObject({
      ...{ status: 200, body: { closed, test: 'of-a-later-version' } },
    });
    store.alarms.set('of another campus', alarmOf('a', '2', { kind: 'fire' }));
    expect(await jsonOf(wang.ask('/api/alarms/a'))).toEqual({
      ...{ status: 409, body: { error: 'several-campuses', detail: 'campus' } },
    });
    expect(await jsonOf(wang.ask('/api/alarms/a?campus=2'))).toMatchObject({ body: { kind: 'fire' } });
  });

  it('shows campuses, and whom to call to who may see persons', async () => {
    const { loggedIn, store } = await city();
    store.putCampus(campusOf('1'));
    store.putCampus(campusOf('2', { district: '450302' }));
    const [wang, sun] = [await loggedIn('wang'), await loggedIn('sun')];
    const { body: all } = await jsonOf<Named>(sun.ask('/api/campuses'));
    expect(all.map(({ id }) => id)).toEqual(['1', '2']);
    expect(JSON.stringify(all)).not.toContain('王校长');
    const { body: some } = await jsonOf<Named>(sun.ask('/api/campuses?district=450302'));
    expect(some.map(({ id }) => id)).toEqual(['2']);
    expect((await jsonOf(wang.ask('/api/campuses/1'))).body['contacts']).toEqual(campusOf('1').contacts);
    expect((await jsonOf(sun.ask('/api/campuses/1'))).body['contacts']).toEqual([]);
    expect((await jsonOf(sun.ask('/api/campuses/3'))).status).toBe(404);
  });

  it('shows alarms of a campus, a district and a place', async () => {
    const { loggedIn, store } = await city();
    store.putAlarm(alarmOf('a', '1'));
    store.putAlarm(alarmOf('b', '2', { zone: { number: 7, name: '东墙' } }));
    const sun = await loggedIn('sun');
    const ids = async (query: string) =>
      (await jsonOf<Named>(sun.ask(`/api/alarms${query}`))).body.map(({ id }) => id);
    expect(await ids('')).toEqual(['a', 'b']);
    expect(await ids('?campus=2')).toEqual(['b']);
    expect(await ids(`?state=all&place=${encodeURIComponent('东墙')}`)).toEqual(['b']);
    expect(await ids('?district=450302')).toEqual([]);
    await ids('?before=2026-01-05T08:00:00.123456Z,b&limit=3');
    expect(store.asked.at(-1)).toEqual({
      what: 'alarms',
      of: { state: 'standing', before: { at: '2026-01-05T08:00:00.123456Z', id: 'b' }, limit: 3 },
    });
  });

  it('makes a link for the first administrator, who lets others in', async () => {
    const { server, base, dataDir } = await startCity();
    const link = /#(.+)$/.exec(server.setupUrl ?? '')?.[1];
    const browser = browserAt(base);
    const made = await browser.post('/setup', { link, name: '李主任', password: 'three cats on a wall' });
    expect(made.status).toBe(200);
    expect((await browser.post('/api/users', { name: 'wang', role: 'operator' })).status).toBe(200);
    expect((await jsonOf<Named>(browser.ask('/api/users'))).body.length).toBe(2);
    // No screens at gates: no token for them.
    expect(readdirSync(dataDir).filter((file) => file.endsWith('.token'))).toEqual([]);
  });

  it('tells a balancer whether it is well, and more to who may look', async () => {
    const { base, source, store, time } = await city();
    const ask = (headers = {}) => jsonOf(fetch(`${base}/health`, { headers }));
    expect(await ask()).toMatchObject({ status: 200, body: { healthy: true, source: { connected: true } } });
    expect(await ask({ 'x-forwarded-for': '10.0.0.9' })).toEqual({ status: 200, body: { healthy: true } });
    source.connected = false;
    expect((await ask()).status).toBe(503);
    source.connected = true;
    store.state.isAway = true;
    await time.advance(2000);
    expect(await ask()).toMatchObject({
      status: 503,
      body: { healthy: false, database: { answers: false } },
    });
  });

  it('is measured by Prometheus on this machine, or with a token', async () => {
    const { base, store } = await city();
    store.putCampus(campusOf('1'));
    const ask = async (headers = {}) => {
      const response = await fetch(`${base}/metrics`, { headers });
      return [response.status, await response.text()] as const;
    };
    const [status, text] = await ask();
    expect(status).toBe(200);
    expect(text).toMatch(/^campus_city_campuses\{state="online"\} 1$/m);
    expect(text).toMatch(/^campus_city_database_up 1$/m);
    const proxied = { 'x-forwarded-for': '10.0.0.9' };
    expect((await ask(proxied))[0]).toBe(401);
    const authorization = `Bearer ${bearerOf('prometheus')}`;
    expect((await ask({ ...proxied, authorization }))[0]).toBe(200);
  });
});

describe('a city whose database is slow or away', () => {
  it('reads alarms beside long questions, of which nobody fills the queue alone', async () => {
    const { loggedIn, store } = await city();
    const [wang, sun] = [await loggedIn('wang'), await loggedIn('sun')];
    const gate = Promise.withResolvers<void>();
    const { events } = store.reads;
    Object.assign(store.reads, {
      events: async (query: Parameters<typeof events>[0]) => {
        await gate.promise;
        return await events(query);
      },
    });
    const codes = async (asked: readonly Promise<Response>[]) =>
      (await Promise.all(asked)).map(({ status }) => status).toSorted();
    const many = Array.from({ length: 10 }, () => sun.ask('/api/events'));
    const refused = await Promise.race([...many.map((one) => one.then(({ status }) => status))]);
    expect(refused).toBe(429);
    const other = wang.ask('/api/events');
    expect((await wang.ask('/api/alarms')).status).toBe(200);
    gate.resolve();
    expect(await codes(many)).toEqual([...Array(6).fill(200), ...Array(4).fill(429)]);
    expect((await other).status).toBe(200);
  });

  it('says that the database is away, and goes on when it is back', async () => {
    const { loggedIn, store } = await city();
    const sun = await loggedIn('sun');
    store.state.isAway = true;
    for (const path of ['/api/campuses', '/api/alarms', '/api/alarms/a', '/api/overview', '/api/events'])
      expect(await jsonOf(sun.ask(path)), path).toEqual({ status: 503, body: { error: 'unavailable' } });
    store.state.isAway = false;
    expect((await jsonOf(sun.ask('/api/campuses'))).status).toBe(200);
  });
});
