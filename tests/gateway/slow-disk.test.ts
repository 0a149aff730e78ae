import { describe, expect, it } from 'vitest';
import type { Observation } from '../../drivers/contract/observation.ts';
import {
  type Appended,
  type AppendRequest,
  type Condition,
  type Journal,
  JournalError,
} from '../../gateway/journal/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';

/** A journal in memory, whose disk refuses or hangs as the test says. */
function fakeDisk() {
  const written: AppendRequest[] = [];
  const hanging: (() => void)[] = [];
  let state: 'good' | 'refuses' | 'hangs' = 'good';
  const write = (entry: AppendRequest): Appended => {
    const sequence = written.push(entry);
    return { sequence, id: entry.id, repeated: false };
  };
  const journal: Pick<Journal, 'append' | 'states' | 'condition'> = {
    get condition(): Condition {
      return state === 'refuses'
        ? { good: false, code: 'SQLITE_FULL', reason: 'full', since: 0 }
        : { good: true };
    },
    states: async () => [],
    append(entry) {
      if (state === 'refuses') return Promise.reject(new JournalError('SQLITE_FULL', 'full'));
      if (state === 'good') return Promise.resolve(write(entry));
      return new Promise((resolve) => hanging.push(() => resolve(write(entry))));
    },
  };
  return {
    journal: journal as Journal,
    become(next: typeof state) {
      state = next;
      if (next === 'good') for (const go of hanging.splice(0)) go();
    },
    written: () =>
      written.map(({ type, body }) => {
        const { subject } = JSON.parse(body) as { subject?: string };
        return subject === undefined ? type : `${type} ${subject}`;
      }),
  };
}

async function onDisk() {
  const disk = fakeDisk();
  const time = manualClock();
  const metrics = createMetrics();
  const clock = { now: time.wall, synchronised: () => true, onStep: () => () => {} };
  const recorder = await createRecorder({
    campusId: '45',
    deviceNames: new Map(),
    journal: disk.journal,
    clock,
    time,
    metrics,
    log: silentLog,
  });
  const fromMemory: string[] = [];
  recorder.onUnsaved(({ type, subject }) => void fromMemory.push(`${type} ${subject}`));
  const say = (state: 'raised' | 'restored', zone = 1, more: Partial<Observation> = {}) =>
    recorder.record({ device: 'fence', kind: 'fence', zone: { number: zone }, state, ...more });
  return { disk, time, recorder, fromMemory, say };
}

describe('an alarm and a disk that hangs', () => {
  it('goes out from memory after 300 ms each, by one timer, and is acknowledged once it is on disk', async () => {
    const { disk, time, recorder, fromMemory, say } = await onDisk();
    disk.become('hangs');
    const first = say('raised', 1);
    await time.advance(200);
    const others = [say('raised', 2), say('raised', 3)];
    expect(time.pending).toBe(1);
    await time.advance(99);
    expect(fromMemory).toEqual([]);
    await time.advance(1);
    expect(fromMemory).toEqual(['cn.campus.alarm.raised zone-1']);
    await time.advance(200);
    expect(fromMemory).toHaveLength(3);
    expect(recorder.unsaved.size).toBe(3);
    disk.become('good');
    expect(await Promise.all([first, ...others])).toMatchObject([
      { sequence: 1, repeated: false },
      { sequence: 2 },
      { sequence: 3 },
    ]);
    expect(recorder.unsaved.size).toBe(0);
    // Nothing waits any more: no timer is left.
    await time.advance(2000);
    expect(time.pending).toBe(0);
    expect(fromMemory).toHaveLength(3);
  });

  it('goes out once, with one id, though its panel tells it again before the disk is known to be slow', async () => {
    const { disk, time, recorder, fromMemory, say } = await onDisk();
    disk.become('hangs');
    const told = () => say('raised', 1, { repeat: { key: 'panel/0001', within: 86_400_000 } });
    const first = told();
    await time.advance(299);
    const again = told();
    await time.advance(500);
    expect([fromMemory.length, recorder.unsaved.size]).toEqual([1, 1]);
    const last = told();
    disk.become('good');
    const [id] = (await Promise.all([first, again, last])).map((receipt) => receipt.id);
    expect(await Promise.all([again, last])).toMatchObject([
      { id, repeated: true },
      { id, repeated: true },
    ]);
    expect(disk.written()).toEqual(['alarm.raised zone-1']);
  });

  it('does not go out from memory where the disk is in time', async () => {
    const { disk, time, fromMemory, say } = await onDisk();
    disk.become('hangs');
    const alarm = say('raised');
    await time.advance(299);
    disk.become('good');
    await alarm;
    await time.advance(1000);
    expect(fromMemory).toEqual([]);
    expect(time.pending).toBe(0);
  });
});

describe('what a disk refuses', () => {
  it('is tried again each second, with its own id; a device that tells it again hears of that one', async () => {
    const { disk, time, recorder, fromMemory, say } = await onDisk();
    disk.become('refuses');
    await expect(say('raised')).rejects.toThrow('full');
    await expect(say('raised')).rejects.toThrow('full');
    expect(fromMemory).toEqual(['cn.campus.alarm.raised zone-1']);
    const [id] = recorder.unsaved.keys();
    await time.advance(5000);
    disk.become('good');
    await time.advance(1000);
    expect(disk.written()).toEqual(['alarm.raised zone-1']);
    expect([...recorder.states.values()]).toMatchObject([{ raised: true, event: { id } }]);
    // Nor a timer, nor a burst in the log.
    await time.advance(20_000);
    expect(time.pending).toBe(0);
  });

  it('keeps the words on a state in their order', async () => {
    const { disk, time, recorder, say } = await onDisk();
    disk.become('refuses');
    await expect(say('raised')).rejects.toThrow('full');
    await expect(say('restored')).rejects.toThrow('full');
    await expect(say('raised')).rejects.toThrow('full');
    disk.become('good');
    await say('restored');
    await time.advance(1000);
    expect(disk.written()).toEqual(
      ['raised', 'restored', 'raised', 'restored'].map((state) => `alarm.${state} zone-1`),
    );
    expect([...recorder.states.values()]).toMatchObject([{ raised: false }]);
  });

  it('of the gateway itself is said as soon as it takes it', async () => {
    const { disk, time, recorder } = await onDisk();
    disk.become('refuses');
    await recorder.recordOwn('gateway.started', {});
    disk.become('good');
    await time.advance(1000);
    expect(disk.written()).toEqual(['gateway.started']);
  });

  it('is not kept without bound: beyond 10,000 alarms it is refused, and memory says no more', async () => {
    const { disk, recorder, fromMemory, say } = await onDisk();
    disk.become('refuses');
    const all = Array.from({ length: 10_001 }, (_, i) =>
      say('raised', 1, { repeat: { key: `${i}`, within: 1 } }),
    );
    await Promise.allSettled(all);
    expect(recorder.unsaved.size).toBe(10_000);
    expect(fromMemory).toHaveLength(10_000);
    recorder.close();
  });
});
