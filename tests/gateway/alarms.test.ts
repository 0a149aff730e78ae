import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { createAlarms } from '../../gateway/alarms/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { stateKeyOf, toEvent } from '../../gateway/road/event.ts';
import type { State } from '../../gateway/road/recorder.ts';
import { silentLog } from '../helpers.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const MINUTE = 60_000;

/** Alarms on a recorder that keeps all in memory. */
function life() {
  const recorded: Observation[] = [];
  const facts: [string, string, object][] = [];
  const states = new Map<string, State>();
  let failing = false;
  let sequence = 0;
  const context = () => ({ campusId: '45', now: Date.now(), synchronised: true });
  const alarms = createAlarms({
    recorder: {
      states,
      async record(observation): Promise<Receipt> {
        if (failing) throw new Error('the disk is full');
        recorded.push(observation);
        const event = toEvent(observation, context());
        const key = stateKeyOf(observation);
        const { device, state } = observation;
        if (key !== undefined) states.set(key, { device, raised: state === 'raised', event, sequence });
        alarms.take(event);
        return { sequence: ++sequence, id: event.id, repeated: false };
      },
      async recordAbout(alarm: Event, type, fact) {
        facts.push([type, String(alarm.subject), fact]);
        return { sequence: ++sequence, id: 'x', repeated: false };
      },
    },
    clock: { now: () => Date.now() },
    log: silentLog,
    metrics: createMetrics(),
    targets: ['io', 'block'],
    areaOf: (device, zone) => (device === 'io' && zone !== undefined && zone < 5 ? 'block' : undefined),
    areasSeenBy: (camera) => (camera === 'yard' ? ['block'] : []),
  });
  const say = (
    state: Observation['state'],
    kind: Observation['kind'] = 'intrusion',
    zone = 1,
    device = 'io',
  ) => alarms.record({ device, kind, state, zone: { number: zone } });
  onTestFinished(alarms.close);
  return {
    alarms,
    recorded,
    facts,
    say,
    flap: async (times: number, kind?: Observation['kind']) => {
      for (let i = 0; i < times; i++) {
        await say('raised', kind);
        await say('restored', kind);
      }
    },
    told: () => recorded.map(({ kind, state, cause }) => [kind, cause, state].filter(Boolean).join(' ')),
    fail: (on: boolean) => {
      failing = on;
    },
  };
}

describe('a zone that alarms again and again', () => {
  it('is told each of the first three times', async () => {
    const { flap, told } = life();
    await flap(3);
    expect(told()).toEqual(Array(3).fill(['intrusion raised', 'intrusion restored']).flat());
  });

  it('is a fault and one alarm a minute with a count, not 10,000', async () => {
    const { flap, recorded, told, say } = life();
    await flap(10_000);
    expect(told().slice(6)).toEqual(['fault flapping raised']);
    await say('raised');
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(told().slice(7)).toEqual(['intrusion raised']);
    expect(recorded.at(-1)).toMatchObject({ zone: { number: 1 }, details: { repeats: 9998 } });
    await say('restored');
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(told().slice(8)).toEqual(['fault flapping restored', 'intrusion restored']);
    // Quiet again: it is told at once again.
    await vi.advanceTimersByTimeAsync(MINUTE);
    await flap(1);
    expect(told().slice(10)).toEqual(['intrusion raised', 'intrusion restored']);
  });

  it('costs the other zones nothing', async () => {
    const { flap, say, recorded } = life();
    await flap(50);
    await say('raised', 'intrusion', 2);
    await say('raised', 'tamper', 1);
    expect(recorded.slice(-2)).toMatchObject([{ zone: { number: 2 } }, { kind: 'tamper' }]);
  });

  it('is never folded where it is a panic button, duress or fire', async () => {
    for (const kind of ['panic', 'duress', 'fire'] as const) {
      const { flap, told } = life();
      await flap(100, kind);
      expect(told()).toHaveLength(200);
    }
  });

  it('is not told as taken where the disk refused its first alarm', async () => {
    const { say, fail, recorded } = life();
    fail(true);
    for (let i = 0; i < 10; i++) await expect(say('raised')).rejects.toThrow('full');
    fail(false);
    expect(await say('raised')).toMatchObject({ repeated: false });
    expect(recorded).toHaveLength(1);
  });
});

describe('an alarm', () => {
  it('is confirmed by another zone of its area within half an hour, once', async () => {
    const { say, facts } = life();
    await say('raised', 'intrusion', 1);
    await say('restored', 'intrusion', 1);
    await say('raised', 'intrusion', 1);
    expect(facts).toEqual([]);
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    await say('raised', 'perimeter', 2);
    expect(facts).toEqual([
      ['alarm.confirmed', 'zone-1', { event: expect.any(String), by: expect.any(String) }],
    ]);
    await vi.advanceTimersByTimeAsync(31 * MINUTE);
    await say('raised', 'intrusion', 3);
    await say('raised', 'intrusion', 7, 'elsewhere');
    await say('raised', 'panic', 4);
    expect(facts).toHaveLength(1);
  });
});

describe('a test', () => {
  const command = (target: string, action: string, wanted: object = {}) => ({
    id: 'c',
    target,
    action,
    arguments: { ...wanted },
  });
  const walk = { kind: 'walk-test', for: 600, by: '王' };

  it('marks what its device or area causes, as long as it lasts, and folds and confirms nothing', async () => {
    const { alarms, flap, say, recorded, facts } = life();
    expect(await alarms.execute(command('block', 'test', walk))).toMatchObject({ done: true });
    await flap(20);
    await say('raised', 'panic', 4);
    await say('raised', 'intrusion', 9);
    const marks = recorded.slice(1).map(({ test }) => test);
    expect(marks).toEqual([...Array(41).fill('walk-test'), undefined]);
    expect(facts).toEqual([]);
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(recorded.at(-1)).toMatchObject({ device: 'block', kind: 'test', state: 'restored' });
    await say('raised', 'panic', 4);
    expect(recorded.at(-1)?.test).toBeUndefined();
  });

  it('ends when it is told, and not before it began', async () => {
    const { alarms, say, recorded } = life();
    await alarms.execute(command('io', 'end-test'));
    expect(recorded).toEqual([]);
    await alarms.execute(command('io', 'test', { ...walk, kind: 'maintenance' }));
    await say('raised', 'intrusion', 9);
    expect(recorded.at(-1)?.test).toBe('maintenance');
    await alarms.execute(command('io', 'end-test'));
    await say('raised', 'panic', 9);
    expect(recorded.at(-1)?.test).toBeUndefined();
  });

  it.each([
    ['of what does not exist', 'roof', walk],
    ['without a time', 'io', { kind: 'walk-test' }],
    ['for ever', 'io', { ...walk, for: 1e9 }],
    ['of a kind that there is not', 'io', { ...walk, kind: 'holiday' }],
  ])('%s is refused', async (_name, target, wanted) => {
    const { alarms, recorded } = life();
    expect(await alarms.execute(command(target, 'test', wanted))).toMatchObject({ done: false });
    expect(recorded).toEqual([]);
  });
});

describe('a camera that sees an area', () => {
  const sees = (
    { alarms }: ReturnType<typeof life>,
    cause: string,
    state: Observation['state'] = 'raised',
    device = 'yard',
  ) => alarms.record({ device, kind: 'video', cause, state, details: { part: 'rule' } });

  it('confirms an alarm of it by what moves there soon after, and by nothing else', async () => {
    const one = life();
    await sees(one, 'motion');
    await one.say('raised');
    expect(one.facts).toEqual([]);
    await sees(one, 'tampered');
    await sees(one, 'motion', 'restored');
    await sees(one, 'motion', 'raised', 'gate');
    expect(one.facts).toEqual([]);
    await sees(one, 'zone-entered');
    expect(one.facts).toEqual([
      ['alarm.confirmed', 'zone-1', expect.objectContaining({ by: expect.any(String) })],
    ]);
  });

  it('confirms nothing much later', async () => {
    const one = life();
    await one.say('raised');
    vi.advanceTimersByTime(2 * MINUTE + 1);
    await sees(one, 'motion');
    expect(one.facts).toEqual([]);
  });
});
