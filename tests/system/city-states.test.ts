/** How campuses are, by what the database has of them. */
import { expect, test } from 'vitest';
import { both, database, event, NOW, PREFIX, said } from './city-database.ts';

test('says how campuses are, and why', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const { time } = store;
  const state = async () => {
    const { state, reasons } = (await reads.campus('4503000001')) ?? {};
    return [state, ...(reasons ?? [])].join(' ');
  };
  const presence = (body: object) =>
    store.show({ prefix: PREFIX, what: 'presence', body: JSON.stringify(body), receivedAt: time.wall() });
  const master = {
    version: '1',
    revision: 'x',
    id: '1',
    coordinates: { latitude: 25, longitude: 110, datum: 'WGS 84' },
  };
  await store.show({ prefix: PREFIX, what: 'campus', body: JSON.stringify(master), receivedAt: NOW });
  expect(await state()).toBe('unknown');
  await presence({ state: 'online', version: '0.9.0' });
  expect(await reads.campus('4503000001')).toMatchObject({
    state: 'online',
    version: '0.9.0',
    since: new Date(NOW).toISOString(),
    coordinates: master.coordinates,
  });
  await time.advance(1000);
  await presence({ state: 'offline' });
  expect(await state()).toBe('silent offline');
  await presence({ state: 'offline', at: '2026-11-29T08:00:01Z' });
  expect(await state()).toBe('silent stopped');
  // The broker lost what was retained, and events come: it is there.
  await time.advance(1000);
  const now = () => ({ receivedAt: time.wall(), time: new Date(time.wall()).toISOString() });
  await store.take([event(1, 0, now())]);
  expect(await state()).toBe('silent stopped');
  await time.advance(61_000);
  await store.take([event(20, 20, now())]);
  expect(await state()).toBe('online');
  await store.take([
    said(
      'device.offline',
      2,
      { kind: 'link', state: 'raised', device: { id: 'panel' } },
      { ...now(), previous: 0 },
    ),
    event(9, 5, now()),
  ]);
  expect(await state()).toBe('degraded device-offline');
  await time.advance(31_000);
  expect(await state()).toBe('degraded gap device-offline');
  await store.take([
    said('device.online', 3, { kind: 'link', state: 'restored', device: { id: 'panel' } }, now()),
    { ...event(10, 9, now()), body: '{"data":{"clock":{"synchronised":false}}}' },
  ]);
  expect(await state()).toBe('degraded gap clock');
  const [gap] = (await store.gaps(time.wall())).ask;
  if (gap !== undefined) await store.pass(gap);
  await store.take([{ ...event(11, 10, now()), body: '{"data":{"clock":{"synchronised":true}}}' }]);
  expect(await state()).toBe('degraded lost');
  expect(await reads.campus('4503000001')).toMatchObject({
    gaps: 0,
    gapsOf: [{ journal: 'one', lane: 'normal', after: '1', upTo: '5', asked: 1, state: 'lost' }],
    lanes: [
      { journal: 'one', lane: 'normal', upTo: '11' },
      { journal: 'one', lane: 'urgent', upTo: '3' },
    ],
  });
  await time.advance(27 * 3_600_000);
  expect(await state()).toBe('silent quiet');
  expect(await reads.campus('nobody')).toBeUndefined();
  expect(await reads.campuses({ district: '450305' })).toEqual([]);
  expect(await reads.campuses()).toHaveLength(1);
});

test('knows a campus that is gone, whatever waited for it at the broker', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const { time } = store;
  const state = async () => {
    const { state, reasons, since } = (await reads.campus('4503000001')) ?? {};
    return { is: [state, ...(reasons ?? [])].join(' '), since };
  };
  const presence = (state: string, isRetained: boolean) =>
    store.show({
      ...{ prefix: PREFIX, what: 'presence', receivedAt: time.wall(), isRetained },
      body: JSON.stringify({ campus: '1', state, contract: '1.8.0' }),
    });
  // The platform begins: what is retained comes first, and then what waited in a queue.
  await time.advance(3_600_000);
  await presence('offline', true);
  await time.advance(1000);
  const late = () => ({ receivedAt: time.wall() });
  await store.take([event(1, 0, late()), event(2, 1, late())]);
  expect((await state()).is).toBe('silent offline');
  await time.advance(120_000);
  await store.take([event(2, 1, late())]);
  expect((await state()).is).toBe('silent offline');
  // It comes back, and goes with its broker: no will says so.
  await presence('online', false);
  expect((await state()).is).toBe('online');
  await time.advance(600_000);
  await presence('online', false);
  const last = new Date(time.wall()).toISOString();
  await time.advance(1_440_000);
  await presence('online', true);
  expect((await state()).is).toBe('online');
  await time.advance(61_000);
  expect(await state()).toEqual({ is: 'silent quiet', since: last });
  // Nobody listened for all that time.
  await store.listen('campus/v1', time.wall());
  expect((await state()).is).toBe('online');
  for (let minute = 0; minute < 26; minute++) {
    await time.advance(60_000);
    await store.listen('campus/v1', time.wall());
  }
  expect((await state()).is).toBe('silent quiet');
  await time.advance(200_000);
  await store.listen('campus/v1', time.wall());
  expect((await state()).is).toBe('online');
});
