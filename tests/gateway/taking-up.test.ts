/** What another config does to a gateway's wires and stages: what differs, and nothing else. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Config } from '../../config/schema.ts';
import { type Device, type Driver, defineDriver, type Host } from '../../drivers/contract/driver.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { dataDirIn, dataDirOf } from '../../gateway/cli/reload/data-dir.ts';
import { createSupervisor } from '../../gateway/devices/supervisor.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { differenceOf } from '../../gateway/reload/difference.ts';
import { createTakeUp } from '../../gateway/reload/take-up.ts';
import { openVersions } from '../../gateway/reload/versions.ts';
import { createGate } from '../../gateway/road/gate.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

/** A driver that notes what becomes of its sessions; `configures`: they take up a difference while they are open. */
function noted(configures: boolean) {
  const lived: string[] = [];
  const hosts = new Map<string, Host>();
  const driver = defineDriver({
    name: 'a',
    title: { en: 'a', zh: 'a' },
    options: z.strictObject({ wire: z.string(), poll: z.number().optional() }),
    line: ({ options }) => options.wire,
    async open(devices, host) {
      const ended = Promise.withResolvers<void>();
      const names = (those: readonly Device[]) => those.map(({ id }) => id).join('+');
      lived.push(`open ${names(devices)}`);
      for (const { id } of devices) hosts.set(id, host);
      return {
        ended: ended.promise,
        ...(configures && {
          async configure(next: readonly Device[]) {
            lived.push(`now ${names(next)}`);
          },
        }),
        async close() {
          lived.push(`close ${names(devices)}`);
          ended.resolve();
        },
      };
    },
  });
  return { driver: driver as unknown as Driver, lived, hosts };
}

const device = (id: string, wire: string, poll?: number): Device => ({
  ...{ id, driver: 'a' },
  options: { wire, ...(poll !== undefined && { poll }) },
});

function campus(devices: readonly Device[], configures = false) {
  const { driver, lived, hosts } = noted(configures);
  const time = manualClock();
  const metrics = createMetrics();
  const supervisor = createSupervisor(devices, {
    ...{ drivers: [driver], time, metrics, log: silentLog, keep: async () => '' },
    record: async (): Promise<Receipt> => ({ sequence: 1, id: 'x', repeated: false }),
    isolated: () => Promise.reject(new Error('nothing is read apart here')),
  });
  supervisor.start();
  onTestFinished(async () => {
    await time.until(supervisor.close());
  });
  const change = async (next: readonly Device[]) => {
    await time.until(supervisor.leave(next));
    await time.until(supervisor.enter(next));
    await time.advance(0);
  };
  return { supervisor, lived, hosts, metrics, change, time };
}

describe('devices of another config', () => {
  it('are closed and opened where they differ, and their neighbours are not touched', async () => {
    const { supervisor, lived, hosts, change, time } = campus([device('one', 'w1'), device('two', 'w2')]);
    await time.advance(0);
    for (const id of ['one', 'two']) hosts.get(id)?.link(id, 'online');
    await change([device('one', 'w1'), device('two', 'w2', 50), device('three', 'w3')]);
    expect(lived).toEqual(['open one', 'open two', 'close two', 'open two', 'open three']);
    // Of the one that is another nothing is known yet.
    expect(['one', 'two', 'three'].map((id) => supervisor.online(id))).toEqual([true, undefined, undefined]);
    await change([device('one', 'w1')]);
    expect(lived.slice(5)).toEqual(['close two', 'close three']);
    expect(await supervisor.execute({ id: 'x', device: 'two', action: 'arm', arguments: {} })).toEqual({
      ...{ done: false, reason: 'there is no device two' },
    });
  });

  it('on a wire that many share take up the difference without a break, those that go first', async () => {
    const { supervisor, lived, hosts, metrics, change, time } = campus(
      [device('one', 'w'), device('two', 'w'), device('three', 'w')],
      true,
    );
    await time.advance(0);
    for (const id of ['one', 'two', 'three']) hosts.get(id)?.link(id, 'online');
    await change([device('one', 'w'), device('two', 'w', 50), device('four', 'w')]);
    expect(lived).toEqual(['open one+two+three', 'now one', 'now one+two+four']);
    expect(['one', 'two', 'three'].map((id) => supervisor.online(id))).toEqual([true, undefined, undefined]);
    expect(await metrics.registry.metrics()).not.toContain('campus_device_up{device="three"}');
    expect(supervisor.wireOf('four')?.devices).toEqual(['one', 'two', 'four']);
    await change([device('one', 'w')]);
    expect(lived.slice(3)).toEqual(['now one']);
  });

  it('are opened anew with all on their wire where its driver cannot, and what is known of the others stays', async () => {
    const { supervisor, lived, hosts, change, time } = campus([device('one', 'w'), device('two', 'w')]);
    await time.advance(0);
    hosts.get('one')?.link('one', 'online');
    await change([device('one', 'w'), device('two', 'w', 50)]);
    expect(lived).toEqual(['open one+two', 'close one+two', 'open one+two']);
    expect(supervisor.online('one')).toBe(true);
  });
});

const alarm = (zone: number): Observation => ({
  device: 'panel',
  kind: 'panic',
  state: 'raised',
  zone: { number: zone },
});
const taken: Receipt = { sequence: 1, id: 'x', repeated: false };

describe('a gate before a stage that is made anew', () => {
  it('is shut when what is in is on disk; what comes then waits in its order, with the time at which it came', async () => {
    const time = manualClock();
    const disk = Promise.withResolvers<Receipt>();
    const [before, after]: [Observation[], Observation[]] = [[], []];
    let pass = (observation: Observation): Promise<Receipt> => {
      before.push(observation);
      return disk.promise;
    };
    const gate = createGate(() => ({ pass }), time);
    const first = gate.pass(alarm(1));
    const shut = gate.shut();
    const [second, third] = [gate.pass(alarm(2)), gate.pass(alarm(3))];
    const came = time.wall();
    await time.advance(500);
    expect(before).toHaveLength(1);
    disk.resolve(taken);
    const open = await shut;
    pass = async (observation) => {
      after.push(observation);
      return taken;
    };
    expect(after).toEqual([]);
    open();
    expect(await Promise.all([first, second, third])).toEqual([taken, taken, taken]);
    expect(after.map(({ zone, seen }) => [zone?.number, seen])).toEqual([
      [2, came],
      [3, came],
    ]);
  });

  it('is open again, with the stage that it had, where the disk does not take what is in', async () => {
    const time = manualClock();
    const disk = Promise.withResolvers<Receipt>();
    const gate = createGate(() => ({ pass: () => disk.promise }), time);
    const first = gate.pass(alarm(1));
    const shut = gate.shut();
    const second = gate.pass(alarm(2));
    await expect(time.until(shut)).rejects.toMatchObject({
      message: expect.stringMatching(/the disk has not taken within 3 s/),
      zh: expect.stringMatching(/磁盘在 3 秒内未写完此前的内容/),
    });
    disk.resolve(taken);
    expect(await Promise.all([first, second])).toEqual([taken, taken]);
  });
});

describe('the difference between two configs', () => {
  const config = (more: object) =>
    ({ file: 'x', campus: { id: '1234', name: 'a' }, devices: [], ...more }) as unknown as Config;
  it('is told by section, id and key, never with a value', () => {
    const one = { id: 'one', driver: 'x', options: { host: 'a', password: 'tiger-1', zones: [{ zone: 1 }] } };
    const before = config({
      devices: [one, { id: 'two', driver: 'x', options: {} }],
      console: undefined,
      contacts: [],
    });
    const next = config({
      devices: [
        { ...one, commands: [{}], options: { host: 'a', password: 'lion-2', zones: [{ zone: 2 }] } },
        { id: 'three', driver: 'x', options: {} },
      ],
      console: { port: 1 },
      contacts: [{ id: 'guards', by: 'webhook' }],
    });
    const changes = differenceOf(before, next);
    expect(changes.map(({ en }) => en)).toEqual([
      'devices one: changed (password, zones[0].zone)',
      'devices three: added',
      'devices two: removed',
      'console: added',
      'contacts guards: added',
    ]);
    expect(changes[0]?.zh).toBe('devices one：修改（password, zones[0].zone）');
    expect(JSON.stringify(changes)).not.toMatch(/tiger|lion/);
    expect(differenceOf(next, structuredClone(next))).toEqual([]);
  });
});

describe('a part that is made anew', () => {
  it('is so where the school has another name, and not for what is said of it to platforms alone', async () => {
    const config = (campus: object) =>
      ({ campus: { id: '1234', name: 'a', ...campus } }) as unknown as Config;
    const made: string[] = [];
    const parts = { clock: {}, journal: {}, recorder: {}, commands: {} };
    const context = { ...parts, log: silentLog } as unknown as Parameters<typeof createTakeUp>[1];
    const takeUp = createTakeUp(config({}), context);
    takeUp.remade('a page', ['campus'], (of) => {
      made.push(of.campus.name);
      return { async [Symbol.asyncDispose]() {} };
    });
    await takeUp.take(config({ contacts: [{ role: 'duty', phone: '110' }], district: '450305' }));
    expect(made).toEqual(['a']);
    await takeUp.take(config({ name: 'b' }));
    expect(made).toEqual(['a', 'b']);
  });
});

describe('versions of the config', () => {
  it('are kept for who runs the gateway alone, the newest fifty, and none twice in a row', async () => {
    const dataDir = join(temporaryDirectory(), 'data');
    mkdirSync(dataDir);
    const versions = openVersions(dataDir);
    const keep = (text: string) =>
      versions.keep(Buffer.from(text), { at: '2026-11-29T01:00:00.000Z', by: 'anna' });
    expect(await versions.list()).toEqual([]);
    for (let i = 1; i <= 52; i++) await keep(`campus: ${i}`);
    expect((await keep('campus: 52')).name).toBe('v52');
    const all = await versions.list();
    expect([all.length, all[0]?.name, all.at(-1)?.name]).toEqual([50, 'v52', 'v3']);
    expect(all[0]).toMatchObject({ by: 'anna', bytes: 10, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect((await versions.load('v17'))?.toString()).toBe('campus: 17');
    expect([await versions.load('v2'), await versions.load('../journal')]).toEqual([undefined, undefined]);
    const folder = join(dataDir, 'config-versions');
    expect(readdirSync(folder)).toHaveLength(100);
    expect(readFileSync(join(folder, 'v52.yaml'), 'utf8')).toBe('campus: 52');
    expect([statSync(folder).mode & 0o777, statSync(join(folder, 'v52.json')).mode & 0o777]).toEqual([
      0o700, 0o600,
    ]);
  });
});

describe('the data folder of a config that is wrong', () => {
  it.each([
    ['foo: [\ndataDir: /srv/campus # ours\n', '/srv/campus'],
    ['\ufeffdataDir: "a b" # ours\nfoo: [', 'a b'],
    ["campus: {\n  dataDir: 'it'\ndataDir： 'school # 2'\n", 'school # 2'],
    [' dataDir: ./here  \nfoo: [', './here'],
    ['# dataDir: /old\nfoo: [', undefined],
    ['dataDir: ${DATA}\nfoo: [', undefined],
    ['dataDir: # none\nfoo: [', undefined],
  ])('is what its line says: %j', (text, folder) => {
    expect(dataDirIn(text)).toBe(folder);
  });

  it('is where there are versions of it, the one that is named first', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    const at = (name: string) => join(directory, name);
    const isIn = (text: string) => {
      writeFileSync(file, text);
      return dataDirOf(file);
    };
    expect([isIn('foo: ['), isIn('dataDir: kept\nfoo: ['), isIn('dataDir: kept\n')]).toEqual(
      ['data', 'kept', 'kept'].map(at),
    );
    mkdirSync(at('data/config-versions'), { recursive: true });
    // Those of another campus in the same folder.
    expect(isIn('dataDir: kept\nfoo: [')).toBe(at('kept'));
    expect(dataDirOf('/etc/campus-gateway/none.yaml')).toBe('/var/lib/campus-gateway');
  });
});
