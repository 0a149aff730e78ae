import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createJournal } from '../../gateway/journal/index.ts';
import { watchClock } from '../../gateway/observe/clock.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder, deviceState } from '../../gateway/road/recorder.ts';
import { createStates } from '../../gateway/road/states.ts';
import { createDisk, openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

async function recorder(directory: string, time: Clock = systemClock) {
  const journal = await openHere(directory);
  const clock = watchClock(systemClock);
  clock.start();
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await clock[Symbol.asyncDispose]();
    await journal.close();
  };
  onTestFinished(close);
  const one = await createRecorder({
    campusId: '45',
    deviceNames: new Map(),
    journal,
    clock,
    time,
    metrics: createMetrics(),
    log: silentLog,
  });
  return { ...one, closeRecorder: one.close, close };
}

const fence = (state: 'raised' | 'restored', more: Partial<Observation> = {}): Observation => ({
  device: 'fence',
  kind: 'fence',
  cause: 'touched',
  zone: { number: 1 },
  state,
  ...more,
});

describe('the states of a device', () => {
  it('that names ever new zones stay few, and its alarms are told all the same', async () => {
    const log = { ...silentLog };
    const states = createStates({ states: async () => [] }, log);
    const keys = Array.from({ length: 6000 }, (_, number) => {
      const observation = fence('raised', { zone: { number } });
      const key = states.keyOf(observation);
      const event = { data: { device: { id: 'fence' }, kind: 'fence', state: 'raised' } } as unknown as Event;
      if (key !== undefined) states.note(key, event, number, false);
      return key;
    });
    expect([states.byKey.size, keys.filter((key) => key === undefined).length]).toEqual([5000, 1000]);
    // Another device has room of its own; one that is known stays so; what ended for good makes room.
    expect(states.keyOf(fence('raised', { device: 'other' }))).toBeDefined();
    expect(states.keyOf(fence('restored', { zone: { number: 1 } }))).toBe(keys[1]);
    states.note(
      keys[1] ?? '',
      { data: { device: { id: 'fence' }, kind: 'fence', state: 'restored' } } as unknown as Event,
      1,
      true,
    );
    expect(states.keyOf(fence('raised', { zone: { number: 7000 } }))).toBeDefined();
  });
});

describe('the states of one panel of several', () => {
  it('that names ever new things leave room for those of the others, and codes that nobody knows for its alarms', () => {
    const states = createStates({ states: async () => [] }, silentLog);
    let sequence = 0;
    const note = (observation: Observation) => {
      const key = states.keyOf(observation);
      const event = { data: { ...observation, device: { id: 'panel' } } } as unknown as Event;
      if (key !== undefined) states.note(key, event, ++sequence, false);
      return key !== undefined;
    };
    const word = (account: string, number: number, more: Partial<Observation> = {}): Observation => ({
      device: 'panel',
      kind: 'panic',
      state: 'raised',
      zone: { number },
      details: { account },
      ...more,
    });
    const unknown = {
      kind: 'fault',
      cause: 'code-QX',
      details: { account: '1234', unknownCode: true },
    } as const;
    const kept = Array.from({ length: 6000 }, (_, i) => note(word('1234', i, unknown))).filter(Boolean);
    expect(kept).toHaveLength(200);
    expect(note(word('1234', 1))).toBe(true);
    for (let i = 0; i < 6000; i++) note(word('1234', i));
    expect(note(word('1234', 9000))).toBe(false);
    expect(note(word('5678', 1))).toBe(true);
    expect(note(word('1234', 1, { kind: 'arming' }))).toBe(true);
  });
});

describe('a state found on connecting', () => {
  it('is an event only where it differs from what was known', async () => {
    const { record } = await recorder(temporaryDirectory());
    const initial = true;
    expect((await record(fence('restored', { initial }))).repeated).toBe(true);
    expect((await record(fence('raised', { initial }))).repeated).toBe(false);
    expect((await record(fence('raised', { initial }))).repeated).toBe(true);
    expect((await record(fence('restored', { initial }))).repeated).toBe(false);
  });

  it('is compared over a restart: an alarm that ended meanwhile is restored', async () => {
    const directory = temporaryDirectory();
    const before = await recorder(directory);
    await before.record(fence('raised'));
    await before.close();
    const after = await recorder(directory);
    expect((await after.record(fence('raised', { initial: true }))).repeated).toBe(true);
    expect((await after.record(fence('restored', { initial: true }))).repeated).toBe(false);
  });

  it('tells zones, causes and kinds apart', async () => {
    const { record } = await recorder(temporaryDirectory());
    await record(fence('raised'));
    for (const other of [
      { zone: { number: 2 } },
      { cause: 'short' },
      { kind: 'tamper' as const },
      { device: 'other' },
    ]) {
      expect((await record(fence('raised', { initial: true, ...other }))).repeated).toBe(false);
    }
  });

  it('of a link is news when the device was never heard of', async () => {
    const { record } = await recorder(temporaryDirectory());
    const link: Observation = { device: 'd', kind: 'link', state: 'restored', initial: true };
    expect((await record(link)).repeated).toBe(false);
    expect((await record(link)).repeated).toBe(true);
  });
});

describe('the state of a device', () => {
  it('is offline while any part of it is, and lists what has not ended', async () => {
    const { record, states } = await recorder(temporaryDirectory());
    const link = (part: string, state: 'raised' | 'restored') =>
      record({ device: 'fence', kind: 'link', state, details: { part } });
    expect(deviceState('fence', states.values()).state).toBe('unknown');
    await link('1', 'restored');
    await link('2', 'raised');
    expect(deviceState('fence', states.values()).state).toBe('offline');
    await link('2', 'restored');
    await record(fence('raised'));
    await record(fence('raised', { zone: { number: 2, id: 'east-2' } }));
    await record(fence('restored'));
    expect(deviceState('fence', states.values())).toMatchObject({
      state: 'online',
      active: [{ kind: 'fence', subject: 'east-2' }],
    });
  });
});

describe('who listens', () => {
  it('and fails refuses no device whose event is on disk, and keeps nothing from who listens next', async () => {
    const { record, onStored, onState } = await recorder(temporaryDirectory());
    const told: string[] = [];
    onStored(() => {
      throw new Error('a mistake in a listener');
    });
    onStored((event, sequence) => void told.push(`${event.type} ${sequence}`));
    onState(() => {
      throw new Error('a mistake in a listener');
    });
    onState(({ raised }) => void told.push(`raised ${raised}`));
    expect(await record(fence('raised'))).toMatchObject({ sequence: 1, repeated: false });
    expect(told).toEqual(['cn.campus.alarm.raised 1', 'raised true']);
  });
});

describe('a picture', () => {
  it('says of what event it is, and of what type that was, where it was a while ago', async () => {
    const { record, recordMedia, onStored } = await recorder(temporaryDirectory());
    const stored: Event[] = [];
    onStored((event) => void stored.push(event));
    const { id } = await record(fence('raised'));
    const picture = { device: 'cam', picture: 'f'.repeat(64), contentType: 'image/jpeg', bytes: 1, parts: 1 };
    await recordMedia({ ...picture, event: id ?? '' });
    await recordMedia({ ...picture, event: '0193f000-0000-7000-8000-000000000001' });
    expect(stored.map(({ data }) => [data['event'], data['of']]).slice(1)).toEqual([
      [id, 'alarm.raised'],
      ['0193f000-0000-7000-8000-000000000001', undefined],
    ]);
  });
});

describe('an event that no table of the journal takes', () => {
  it('is counted and logged, and its device gets no acknowledgement; what came with it is on disk', async () => {
    const time = manualClock();
    const journal = createJournal(createDisk({ time }).attach(), { time });
    await journal.start();
    let now = 1.5;
    const metrics = createMetrics();
    const warn = vi.fn();
    const { record, close } = await createRecorder({
      campusId: '45',
      deviceNames: new Map(),
      journal,
      clock: { now: () => now, synchronised: () => true, onStep: () => () => {} },
      time,
      metrics,
      log: { ...silentLog, warn },
    });
    const broken = record({ device: 'gate', kind: 'fault', state: 'raised' });
    now = 2;
    const whole = record({ device: 'fence', kind: 'fault', state: 'raised' });
    await expect(broken).rejects.toMatchObject({ code: 'E_JOURNAL_EVENT' });
    expect(await whole).toMatchObject({ sequence: 1 });
    expect((await metrics.refused.get()).values).toMatchObject([{ value: 1 }]);
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ code: 'E_JOURNAL_EVENT', device: 'gate' }),
      expect.any(String),
    );
    close();
  });
});

describe('a recorder that is closed', () => {
  it('tries nothing again that comes too late: that would hold the process up', async () => {
    const time = manualClock();
    const one = await recorder(temporaryDirectory(), time);
    const { closeRecorder, recordOwn } = one;
    closeRecorder();
    await one.close();
    await recordOwn('command.failed', { reason: 'the gateway stops' });
    expect(time.pending).toBe(0);
  });
});
