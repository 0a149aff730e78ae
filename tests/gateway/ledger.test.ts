/** The ledger: what stands is put in and closed, by rule and by hand, and told; on its real file, of a real journal. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Event, eventSchema } from '../../config/catalogue/events.ts';
import { ledgerProblems } from '../../config/check/ledger.ts';
import { ledger as ledgerSchema } from '../../config/sections/ledger.ts';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { About } from '../../drivers/contract/inventory.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createAvailability } from '../../gateway/availability/index.ts';
import { createAsking } from '../../gateway/ledger/asking.ts';
import { boundsOfDay, daysOfMonth } from '../../gateway/ledger/digest.ts';
import { createLedger } from '../../gateway/ledger/index.ts';
import { askLedger } from '../../gateway/ledger/jobs.ts';
import { countAlarms } from '../../gateway/ledger/report.ts';
import type { Isolated } from '../../gateway/lifecycle/isolated.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

/** What is done in this thread takes some ms. */
const poll = <T>(get: () => T) => expect.poll(get, { interval: 5 });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ZONE = 'Asia/Shanghai';

/** Does in this thread what takes long: the one apart takes a second to begin. */
const here: Isolated = {
  async run({ module, name, input }) {
    const exported = (await import(fileURLToPath(module))) as Record<string, (input: unknown) => unknown>;
    return structuredClone(await exported[name]?.(structuredClone(input)));
  },
  close: async () => {},
  async [Symbol.asyncDispose]() {},
};

/** Devices `d` and `e` of a campus, whose clock the test moves: `pass` moves it, and looks. */
async function school(own: object = {}, directory = temporaryDirectory()) {
  const journal = await openHere(directory, { time: systemClock });
  onTestFinished(() => journal.close());
  const recorder = await createRecorder({
    ...{ campusId: '45', deviceNames: new Map(), journal, metrics: createMetrics(), log: silentLog },
    clock: { now: Date.now, synchronised: () => true, onStep: () => () => {} },
  });
  onTestFinished(() => recorder.close());
  const time = manualClock(Date.now());
  let offset = 0;
  const now = () => Date.now() + offset;
  const told: { type: string; details: Record<string, unknown> }[] = [];
  let last: Event['data'] | undefined;
  recorder.onStored(({ type, data }) => {
    if (type.startsWith('cn.campus.ledger.')) last = data;
    if (type.startsWith('cn.campus.ledger.'))
      told.push({
        type: type.slice('cn.campus.'.length),
        details: data['details'] as Record<string, unknown>,
      });
  });
  const audits: Record<string, unknown>[] = [];
  const abouts = new Map<string, About>();
  const config = {
    ...{ dataDir: directory, timezone: ZONE, file: join(directory, 'none.yaml') },
    devices: [
      { id: 'd', driver: 'dc09', options: {} },
      { id: 'e', driver: 'onvif', options: {} },
    ],
  };
  const ledger = createLedger(ledgerSchema.parse(own), config as never, {
    ...{ recorder, time, log: silentLog },
    devices: { about: (id) => abouts.get(id) },
    availability: createAvailability(config, { recorder, time }),
    journal: {
      audit: async (_at, body) => {
        audits.push(JSON.parse(body) as Record<string, unknown>);
        return '';
      },
    },
    clock: { now },
    asking: createAsking(directory, time, { quick: here, slow: here }),
  });
  ledger.start();
  onTestFinished(() => ledger[Symbol.asyncDispose]());
  const all = () => ledger.list({ which: 'all', before: Number.MAX_SAFE_INTEGER, limit: 100 });
  return {
    /** The data of the newest event of the ledger. */
    digest: () => last,
    ...{ ledger, told, audits, abouts, directory, recorder, journal, all, now },
    record: (kind: Observation['kind'], more: Partial<Observation> = {}) =>
      recorder.record({ device: 'd', kind, state: 'raised', ...more }),
    /** By which it is looked at once at least; resolves when all of it is done. */
    async pass(ms: number) {
      offset += ms;
      await time.advance(MINUTE);
      // What a look asks of the disk is done in this thread, and the next is asked for after it.
      await ledger.devices();
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('faults that stand', () => {
  it('are put in when they stood for so long, told, and closed with their end', async () => {
    const { record, pass, all, told, audits } = await school();
    await record('battery', { cause: 'missing' });
    await pass(10 * MINUTE);
    expect(await all()).toEqual([]);
    await pass(25 * MINUTE);
    await poll(() => told.map(({ type }) => type)).toEqual(['ledger.opened']);
    expect(told[0]?.details).toMatchObject({
      ...{ number: 1, entry: 'fault', device: 'd', fault: 'battery', cause: 'missing', state: 'open' },
    });
    await record('battery', { state: 'restored', cause: 'missing' });
    await pass(MINUTE);
    await poll(() => told.map(({ type }) => type)).toEqual(['ledger.opened', 'ledger.closed']);
    expect(await all()).toMatchObject([{ number: 1, closedBy: 'gateway', openedBy: 'gateway' }]);
    await poll(() => audits.map((one) => (one['changes'] as { act: string }).act)).toEqual([
      'opened',
      'closed',
    ]);
  });

  it('are one entry while they stand, over a restart and closed by hand too, and another when they come again', async () => {
    const first = await school({ open: [{ kinds: ['link'], after: '5m', close: 'hand', owner: '总务处' }] });
    await first.record('link', { text: 'cable cut' });
    await first.pass(6 * MINUTE);
    await poll(first.all).toMatchObject([{ owner: '总务处', reason: 'cable cut', closedAt: null }]);
    await first.ledger.close(1, 'new cable', 'li');
    await first.pass(HOUR);
    await first.ledger[Symbol.asyncDispose]();
    const ask = (name: string, argument: unknown) =>
      (askLedger({ dataDir: first.directory, ask: name as 'list', argument }) as { value: unknown }).value;
    const look = { gone: [], now: first.now(), remindMs: DAY };
    expect(ask('look', { ...look, opening: [] })).toMatchObject({
      tracked: [expect.stringContaining('/link/')],
    });
    expect(await first.all()).toHaveLength(1);
    const [key] = (ask('look', { ...look, opening: [] }) as { tracked: string[] }).tracked;
    ask('look', { ...look, opening: [], gone: [key] });
    const again = { key, kind: 'fault', device: 'd', place: null, fault: 'link', cause: null, reason: null };
    const rule = { owner: null, measure: null, close: 'hand', since: 0, deadline: first.now() + DAY };
    ask('look', { ...look, opening: [{ ...again, ...rule }] });
    expect(await first.all()).toMatchObject([
      { number: 2, closedAt: null },
      { number: 1, result: 'new cable' },
    ]);
  });

  it('are not those of a test, of a camera that only moves, nor of a device that is not in the config any more', async () => {
    const { record, pass, all } = await school({ open: [{ after: '1m' }] });
    await record('fault', { cause: 'sensor', test: 'maintenance' });
    await record('video', { cause: 'motion', device: 'e' });
    await record('video', { cause: 'tampered', device: 'e' });
    await record('power', { device: 'gone' });
    await pass(HOUR);
    await poll(async () => (await all()).map(({ device, cause }) => [device, cause])).toEqual([
      ['e', 'tampered'],
    ]);
  });

  it('are told of when the deadline is over, and again each day, until they are closed', async () => {
    const { record, pass, told, ledger } = await school({ open: [{ after: '1m', deadline: '2h' }] });
    await record('power');
    await pass(HOUR);
    await poll(() => told.length).toBe(1);
    const overdue = () => told.filter(({ type }) => type === 'ledger.overdue');
    await pass(HOUR);
    expect(overdue()).toEqual([]);
    await pass(2 * HOUR);
    await poll(overdue).toMatchObject([{ details: { number: 1, state: 'overdue' } }]);
    await pass(HOUR);
    expect(overdue()).toHaveLength(1);
    await pass(DAY);
    await poll(() => overdue().length).toBe(2);
    await ledger.close(1, 'mains are back', 'wang');
    await pass(3 * DAY);
    expect(overdue()).toHaveLength(2);
  });
});

describe('rules of the config', () => {
  it('name devices that are there', () => {
    const { open } = ledgerSchema.parse({ open: [{ devices: ['io', 'oi'] }] });
    const devices = [{ id: 'io', driver: 'modbus', options: {} }];
    const found = ledgerProblems({ ledger: { open, remind: DAY }, devices });
    expect(found).toMatchObject([{ path: ['ledger', 'open', 0, 'devices', 1] }]);
    expect(found[0]?.message).toContain('io');
  });
});

describe('entries by hand', () => {
  it('are changed, closed and opened again, each in its history, the audit and an event', async () => {
    const { ledger, told, audits, pass } = await school();
    const words = {
      ...{ kind: 'hazard' as const, device: null, place: '东墙', what: '围墙砖块松动' },
      ...{ owner: '张三', measure: null, deadline: null },
    };
    const { number } = await ledger.add(words, 'li');
    await ledger.edit(number, { measure: '重砌' }, 'wang');
    await ledger.close(number, '已重砌', 'wang');
    await expect(ledger.edit(number, { measure: 'x' }, 'wang')).rejects.toMatchObject({
      code: 'E_LEDGER_CLOSED',
    });
    await ledger.reopen(number, 'li');
    await expect(ledger.reopen(number, 'li')).rejects.toMatchObject({ code: 'E_LEDGER_OPEN' });
    await expect(ledger.entry(99)).rejects.toMatchObject({ code: 'E_LEDGER_NO_ENTRY' });
    const { entry, history } = await ledger.entry(number);
    expect(entry).toMatchObject({ what: '围墙砖块松动', measure: '重砌', closedAt: null, result: null });
    const acts = ['reopened', 'closed', 'changed', 'opened'];
    expect(history.map(({ body, by }) => [body['act'], by])).toEqual(
      acts.map((act, i) => [act, ['li', 'wang', 'wang', 'li'][i]]),
    );
    await pass(MINUTE);
    await poll(() => told.map(({ type }) => type)).toEqual([
      'ledger.opened',
      'ledger.closed',
      'ledger.opened',
    ]);
    // Who looks after it stays in the school.
    expect(JSON.stringify(told)).not.toContain('张三');
    expect(audits.map(({ by }) => by)).toEqual(['li', 'wang', 'wang', 'li']);
  });

  it('of the command line are told by the gateway that runs', async () => {
    const { directory, told, pass } = await school();
    const words = {
      kind: 'fault',
      device: 'd',
      place: null,
      what: 'loose',
      owner: null,
      measure: null,
      deadline: null,
    };
    askLedger({ dataDir: directory, ask: 'add', argument: { words, by: 'root', now: Date.now() } });
    await pass(MINUTE);
    await poll(() => told.map(({ details }) => details['what'])).toEqual(['loose']);
    await pass(MINUTE);
    expect(told).toHaveLength(1);
  });
});

describe('the inventory', () => {
  it('has what devices say and what people wrote, and notes a serial number that is another', async () => {
    const { abouts, ledger, pass } = await school();
    abouts.set('e', { maker: 'Hikvision', model: 'DS-2CD', serial: 'A1', firmware: 'V5.7' });
    await ledger.write('e', { installedOn: '2025-08-20', warrantyUntil: '2028-08-20', note: '' }, 'li');
    await pass(MINUTE);
    const acts = async () => (await ledger.device('e')).history.map(({ body }) => body['act']);
    await poll(acts).toEqual(['said', 'written']);
    abouts.set('e', { maker: 'Hikvision', model: 'DS-2CD', serial: 'B2' });
    await pass(MINUTE);
    await poll(acts).toEqual(['says-otherwise', 'said', 'written']);
    const [d, e] = await ledger.devices();
    expect(d).toMatchObject({ id: 'd', said: {}, notes: {} });
    expect(e).toMatchObject({
      said: { maker: 'Hikvision', serial: 'B2', firmware: 'V5.7' },
      notes: { installedOn: '2025-08-20', warrantyUntil: '2028-08-20' },
    });
    expect((await ledger.device('e')).history[0]?.body['before']).toMatchObject({ serial: 'A1' });
  });
});

describe("the ledger's file", () => {
  it("is its user's alone, and there only when something is in it or is looked at", async () => {
    const { directory, ledger, pass } = await school();
    const file = join(directory, 'ledger.sqlite');
    expect(existsSync(file)).toBe(false);
    await ledger.write('d', { place: '门卫室' }, 'li');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await pass(MINUTE);
  });

  it('of a newer version is left as it is', async () => {
    const { directory, ledger } = await school();
    const db = new Database(join(directory, 'ledger.sqlite'));
    db.pragma('user_version = 99');
    db.close();
    await expect(ledger.devices()).rejects.toMatchObject({ code: 'E_LEDGER_NEWER' });
  });
});

describe('a day in numbers', () => {
  const at = (hour: number) => Date.UTC(2026, 10, 26, 16) + hour * HOUR;
  let number = 0;
  const event = (type: string, hour: number, data: object): Event => ({
    ...{ specversion: '1.0', id: `id-${++number}`, source: '', datacontenttype: 'application/json' },
    ...{ type: `cn.campus.${type}`, time: new Date(at(hour)).toISOString(), data: data as Event['data'] },
  });

  it('counts alarms by kind, zone and hour of the campus, and what became of them', () => {
    const count = countAlarms(at(0), at(24), ZONE);
    const raise = (hour: number, more: object) => {
      const one = event('alarm.raised', hour, { kind: 'panic', device: { id: 'd' }, ...more });
      count.note(one, number);
      count.note(one, number);
      return one.id;
    };
    const close = (id: string, reason: string, hour: number) =>
      count.note(event('alarm.closed', hour, { closed: { event: id, reason } }), ++number);
    const zone = { number: 9, name: '门卫室' };
    close(raise(7, { zone }), 'real', 8);
    close(raise(7.5, { zone }), 'false-user', 9);
    close(raise(23.9, { kind: 'fence', device: { id: 'e' } }), 'false-environment', 30);
    raise(12, { kind: 'fire' });
    raise(13, { test: 'walk-test' });
    raise(-0.1, {});
    raise(24, {});
    const found = count.numbers();
    expect(found).toMatchObject({
      ...{ total: 4, tests: 1, byKind: { panic: 2, fence: 1, fire: 1 }, real: 1, false: 2 },
      ...{ byReason: { real: 1, 'false-user': 1, 'false-environment': 1 }, unacknowledged: 1, open: 1 },
      waiting: [{ kind: 'fire', device: 'd' }],
    });
    expect(found.falseRate).toBeCloseTo(2 / 3);
    expect(found.byZone[0]).toEqual({ device: 'd', zone: 9, name: '门卫室', count: 2 });
    expect([found.byHour[7], found.byHour[12], found.byHour[23], found.byHour[13]]).toEqual([2, 1, 1, 0]);
    expect(found.takenMs?.median).toBe(1.5 * HOUR);
    expect(count.isSettled()).toBe(false);
  });

  it('stays bounded however much alarms, and says that it does not know all', () => {
    const count = countAlarms(at(0), at(24), ZONE);
    const one = event('alarm.raised', 1, { kind: 'fence', device: { id: 'd' } });
    for (let i = 0; i < 50_100; i++) count.note({ ...one, id: `${i}` }, i);
    expect(count.numbers()).toMatchObject({ total: 50_100, unacknowledged: 50_000, isCut: true });
  });

  it('is told to platforms at its time, once; and a month on its first day', async () => {
    const own = { digest: { at: '00:10' }, open: [] };
    const first = await school(own);
    await first.record('panic', { zone: { number: 9, name: '门卫室' } });
    const digests = (told: typeof first.told) =>
      told.map(({ type, details }) => [type, details['period'], details['of']]);
    await first.pass(MINUTE);
    expect(first.told).toEqual([]);
    const today = new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE, dateStyle: 'short' }).format(Date.now());
    const { to } = boundsOfDay(today, ZONE);
    await first.pass(to - first.now() + 5 * MINUTE);
    expect(first.told).toEqual([]);
    await first.pass(10 * MINUTE);
    await poll(() => digests(first.told)[0]).toEqual(['ledger.digest', 'day', today]);
    expect(eventSchema('ledger.digest').shape.data.safeParse(first.digest()).error).toBeUndefined();
    expect(first.told[0]?.details).toMatchObject({
      alarms: { total: 1, byKind: { panic: 1 }, unacknowledged: 1, falseRate: null },
      links: { devices: 2 },
    });
    const count = first.told.length;
    await first.pass(HOUR);
    expect(first.told).toHaveLength(count);
    // The report of that day is kept, for when the journal has it no more.
    expect((await first.ledger.report(today))?.isOver).toBe(true);
    const month = today.slice(0, 7);
    const nextMonth = boundsOfDay(daysOfMonth(month).at(-1) as string, ZONE).to;
    await first.pass(nextMonth - first.now() + 20 * MINUTE);
    await poll(() => digests(first.told)).toContainEqual(['ledger.digest', 'month', month]);
    const sum = first.told.find(({ details }) => details['period'] === 'month');
    expect(sum?.details).toMatchObject({ alarms: { total: 1, byKind: { panic: 1 } } });
  });
});
