/** Backups that a gateway makes by itself: when they are due, that each is made once, what stays, what is told. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBackup, dueAround } from '../../gateway/backup/index.ts';
import type { Isolated } from '../../gateway/lifecycle/isolated.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { eventually, silentLog, temporaryDirectory } from '../helpers.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const RECIPIENT = 'age10x5nq20rnf2ggpuvmufrkhkfyaw4c8ar77dqcmdqz4kqgk99p9fquk0zsu';

/** Does in this thread what the gateway does in one apart. */
const here: Isolated = {
  run: async ({ module, name, input }) =>
    await (await import(fileURLToPath(module)))[name](structuredClone(input)),
  close: async () => {},
  async [Symbol.asyncDispose]() {},
};

async function campus(folder = 'usb') {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, 'campus: { id: "45001", name: 一中 }\ndataDir: data\n');
  const dataDir = join(directory, 'data');
  const journal = await openHere(dataDir);
  onTestFinished(() => journal.close());
  const time = manualClock(Date.parse('2026-11-29T00:00:00Z'));
  const told: unknown[] = [];
  const where = join(directory, folder);
  const start = async () => {
    const backup = createBackup(
      {
        ...{ campus: { id: '45001', name: '一中' } as never, file, dataDir, timezone: 'Asia/Shanghai' },
        retention: { lowDisk: 0 } as never,
        backup: { recipients: [RECIPIENT], at: '02:30', keep: 2, clips: false, folder: where },
      },
      {
        ...{ journal, time, log: silentLog, isolated: here, metrics: createMetrics() },
        clock: { now: () => time.wall() },
        recorder: { recordOwn: async (type, details) => void told.push([type, details]) },
      },
    );
    onTestFinished(async () => await backup[Symbol.asyncDispose]());
    await backup.start();
    return backup;
  };
  return { directory, where, time, told, start, list: () => readdirSync(where).sort() };
}
type Backup = Awaited<ReturnType<Awaited<ReturnType<typeof campus>>['start']>>;
const settled = (backup: Backup) =>
  eventually(() => {
    const { running, last } = backup.state() ?? {};
    expect([running, last === undefined]).toEqual([undefined, false]);
    return last;
  });

describe('the backup of the day', () => {
  it('is due at its time in the zone of the campus, over the change of the clocks too', () => {
    const around = (at: string, now: string, zone = 'Asia/Shanghai') => {
      const { last, next } = dueAround(at, zone, Date.parse(now));
      return [last, next].map((one) => new Date(one).toISOString());
    };
    expect(around('02:30', '2026-11-28T18:29:59Z')).toEqual([
      '2026-11-27T18:30:00.000Z',
      '2026-11-28T18:30:00.000Z',
    ]);
    expect(around('02:30', '2026-11-28T18:30:00Z')).toEqual([
      '2026-11-28T18:30:00.000Z',
      '2026-11-29T18:30:00.000Z',
    ]);
    // In Berlin there is no 02:30 on the last Sunday of March.
    const berlin = around('02:30', '2026-03-29T12:00:00Z', 'Europe/Berlin');
    expect(berlin).toEqual(['2026-03-29T01:30:00.000Z', '2026-03-30T00:30:00.000Z']);
  });

  it('is made once, also where it was missed and after a restart; so many stay', async () => {
    const { where, time, start, list, told } = await campus();
    mkdirSync(where);
    // Of an older day, of another campus, and one that was being written when the power went.
    for (const id of ['45001', '45001', '45009'])
      writeFileSync(join(where, `campus-${id}-2026112${list().length}T183000Z.tar.gz.age`), '');
    writeFileSync(join(where, 'campus-45001-20261125T183000Z.tar.gz.age.partial'), '');
    const first = await start();
    await time.advance(MINUTE);
    expect((await settled(first))?.by).toBe('schedule');
    const made = 'campus-45001-20261129T000100Z.tar.gz.age';
    const other = 'campus-45009-20261122T183000Z.tar.gz.age';
    expect(list()).toEqual(['campus-45001-20261121T183000Z.tar.gz.age', made, other]);
    await first[Symbol.asyncDispose]();
    const second = await start();
    time.step(12 * HOUR);
    await time.advance(3 * MINUTE);
    expect([second.state()?.last, list()]).toEqual([
      undefined,
      ['campus-45001-20261121T183000Z.tar.gz.age', made, other],
    ]);
    time.step(7 * HOUR);
    await time.advance(MINUTE);
    await settled(second);
    expect(list()).toEqual([made, expect.stringMatching(/^campus-45001-20261129T190\d00Z/), other]);
    expect(told).toEqual([]);
  });

  it('that fails is told once a day, and tried again each hour', async () => {
    const { directory, where, time, start, told, list } = await campus();
    // The stick is not there; something else has its name.
    writeFileSync(where, '');
    const backup = await start();
    await time.advance(MINUTE);
    expect((await settled(backup))?.reason).toContain('usb');
    await time.advance(3 * HOUR);
    await settled(backup);
    expect(told).toEqual([['gateway.backup-failed', { reason: expect.stringContaining('usb') }]]);
    expect(readdirSync(join(directory, 'data')).filter((name) => name.includes('partial'))).toEqual([]);
    rmSync(where);
    await time.advance(HOUR + MINUTE);
    await eventually(() => expect(backup.state()?.last?.taken).toBeDefined());
    expect(list()).toHaveLength(1);
  });

  it('is made when somebody asks, one at a time', async () => {
    const { start } = await campus();
    const backup = await start();
    expect([backup.take('wang'), backup.take('li')]).toEqual(['begun', 'busy']);
    const last = await settled(backup);
    expect(last).toMatchObject({ by: 'wang', taken: { files: 2 } });
    const [listed] = await backup.list();
    expect(listed?.bytes).toBe(last?.taken?.bytes);
    expect(await backup.open('../campus.yaml')).toBeUndefined();
  });
});
