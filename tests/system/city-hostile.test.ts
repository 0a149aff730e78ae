/**
 * One campus that does, by its own rights, what its batch-mates could suffer from: each of these once took longer than
 * the time that a statement has, so that the batch came again for ever.
 */
import { expect, test } from 'vitest';
import { database, event, idOf, opened, PREFIX, receipt } from './city-database.ts';

const EVIL = 'campus/v1/evil';

test('a campus with thousands of lanes makes no batch slow, and its receipts no larger', async (context) => {
  const { url } = await database(context);
  const store = await opened(url);
  const lanes = (from: number) =>
    Array.from({ length: 2000 }, (_, index) =>
      event(1, 0, { prefix: EVIL, id: idOf(from + index + 1), lane: `lane-${from + index}` }),
    );
  for (const from of [0, 2000]) {
    const { beside = [] } = await store.take(lanes(from));
    expect(beside.length).toBeLessThanOrEqual(2000 * 16);
  }
  const { receipts } = await store.take([event(1, 0, { id: idOf(9999) }), ...lanes(4000)]);
  expect(receipts).toContainEqual(receipt(1));
});

test('a campus that raises one thing for ever, and ends it as often, holds up nobody', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const said = (number: number, what: string) => ({
    ...event(number, number - 1, {
      ...{ prefix: EVIL, lane: 'urgent', type: `cn.campus.alarm.${what}` },
      id: idOf(number),
    }),
    body: JSON.stringify({ data: { kind: 'panic', device: { id: 'one' } } }),
  });
  await store.take([said(1, 'raised')]);
  await sql(
    `INSERT INTO alarm (campus, id, thing, chain, sequence, place, shown, time, received_at, stored_at)
     SELECT campus, gen_random_uuid(), thing, chain, n, place, shown, time, received_at, stored_at
     FROM alarm, generate_series(2, 20000) AS n`,
  );
  await sql('ANALYZE');
  const alarm = event(1, 0, { id: idOf(99_999), lane: 'urgent', type: 'cn.campus.alarm.raised' });
  const ends = Array.from({ length: 1900 }, (_, index) => said(30_000 + index, 'restored'));
  const { fresh } = await store.take([alarm, ...ends]);
  expect(fresh).toContainEqual(alarm);
  // What one batch did not end the next ends do.
  for (const number of [1, 2, 3, 4, 5]) await store.take([said(40_000 + number, 'restored')]);
  expect(await sql('SELECT count(*) FROM alarm WHERE ended_by IS NULL')).toEqual([{ count: '1' }]);
});

test('follows a chain that waited for long in steps, and asks for no gap that is none', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  await store.take([event(1, 0), event(3, 2)]);
  await sql('INSERT INTO ahead SELECT 1, n, n + 1 FROM generate_series(3, 250000) AS n');
  const { receipts } = await store.take([event(2, 1)]);
  expect(receipts).toEqual([receipt(100_002)]);
  await store.time.advance(3000);
  expect(await store.gaps(store.time.wall())).toEqual({ ask: [], receipts: [receipt(200_002)] });
  expect((await store.take([event(250_002, 250_001)])).receipts).toEqual([receipt(250_002)]);
  expect(await sql('SELECT gap_up_to FROM chain')).toEqual([{ gap_up_to: null }]);
  expect(await sql('SELECT count(*) FROM ahead')).toEqual([{ count: '0' }]);
  expect(await sql('SELECT FROM lost')).toEqual([]);
});

test('asks each campus for its gaps, though one has thousands', async (context) => {
  const { url } = await database(context);
  const store = await opened(url);
  const evil = Array.from({ length: 2000 }, (_, index) =>
    event(9, 5, { prefix: EVIL, id: idOf(index + 10), journal: `journal-${index}` }),
  );
  await store.take(evil);
  await store.take([event(3, 2, { id: idOf(1) })]);
  await store.time.advance(3000);
  const { ask } = await store.gaps(store.time.wall());
  expect(ask.filter(({ prefix }) => prefix === PREFIX)).toHaveLength(1);
  expect(ask.filter(({ prefix }) => prefix === EVIL).length).toBeLessThanOrEqual(20);
});

test('stores again once a database that was read-only is written to, on connections of then', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  await store.take([event(1, 0)]);
  const name = new URL(url).pathname.slice(1);
  await sql(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  await sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`,
  );
  for (let tries = 0; tries < 10; tries++) await expect(store.take([event(2, 1)])).rejects.toThrow();
  await expect(store.take([event(2, 1)])).rejects.toThrow(/read-only/);
  await sql(`BEGIN READ WRITE; ALTER DATABASE ${name} RESET default_transaction_read_only; COMMIT`);
  expect((await store.take([event(2, 1)])).receipts).toEqual([receipt(2)]);
});
