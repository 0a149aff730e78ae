/** Events on the console: found, looked at closely, and taken along as a file, each by who may. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EventType } from '../../config/catalogue/events.ts';
import { type EventsOptions, serveEvents } from '../../gateway/console/api/events.ts';
import { createClosedServer, userOf } from '../../gateway/console/guard.ts';
import { type Role, roles } from '../../gateway/console/rights.ts';
import { csvCell } from '../../gateway/console/search/export.ts';
import { createSearch, SearchError } from '../../gateway/console/search/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, stream, temporaryDirectory } from '../helpers.ts';

const T0 = Date.UTC(2026, 10, 1, 4);

/** The API over a real journal and a real search. A cookie is the name of a role. */
async function eventsApi(more: Partial<EventsOptions> = {}) {
  const directory = temporaryDirectory();
  const time = manualClock(T0);
  const journal = await openHere(directory, { time });
  onTestFinished(() => journal.close());
  const search = createSearch({ directory, lowDisk: 0, journal, time, log: silentLog });
  onTestFinished(() => search[Symbol.asyncDispose]());
  const ends = new AbortController();
  const server = await createClosedServer(
    { host: '127.0.0.1', names: [] },
    ({ headers: { cookie } }) =>
      (roles as readonly (string | undefined)[]).includes(cookie)
        ? userOf(`a ${cookie}`, cookie as Role, ends.signal)
        : undefined,
    { metrics: createMetrics(), time, log: silentLog },
  );
  onTestFinished(() => server.close());
  const audits = stream<object>();
  await server.register(
    serveEvents({
      search,
      persons: {
        get: async (ids) => ids.map((id) => (id === 's-7' ? { name: '李明', class: '一班' } : undefined)),
        find: async (text) => (text === '李明' ? ['s-7'] : []),
      },
      interests: () => [
        { id: 'city', types: ['access.granted'] },
        { id: 'bureau', types: ['alarm.raised'] },
      ],
      journal: {
        audit: async (_at, body) => {
          audits.push(JSON.parse(body) as object);
          return 'hash';
        },
      },
      campus: { id: '45001', name: '一中', timezone: 'Asia/Shanghai' },
      time,
      ...more,
    }),
  );
  let count = 0;
  const tell = async (type: EventType, data: object = {}, at = T0 + count * 60_000) => {
    const id = `01900000-0000-7000-8000-${String(++count).padStart(12, '0')}`;
    const event = { id, type: `cn.campus.${type}`, source: 's', time: new Date(at).toISOString(), data };
    const body = JSON.stringify(event);
    await journal.append({ id, lane: 'normal', seenAt: T0, type, device: 'r-1', body });
    return id;
  };
  const ask = (role: string, url: string) => server.inject({ url, headers: { cookie: role } });
  const get = async (role: string, url: string) => (await ask(role, url)).json();
  return { server, journal, time, ends, audits, tell, ask, get };
}

const passage = {
  credential: { format: 'wiegand26', facility: 12, number: '4711' },
  access: { door: 'gate', decision: 'granted', holder: 's-7' },
  raw: '04711',
};

describe('events on the console', () => {
  it('are found page by page, with names for who may see them and without persons for others', async () => {
    const { tell, get } = await eventsApi();
    await tell('access.granted', passage);
    await tell('alarm.raised', { kind: 'fire' });
    const page = await get('operator', '/api/events?limit=1');
    expect(page).toMatchObject({
      events: [{ sequence: '2', type: 'alarm.raised', data: { kind: 'fire' } }],
      behind: 0,
    });
    const older = await get('operator', `/api/events?limit=1&before=${page.next}`);
    expect(older).toMatchObject({ events: [{ sequence: '1', data: passage }], next: null });
    expect(older.persons).toEqual({ 's-7': { name: '李明', class: '一班' } });
    const seen = await get('viewer', '/api/events?types=access.*');
    expect(seen.events).toHaveLength(1);
    expect(JSON.stringify(seen)).not.toMatch(/4711|s-7|李明/);
  });

  it('are found by the name of a person by who may see persons, and by nobody else', async () => {
    const { tell, get, ask } = await eventsApi();
    await tell('access.granted', passage);
    await tell('access.granted', { access: { door: 'gate', decision: 'granted', holder: 's-8' } });
    for (const person of ['李明', 's-7', '4711', '04711'])
      expect((await get('guard', `/api/events?person=${encodeURIComponent(person)}`)).events).toMatchObject([
        { sequence: '1' },
      ]);
    for (const role of ['viewer', 'technician']) {
      expect((await ask(role, '/api/events?person=s-7')).statusCode).toBe(403);
      expect((await get(role, '/api/events?text=s-7')).events).toEqual([]);
    }
  });

  it('refuse what makes no sense', async () => {
    const { ask } = await eventsApi();
    const long = `text=${'x'.repeat(201)}`;
    const wrong = [
      'from=yesterday',
      'limit=0',
      'limit=201',
      'before=-1',
      'before=x',
      'types=%27',
      'text=',
      long,
      'device=%20',
    ];
    for (const query of wrong) {
      const { statusCode, body } = await ask('operator', `/api/events?${query}`);
      expect([query, statusCode, JSON.parse(body).error]).toEqual([query, 400, 'invalid']);
    }
  });

  it('are no secret to a screen, for it sees none', async () => {
    const { ask } = await eventsApi();
    for (const url of ['/api/events', '/api/events/1', '/api/events/export?format=csv'])
      expect([(await ask('screen', url)).statusCode, (await ask('', url)).statusCode]).toEqual([403, 401]);
  });

  it('are looked for in the name of who asks, so that nobody fills the queue alone', async () => {
    const askers: unknown[] = [];
    const noting = (_what: unknown, asker: unknown) => {
      askers.push(asker);
      return Promise.reject(new SearchError('E_SEARCH_BUSY', 'why'));
    };
    const search = { find: noting, life: noting, sequenceOf: noting };
    const { ask } = await eventsApi({ search: search as unknown as EventsOptions['search'] });
    const id = '01900000-0000-7000-8000-000000000001';
    for (const url of ['/api/events', '/api/events/1', `/api/events/${id}`])
      expect((await ask('operator', url)).statusCode).toBe(503);
    expect(askers).toEqual(Array(3).fill('a operator'));
  });

  it('say why they cannot be had', async () => {
    const fails = (code: SearchError['code']) => ({
      find: () => Promise.reject(new SearchError(code, 'why')),
    });
    for (const [code, error] of [
      ['E_SEARCH_BUSY', 'too-many'],
      ['E_SEARCH_LATE', 'search-late'],
      ['E_SEARCH_JOURNAL', 'search-unreadable'],
    ] as const) {
      const { ask } = await eventsApi({ search: fails(code) as unknown as EventsOptions['search'] });
      const { statusCode, body } = await ask('operator', '/api/events');
      expect([statusCode, JSON.parse(body)]).toEqual([503, { error }]);
    }
  });
});

describe('the life of an event', () => {
  it('tells each step, by its number and by its id, and what followed', async () => {
    const { tell, get, ask, journal, time } = await eventsApi();
    const id = await tell('access.granted', {
      ...passage,
      clock: { deviceTime: '2026-11-01T03:59:58.000Z' },
    });
    await tell('media.kept', { event: id, picture: 'p' });
    const before = await get('operator', '/api/events/1');
    expect(before.platforms).toEqual([
      { platform: 'city', state: 'waiting' },
      { platform: 'bureau', state: 'not-wanted' },
    ]);
    journal.advance('city', 'normal', { sequence: 1, sent: 1 });
    journal.mark('city', 'normal', 'broker', 1);
    await time.advance(1000);
    const life = await get('operator', `/api/events/${id}`);
    expect(life).toMatchObject({
      event: {
        sequence: '1',
        seenAt: '2026-11-01T04:00:00.000Z',
        storedAt: '2026-11-01T04:00:00.000Z',
        data: { raw: '04711' },
      },
      lane: 'normal',
      deviceTime: '2026-11-01T03:59:58.000Z',
      platforms: [{ platform: 'city', state: 'taken' }, { platform: 'bureau' }],
      later: [{ sequence: '2', type: 'media.kept' }],
    });
    expect((await get('operator', '/api/events/2')).about).toBe('1');
    expect((await ask('viewer', '/api/events/1')).body).not.toMatch(/4711|s-7/);
    expect((await ask('operator', '/api/events/99')).statusCode).toBe(404);
    expect((await ask('operator', `/api/events/${id.replace('0190', '0191')}`)).statusCode).toBe(404);
    expect((await ask('operator', '/api/events/..%2f')).statusCode).toBe(400);
  });

  it('tells what a platform refuses, and what it said that it has', async () => {
    const { tell, get, journal, time } = await eventsApi();
    await tell('alarm.raised', { kind: 'fire' });
    await tell('access.granted', passage);
    const hold = { topic: 't', lane: 1, first: 1, last: 1, reason: 'not authorised', since: T0 };
    journal.hold({ uplink: 'bureau', ...hold });
    journal.advance('city', 'normal', { sequence: 2, sent: 2 });
    journal.mark('city', 'normal', 'platform', 2);
    await time.advance(1000);
    expect((await get('operator', '/api/events/1')).platforms[1]).toMatchObject({
      state: 'held',
      reason: 'not authorised',
    });
    expect((await get('operator', '/api/events/2')).platforms[0]).toMatchObject({ state: 'stored' });
  });
});

describe('a file of events', () => {
  it('is CSV that a Chinese spreadsheet reads, in the time of the campus', async () => {
    const { tell, ask, audits } = await eventsApi();
    await tell('access.granted', passage);
    await tell('alarm.raised', {
      kind: 'fire',
      text: '=HYPERLINK("http://x")',
      device: { id: 'r-1', name: '北门, "A"\n栋' },
    });
    const { body, headers, rawPayload } = await ask('operator', '/api/events/export?format=csv&language=zh');
    expect(rawPayload.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(headers['content-disposition']).toBe('attachment; filename="events-2026-11-01.csv"');
    const lines = body.slice(1).split('\r\n');
    expect(lines[0]).toMatch(/^时间,时间（UTC）,事件,类型,/);
    expect(lines[1]).toContain('2026-11-01 12:01:00,2026-11-01T04:01:00.000Z');
    expect(lines[1]).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(lines[1]).toContain('"北门, ""A""\n栋"');
    expect(lines[2]).toContain(',12-4711,s-7,');
    expect(lines[3]).toBe('');
    expect(await audits.next()).toMatchObject({
      kind: 'export',
      by: 'a operator',
      file: 'events-2026-11-01.csv',
      persons: true,
      query: {},
    });
    // Whom somebody looked for is not for the audit.
    await ask(
      'operator',
      '/api/events/export?format=csv&person=s-7&types=access.granted&from=2026-11-01T00:00:00Z',
    );
    expect(await audits.next()).toMatchObject({
      query: { person: true, types: ['access.granted'], from: '2026-11-01T00:00:00.000Z' },
    });
  });

  it('is JSON of all that was asked for, over many stretches', async () => {
    const { tell, ask } = await eventsApi();
    const told = Array.from({ length: 1201 }, (_, i) =>
      tell(i % 100 === 0 ? 'alarm.raised' : 'video.motion'),
    );
    const ids = (await Promise.all(told)).toReversed();
    const all = JSON.parse((await ask('operator', '/api/events/export?format=json')).body) as {
      id: string;
    }[];
    expect(all.map(({ id }) => id)).toEqual(ids);
    const alarms = JSON.parse((await ask('operator', '/api/events/export?format=json&types=alarm.*')).body);
    expect(alarms).toHaveLength(13);
    const none = JSON.parse((await ask('operator', '/api/events/export?format=json&device=nobody')).body);
    expect(none).toEqual([]);
  });

  it('is for who may take events along', async () => {
    const { ask, audits } = await eventsApi();
    for (const role of ['viewer', 'guard', 'technician'])
      expect((await ask(role, '/api/events/export?format=csv')).statusCode).toBe(403);
    expect(audits.rest()).toEqual([]);
  });

  it('does not begin where the audit does not take it', async () => {
    const { ask } = await eventsApi({ journal: { audit: () => Promise.reject(new Error('full')) } });
    const { statusCode, body } = await ask('operator', '/api/events/export?format=json');
    expect([statusCode, JSON.parse(body)]).toEqual([500, { error: 'failed' }]);
  });

  it('breaks off when its owner is not allowed any more, and two are written at once', async () => {
    const { server, ends, tell } = await eventsApi({
      search: {
        write: ({ query: { before } }: { query: { before?: number } }) =>
          before === undefined ? { text: '[', events: 1, next: 5 } : new Promise(() => {}),
      } as unknown as EventsOptions['search'],
    });
    await tell('alarm.raised');
    const base = await server.listen({ host: '127.0.0.1', port: 0 });
    const init = { headers: { cookie: 'operator' } };
    const url = `${base}/api/events/export?format=json`;
    const files = [fetch(url, init), fetch(url, init)].map((one) => one.then((answer) => answer.text()));
    const ended = Promise.allSettled(files);
    await expect.poll(async () => (await fetch(url, init)).status).toBe(429);
    ends.abort();
    for (const { status } of await ended) expect(status).toBe('rejected');
  });
});

describe('a cell of CSV', () => {
  it.each([
    ['a', 'a'],
    ['=1+1', "'=1+1"],
    ['+86', "'+86"],
    ['-x', "'-x"],
    ['@x', "'@x"],
    ['\tx', "'\tx"],
    ['＝1', "'＝1"],
    ['a"b', '"a""b"'],
    ['\r=1', '"\'\r=1"'],
    [-5, '-5'],
    [undefined, ''],
    [{}, ''],
  ])('of %j is %j', (value, cell) => expect(csvCell(value)).toBe(cell));
});
