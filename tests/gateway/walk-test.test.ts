/** A walk test on the real road: stages, a journal on disk, its files; how long things take by a clock that is moved. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { type Config, configSchema } from '../../config/schema.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createAlarms } from '../../gateway/alarms/index.ts';
import { createArming } from '../../gateway/arming/index.ts';
import { readCampus } from '../../gateway/campus.ts';
import { createCommands } from '../../gateway/commands/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { layRoad } from '../../gateway/road/stage.ts';
import { createArrivals, createWalkTest, type WalkTest } from '../../gateway/walk-test/index.ts';
import { createPrinter, findBrowser } from '../../gateway/walk-test/pdf.ts';
import { listPoints } from '../../gateway/walk-test/points.ts';
import { reportHtml, spreadOf } from '../../gateway/walk-test/report.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { runHere, silentLog, temporaryDirectory } from '../helpers.ts';

const HOUR = 3_600_000;
const ZONES = [
  { zone: 1, id: 'north', kind: 'perimeter', name: '北围墙 <b>1</b>' },
  { zone: 2, id: 'hall', kind: 'intrusion', name: '大厅' },
  { zone: 9, id: 'button', kind: 'panic', name: '门卫室按钮' },
  { zone: 10, kind: 'contact' },
  { zone: 11, kind: 'exit-request' },
];
const MORE = {
  areas: [
    {
      id: 'walls',
      name: '围墙',
      zones: [
        { device: 'panel', zone: 1 },
        { device: 'panel', zone: 9, type: 'panic' },
      ],
    },
    { id: 'inside', zones: [{ device: 'panel', zone: 2 }], exitDelay: '0s' },
  ],
  access: {
    doors: [
      { id: 'gate', name: '校门', reader: 'reader', contact: { device: 'panel', zone: 10 } },
      { id: 'side', reader: 'reader' },
    ],
  },
};
const devicesOf = () => [
  { id: 'panel', name: '主机', driver: 'dc09', options: { accounts: [{ account: '1234', zones: ZONES }] } },
  { id: 'reader', driver: 'wiegand', options: {}, commands: [] },
  { id: 'fence', driver: 'modbus', options: {} },
  { id: 'yard', driver: 'onvif', options: {}, commands: [{ action: 'snapshot' }] },
];

/** What the schema would make of it, without its drivers. */
function configIn(dataDir: string) {
  const whole = configSchema.parse({ campus: { id: '4503000001', name: '一中' }, ...MORE });
  const account = (zone: { device: string; zone: number }) => ({ ...zone, account: '1234' });
  const file = join(dataDir, 'campus.yaml');
  writeFileSync(file, 'campus: {}\n');
  return {
    ...whole,
    devices: devicesOf() as unknown as Config['devices'],
    areas: whole.areas.map((area) => ({
      ...area,
      zones: area.zones.map((one) => ({ ...one, ...account(one) })),
    })),
    access: {
      ...whole.access,
      doors: whole.access.doors.map((door) => ({ ...door, contact: door.contact && account(door.contact) })),
    },
    dataDir,
    file,
  };
}

async function school(dataDir = temporaryDirectory(), time = manualClock()) {
  const config = configIn(dataDir);
  const campus = readCampus(config);
  const journal = await openHere(dataDir, { time });
  const clock = { now: time.wall, synchronised: () => true, onStep: () => () => {} };
  const base = { time, clock, metrics: createMetrics(), log: silentLog };
  const recorder = await createRecorder({ ...base, campusId: campus.id, deviceNames: campus.names, journal });
  const commands = createCommands({ ...base, campus: campus.id, journal, recorder, kindOf: campus.kindOf });
  const { states, standing, recordFollowUp } = recorder;
  const context = { ...base, states, standing, recordFollowUp, journal, registry: commands };
  const lamps: string[] = [];
  commands.serve({
    confirm: async ({ target }) => {
      lamps.push(target);
      await time.wait(40);
      return { done: true };
    },
  });
  const { enter, stages } = layRoad(recorder.record, {
    arrivals: (onward) => createArrivals({ onward }),
    arming: (onward) => createArming(config, { ...context, onward, isKnown: recorder.isLoaded }),
    alarms: (onward) => createAlarms(campus, { ...context, onward }),
  });
  const heard = { at: 0 };
  const walk: WalkTest = createWalkTest(config, {
    ...base,
    arrivals: stages.arrivals,
    commands,
    journal,
    isolated: { run: runHere, close: async () => {}, [Symbol.asyncDispose]: async () => {} },
    devices: {
      wireOf: () => ({ line: 'tcp', heardAt: heard.at }) as never,
      about: (id) =>
        id === 'yard' ? { maker: 'Simulated', model: 'SC-1', serial: 'ca2d', firmware: '1' } : undefined,
      online: (id) => id !== 'fence',
      unmapped: () => ({ yard: { 'Device/Trigger': 2 } }),
    },
    uplinks: {
      details: () =>
        [
          {
            id: 'police',
            protocol: 'mqtt',
            where: 'mqtt://h',
            about: {},
            receipts: { wanted: true, possible: true },
          },
        ] as never,
    },
  });
  const events: Event[] = [];
  recorder.onStored((event, sequence) => {
    events.push(event);
    walk.onStored(event, sequence);
  });
  await walk.start();
  stages.alarms.start?.();
  const close = async () => {
    await walk[Symbol.asyncDispose]();
    for (const part of [stages.alarms, stages.arming]) await part[Symbol.asyncDispose]();
    recorder.close();
    await journal.close();
  };
  onTestFinished(close);
  const say = async (
    device: string,
    kind: Observation['kind'],
    zone?: number,
    more: Partial<Observation> = {},
  ) => {
    heard.at = time.wall();
    const details = device === 'panel' ? { account: '1234' } : {};
    const of = {
      device,
      kind,
      state: 'raised',
      details,
      ...(zone !== undefined && { zone: { number: zone } }),
    } as const;
    await enter({ ...of, ...more });
  };
  const tick = (id: string) => walk.view().points.find((point) => point.id === id)?.tick;
  return { config, dataDir, time, walk, say, tick, events, commands, journal, lamps, close };
}
type School = Awaited<ReturnType<typeof school>>;

const begin = ({ walk }: School, areas: readonly string[] | null = null) =>
  walk.begin({ areas, forMs: HOUR, by: '王工' });
/** Platforms and lamps get 2 s for what was pressed last. */
const end = async ({ walk, time }: School) => (await Promise.all([walk.end('王工'), time.advance(2000)]))[0];
const typesOf = (events: readonly Event[]) => events.map(({ type }) => type.slice('cn.campus.'.length));

describe('what there is to try', () => {
  it('is each zone, button, door, exit button, reader and camera once, by its name and areas', () => {
    const points = listPoints(configIn(temporaryDirectory()));
    expect(points.map(({ id, kind, name, areas }) => [id, kind, name, areas.join()])).toEqual([
      ['zone/panel/1234/1', 'zone', '北围墙 <b>1</b>', 'walls'],
      ['zone/panel/1234/2', 'zone', '大厅', 'inside'],
      ['zone/panel/1234/9', 'button', '门卫室按钮', 'walls'],
      ['zone/panel/1234/10', 'door', '校门', ''],
      ['zone/panel/1234/11', 'exit', '主机 1234 11', ''],
      ['reader/reader', 'reader', 'reader', ''],
      ['device/fence', 'device', 'fence', ''],
      ['camera/yard', 'camera', 'yard', ''],
      ['door/side', 'door', 'side', ''],
    ]);
  });
});

describe('a walk test', () => {
  it('times a press from the wire to the disk, to a platform that stores it, and back to the lamp', async () => {
    const own = await school();
    await begin(own, ['walls']);
    await own.say('panel', 'panic', 9);
    const id = 'zone/panel/1234/9';
    expect(own.tick(id)).toMatchObject({ count: 1, platforms: {}, disk: expect.any(Number) });
    const sequence = own.journal.last('urgent');
    await own.time.advance(25);
    // Its broker has it; the platform, which says what it has stored, does not yet.
    own.walk.onTaken('police', 'urgent', sequence);
    expect(own.tick(id)?.platforms).toEqual({});
    await own.time.advance(75);
    own.walk.onReceived('police', 'urgent', sequence - 1, sequence);
    const wanted = { event: own.tick(id)?.event ?? '', stage: 'platform', uplink: 'police' } as const;
    await own.time.until(own.commands.askPart('confirm', 'panel', wanted));
    expect(own.tick(id)).toMatchObject({ platforms: { police: 100 }, lamp: 140 });
    // Pressed again it is counted, and the report is of the first time.
    await own.say('panel', 'panic', 9);
    expect(own.tick(id)).toMatchObject({ count: 2, platforms: { police: 100 } });
  });

  it('marks the alarms of what is under test; what is not alarms as ever, and is shown', async () => {
    const own = await school();
    await begin(own, ['inside']);
    await own.say('panel', 'panic', 9);
    await own.say('panel', 'intrusion', 77);
    const [started, pressed, strange] = own.events;
    expect(typesOf(own.events)).toEqual(['device.test-started', 'alarm.raised', 'alarm.raised']);
    expect(started?.data['device']).toMatchObject({ id: 'inside' });
    for (const event of [pressed, strange]) expect(event?.data['test']).toBeUndefined();
    expect(own.walk.view().running?.others).toMatchObject([
      { why: 'outside', name: '门卫室按钮', kind: 'panic', count: 1 },
      { why: 'unknown', device: 'panel', account: '1234', zone: 77, kind: 'intrusion' },
    ]);
    expect(own.walk.view().points.map(({ id }) => id)).toEqual(['zone/panel/1234/2']);
  });

  it('of the whole campus marks all of it, in one word to the platforms, and takes the mark back', async () => {
    const own = await school();
    await begin(own);
    await own.say('panel', 'panic', 9);
    await own.say('fence', 'fence', 1);
    await end(own);
    await own.say('panel', 'fire', 3);
    expect(typesOf(own.events)).toEqual([
      ...['device.test-started', 'alarm.raised', 'alarm.raised', 'device.test-ended', 'alarm.raised'],
    ]);
    expect(own.events.map(({ data }) => data['test'])).toEqual([
      ...[undefined, 'walk-test', 'walk-test', undefined, undefined],
    ]);
  });

  it('counts a zone whose area is disarmed, which raises no alarm, as not tested; armed, it is timed', async () => {
    const own = await school();
    await begin(own, ['inside']);
    const id = 'zone/panel/1234/2';
    await own.say('panel', 'intrusion', 2);
    expect(own.tick(id)).toEqual({ at: expect.any(String), count: 1, platforms: {} });
    expect(typesOf(own.events)).toEqual(['device.test-started']);
    const report = await end(own);
    expect(await own.walk.reports()).toMatchObject([{ tried: 0, points: 1 }]);
    const pages = [await own.walk.html(report, 'en'), await own.walk.html(report, 'zh')];
    expect(pages.map((page) => page.includes('100 %'))).toEqual([false, false]);
    expect(pages[0]).toContain('not told: its area was disarmed');
    expect(pages[1]).toContain('所在区域未布防');
    await begin(own, ['inside']);
    await own.say('panel', 'intrusion', 2, { state: 'restored' });
    await own.say('panel', 'intrusion', 2);
    await own.say('panel', 'intrusion', 2, { state: 'restored' });
    await own.commands.askPart('arm', 'inside', { force: false });
    await own.time.advance(10);
    await own.say('panel', 'intrusion', 2);
    expect(own.tick(id)).toMatchObject({ count: 2, event: expect.any(String), disk: expect.any(Number) });
  });

  it('takes no lid, no fault and no state as it was found for a trial; a card, a picture and a motion are', async () => {
    const own = await school();
    await begin(own);
    await own.say('panel', 'tamper', 2);
    await own.say('panel', 'fault', 2);
    await own.say('panel', 'contact', 10, { initial: true });
    expect(own.walk.view().points.filter(({ tick }) => tick !== undefined)).toEqual([]);
    await own.say('panel', 'contact', 10);
    await own.say('reader', 'credential', undefined, { credential: { format: 'wiegand-26', number: '7' } });
    await own.say('yard', 'video', undefined, { cause: 'motion' });
    const tried = own.walk.view().points.filter(({ tick }) => tick !== undefined);
    expect(tried.map(({ id }) => id)).toEqual(['zone/panel/1234/10', 'reader/reader', 'camera/yard']);
  });
});

describe('the life of a walk test', () => {
  it('goes on after a restart with what was tried, and ends by itself when its time is over', async () => {
    const first = await school();
    await begin(first);
    await first.say('panel', 'panic', 9);
    await first.time.advance(1500);
    await first.close();
    const again = await school(first.dataDir, first.time);
    expect(again.tick('zone/panel/1234/9')).toMatchObject({ count: 1 });
    await again.say('panel', 'panic', 9);
    expect(again.events.at(-1)?.data['test']).toBe('walk-test');
    await again.time.advance(HOUR);
    await expect.poll(async () => await again.walk.reports()).toHaveLength(1);
    expect((await again.walk.reports())[0]).toMatchObject({ ending: 'time', tried: 1, points: 9 });
    expect(again.walk.view().running).toBeUndefined();
    expect(again.events.filter(({ type }) => type.endsWith('test-ended'))).toHaveLength(1);
  });

  it('ends where a platform takes its mark away: from then on nobody would know that it is a test', async () => {
    const own = await school();
    await begin(own, ['walls']);
    await own.commands.askPart('end-test', 'walls', {});
    await own.time.advance(3000);
    await expect.poll(async () => await own.walk.reports()).toMatchObject([{ ending: 'elsewhere' }]);
  });

  it('is one at a time, of areas that are there, and needs one that runs to end', async () => {
    const own = await school();
    await expect(own.walk.end('王工')).rejects.toMatchObject({ code: 'no-walk-test' });
    await expect(begin(own, ['roof'])).rejects.toMatchObject({ code: 'not-found' });
    await begin(own);
    await expect(begin(own)).rejects.toMatchObject({ code: 'walk-test-runs' });
    expect(() => own.walk.remark('zone/none', 'x', '王工')).toThrowError(
      expect.objectContaining({ code: 'not-found' }),
    );
  });
});

describe('the report', () => {
  it('is kept for its owner alone, says what was not tested and why, and its hash is that of sqlite3 and sha256sum', async () => {
    const own = await school();
    await own.say('panel', 'fire', 3);
    await begin(own);
    await own.say('panel', 'panic', 9);
    await own.say('panel', 'intrusion', 77);
    own.walk.remark('device/fence', '雨天', '王工');
    const id = await end(own);
    const folder = join(own.dataDir, 'walk-tests');
    expect(readdirSync(folder)).toEqual([`${id}.json`]);
    expect([folder, join(folder, `${id}.json`)].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o700, 0o600,
    ]);
    expect(readdirSync(own.dataDir)).not.toContain('walk-test.json');

    const record = await own.walk.record(id);
    if (record === undefined || !('sha256' in record.journal)) throw new Error('the journal was not read');
    const { from, to, events, sha256 } = record.journal;
    const db = new Database(join(own.dataDir, 'journal.sqlite'), { readonly: true });
    const bodies = db.prepare<[number, number], { body: string }>(
      'SELECT body FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence',
    );
    const lines = bodies.all(from, to).map(({ body }) => `${body}\n`);
    const audited = db
      .prepare<[], { body: string }>("SELECT body FROM audit WHERE body LIKE '%walk-test%'")
      .all();
    db.close();
    expect(lines).toHaveLength(events);
    expect(lines.join('')).not.toContain('"fire"');
    expect(createHash('sha256').update(lines.join('')).digest('hex')).toBe(sha256);
    const file = readFileSync(join(folder, `${id}.json`));
    expect(audited.at(-1)?.body).toContain(createHash('sha256').update(file).digest('hex'));

    const page = await own.walk.html(id, 'zh');
    for (const word of ['王工', '雨天', 'ca2d', sha256, '离线', 'fence', '入侵: 未在配置中'])
      expect(page).toContain(word);
    // What the config calls a zone is text, whatever it looks like.
    expect(page).toContain('北围墙 &lt;b&gt;1&lt;/b&gt;');
    expect(page).not.toContain('<b>1</b>');
    expect(reportHtml(record, 'en')).toContain('Not tested');
    for (const other of ['../journal', 'x', '20260101T000000Z-0000'])
      await expect(own.walk.html(other, 'en')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('can be ended again where the disk refused it', async () => {
    const own = await school();
    await begin(own);
    // A file where its folder is to be.
    writeFileSync(join(own.dataDir, 'walk-tests'), '');
    await expect(end(own)).rejects.toThrow();
    expect(own.walk.view().running).toBeDefined();
    rmSync(join(own.dataDir, 'walk-tests'));
    expect(await end(own)).toMatch(/^\d{8}T\d{6}Z-[0-9a-f]{4}$/);
  });

  it('tells the median and the worst by nearest rank', () => {
    expect(spreadOf([])).toBeUndefined();
    expect(spreadOf([5])).toEqual({ median: 5, worst: 5 });
    expect(spreadOf([9, 1, 4, 2])).toEqual({ median: 2, worst: 9 });
  });

  it('is printed by nothing where there is no browser, and what one says that fails is told', async () => {
    expect(findBrowser('/nowhere')).toBeUndefined();
    const time = manualClock();
    const none = createPrinter(time, () => undefined);
    expect(await none.print('<p>')).toBeUndefined();
    const directory = temporaryDirectory();
    const browser = join(directory, 'chromium');
    writeFileSync(browser, '#!/bin/sh\necho no display >&2\nexit 3\n', { mode: 0o755 });
    expect(findBrowser(directory)).toBe(browser);
    await expect(createPrinter(time, () => browser).print('<p>')).rejects.toThrow('no display');
  });
});
