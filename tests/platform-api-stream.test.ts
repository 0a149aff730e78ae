/** What changes in a city comes to its pages, at once, together in a flood, and again to who comes back. */
import { describe, expect, it } from 'vitest';
import { alarmOf, campusOf, startCity } from './a-city.ts';
import { eventsOf, type Sent } from './gateway/a-console.ts';
import { bearerOf, settle } from './gateway/console-people.ts';
import { temporaryDirectory } from './helpers.ts';

async function city() {
  const dataDir = temporaryDirectory();
  await settle(dataDir, [], [{ label: 'page', role: 'viewer', until: Date.UTC(2030, 0) }]);
  const one = await startCity({ dataDir });
  const headers = { authorization: `Bearer ${bearerOf('page')}` };
  const open = async (more: Record<string, string> = {}, query = '') => {
    const response = await fetch(`${one.base}/api/stream${query}`, { headers: { ...headers, ...more } });
    const events = eventsOf(response);
    /** The next that is no word on the whole. */
    const next = async (): Promise<Sent> => {
      for (;;) {
        const { value } = await events.next();
        if (value === undefined) throw new Error('the stream is over');
        if (value.event !== 'overview') return value;
      }
    };
    return { response, events, next, end: () => response.body?.cancel().catch(() => {}) };
  };
  return { ...one, open, headers };
}

const idOf = ({ data }: Sent) => (data as { id: string }).id;

describe('a page of the city', () => {
  it('is told what runs here, what changes, and every two seconds how the whole is', async () => {
    const { open, store, time } = await city();
    const { next, events } = await open();
    expect(await next()).toMatchObject({
      ...{ event: 'hello', id: expect.stringMatching(/^[\w-]+:0$/) },
      data: { version: expect.any(String), webVersion: expect.stringMatching(/^[\w-]{12}$/) },
    });
    expect((await events.next()).value).toMatchObject({
      event: 'overview',
      data: { campuses: { total: 0 } },
    });
    store.putAlarm(alarmOf('a', '1'));
    expect(await next()).toMatchObject({ event: 'alarm', data: alarmOf('a', '1') });
    store.putCampus(campusOf('1'));
    const campus = await next();
    expect(campus).toMatchObject({ event: 'campus', data: { id: '1' } });
    expect(JSON.stringify(campus)).not.toMatch(/王校长|lanes/);
    const beat = events.next();
    await time.advance(2000);
    expect((await beat).value).toMatchObject({ event: 'overview', data: { campuses: { total: 1 } } });
  });

  it('is told that the broker is away', async () => {
    const { open, source, time } = await city();
    const { next, events } = await open();
    await next();
    expect((await events.next()).value).toMatchObject({ event: 'overview', data: { broker: true } });
    source.connected = false;
    const beat = events.next();
    await time.advance(2000);
    expect((await beat).value).toMatchObject({ event: 'overview', data: { broker: false } });
  });

  it('is told of an alarm at once, though it changed a moment before', async () => {
    const { open, store, time } = await city();
    const { next } = await open();
    await next();
    store.putAlarm(alarmOf('a', '1'));
    await next();
    store.putAlarm(alarmOf('a', '1', { acknowledged: { by: 'wang', at: '2026-01-05T08:00:01Z' } }));
    const told = next();
    // The clock stands: what comes so soon waits for 50 ms.
    await time.advance(50);
    expect(await told).toMatchObject({ data: { acknowledged: { by: 'wang' } } });
  });

  it('in a flood of alarms gets each as it is, read once for all pages', async () => {
    const { open, store, time } = await city();
    const pages = await Promise.all(Array.from({ length: 20 }, () => open()));
    for (const { next } of pages) await next();
    store.asked.length = 0;
    const ids = Array.from({ length: 300 }, (_, i) => `alarm-${i}`);
    const tell = async () => {
      for (const id of ids) {
        store.putAlarm(alarmOf(id, '1'));
        store.putAlarm(alarmOf(id, '1', { test: 'walk-test' }));
        await time.advance(10_000 / ids.length);
      }
      await time.advance(100);
    };
    const readAll = async ({ next }: (typeof pages)[number]) => {
      const last = new Map<string, Sent>();
      while (last.size < ids.length) {
        const one = await next();
        last.set(idOf(one), one);
      }
      return last;
    };
    const [all] = await Promise.all([Promise.all(pages.map(readAll)), tell()]);
    for (const last of all) expect([...last.keys()]).toEqual(ids);
    const reads = store.asked.filter(({ what }) => what === 'alarm').length;
    expect(reads).toBeLessThanOrEqual(2 * ids.length);
    // The whole was looked at each two seconds, not once for each page.
    expect(store.asked.filter(({ what }) => what === 'overview').length).toBeLessThanOrEqual(6);
  });
});

describe('a program that follows a part', () => {
  it('is told of a campus, a district and a place, and always how the whole is', async () => {
    const { open, store, time } = await city();
    const place = encodeURIComponent('西门');
    const of = await Promise.all(
      ['?campus=2', '?district=450302', `?place=${place}`, `?campus=1&place=${place}`].map((query) =>
        open({}, query),
      ),
    );
    const all = await open();
    for (const { next } of [...of, all]) await next();
    const far = { id: '2', district: '450302001001' };
    store.putAlarm(alarmOf('a', '1'));
    store.putAlarm(alarmOf('b', '2', { campus: far, zone: { number: 7, name: '西门' } }));
    store.putAlarm(alarmOf('c', '1', { area: { id: 'West', name: '西门' } }));
    store.putCampus(campusOf('2', { district: far.district }));
    store.putAlarm(alarmOf('end', '1'));
    for (let i = 0; i < 4; i++) await time.advance(100);
    const told = async ({ next }: typeof all, n: number) => {
      const found: string[] = [];
      for (let i = 0; i < n; i++) {
        const one = await next();
        found.push(`${one.event} ${idOf(one)}`);
      }
      return found.toSorted();
    };
    const [ofCampus, ofDistrict, ofPlace, ofBoth] = of as [typeof all, typeof all, typeof all, typeof all];
    expect(await told(all, 5)).toEqual(['alarm a', 'alarm b', 'alarm c', 'alarm end', 'campus 2']);
    expect(await told(ofCampus, 2)).toEqual(['alarm b', 'campus 2']);
    expect(await told(ofDistrict, 2)).toEqual(['alarm b', 'campus 2']);
    // A place is of alarms; campuses are told as they are asked for.
    expect(await told(ofPlace, 3)).toEqual(['alarm b', 'alarm c', 'campus 2']);
    expect(await told(ofBoth, 1)).toEqual(['alarm c']);
  });

  it('is refused what there is no parameter for, in a sentence', async () => {
    const { base, headers } = await city();
    const response = await fetch(`${base}/api/stream?zone=1`, { headers });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: 'invalid',
      detail: 'there is no parameter zone here; leave it out, or use one of after, campus, district, place',
    });
  });
});

describe('a page of the city that was away', () => {
  it('is told what changed since, each thing once', async () => {
    const { open, store, time } = await city();
    const before = await open();
    await before.next();
    store.putAlarm(alarmOf('a', '1'));
    const { id = '' } = await before.next();
    before.end();
    for (const at of ['2026-01-05T08:00:01Z', '2026-01-05T08:00:02Z']) {
      store.putAlarm(alarmOf('b', '1', { acknowledged: { by: 'wang', at } }));
      await time.advance(60);
    }
    for (const again of [await open({ 'last-event-id': id }), await open({}, `?after=${id}`)]) {
      expect(await again.next()).toMatchObject({ event: 'hello', id: undefined });
      expect(await again.next()).toMatchObject({ event: 'alarm', data: { id: 'b' } });
      store.putAlarm(alarmOf('c', '1'));
      const told = again.next();
      await time.advance(60);
      expect(idOf(await told)).toBe('c');
      again.end();
      await time.advance(60);
      store.alarms.delete('c');
    }
  });

  it('hears that it missed something where nobody knows what', async () => {
    const { open, store, time } = await city();
    const isMissed = async (id: string) => {
      const { next, end } = await open({ 'last-event-id': id });
      await next();
      const { event } = await next();
      end();
      return event === 'missed';
    };
    const { next } = await open();
    const { id = '' } = await next();
    for (const wrong of ['another:3', `${id}9`, 'x', ':', '😀'.slice(0, 1).replace(/\W/g, 'x')])
      expect(await isMissed(wrong), wrong).toBe(true);
    // The listening broke off, as when the database was away.
    store.tell({ what: 'missed' });
    expect(await next()).toMatchObject({ event: 'missed' });
    expect(await isMissed(id)).toBe(true);
    // More at once than is told one by one.
    store.asked.length = 0;
    store.state.isAway = true;
    for (let i = 0; i < 600; i++) store.tell({ what: 'alarm', id: `x-${i}`, campus: '1' });
    expect(await next()).toMatchObject({ event: 'missed' });
    store.state.isAway = false;
    await time.advance(5000);
  });

  it('is told late, and not never, where the database was away', async () => {
    const { open, store, time } = await city();
    const { next } = await open();
    await next();
    store.state.isAway = true;
    store.putAlarm(alarmOf('a', '1'));
    store.putAlarm(alarmOf('b', '1'));
    await time.advance(3000);
    store.state.isAway = false;
    const told = [next(), next()];
    await time.advance(3000);
    expect((await Promise.all(told)).map(idOf).sort()).toEqual(['a', 'b']);
  });
});

describe('the pages of the city', () => {
  it('get each campus where a broker comes back, read together', async () => {
    const { open, store, time, base, headers } = await city();
    const { next } = await open();
    await next();
    const ids = Array.from({ length: 1500 }, (_, i) => String(i));
    store.asked.length = 0;
    for (const id of ids) store.putCampus(campusOf(id));
    const found = new Set<string>();
    const reading = (async () => {
      while (found.size < ids.length) found.add(idOf(await next()));
    })();
    await time.advance(2000);
    await reading;
    expect(store.asked.filter(({ what }) => what === 'campuses').length).toBeLessThanOrEqual(2);
    expect(store.asked.filter(({ what }) => what === 'campus').length).toBeLessThanOrEqual(20);
    // As a list it is compressed, once for all who ask.
    store.asked.length = 0;
    const lists = await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${base}/api/campuses`, { headers })),
    );
    for (const list of lists) {
      expect(list.headers.get('content-encoding')).toBe('gzip');
      expect(((await list.json()) as object[]).length).toBe(1500);
    }
    expect(store.asked.filter(({ what }) => what === 'campuses').length).toBe(1);
  });

  it('are 200 at once, beside all else that is asked', async () => {
    const { open, store, base, headers } = await city();
    const pages = await Promise.all(Array.from({ length: 200 }, () => open()));
    for (const { next } of pages) await next();
    // Each on a connection of its own, as of browsers that keep theirs.
    const asked = Array.from({ length: 150 }, () => fetch(`${base}/api/me`, { headers }));
    for (const one of await Promise.all(asked)) expect(one.status).toBe(200);
    store.putAlarm(alarmOf('a', '1'));
    for (const { next } of pages) expect(idOf(await next())).toBe('a');
  });

  it('lose one that does not read, and no other waits for it', async () => {
    const { open, store, time, base, headers } = await city();
    const { connect } = await import('node:net');
    const { hostname, port } = new URL(base);
    const deaf = connect(Number(port), hostname);
    deaf.pause();
    deaf.write(
      `GET /api/stream HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: ${headers.authorization}\r\n\r\n`,
    );
    const gone = new Promise<void>((resolve) => deaf.once('close', () => resolve()));
    deaf.on('error', () => {});
    const { next } = await open();
    await next();
    const text = 'x'.repeat(200_000);
    for (let i = 0; i < 60; i++) {
      store.putAlarm(alarmOf(`a-${i}`, '1', { text }));
      const told = next();
      await time.advance(60);
      expect(idOf(await told)).toBe(`a-${i}`);
    }
    deaf.resume();
    await gone;
  });

  it('are not answered from what was read before a change', async () => {
    const { base, headers, store } = await city();
    const list = async () => {
      const response = await fetch(`${base}/api/alarms`, { headers });
      return ((await response.json()) as { id: string }[]).map(({ id }) => id);
    };
    store.putAlarm(alarmOf('a', '1'));
    expect(await list()).toEqual(['a']);
    store.alarms.set('quiet', alarmOf('quiet', '1'));
    // The same question within a second has the same answer, until something is told.
    expect(await list()).toEqual(['a']);
    store.putAlarm(alarmOf('b', '1'));
    expect(await list()).toEqual(['a', 'quiet', 'b']);
  });
});
