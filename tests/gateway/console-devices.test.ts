/** What the page of the devices is told, of devices whose wires the test holds. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  type Device,
  type Driver,
  defineDriver,
  type Host,
  LineError,
} from '../../drivers/contract/driver.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { encodeOsdp } from '../../drivers/osdp/codec.ts';
import { osdp } from '../../drivers/osdp/driver.ts';
import { createAvailability } from '../../gateway/availability/index.ts';
import { serveDevices } from '../../gateway/console/api/devices.ts';
import { deviceSchema, devicesSchema, wireSchema } from '../../gateway/console/contract/devices.ts';
import { createClosedServer, userOf } from '../../gateway/console/guard.ts';
import type { Role } from '../../gateway/console/rights.ts';
import { createSupervisor } from '../../gateway/devices/supervisor.ts';
import { createLevels } from '../../gateway/observe/level-acts.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { freePort, silentLog, stream } from '../helpers.ts';
import { campus } from './campus.ts';

/** Devices of a real journal, recorder and supervisor; a driver whose sessions the test holds, on `osdp`'s words. */
async function school(more: Partial<Device> = {}) {
  const { recorder, directory } = await campus(await freePort());
  const time = manualClock(Date.now());
  const metrics = createMetrics();
  const opened = stream<{ readonly host: Host; readonly lose: (error: Error) => void }>();
  const driver = defineDriver({
    name: 'osdp',
    title: { en: 'Readers', zh: '读卡器' },
    options: z.strictObject({}),
    line: () => 'serial /dev/ttyUSB0',
    explain: osdp.explain as NonNullable<Driver['explain']>,
    async open(_devices, host) {
      const ended = Promise.withResolvers<void>();
      opened.push({ host, lose: ended.reject });
      return { ended: ended.promise, close: async () => ended.resolve() };
    },
  }) as unknown as Driver;
  const devices: Device[] = [
    { id: 'reader', name: '北门', driver: 'osdp', options: {}, ...more },
    { id: 'other', driver: 'osdp', options: {} },
  ];
  const context = { time, metrics, log: silentLog, record: (one: Observation) => recorder.record(one) };
  const noted: string[] = [];
  const logged: object[] = [];
  const logs = createLevels({
    ...{ time, clock: { now: time.wall }, log: silentLog },
    verbose: { ...silentLog, debug: (fields) => logged.push(fields) },
    kindOf: (id) => (devices.some((one) => one.id === id) ? 'device' : undefined),
    journal: {
      async audit(_at, body) {
        noted.push(body);
        return '';
      },
    },
  });
  const supervisor = createSupervisor(devices, {
    ...context,
    logs,
    ...{ drivers: [driver], keep: async () => '', isolated: async () => undefined, states: recorder.states },
  });
  supervisor.start();
  onTestFinished(() => time.until(supervisor.close()));
  const server = await createClosedServer(
    { host: '127.0.0.1', names: [] },
    ({ headers }) => userOf('li', headers['x-role'] as Role, new AbortController().signal),
    { ...context },
  );
  const ofCampus = { dataDir: directory, timezone: 'Asia/Shanghai' };
  const availability = createAvailability(ofCampus, { recorder, time });
  onTestFinished(() => availability.close());
  await server.register(
    serveDevices({
      ...{ of: { devices }, devices: supervisor, states: recorder.states, time, metrics },
      ...{ availability, config: {}, logs },
    }),
  );
  onTestFinished(() => server.close());
  const ask = async (path: string, role: Role = 'administrator') => {
    const answer = await server.inject({ url: path, headers: { 'x-role': role, host: '127.0.0.1' } });
    return { status: answer.statusCode, body: answer.json() };
  };
  const session = await opened.next();
  /** A look is fresh for a moment. */
  const list = async () => {
    await time.advance(300);
    return devicesSchema.parse((await ask('/api/devices')).body).devices;
  };
  const detail = async (role?: Role) => {
    await time.advance(300);
    return deviceSchema.parse((await ask('/api/devices/reader', role)).body);
  };
  const setLevel = async (device: string, body: object, role: Role = 'technician') => {
    const headers = { 'x-role': role, host: '127.0.0.1' };
    const url = `/api/devices/${device}/log`;
    return (await server.inject({ method: 'PUT', url, headers, payload: body })).statusCode;
  };
  return { ...session, recorder, ask, list, detail, time, opened, setLevel, noted, logged };
}
const reader = 'reader';

describe('the list of devices', () => {
  it('says of each how it is and why, the worst that is so', async () => {
    const { host, list, recorder, time } = await school();
    expect(await list()).toMatchObject([
      { id: 'reader', name: '北门', driver: 'osdp', level: 'unknown', online: null, heardAt: null },
      { id: 'other', level: 'unknown' },
    ]);
    host.link(reader, 'online');
    await expect.poll(list).toMatchObject([{ level: 'good', online: true }, { level: 'unknown' }]);
    const heardAt = time.wall();
    await recorder.record({ device: reader, kind: 'power', state: 'raised' });
    await recorder.record({ device: reader, kind: 'battery', state: 'raised' });
    expect((await list())[0]).toMatchObject({ level: 'warn', faults: 2, mains: 'lost', battery: 'low' });
    await recorder.record({ device: reader, kind: 'tamper', state: 'raised' });
    // It answers, and somebody has it open: that is no green.
    expect((await list())[0]).toMatchObject({ level: 'alarm', online: true, alarms: 1 });
    await recorder.record({ device: reader, kind: 'tamper', state: 'restored' });
    host.link(reader, 'offline', 'address 1: does not answer');
    await expect
      .poll(async () => (await list())[0])
      .toMatchObject({
        ...{ level: 'bad', online: false, reason: 'address 1: does not answer', mains: 'lost' },
        heardAt: expect.stringMatching(/Z$/),
      });
    expect(Date.parse((await list())[0]?.heardAt ?? '')).toBeLessThanOrEqual(heardAt);
  });

  it('calls a zone by its name in the config, of whichever account', async () => {
    const { list, recorder } = await school({
      options: { accounts: [{ account: '12ab', zones: [{ zone: 9, name: '东围墙' }, { zone: 10 }] }] },
    });
    for (const number of [9, 10])
      await recorder.record({
        ...{ device: reader, kind: 'intrusion', state: 'raised' },
        ...{ zone: { number }, details: { account: '12AB' } },
      });
    const [found] = await list();
    expect(found?.standing.map(({ at, name }) => [at, name])).toEqual([
      ['12AB/9', '东围墙'],
      ['12AB/10', undefined],
    ]);
  });

  it('takes a camera that is covered for one that sees nothing', async () => {
    const { host, list, recorder } = await school();
    host.link(reader, 'online');
    await recorder.record({ device: reader, kind: 'video', cause: 'tampered', state: 'raised' });
    await expect.poll(async () => (await list())[0]).toMatchObject({ level: 'bad', online: true });
  });

  it('says why a wire cannot be had', async () => {
    const { lose, list } = await school();
    lose(new LineError('E_LINE_LOST', 'the device was unplugged'));
    await expect
      .poll(list)
      .toMatchObject([{ level: 'bad', reason: 'the device was unplugged' }, { level: 'bad' }]);
  });
});

describe('the log of one device', () => {
  it('says more of it for a while, to who may, without the card; the audit says who wanted it', async () => {
    const { host, detail, setLevel, time, noted, logged } = await school();
    const seen = () =>
      host.report({
        ...{ device: reader, kind: 'credential', state: 'raised' },
        credential: { format: 'card', number: '0012345678' } as never,
      });
    await time.until(seen());
    expect(logged).toEqual([]);
    expect(await setLevel(reader, { level: 'debug', minutes: 10 }, 'guard')).toBe(403);
    expect(await setLevel('nobody', { level: 'debug', minutes: 10 })).toBe(404);
    expect(await setLevel(reader, { level: 'all', minutes: 10 })).toBe(400);
    expect(await setLevel(reader, { level: 'debug', minutes: 10 })).toBe(200);
    const until = new Date(time.wall() + 600_000).toISOString();
    expect((await detail()).log).toEqual({ level: 'debug', until });
    expect(JSON.parse(noted.join())).toEqual({
      kind: 'log-level',
      device: reader,
      level: 'debug',
      until,
      by: 'li',
    });
    await time.until(seen());
    expect(logged).toMatchObject([{ device: reader, kind: 'credential', state: 'raised' }]);
    expect(JSON.stringify(logged)).not.toContain('0012345678');
    await time.advance(600_000);
    expect((await detail()).log).toBeNull();
  });
});

describe('one device', () => {
  it('says what it sent that made no sense and what nothing maps; details are for technicians', async () => {
    const { host, detail } = await school();
    for (let i = 0; i < 3; i++) host.discarded(reader, 'wrong CRC', 7, `detail ${i}`);
    host.discarded(reader, 'a torn frame', 2);
    host.unmapped(reader, 'tns1:Some/Topic');
    expect(await detail('technician')).toMatchObject({
      ...{ discarded: 4, line: 'serial /dev/ttyUSB0', isOpen: true, others: ['other'] },
      discards: [
        { reason: 'wrong CRC', count: 3, detail: 'detail 2' },
        { reason: 'a torn frame', count: 1 },
      ],
      unmapped: [{ what: 'tns1:Some/Topic', count: 1 }],
    });
    const seen = await detail('viewer');
    expect(seen).toMatchObject({ discarded: 4, unmapped: [] });
    expect(JSON.stringify(seen)).not.toContain('detail 2');
  });

  it('tells what it can be told by who asks, with the arguments as a form', async () => {
    const commands = [
      { action: 'activate', output: 'siren' },
      { action: 'activate', output: 'lamp' },
      { action: 'deactivate', output: 'siren' },
      { action: 'unlock', output: 'door' },
      { action: 'indicate' },
      { action: 'push-stream' },
    ];
    const { detail } = await school({ commands });
    const forTechnicians = (await detail('technician')).commands;
    expect(forTechnicians.map(({ action }) => action)).toEqual(['test', 'end-test', 'activate']);
    expect(forTechnicians[2]?.arguments).toEqual([
      { name: 'output', kind: 'choice', required: true, choices: ['siren', 'lamp'] },
      { name: 'for', kind: 'number', required: false, most: 86_400 },
    ]);
    expect(forTechnicians[0]?.arguments).toMatchObject([
      { name: 'kind', kind: 'choice', choices: ['walk-test', 'maintenance'] },
      { name: 'for', kind: 'number', required: true },
    ]);
    expect((await detail('guard')).commands.map(({ action }) => action)).toEqual(['deactivate', 'unlock']);
    expect((await detail('viewer')).commands).toEqual([]);
  });

  it('is not there under another name, whatever that is', async () => {
    const { ask } = await school();
    for (const path of ['nobody', '__proto__', '..%2f..', 'nobody/wire', 'nobody/availability'])
      expect((await ask(`/api/devices/${path}`)).status, path).toBe(404);
    expect((await ask('/api/devices/reader/wire?after=x')).status).toBe(400);
  });

  it('says how available it was', async () => {
    const { host, ask, recorder } = await school();
    host.link(reader, 'online');
    host.link(reader, 'offline', 'cable cut');
    await expect.poll(() => recorder.states.size).toBeGreaterThan(0);
    await expect
      .poll(async () => (await ask('/api/devices/reader/availability', 'viewer')).body.outages)
      .toMatchObject([{ reason: 'cable cut', to: null }]);
  });
});

describe('the wire of a device', () => {
  const answer = (code: number, data: number[]) =>
    encodeOsdp({ address: 1, reply: true, sequence: 1, crc: true, code, data: Buffer.from(data) });
  const poll = encodeOsdp({
    address: 1,
    reply: false,
    sequence: 1,
    crc: true,
    code: 0x60,
    data: Buffer.alloc(0),
  });

  it('is for technicians, who see frames in words and no card; a card is for who may see persons, a PIN for nobody', async () => {
    const { host, ask } = await school();
    const card = answer(0x50, [0, 1, 26, 0, 0x12, 0x34, 0x56, 0x80]);
    host.tap?.said(poll);
    host.tap?.heard(answer(0x48, [1, 0]));
    host.tap?.heard(card);
    host.tap?.heard(answer(0x53, [0, 1, 0x37]));
    const wire = async (role: Role) => wireSchema.parse((await ask('/api/devices/reader/wire', role)).body);
    const seen = await wire('technician');
    expect(seen).toMatchObject({ isOpen: true, isExplained: true, isComplete: true, routine: 1, left: 0 });
    expect(seen.frames.map(({ what, said, hex, holds }) => [what, said, hex === null, holds])).toEqual([
      ['LSTATR', false, false, 'nothing'],
      ['RAW', false, true, 'person'],
      ['KEYPAD', false, true, 'secret'],
    ]);
    expect(JSON.stringify(seen)).not.toContain('123456');
    const all = await wire('administrator');
    expect(all.frames.map(({ hex }) => hex)).toEqual([
      answer(0x48, [1, 0]).toString('hex'),
      card.toString('hex'),
      null,
    ]);
    for (const role of ['viewer', 'guard', 'operator'] as const)
      expect((await ask('/api/devices/reader/wire', role)).status).toBe(403);
  });

  it('goes on where it was, with polls where they are wanted', async () => {
    const { host, ask } = await school();
    host.tap?.said(poll);
    host.tap?.heard(answer(0x48, [1, 0]));
    const first = (await ask('/api/devices/reader/wire?routine=true')).body;
    expect(first.frames.map(({ what }: { what: string }) => what)).toEqual(['POLL', 'LSTATR']);
    host.tap?.heard(answer(0x48, [0, 0]));
    const next = (await ask(`/api/devices/reader/wire?routine=true&after=${first.next}`)).body;
    expect(next.frames).toMatchObject([{ detail: 'address 1, sequence 1, tamper 0, power 0' }]);
  });

  it('stays bounded under a flood', async () => {
    const { host, ask } = await school();
    for (let i = 0; i < 5000; i++) host.tap?.heard(answer(0x48, [i & 1, 0]));
    const { frames, left, isComplete } = (await ask('/api/devices/reader/wire')).body;
    expect(frames).toHaveLength(500);
    expect(left).toBeGreaterThan(100);
    expect(isComplete).toBe(false);
  });
});
