/**
 * An alarm of a real gateway is taken and closed in the city: mosquitto, PostgreSQL, `campus-gateway platform` and the
 * gateway, each as a process of its own.
 */
import { Client } from 'pg';
import { expect, type TestContext, test } from 'vitest';
import type { AlarmView, CampusView } from '../../gateway/platform/views.ts';
import { type Browser, browserAt, PASSWORD } from '../gateway/console-people.ts';
import { temporaryDirectory } from '../helpers.ts';
import { campusWithPanel, platformProcess } from './a-platform.ts';
import { hasPostgres, postgres } from './postgres.ts';
import { mosquitto, need, until } from './tools.ts';

const CAMPUS = '4503000001';

async function city(context: TestContext) {
  need(context, 'mosquitto');
  if (!hasPostgres()) need(context, 'postgres');
  const [broker, database] = await Promise.all([mosquitto(), postgres()]);
  const dataDir = temporaryDirectory();
  const { base, log } = await platformProcess(broker.port, database.url, dataDir);
  await until('the link is told', () => log().some((line) => line.includes('/setup#')));
  const [, link] = /\/setup#([\w-]+)/.exec(log().join('\n')) ?? [];
  const li = browserAt(base);
  expect((await li.post('/setup', { link, name: 'li', password: PASSWORD })).status).toBe(200);
  return { broker, database, dataDir, base, li };
}

/** Another user, who sets a password by the link that an administrator gives. */
async function guard(li: Browser, base: string, name: string): Promise<Browser> {
  const made = await li.post('/api/users', { name, role: 'guard' });
  const { link } = (await made.json()) as { link: string };
  const own = browserAt(base);
  expect((await own.post('/setup', { link: link.split('#')[1], password: PASSWORD })).status).toBe(200);
  return own;
}

const get = async <T>(who: Browser, path: string) => (await (await who.ask(path)).json()) as T;
const act = async (who: Browser, alarm: AlarmView | undefined, what: string, body: object = {}) =>
  (await (await who.post(`/api/alarms/${alarm?.id}/${what}`, body)).json()) as Record<string, unknown>;

test('an alarm is acknowledged and closed at its campus, by one of two', {
  timeout: 120_000,
}, async (context) => {
  const { broker, database, dataDir, base, li } = await city(context);
  const { act: press, daemon, start } = await campusWithPanel(broker.port, CAMPUS, '桂林市第一中学');
  const wang = await guard(li, base, 'wang');
  const other = await platformProcess(broker.port, database.url, dataDir);
  const there = browserAt(other.base);
  await until('the other instance knows them', async () => (await there.login('wang')).ok);
  const alarms = () => get<AlarmView[]>(li, '/api/alarms?state=all');
  const isCampus = async (state: CampusView['state']) =>
    (await get<CampusView[]>(li, '/api/campuses')).some((one) => one.id === CAMPUS && one.state === state);
  await until('the campus is online', () => isCampus('online'));
  const begun = performance.now();
  await press('press 9');
  await until('the alarm is there', async () => (await alarms()).length === 1);
  const shownMs = performance.now() - begun;
  const [alarm] = await alarms();
  expect(alarm).toMatchObject({
    kind: 'panic',
    standing: true,
    campus: { id: CAMPUS },
    device: { id: 'panel' },
  });

  // Both at once, at two instances, of which either may have heard the campus.
  const [first, second] = await Promise.all([
    act(li, alarm, 'acknowledge'),
    act(there, alarm, 'acknowledge'),
  ]);
  const [won, lost, winner] = first['done'] === true ? [first, second, 'li'] : [second, first, 'wang'];
  expect(won).toEqual({ done: true, ms: expect.any(Number) });
  expect(lost).toMatchObject({ done: false, reason: 'taken', by: winner });
  expect((await alarms())[0]?.acknowledged).toMatchObject({ by: winner });
  expect(await act(wang, alarm, 'close', { reason: 'real', note: '门卫已到' })).toMatchObject({ done: true });
  expect((await alarms())[0]?.closed).toMatchObject({ by: 'wang', reason: 'real', note: '门卫已到' });
  process.stderr.write(
    `an alarm is in the API ${Math.round(shownMs)} ms after it was pressed, and taken at its campus in ${won['ms']} ms\n`,
  );

  // The campus is switched off: who asks hears it at once, not after 20 s.
  await press('release 9');
  await press('press 9');
  await until('the second alarm is there', async () => (await alarms()).length === 2);
  await daemon.stop();
  await until('the campus is silent', () => isCampus('silent'));
  const open = (await alarms()).find(({ acknowledged }) => acknowledged === undefined);
  expect(await act(li, open, 'acknowledge')).toEqual({ done: false, reason: 'offline' });
  await start();
  await until('the campus is back', async () => !(await isCampus('silent')));
  expect(await act(li, open, 'acknowledge')).toMatchObject({ done: true });

  // The broker is away; as it ends, it may have told the will of the campus.
  await broker.stop();
  const asked = performance.now();
  const outcome = await act(li, open, 'close', { reason: 'test' });
  expect(outcome).toMatchObject({
    done: false,
    reason: expect.stringMatching(/^(broker|offline|no-answer)$/),
  });
  expect(performance.now() - asked).toBeLessThan(21_000);
  await broker.start();

  // What was done, by whom, stands in the database.
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ body: string }>('SELECT body FROM audit ORDER BY at');
  await client.end();
  const audited = rows.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  const ofFirst = audited.filter((one) => one['alarm'] === alarm?.id && one['outcome'] !== undefined);
  const outcomes = ofFirst.map(({ action, user, outcome }) => ({ action, user, outcome }));
  // Who was late by so much that it stood there asked for nothing, and is not in it.
  expect(outcomes).toEqual(
    expect.arrayContaining([
      { action: 'acknowledge', user: winner, outcome: won },
      { action: 'close', user: 'wang', outcome: expect.objectContaining({ done: true }) },
    ]),
  );
  expect(audited).toContainEqual(expect.objectContaining({ kind: 'user-added', user: 'li', about: 'wang' }));
});
