/** The city's database on a real PostgreSQL: each event once, chains, gaps, receipts, whatever comes in whatever order. */
import { expect, onTestFinished, test } from 'vitest';
import type { Gap, Received, Store } from '../../gateway/platform/contract.ts';
import { openStore, startRetention } from '../../gateway/platform/database/index.ts';
import { manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';
import { database, event, idOf, NOW, opened, ownServer, PREFIX, receipt } from './city-database.ts';

test('stores each event once, and says how far the chain is complete', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const [first, second, third] = [event(1, 0), event(4, 1), event(5, 4)];
  expect(await store.take([first, second])).toEqual({ fresh: [first, second], receipts: [receipt(4)] });
  expect(await store.take([second, third, third])).toEqual({ fresh: [third], receipts: [receipt(5)] });
  // The receipt of it was lost.
  expect(await store.take([first])).toEqual({ fresh: [], receipts: [receipt(5)] });
  expect(await store.positions()).toEqual([receipt(5)]);
  expect(await store.positions('campus/v1/other')).toEqual([]);
  expect(await sql('SELECT id, sequence FROM event ORDER BY sequence')).toEqual(
    [first, second, third].map(({ id, sequence }) => ({ id, sequence: String(sequence) })),
  );
  expect(await sql('SELECT stored, duplicates FROM chain')).toEqual([{ stored: '3', duplicates: '3' }]);
});

test('keeps lanes, journals and campuses apart', async (context) => {
  const { url } = await database(context);
  const store = await opened(url);
  const others = [{ lane: 'urgent' }, { journal: 'two' }, { prefix: 'campus/v1/4503000002' }];
  const events = others.map((more, index) => event(1, 0, { ...more, id: idOf(100 + index) }));
  const { receipts } = await store.take([event(1, 0), ...events]);
  expect(receipts).toEqual(expect.arrayContaining([receipt(1), ...others.map((more) => receipt(1, more))]));
  expect(receipts).toHaveLength(4);
});

test('says beside how far the other lanes are that another instance stored: a receipt names all lanes', async (context) => {
  const { url } = await database(context);
  const [one, two] = [await opened(url), await opened(url)];
  await one.take([event(1, 0), event(7, 0, { journal: 'two', id: idOf(70) })]);
  await two.take([event(2, 0, { lane: 'urgent' }), event(5, 4, { lane: 'bulk' })]);
  const third = event(3, 1);
  // Of `bulk` nothing is complete, and of another numbering nothing is said.
  expect(await one.take([third])).toEqual({
    ...{ fresh: [third], receipts: [receipt(3)] },
    beside: [receipt(2, { lane: 'urgent' })],
  });
});

test('asks for a gap after two seconds, every ten at most six times, and then goes on after it', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const { time } = store;
  const gaps = () => store.gaps(time.wall());
  await store.take([event(1, 0), event(5, 3), event(6, 5)]);
  expect(await gaps()).toEqual({ ask: [], receipts: [] });
  await time.advance(2001);
  const gap = { ...receipt(3), after: 1 };
  expect(await gaps()).toEqual({ ask: [{ ...gap, asked: 0 }], receipts: [] });
  for (let asked = 1; asked < 6; asked++) {
    await time.advance(10_000);
    expect((await gaps()).ask).toEqual([]);
    await time.advance(1);
    expect(await gaps()).toEqual({ ask: [{ ...gap, asked }], receipts: [] });
  }
  await time.advance(10_001);
  expect(await gaps()).toEqual({ ask: [], receipts: [receipt(6)] });
  expect(await sql('SELECT after, up_to, asked FROM lost')).toEqual([{ after: '1', up_to: '3', asked: 6 }]);
  // What comes late is stored, and changes nothing.
  expect(await store.take([event(3, 1)])).toEqual({ fresh: [event(3, 1)], receipts: [] });
});

test('gives no gap to who consumes below another root, where its campus hears nothing', async (context) => {
  const { url } = await database(context);
  const store = await opened(url);
  await store.take([event(1, 0), event(5, 3)]);
  await store.time.advance(2001);
  for (const root of ['campus/v2', 'campus', 'campus/v', `${PREFIX}`])
    expect(await store.gaps(store.time.wall(), root)).toEqual({ ask: [], receipts: [] });
  expect(await store.gaps(store.time.wall(), 'campus/v1')).toEqual({
    ask: [{ ...receipt(3), after: 1, asked: 0 }],
    receipts: [],
  });
});

test('follows what waits beyond a gap once it is filled, one hole after another', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const events = Array.from({ length: 12 }, (_, index) => event(index + 1, index));
  const at = (...numbers: number[]) => numbers.map((number) => events[number - 1] as Received);
  expect((await store.take(at(3, 4, 7, 8))).receipts).toEqual([]);
  expect((await store.take(at(12))).receipts).toEqual([]);
  expect((await store.take(at(1, 2))).receipts).toEqual([receipt(4)]);
  expect((await store.take(at(9, 6, 5))).receipts).toEqual([receipt(9)]);
  expect((await store.take(at(11))).receipts).toEqual([]);
  expect((await store.take(at(10))).receipts).toEqual([receipt(12)]);
  expect(await sql('SELECT * FROM ahead')).toEqual([]);
  expect(await sql('SELECT gap_up_to FROM chain')).toEqual([{ gap_up_to: null }]);
});

test('gives each gap to one of several consumers, and passes it once', async (context) => {
  const { url } = await database(context);
  const time = manualClock(NOW);
  const stores = await Promise.all([opened(url, time), opened(url, time), opened(url, time)]);
  const store = stores[0] as Store;
  const lanes = Array.from({ length: 40 }, (_, index) => `campus/v1/${4503000001 + index}`);
  await store.take(lanes.map((prefix, index) => event(5, 3, { prefix, id: idOf(index) })));
  await time.advance(2001);
  const asked = await Promise.all(stores.map((one) => one.gaps(time.wall())));
  // One that is locked by another meanwhile is left to it.
  asked.push(await store.gaps(time.wall()));
  expect(asked.flatMap(({ ask }) => ask.map(({ prefix }) => prefix)).toSorted()).toEqual(lanes);
  const [gap] = asked.flatMap(({ ask }) => ask) as [Gap];
  const passed = await Promise.all(stores.map((one) => one.pass(gap)));
  expect(passed.flat()).toEqual([receipt(5, { prefix: gap.prefix })]);
  expect(await store.pass({ ...gap, journal: 'another' })).toEqual([]);
});

test('does not give up a gap of a campus that is away', async (context) => {
  const { url } = await database(context);
  const store = await opened(url);
  const { time } = store;
  await store.take([event(5, 3)]);
  const show = (state: string) =>
    store.show({
      prefix: PREFIX,
      what: 'presence',
      body: JSON.stringify({ campus: '1', state, contract: '1.7.0' }),
      receivedAt: time.wall(),
    });
  await time.advance(10);
  await show('offline');
  await time.advance(3_600_000);
  expect(await store.gaps(time.wall())).toEqual({ ask: [], receipts: [] });
  await show('online');
  expect((await store.gaps(time.wall())).ask).toEqual([{ ...receipt(3), after: 0, asked: 0 }]);
});

test('an alarm from memory is in no chain, and gets its number later', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const [id, of] = [idOf(7), { lane: 'urgent', type: 'cn.campus.alarm.raised' }];
  const memory = event(0, 0, { ...of, id });
  expect(await store.take([memory])).toEqual({ fresh: [memory], receipts: [] });
  expect(await store.take([event(9, 0, { ...of, id })])).toEqual({
    fresh: [],
    receipts: [receipt(9, { lane: 'urgent' })],
  });
  expect(await sql('SELECT id, sequence FROM event')).toEqual([{ id, sequence: '9' }]);
  // Both in one batch.
  const other = idOf(8);
  const { fresh } = await store.take([event(0, 0, { ...of, id: other }), event(10, 9, { ...of, id: other })]);
  expect(fresh.map(({ sequence }) => sequence)).toEqual([0]);
  expect(await sql(`SELECT sequence FROM event WHERE id = '${other}'`)).toEqual([{ sequence: '10' }]);
});

test('a duplicate under a new numbering takes its place in that chain', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  await store.take([event(1, 0), event(2, 1)]);
  const again = event(7, 0, { id: idOf(2), journal: 'two' });
  const next = event(8, 7, { journal: 'two' });
  expect(await store.take([again, next])).toEqual({
    fresh: [next],
    receipts: [receipt(8, { journal: 'two' })],
  });
  expect(
    await sql(
      `SELECT journal, sequence FROM event JOIN chain ON chain.id = chain WHERE event.id = '${idOf(2)}'`,
    ),
  ).toEqual([{ journal: 'two', sequence: '7' }]);
});

test('stores an event of each campus that uses an id, whoever was first', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const far = { prefix: 'campus/v1/4503000009' };
  const stored = () =>
    sql(
      `SELECT prefix, sequence FROM event JOIN campus ON campus.id = campus WHERE event.id = '${idOf(2)}' ORDER BY prefix`,
    );
  const [first, own] = [event(1, 0, { ...far, id: idOf(2) }), event(2, 0)];
  expect((await store.take([first])).fresh).toEqual([first]);
  expect(await store.take([own])).toEqual({ fresh: [own], receipts: [receipt(2)] });
  const both = [
    { prefix: PREFIX, sequence: '2' },
    { prefix: far.prefix, sequence: '1' },
  ];
  expect(await stored()).toEqual(both);
  // A new numbering of one of them, and both in one batch.
  const again = event(7, 0, { ...far, id: idOf(2), journal: 'two' });
  expect((await store.take([own, again])).fresh).toEqual([]);
  expect(await stored()).toEqual([both[0], { prefix: far.prefix, sequence: '7' }]);
  const together = [event(8, 7, { ...far, id: idOf(3), journal: 'two' }), event(3, 2)];
  expect((await store.take(together.toReversed())).fresh).toEqual(together);
});

test('a database of before goes on with all that it has', async (context) => {
  const { url, sql } = await database(context);
  const before = await opened(url);
  await before.take([
    event(1, 0),
    event(2, 1, { id: idOf(2, Date.UTC(2026, 8, 30)) }),
    event(3, 2, { id: 'x' }),
  ]);
  await sql(
    `ALTER TABLE event DROP CONSTRAINT event_pkey, ADD PRIMARY KEY (id, month);
     ALTER TABLE campus DROP COLUMN district_code; ALTER TABLE chain DROP COLUMN lived_at; DROP TABLE listening;
     DROP INDEX alarm_open; ALTER TABLE alarm DROP COLUMN desk_acknowledged, DROP COLUMN desk_closed;
     CREATE INDEX alarm_open ON alarm (received_at); ALTER TABLE audit DROP COLUMN who, DROP COLUMN campus;
     DELETE FROM schema_version WHERE version > 3`,
  );
  const store = await opened(url);
  const stranger = event(1, 0, { prefix: 'campus/v1/4503000009' });
  expect(await store.take([event(1, 0), stranger])).toEqual({
    fresh: [stranger],
    receipts: expect.arrayContaining([receipt(3), receipt(1, { prefix: stranger.prefix })]),
  });
  expect(await sql('SELECT FROM event')).toHaveLength(4);
});

test('gives months near to now a partition, and no other', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const months = async () =>
    (
      await sql<{ month: string }>(
        `SELECT DISTINCT tableoid::regclass::text AS month FROM event ORDER BY month`,
      )
    ).map(({ month }) => month);
  const partitions = async () => (await sql(`SELECT FROM pg_partition_tree('event') WHERE isleaf`)).length;
  const ids = [
    idOf(1, Date.UTC(2026, 10, 29)),
    idOf(2, Date.UTC(2026, 8, 30, 23, 59)),
    idOf(3, Date.UTC(2024, 10, 1)),
    // Clocks that are wrong, and no UUIDv7 at all.
    idOf(4, 0),
    idOf(5, Date.UTC(2038, 0, 1)),
    idOf(6, 2 ** 48 - 1),
    '00000000-0000-4000-8000-000000000000',
    'no id of this contract',
  ];
  const events = ids.map((id, index) => event(index + 1, index, { id }));
  expect((await store.take(events)).fresh).toHaveLength(8);
  expect((await store.take(events)).fresh).toHaveLength(0);
  expect(await months()).toEqual(['event_202411', 'event_202609', 'event_202611', 'event_other']);
  // Who sends three hundred years makes no more than are near: of 2025 and of 2026.
  const before = await partitions();
  const far = Array.from({ length: 300 }, (_, month) =>
    event(month + 100, 0, { id: idOf(month, Date.UTC(1970 + month, 3)) }),
  );
  await store.take(far);
  expect(await partitions()).toBe(before + 2);
  // The month of what was far comes near: it is moved, and is there once.
  await store.time.advance(Date.UTC(2037, 11, 15) - NOW);
  expect((await store.take([events[4] as Received])).fresh).toEqual([]);
  expect(await sql(`SELECT tableoid::regclass::text AS month FROM event WHERE id = '${ids[4]}'`)).toEqual([
    { month: 'event_203801' },
  ]);
});

test('forgets months, and moves no chain back', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const old = event(1, 0, { id: idOf(1, Date.UTC(2026, 8, 5)), receivedAt: Date.UTC(2026, 8, 5) });
  const strange = event(2, 1, { id: 'strange', receivedAt: Date.UTC(2026, 8, 5) });
  await store.take([old, strange, event(3, 2)]);
  expect(await store.dropBefore(Date.UTC(2026, 9, 15))).toEqual(['event_202609']);
  expect(await sql('SELECT sequence FROM event')).toEqual([{ sequence: '3' }]);
  expect(await store.positions()).toEqual([receipt(3)]);
  expect((await store.take([event(4, 3)])).receipts).toEqual([receipt(4)]);
  // Acts on alarms that never came, and alarms that are over, go; what stands stays, however old.
  const alarm = (number: number, data: object) => {
    const type = `cn.campus.alarm.${'event' in data ? 'acknowledged' : 'raised'}`;
    const id = idOf(number, Date.UTC(2026, 8, 6));
    const made = event(0, 0, { id, type, lane: 'urgent', receivedAt: Date.UTC(2026, 8, 6) });
    return { ...made, body: JSON.stringify({ data: { acknowledged: data, ...data } }) };
  };
  await store.take([
    alarm(50, {}),
    alarm(51, { momentary: true }),
    alarm(52, { event: idOf(60), by: 'Wang' }),
  ]);
  await store.dropBefore(NOW + 1000);
  expect(await sql('SELECT id FROM alarm')).toEqual([{ id: idOf(50, Date.UTC(2026, 8, 6)) }]);
  // It may be wanted again: a partition of its own, once more.
  expect((await store.take([old])).fresh).toEqual([old]);
});

test('keeps so many months as somebody said', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const at = [Date.UTC(2026, 9, 1), Date.UTC(2026, 8, 30), Date.UTC(2026, 10, 1)];
  await store.take(at.map((ms, index) => event(index + 1, index, { id: idOf(index, ms), receivedAt: ms })));
  const stop = startRetention(store, 1, { time: store.time, log: silentLog });
  onTestFinished(stop);
  const left = async () => (await sql('SELECT FROM event')).length;
  await expect.poll(left).toBe(2);
  await store.time.advance(3 * 86_400_000);
  await expect.poll(left).toBe(1);
});

test('stores what PostgreSQL cannot keep as it is, and keeps as bytes what it refuses', async (context) => {
  const { url, sql } = await database(context);
  const store = await opened(url);
  const bodies = ['{"text":"\\u0000"}', '{"text":"\\ud800"}', '{"text":"\0 \ud800 \udc00 \ud83d\ude00"}'];
  const strange = bodies.map((body, index) => ({ ...event(index + 1, index), body }));
  const long = event(4, 3, { id: `\0${'x'.repeat(100_000)}`, type: 'cn.campus.alarm.raised' });
  expect((await store.take([...strange, long])).receipts).toEqual([receipt(4)]);
  expect(await sql('SELECT body FROM event ORDER BY sequence LIMIT 3')).toEqual([
    { body: bodies[0] },
    { body: bodies[1] },
    { body: '{"text":"\\u0000 \\ud800 \\udc00 \ud83d\ude00"}' },
  ]);
  expect((await store.take([long])).fresh).toEqual([]);
  const journal = 'j'.repeat(10_000);
  expect((await store.take([event(1, 0, { id: idOf(5000), journal })])).fresh).toHaveLength(1);
  // Whatever else is refused: here by a rule that somebody made.
  await sql("ALTER TABLE event ADD CONSTRAINT no_poison CHECK (body NOT LIKE '%poison%')");
  const many = Array.from({ length: 100 }, (_, index) => event(index + 5, index + 4));
  const [first, second] = [17, 63];
  const bad = many.map((one, index) =>
    index === first || index === second ? { ...one, body: '{"poison":1}' } : one,
  );
  const { fresh, receipts } = await store.take(bad);
  expect(fresh.map(({ sequence }) => sequence)).toEqual(
    many.filter((_, index) => index !== first && index !== second).map(({ sequence }) => sequence),
  );
  expect(receipts.at(-1)).toEqual(receipt(104));
  expect(await store.positions(PREFIX)).toContainEqual(receipt(104));
  expect(await sql("SELECT sequence, convert_from(body, 'UTF8') AS body FROM unusable ORDER BY id")).toEqual(
    [first, second].map((index) => ({ sequence: String(index + 5), body: '{"poison":1}' })),
  );
  // It comes no second time; where it does, it holds nothing up.
  await store.take(bad);
  expect(await store.gaps(NOW + 60_000)).toEqual({ ask: [], receipts: [] });
});

test('several begin at once on an empty database; one that is older than the tables refuses them', async (context) => {
  const { url, sql } = await database(context);
  const stores = await Promise.all(Array.from({ length: 5 }, () => opened(url)));
  const taken = await Promise.all(stores.map((store) => store.take([event(1, 0)])));
  expect(taken.flatMap(({ fresh }) => fresh)).toEqual([event(1, 0)]);
  const versions = await sql<{ version: number }>('SELECT version FROM schema_version ORDER BY version');
  expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => index + 1));
  await opened(url);
  await sql('INSERT INTO schema_version VALUES (1000)');
  await expect(openStore(url, { time: manualClock(NOW), log: silentLog })).rejects.toMatchObject({
    code: 'E_DATABASE_REFUSED',
    message: expect.stringMatching(/newer program \(version 1000; this one knows \d+\): update this program/),
  });
});

test('stores nothing on a server that may lose it, and makes each commit wait for the disk', async (context) => {
  const { url, sql } = await ownServer(context, ['synchronous_commit=off']);
  const store = await opened(url);
  await sql(`CREATE TABLE seen (setting text); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
    CREATE TRIGGER seeing AFTER INSERT ON event_other FOR EACH ROW EXECUTE FUNCTION see()`);
  await store.take([event(1, 0, { id: 'other' })]);
  expect(await sql('SELECT * FROM seen')).toEqual([{ setting: 'on' }]);
  // While it runs.
  await sql('ALTER SYSTEM SET fsync = off');
  await sql('SELECT pg_reload_conf()');
  await expect.poll(() => store.take([event(2, 1)]).catch(({ code }) => code)).toBe('E_DATABASE_REFUSED');
  await expect(openStore(url, { time: manualClock(NOW), log: silentLog })).rejects.toThrow(/fsync = on/);
  await sql('ALTER SYSTEM RESET fsync');
  await sql('SELECT pg_reload_conf()');
  await expect
    .poll(() => store.take([event(3, 2)]).catch(({ code }) => code))
    .toMatchObject({ receipts: [] });
});

test('says in words what is wrong with the database, and how to mend it', async (context) => {
  const { url, sql } = await database(context);
  const open = (changed: string) => openStore(changed, { time: manualClock(NOW), log: silentLog });
  await expect(open(url.replace(/:\d+\//, ':1/'))).rejects.toMatchObject({
    code: 'E_DATABASE_AWAY',
    message: expect.stringContaining('ECONNREFUSED'),
  });
  await expect(open(`${url}_none`)).rejects.toMatchObject({
    code: 'E_DATABASE_REFUSED',
    message: expect.stringContaining('createdb'),
  });
  await sql('CREATE ROLE stranger LOGIN');
  await expect(open(url.replace('postgres@', 'stranger@'))).rejects.toMatchObject({
    code: 'E_DATABASE_REFUSED',
    message: expect.stringContaining('owner'),
  });
});

test('believes no number of a chain that another backup of the database gives to another chain', async (context) => {
  const { url, sql } = await database(context);
  const [running, other] = [await opened(url), await opened(url)];
  const far = 'campus/v1/4503000002';
  await running.take([event(1, 0), event(2, 1)]);
  await running.take([event(1, 0, { prefix: far, id: idOf(100) })]);
  // It is put back as it was before, and somebody else is met first.
  await sql('TRUNCATE campus, chain, event RESTART IDENTITY CASCADE');
  await other.take([event(1, 0, { prefix: far, id: idOf(100) })]);
  await running.show({ prefix: PREFIX, what: 'presence', body: '{"state":"online"}', receivedAt: NOW });
  expect(await sql(`SELECT presence_state AS state FROM campus WHERE prefix = '${far}'`)).toEqual([
    { state: null },
  ]);
  expect((await running.take([event(3, 2)])).receipts).toEqual([]);
  expect((await running.take([event(1, 0), event(2, 1)])).receipts).toEqual([receipt(3)]);
  expect(await running.positions()).toEqual([receipt(3), receipt(1, { prefix: far })]);
});
