/** What the city's API reads of its database: alarms and what became of them, campuses, events, latency, changes. */
import { expect, onTestFinished, test } from 'vitest';
import type { Received } from '../../gateway/platform/contract.ts';
import type { Reads } from '../../gateway/platform/views.ts';
import { stream } from '../helpers.ts';
import { both, database, event, idOf, NOW, ownServer, PREFIX, type Said, said } from './city-database.ts';

const button = {
  kind: 'panic',
  state: 'raised',
  device: { id: 'panel', name: '周界主机' },
  zone: { number: 9, id: 'gate-button', name: '门卫室一键报警' },
};

const raised = (sequence: number, data: Said = {}, more: Partial<Received> = {}) =>
  said('alarm.raised', sequence, { ...button, ...data }, more);
const restored = (sequence: number, data: Said = {}, more: Partial<Received> = {}) =>
  said('alarm.restored', sequence, { ...button, state: 'restored', ...data }, more);
const acted = (what: string, sequence: number, alarm: number, more: Said = {}) =>
  said(`alarm.${what}`, sequence, {
    ...button,
    [what]: { event: idOf(alarm), by: 'Wang', uplink: 'police', ...more },
  });

const standing = async (reads: Reads) =>
  (await reads.alarms({ state: 'all', limit: 100 }))
    .filter((one) => one.standing)
    .map(({ sequence }) => sequence)
    .toSorted();

test('tells an alarm, and what became of it', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  await store.show({
    prefix: PREFIX,
    what: 'campus',
    body: JSON.stringify({ version: '1', revision: 'x', id: '1', name: '第一小学', district: '450305' }),
    receivedAt: NOW,
  });
  await store.time.advance(250);
  await store.take([raised(1)]);
  expect(await reads.alarm(idOf(1))).toEqual({
    id: idOf(1),
    sequence: '1',
    campus: { id: '4503000001', name: '第一小学', district: '450305' },
    kind: 'panic',
    device: button.device,
    zone: button.zone,
    time: '2026-11-29T08:00:00.000Z',
    receivedAt: '2026-11-29T08:00:00.000Z',
    storedAt: '2026-11-29T08:00:00.250Z',
    standing: true,
  });
  await store.take([
    acted('acknowledged', 2, 1),
    acted('confirmed', 3, 1),
    acted('closed', 4, 1, { reason: 'false-user', note: '误触' }),
    restored(5),
  ]);
  const at = '2026-11-29T08:00:00.000Z';
  expect(await reads.alarm(idOf(1))).toMatchObject({
    acknowledged: { by: 'Wang', via: 'police', at },
    confirmed: { at },
    closed: { by: 'Wang', via: 'police', at, reason: 'false-user', note: '误触' },
    standing: false,
    ended: { at, how: 'restored' },
  });
  expect(await reads.alarms({ state: 'standing', limit: 10 })).toEqual([]);
});

test('tells alarms of two campuses apart that have one id', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const other = '4503000009';
  const told = stream<object>();
  onTestFinished(reads.follow((change) => told.push(change)));
  expect(await told.next()).toEqual({ what: 'missed' });
  await store.take([raised(1, { kind: 'fire' }, { prefix: `campus/v1/${other}`, receivedAt: NOW - 1000 })]);
  expect(await told.next()).toEqual({ what: 'alarm', id: idOf(1), campus: other });
  expect(await reads.alarm(idOf(1))).toMatchObject({ campus: { id: other } });
  await store.take([raised(1)]);
  expect(await told.next()).toEqual({ what: 'alarm', id: idOf(1), campus: '4503000001' });
  expect(await reads.alarm(idOf(1))).toBe('several');
  expect(await reads.alarm(idOf(1), '4503000001')).toMatchObject({ kind: 'panic' });
  expect(await reads.alarm(idOf(1), other)).toMatchObject({ kind: 'fire' });
  expect(await reads.alarm(idOf(1), '1')).toBeUndefined();
  await store.take([acted('closed', 2, 1, { reason: 'real' })]);
  const closed = (await reads.alarms({ state: 'all', limit: 10 })).map((one) => one.closed?.reason);
  expect(closed).toEqual(['real', undefined]);
});

test('finds a district by any of its codes', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const districts = ['450305', '450305001', '450305001002', '450302', '4503050', 'Qixing', undefined];
  for (const [index, district] of districts.entries()) {
    const prefix = `campus/v1/${index}`;
    await store.show({ prefix, what: 'campus', body: JSON.stringify({ district }), receivedAt: NOW });
    await store.take([raised(1, {}, { prefix, id: idOf(index) })]);
  }
  const found = async (district: string) => {
    const of = [
      (await reads.campuses({ district })).map(({ id }) => id),
      (await reads.alarms({ state: 'all', district, limit: 10 })).map(({ campus }) => campus.id),
      (await reads.events({ district, limit: 10 })).map(({ campus }) => campus),
    ].map((ids) => ids.toSorted().join());
    expect(new Set(of)).toHaveLength(1);
    return of[0];
  };
  expect(await found('450305')).toBe('0,1,2');
  expect(await found('450305001')).toBe('0,1,2');
  expect(await found('4503050')).toBe('4');
  expect(await found('Qixing')).toBe('5');
});

test('takes what became of an alarm before the alarm', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  await store.take([acted('acknowledged', 2, 1)]);
  await store.take([restored(3)]);
  expect(await reads.alarms({ state: 'all', limit: 10 })).toEqual([]);
  await store.take([raised(1)]);
  expect(await reads.alarm(idOf(1))).toMatchObject({ standing: false, acknowledged: { by: 'Wang' } });
});

test('ends what is the same thing and came before, and nothing else', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const zone = { number: 10 };
  const details = (more: Said) => ({ details: { account: '1234', ...more } });
  await store.take([
    raised(1),
    raised(2, { zone }),
    raised(3, { kind: 'tamper' }),
    raised(4, { cause: 'broken-wire' }),
    raised(5, details({ partition: '1' })),
    raised(6, details({ partition: '2' })),
    raised(7, { device: { id: 'other' } }),
    raised(8),
  ]);
  await store.take([restored(9)]);
  expect(await standing(reads)).toEqual(['2', '3', '4', '5', '6', '7']);
  await store.take([raised(10)]);
  await store.take([
    said('alarm.cancelled', 11, { ...button, state: 'restored', ...details({ partition: 2 }) }),
  ]);
  expect(await standing(reads)).toEqual(['10', '2', '3', '4', '5', '7']);
  // One that ends nothing.
  await store.take([said('alarm.cancelled', 12, { kind: 'cancel', state: 'raised', device: button.device })]);
  expect(await standing(reads)).toEqual(['10', '2', '3', '4', '5', '7']);
});

test('an end that overtook ends what came before it only, by numbers whatever the clocks say', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  // The gateway's clock was wrong after its restart: the end's id is of 1970.
  const early = idOf(3, 1000);
  await store.take([restored(3, {}, { id: early })]);
  await store.take([raised(4)]);
  await store.take([raised(1), raised(2)]);
  expect(await standing(reads)).toEqual(['4']);
  // A later numbering comes after.
  await store.take([restored(1, {}, { id: idOf(100), journal: 'two' })]);
  expect(await standing(reads)).toEqual([]);
});

test('numbers an alarm from memory later, and finds out anew what ended it', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const memory = { sequence: 0, previous: 0 };
  await store.take([raised(1, {}, { ...memory, id: idOf(5) })]);
  expect(await standing(reads)).toEqual(['0']);
  await store.take([restored(1, {}, { ...memory, id: idOf(6) })]);
  expect(await standing(reads)).toEqual([]);
  await store.take([raised(7, {}, { id: idOf(5) }), restored(6, {}, { id: idOf(6) })]);
  expect(await standing(reads)).toEqual(['7']);
});

test('what is over as it happens never stands, and is listed until it is closed', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  // docs/platform.md: wrong codes at a panel (JA, 461). A later version may say so itself.
  await store.take([
    raised(1, { kind: 'tamper', cause: 'user-code', code: { sia: 'JA' } }),
    raised(2, { kind: 'tamper', cause: 'user-code', code: { contactId: 'E461' } }),
    raised(3, { kind: 'duress', momentary: true }),
  ]);
  expect(await standing(reads)).toEqual([]);
  const listed = async () =>
    (await reads.alarms({ state: 'standing', limit: 10 })).map(({ sequence }) => sequence);
  expect(await listed()).toEqual(['3', '2', '1']);
  await store.take([acted('closed', 4, 1), acted('closed', 5, 3)]);
  expect(await listed()).toEqual(['2']);
  expect(await reads.overview()).toMatchObject({ alarms: { standing: 0, untaken: 1 } });
});

test('lists what nobody took first, tests last, and goes on where a page ended', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const at = (number: number) => ({ receivedAt: NOW + number });
  await store.take([
    raised(1, {}, at(1)),
    raised(2, { test: 'walk-test' }, at(2)),
    raised(3, {}, at(3)),
    raised(4, { zone: { number: 2, name: 'Library' } }, at(4)),
    acted('acknowledged', 5, 3),
  ]);
  const listed = await reads.alarms({ state: 'standing', limit: 10 });
  expect(listed.map(({ sequence }) => sequence)).toEqual(['4', '1', '3', '2']);
  const rest = listed.map(async ({ receivedAt, id }) => {
    const page = await reads.alarms({ state: 'standing', before: { at: receivedAt, id }, limit: 10 });
    return page.map(({ sequence }) => sequence).join();
  });
  expect(await Promise.all(rest)).toEqual(['1,3,2', '3,2', '2', '']);
  const sequences = async (more: object) =>
    (await reads.alarms({ state: 'all', limit: 10, ...more })).map(({ sequence }) => sequence);
  expect(await sequences({ state: 'untaken' })).toEqual(['4', '1']);
  expect(await sequences({ place: 'LIBR' })).toEqual(['4']);
  expect(await sequences({ place: '门卫' })).toEqual(['3', '2', '1']);
  expect(await sequences({ campus: '4503000001', limit: 1 })).toEqual(['4']);
  expect(await sequences({ campus: '1' })).toEqual([]);
  // One that tells many hides no other.
  await store.take([raised(1, {}, { prefix: 'campus/v1/4503000002', id: idOf(900), ...at(0) })]);
  expect(await sequences({ limit: 2 })).toEqual(['4', '3']);
  expect(await sequences({ limit: 2, each: 1 })).toEqual(['4', '1']);
  expect(await sequences({ district: '450305' })).toEqual([]);
});

test('notes at the desk what no campus can do any more, and adds what the campus says later', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  await store.take([raised(1), raised(2), raised(3)]);
  const desk = { alarm: idOf(1), campus: '4503000001', by: 'Li', at: NOW };
  expect(await reads.desk({ ...desk, campus: '4503000002', what: 'acknowledged' })).toBe(false);
  expect(await reads.desk({ ...desk, what: 'acknowledged' })).toBe(true);
  expect(await reads.desk({ ...desk, what: 'acknowledged', by: 'Zhao' })).toBe(false);
  expect(await reads.overview()).toMatchObject({ alarms: { standing: 3, untaken: 2 } });
  expect(await reads.desk({ ...desk, what: 'closed', reason: 'test', note: '已停用' })).toBe(true);
  expect(await reads.desk({ ...desk, what: 'closed', reason: 'real' })).toBe(false);
  const done = { by: 'Li', at: new Date(NOW).toISOString(), here: true };
  expect(await reads.alarm(idOf(1))).toMatchObject({
    ...{ acknowledged: done, closed: { ...done, reason: 'test', note: '已停用' }, standing: false },
  });
  expect(await reads.overview()).toMatchObject({ alarms: { standing: 2, untaken: 2 } });
  const listed = async (state: 'standing' | 'untaken') =>
    (await reads.alarms({ state, limit: 10 })).map(({ sequence }) => sequence);
  expect([await listed('standing'), await listed('untaken')]).toEqual([
    ['3', '2'],
    ['3', '2'],
  ]);
  expect(await reads.desk({ ...desk, what: 'closed', alarm: idOf(9) })).toBe(false);
  // It is back.
  await store.take([acted('closed', 4, 1, { reason: 'real' }), acted('closed', 5, 2, { reason: 'real' })]);
  expect(await reads.alarm(idOf(1))).toMatchObject({
    acknowledged: done,
    closed: { by: 'Wang', via: 'police', reason: 'real' },
  });
  expect(await reads.desk({ ...desk, what: 'closed', alarm: idOf(2) })).toBe(false);
  await store.take([restored(6)]);
  expect(await reads.alarm(idOf(1))).toMatchObject({ standing: false, ended: { how: 'restored' } });
});

test('finds events by campus, type and time, page by page', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const at = (number: number) => ({ receivedAt: NOW + number });
  await store.take([event(1, 0, at(1)), event(2, 1, at(2)), raised(3, {}, at(2)), event(4, 2, at(4))]);
  const found = async (more: object) =>
    (await reads.events({ limit: 10, ...more })).map(({ sequence }) => sequence);
  expect(await found({})).toEqual(['4', '3', '2', '1']);
  expect(await found({ type: 'alarm.*' })).toEqual(['3']);
  expect(await found({ type: 'cn.campus.access.opened', campus: '4503000001' })).toEqual(['4', '2', '1']);
  expect(await found({ type: 'a%' })).toEqual([]);
  expect(await found({ from: new Date(NOW + 2).toISOString(), to: new Date(NOW + 4).toISOString() })).toEqual(
    ['3', '2'],
  );
  const [, second] = await reads.events({ limit: 2 });
  expect(await found({ before: { at: second?.receivedAt, id: second?.id } })).toEqual(['2', '1']);
  expect(second?.event).toEqual(JSON.parse(raised(3).body));
});

test('lists events whatever is in them, and no more than some megabytes at once', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const odd = (number: number, data: string) => {
    const one = event(number, number - 1, { receivedAt: NOW + number });
    return {
      ...one,
      body: JSON.stringify({ ...JSON.parse(one.body), data: 'DATA' }).replace('"DATA"', data),
    };
  };
  const filled = (bytes: number) => JSON.stringify({ text: 'x'.repeat(bytes) });
  await store.take([
    odd(1, filled(900_000)),
    odd(2, '{"content":{"toString":5,"valueOf":5}}'),
    odd(3, `{"deep":${'['.repeat(6000)}${']'.repeat(6000)}}`),
  ]);
  const sequencesOf = (found: readonly { readonly sequence: string }[]) =>
    found.map(({ sequence }) => sequence);
  const first = await reads.events({ limit: 10 });
  expect(sequencesOf(first)).toEqual(['3', '2', '1']);
  expect(JSON.stringify(first)).toContain('"toString":5');
  for (let number = 4; number < 16; number++) await store.take([odd(number, filled(900_000))]);
  const newest = await reads.events({ limit: 10 });
  expect(sequencesOf(newest)).toEqual(['15', '14', '13', '12', '11', '10', '9', '8', '7']);
  const last = newest.at(-1);
  expect(
    sequencesOf(await reads.events({ limit: 2, before: { at: last?.receivedAt ?? '', id: last?.id ?? '' } })),
  ).toEqual(['6', '5']);
});

test('measures how late alarms are, by minute', async (context) => {
  const { url } = await database(context);
  const { store, reads } = await both(url);
  const { time } = store;
  const now = () => ({ time: new Date(time.wall() - 100).toISOString() });
  await store.take([raised(1, {}, now()), raised(2, {}, { time: new Date(NOW - 500).toISOString() })]);
  await time.advance(60_000);
  // A clock that goes ahead.
  await store.take([raised(3, {}, { time: '2031-01-01T00:00:00Z' })]);
  const range = { from: new Date(NOW - 1000).toISOString(), to: new Date(NOW + 61_000).toISOString() };
  expect(await reads.latency(range)).toEqual([
    { at: '2026-11-29T08:00:00.000Z', count: 2, p50: 100, p99: 500, most: 500 },
    { at: '2026-11-29T08:01:00.000Z', count: 1, p50: 0, p99: 0, most: 0 },
  ]);
  expect(await reads.latency({ ...range, campus: 'another' })).toEqual([]);
  expect(await reads.overview()).toMatchObject({
    campuses: { total: 1, online: 1 },
    alarms: { standing: 3, untaken: 3 },
    events: { stored: 3, duplicates: 0 },
    gaps: { open: 0, lost: 0 },
    latency: { count: 3, p50: 100, p99: 500 },
  });
});

test('tells what is committed, of any consumer, and says when it may have missed something', async (context) => {
  const { url, stop, start } = await ownServer(context);
  const { store, reads } = await both(url);
  const told = stream<object>();
  const end = reads.follow((change) => told.push(change));
  onTestFinished(end);
  expect(await told.next()).toEqual({ what: 'missed' });
  await store.take([event(1, 0), raised(2, {}, { previous: 0 })]);
  expect(await told.next()).toEqual({ what: 'alarm', id: idOf(2), campus: '4503000001' });
  await store.take([acted('closed', 3, 2)]);
  expect(await told.next()).toEqual({ what: 'alarm', id: idOf(2), campus: '4503000001' });
  await store.show({ prefix: PREFIX, what: 'presence', body: '{"state":"online"}', receivedAt: NOW });
  expect(await told.next()).toEqual({ what: 'campus', id: '4503000001' });
  // The same again is no change.
  await store.show({ prefix: PREFIX, what: 'presence', body: '{"state":"online"}', receivedAt: NOW + 1 });
  // More than fits in one word of PostgreSQL: several of them, and then one that says to read anew.
  await store.take(Array.from({ length: 300 }, (_, index) => raised(1000 + index)));
  const ids = [];
  for (let index = 0; index < 300; index++) ids.push(await told.next());
  expect(new Set(ids.map((one) => JSON.stringify(one)))).toHaveLength(300);
  await store.take(Array.from({ length: 2000 }, (_, index) => raised(2000 + index)));
  expect(await told.next()).toEqual({ what: 'missed' });
  await stop('SIGKILL');
  await start();
  const moving = setInterval(() => void store.time.advance(500), 20);
  onTestFinished(() => clearInterval(moving));
  expect(await told.next()).toEqual({ what: 'missed' });
});

test('reads the audit by who did it and by campus, page by page', async (context) => {
  const { url } = await database(context);
  const { reads } = await both(url);
  const entries = [
    { kind: 'login', user: 'li' },
    { kind: 'alarm', user: 'wang', campus: '1' },
    { kind: 'alarm', user: 'li', campus: '2' },
    { kind: 'login', about: '\0"x' },
  ];
  for (const [index, one] of entries.entries()) await reads.audit(NOW + index, JSON.stringify(one));
  const found = async (more: object) =>
    (await reads.audits({ limit: 10, ...more })).map(({ entry }) => entry);
  expect(await found({})).toEqual(entries.toReversed());
  expect(await found({ user: 'li' })).toEqual([entries[2], entries[0]]);
  expect(await found({ campus: '1' })).toEqual([entries[1]]);
  const [first] = await reads.audits({ limit: 1 });
  expect(first).toMatchObject({ at: new Date(NOW + 3).toISOString() });
  expect(await found({ before: first?.id, limit: 2 })).toEqual([entries[2], entries[1]]);
});
