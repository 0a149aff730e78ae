/** What disks do on the worst day: full, failing, read-only, slow, torn. Real file systems, real system calls. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { openReader } from '../../../gateway/journal/reader.ts';
import { startFences } from '../../../simulators/fence.ts';
import { freePort, temporaryDirectory } from '../../helpers.ts';
import { stopProcess } from '../../processes.ts';
import { mosquitto, need, until } from '../tools.ts';
import { panelAccounts, rig } from './rig.ts';

const url = (port: number) => `mqtt://127.0.0.1:${port}`;
/** SQLite's default. */
const PAGE_BYTES = 4096;
const nothingLost = { lost: [], twice: 0, gaps: { open: 0, lost: 0 } };
type Campus = Awaited<ReturnType<typeof rig>>;

/** A small file system of its own; skips where none can be mounted. */
function tmpfs(context: TestContext, size: string): string {
  const place = join(temporaryDirectory(), 'disk');
  mkdirSync(place);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', place]).status !== 0) {
    process.stderr.write(`skipped: ${context.task.name}: no file system can be mounted here\n`);
    context.skip('no file system can be mounted here');
  }
  onTestFinished(() => void spawnSync('umount', ['-l', place]));
  return place;
}

/**
 * Makes system calls of a running process fail or wait, by strace: `fsync:error=EIO`. Resolves when it does; the
 * function it gives ends it.
 */
async function inject(child: ChildProcess, calls: string, what: string): Promise<() => Promise<void>> {
  const tracer = spawn(
    'strace',
    [
      '-f',
      '-p',
      String(child.pid),
      '-e',
      `trace=${calls}`,
      '-e',
      `inject=${calls}:${what}`,
      '-o',
      '/dev/null',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  onTestFinished(() => stopProcess(tracer, 'SIGKILL'));
  const lines = createInterface({ input: tracer.stderr });
  await once(lines, 'line');
  await delay(200);
  return () => stopProcess(tracer, 'SIGINT');
}

/** Presses the button of the rig; resolves when the platform has the alarm, with its age and number. */
async function press(campus: Campus, zone: number, within = 10_000) {
  const from = performance.now();
  const before = campus.events.length;
  void campus.button.report(`#2000|Nri1/PA${zone}`);
  const find = () =>
    campus.events
      .slice(before)
      .find(
        ({ type, data }) =>
          type === 'cn.campus.alarm.raised' &&
          data['kind'] === 'panic' &&
          (data['zone'] as { number: number }).number === zone,
      );
  await until(`the alarm of zone ${zone} is at the platform`, () => find() !== undefined, within);
  const found = find() as Campus['events'][number];
  return { ms: found.at - from, sequence: found.sequence };
}

describe('a disk', { timeout: 180_000 }, () => {
  it('that is full lets alarms go out from memory, acknowledges nobody, and heals by itself', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    const disk = tmpfs(context, '12m');
    const campus = await rig({ url: url(broker.port), dataDir: join(disk, 'data') });
    campus.start();
    await until('the journal works', () => campus.acknowledged.size > 100);
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(1));
    spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=64k', 'count=1000']);
    await until(
      'the disk is full',
      async () => (await campus.health()).journal.code === 'SQLITE_FULL',
      60_000,
    );
    expect((await campus.health()).healthy).toBe(false);
    await delay(500);
    const acknowledged = campus.acknowledged.size;
    const { ms, sequence } = await press(campus, 901);
    process.stdout.write(`disk full: an alarm is at the platform in ${ms.toFixed(0)} ms, from memory\n`);
    expect(sequence).toBe('0');
    expect(ms).toBeLessThan(2000);
    expect(campus.acknowledged.size).toBe(acknowledged);
    rmSync(join(disk, 'ballast'));
    await until('it heals', async () => (await campus.health()).healthy);
    expect(await campus.settle('disk full')).toMatchObject(nothingLost);
    await until('it is told', () =>
      campus.events.some(({ type }) => type === 'cn.campus.gateway.storage-failed'),
    );
    await until('all alarms are on disk', async () => (await campus.health()).journal.unsaved === 0);
    expect(await campus.daemon().stop()).toBe(0);
    const reader = openReader(join(disk, 'data'));
    expect(reader.integrity()).toEqual([]);
    reader.close();
  });

  it('that is read-only at the start does not keep the gateway from sending alarms', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    const disk = tmpfs(context, '20m');
    const remount = (how: string) => spawnSync('mount', ['-o', `remount,${how}`, disk]);
    remount('ro');
    const campus = await rig({ url: url(broker.port), dataDir: join(disk, 'data') });
    expect((await campus.health()).healthy).toBe(false);
    expect((await press(campus, 903)).sequence).toBe('0');
    remount('rw');
    await until('it heals', async () => (await campus.health()).healthy);
    campus.start();
    await until('the journal works', () => campus.acknowledged.size > 100);
    expect(await campus.settle('read-only at the start')).toMatchObject(nothingLost);
    expect(await campus.daemon().stop()).toBe(0);
  });
});

describe('a disk under strace', { timeout: 180_000 }, () => {
  it.for([
    ['fsync', 'error=EIO', 'EIO on fsync'],
    ['pwrite64', 'error=EIO', 'EIO on write'],
    ['pwrite64', 'error=EROFS', 'read-only'],
  ] as const)(
    'that answers %s with %s lets alarms out, acknowledges nobody, is opened anew',
    async ([calls, what, name], context) => {
      need(context, 'mosquitto', 'strace');
      const broker = await mosquitto();
      const campus = await rig({ url: url(broker.port) });
      campus.start();
      await until('the journal works', () => campus.acknowledged.size > 100);
      const mend = await inject(campus.daemon().child, calls, what);
      await until('the disk fails', async () => !(await campus.health()).healthy);
      const acknowledged = campus.acknowledged.size;
      const { ms, sequence } = await press(campus, 902);
      expect(sequence).toBe('0');
      expect(ms).toBeLessThan(2000);
      await delay(1500);
      expect(campus.acknowledged.size).toBe(acknowledged);
      await mend();
      await until('it heals', async () => (await campus.health()).healthy);
      expect(await campus.settle(name)).toMatchObject(nothingLost);
      expect(await campus.daemon().stop()).toBe(0);
      const reader = openReader(join(campus.directory, 'data'));
      expect(reader.integrity()).toEqual([]);
      reader.close();
    },
  );

  it('whose fsync fails once is not believed on the next try: the file is opened and read anew', async (context) => {
    need(context, 'mosquitto', 'strace');
    const broker = await mosquitto();
    const campus = await rig({ url: url(broker.port) });
    campus.start();
    await until('the journal works', () => campus.acknowledged.size > 100);
    const mend = await inject(campus.daemon().child, 'fsync', 'error=EIO:when=10+200');
    await delay(8000);
    await mend();
    expect(await campus.settle('an fsync in 200 fails')).toMatchObject(nothingLost);
    expect(await campus.daemon().stop()).toBe(0);
  });

  it('of 100 ms an fsync keeps neither the event loop, nor polls, nor MQTT waiting', async (context) => {
    need(context, 'mosquitto', 'strace');
    const broker = await mosquitto();
    const port = await freePort();
    const panel = await freePort();
    const units = Array.from({ length: 4 }, (_, i) => ({
      id: `f${i}`,
      unit: i + 1,
      model: 'io-8zone' as const,
    }));
    const fences = await startFences({ end: { listen: { host: '127.0.0.1', port } }, framing: 'tcp', units });
    onTestFinished(() => fences[0]?.close());
    const connection = { tcp: `127.0.0.1:${port}` };
    const campus = await rig({
      url: url(broker.port),
      port: panel,
      uplink: { keepalive: '2s' },
      config: {
        devices: [
          { id: 'panel', driver: 'dc09', listen: { port: panel }, accounts: panelAccounts },
          ...units.map(({ id, unit }) => ({
            id,
            driver: 'modbus',
            connection,
            unit,
            profile: 'io-8zone',
            poll: '100ms',
          })),
        ],
      },
    });
    campus.start();
    await until('the journal works', () => campus.acknowledged.size > 100);
    const mend = await inject(campus.daemon().child, 'fsync', 'delay_enter=100000');
    await campus.metric('campus_event_loop_delay_p99_seconds');
    const polls = await campus.metric('campus_device_online');
    await delay(10_000);
    const p99 = (await campus.metric('campus_event_loop_delay_p99_seconds')) * 1000;
    const stored = await campus.metric('campus_append_seconds_sum');
    process.stdout.write(`fsync of 100 ms: event loop p99 ${p99.toFixed(1)} ms (under strace)\n`);
    expect(p99).toBeLessThan(20);
    expect(stored).toBeGreaterThan(1);
    expect(await campus.metric('campus_device_online')).toBe(polls);
    expect(await campus.metric('campus_uplink_connected')).toBe(1);
    await mend();
    expect(await campus.settle('fsync of 100 ms')).toMatchObject(nothingLost);
    expect(campus.daemon().log.join('\n')).not.toMatch(/does not answer|no connection/);
    expect(await campus.daemon().stop()).toBe(0);
  });
});

describe('a power cut', { timeout: 180_000 }, () => {
  it('at a random moment, the last page torn, loses nothing that was acknowledged', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    const campus = await rig({ url: url(broker.port), pace: 3 });
    campus.start();
    let checked = 0;
    for (let i = 0; i < 12; i++) {
      await delay(200 + Math.random() * 600);
      const { child } = campus.daemon();
      // The process stands still; what it had written is on the disk, what it was writing is half there.
      child.kill('SIGSTOP');
      await delay(30);
      const acknowledged = new Set(campus.acknowledged);
      const data = join(campus.directory, 'data');
      const copy = temporaryDirectory();
      for (const name of ['journal.sqlite', 'journal.sqlite-wal'])
        copyFileSync(join(data, name), join(copy, name));
      child.kill('SIGCONT');
      tear(join(copy, 'journal.sqlite-wal'));
      const found = keysIn(copy);
      expect([...acknowledged].filter((key) => !found.has(key))).toEqual([]);
      checked += acknowledged.size;
    }
    process.stdout.write(`12 power cuts: ${checked} acknowledged before them, 0 lost\n`);
    expect(await campus.settle('12 power cuts')).toMatchObject(nothingLost);
    expect(await campus.daemon().stop()).toBe(0);
  });

  it('that leaves a damaged journal: it is set aside, saved, told, and the gateway goes on', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    const campus = await rig({ url: url(broker.port), pace: 3 });
    campus.start();
    await until('the journal has pages', () => campus.acknowledged.size > 2000, 60_000);
    await campus.daemon().kill();
    const file = join(campus.directory, 'data', 'journal.sqlite');
    const wal = `${file}-wal`;
    if (existsSync(wal)) truncateSync(wal, Math.floor(statSync(wal).size / 2));
    damage(file);
    await campus.restart();
    await until('the platform is told', () =>
      campus.events.some(({ type }) => type === 'cn.campus.gateway.journal-salvaged'),
    );
    const told = campus.events.find(({ type }) => type === 'cn.campus.gateway.journal-salvaged');
    process.stdout.write(`damaged journal: ${JSON.stringify(told?.data['details'])}\n`);
    expect(told?.data['details']).toMatchObject({ saved: expect.any(Number), sameJournal: true });
    expect(
      readdirSync(join(campus.directory, 'data')).some((name) => name.startsWith('journal.damaged-')),
    ).toBe(true);
    const acknowledged = campus.acknowledged.size;
    await until('panels are served again', () => campus.acknowledged.size > acknowledged + 100);
    await campus.settle('journal damaged, WAL cut in half', 5000);
    expect(await campus.daemon().stop()).toBe(0);
  });
});

/**
 * Writes over a page in the middle of a database. A page that the WAL holds anew, or that is free, makes no
 * difference to anybody: it takes the first one that SQLite misses.
 */
function damage(file: string) {
  const whole = readFileSync(file);
  const copy = join(temporaryDirectory(), 'copy.sqlite');
  for (let page = Math.floor(whole.length / PAGE_BYTES / 2); page * PAGE_BYTES < whole.length; page++) {
    const bytes = Buffer.from(whole);
    bytes.fill(0xa5, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    writeFileSync(copy, bytes);
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
    rmSync(`${copy}-shm`, { force: true });
    if (isWhole(copy)) continue;
    writeFileSync(file, bytes);
    return;
  }
  throw new Error(`${file}: no page that is in use and not in the WAL`);
}

function isWhole(file: string): boolean {
  const db = new Database(file);
  try {
    return db.pragma('quick_check(1)', { simple: true }) === 'ok';
  } catch {
    return false;
  } finally {
    db.close();
  }
}

/** What is being written when the power goes: bytes at the end of the WAL that are no whole frame. */
function tear(wal: string) {
  const noise = Buffer.alloc(1 + Math.floor(Math.random() * 4000), 0xc3);
  writeFileSync(wal, Buffer.concat([readFileSync(wal), noise]));
}

/** The reports of panels in a journal. */
function keysIn(directory: string): Set<string> {
  const reader = openReader(directory);
  const found = new Set<string>();
  for (const { body } of reader.events(0, Number.MAX_SAFE_INTEGER)) {
    const { details } = (JSON.parse(body) as { data: { details?: Record<string, unknown> } }).data;
    if (details?.['panelSequence'] !== undefined)
      found.add(`${details['account']}/${details['panelSequence']}`);
  }
  expect(reader.integrity()).toEqual([]);
  reader.close();
  return found;
}
