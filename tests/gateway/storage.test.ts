import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openJournal } from '../../gateway/journal/index.ts';
import { watchClock } from '../../gateway/observe/clock.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { keepStorage } from '../../gateway/upkeep/storage.ts';
import { createBacklog } from '../../gateway/uplink/backlog.ts';
import { manualClock } from '../clocks.ts';
import { eventually, silentLog, temporaryDirectory } from '../helpers.ts';

async function campus(options: { lowDisk: number; budget: number; keep?: number }) {
  const directory = temporaryDirectory();
  const journal = await openJournal(directory);
  const time = manualClock();
  const clock = watchClock(time);
  clock.start();
  const metrics = createMetrics();
  const log = silentLog;
  const recorder = await createRecorder({
    campusId: '45',
    deviceNames: new Map(),
    journal,
    clock,
    time,
    metrics,
    log,
  });
  onTestFinished(async () => {
    await clock[Symbol.asyncDispose]();
    recorder.close();
    await journal.close();
  });
  const { lowDisk, budget, keep = 1e12 } = options;
  const start = () => {
    const types = ['device.fault', 'alarm.raised'];
    const policy = { keep, budget, classes: {} };
    const wants = (type: string) => types.includes(type);
    const backlog = createBacklog({ uplink: 'police', journal, recorder, wants, takenUnsaved: new Set() });
    const storage = keepStorage({
      async lookAtBacklog() {
        await backlog.look();
        return backlog.now().events;
      },
      interests: () => [{ id: 'police', types }],
      onDropped: backlog.recount,
      directory,
      policy,
      lowDisk,
      journal,
      recorder,
      clock,
      time,
      log,
      metrics,
    });
    onTestFinished(async () => await storage[Symbol.asyncDispose]());
    storage.start();
    return storage;
  };
  const own = async () =>
    (await journal.read('normal', 0, 100_000))
      .filter(({ type }) => type.startsWith('gateway.'))
      .map(({ type, body }) => ({
        type,
        ...(JSON.parse(body) as { data: { details: object } }).data.details,
      }));
  return { record: recorder.record, journal, time, start, own };
}

describe('storage', () => {
  it('is told of, once, when the disk has less free than the config asks', async () => {
    const { start, own } = await campus({ lowDisk: 1e18, budget: 1e12 });
    const storage = start();
    await eventually(async () => expect(await own()).toHaveLength(1));
    expect(await own()).toMatchObject([{ type: 'gateway.storage-low', reason: 'disk', state: 'raised' }]);
    expect(storage.low()).toEqual(['disk']);
  });

  it('over its budget drops the oldest, aloud, and is told of before', async () => {
    const { record, start, own, journal } = await campus({ lowDisk: 1, budget: 300_000 });
    const text = 'x'.repeat(1000);
    for (let i = 0; i < 400; i++)
      await record({ device: 'd', kind: 'fault', state: 'raised', cause: `${i}`, text });
    // The latest word on a state stays: these are over.
    for (let i = 0; i < 400; i++)
      await record({ device: 'd', kind: 'fault', state: 'restored', cause: `${i}` });
    await record({ device: 'd', kind: 'panic', state: 'raised' });
    start();
    await eventually(async () => expect(await own()).toHaveLength(2));
    const told = await own();
    expect(told.map(({ type }) => type).sort()).toEqual(['gateway.dropped', 'gateway.storage-low']);
    const dropped = told.find(({ type }) => type === 'gateway.dropped') as unknown as {
      events: number;
      first: number;
    };
    expect(dropped).toMatchObject({ uplink: 'police', lane: 'normal', reason: 'budget', first: 1 });
    expect(dropped.events).toBeGreaterThan(100);
    expect((await journal.read('urgent', 0, 10)).map(({ type }) => type)).toEqual(['alarm.raised']);
  });

  it('removes nothing for its age while the clock has only just begun to run', async () => {
    const { record, start, journal } = await campus({ lowDisk: 1, budget: 1e12, keep: 0 });
    await record({ device: 'd', kind: 'credential', state: 'raised' });
    const usage = vi.spyOn(journal, 'usage');
    start();
    await eventually(() => expect(usage.mock.calls.length).toBeGreaterThan(1));
    await usage.mock.results.at(-1)?.value;
    expect(await journal.read('normal', 0, 10)).toHaveLength(1);
  });

  it('removes for its age once the clock has run for an hour without a jump', async () => {
    const { record, start, journal, time } = await campus({ lowDisk: 1, budget: 1e12, keep: 0 });
    await record({ device: 'd', kind: 'credential', state: 'raised' });
    const removals = vi.spyOn(journal, 'remove');
    start();
    const left = async () => (await journal.readBack('normal', 1000, 10)).length;
    /** Lets so many minutes pass, and each look at the storage be done. */
    const pass = async (minutes: number) => {
      for (let i = 0; i < minutes * 2; i++) {
        await time.advance(30_000);
        await journal.usage();
      }
      await Promise.all(removals.mock.results.map(({ value }) => value));
    };
    await pass(55);
    time.step(86_400_000);
    await pass(10);
    expect(await left()).toBe(1);
    await pass(65);
    await eventually(async () => expect(await left()).toBe(0));
  });
});
