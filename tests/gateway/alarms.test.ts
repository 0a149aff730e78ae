import { describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { type AlarmPlaces, createAlarms } from '../../gateway/alarms/index.ts';
import type { Entry } from '../../gateway/journal/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { stateKeyOf, toEvent } from '../../gateway/road/event.ts';
import type { State } from '../../gateway/road/recorder.ts';
import { createStanding } from '../../gateway/road/standing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';
import { testRegistry } from '../registry.ts';

const MINUTE = 60_000;

/** Alarms on a recorder that keeps all in memory. */
function life() {
  const recorded: Observation[] = [];
  const facts: [string, string, object][] = [];
  const states = new Map<string, State>();
  let failing = false;
  let sequence = 0;
  const context = () => ({ campusId: '45', now: clock.wall(), synchronised: true });
  const clock = manualClock();
  const { registry, ask } = testRegistry({ io: 'device', block: 'area', gateway: 'gateway' });
  const places: AlarmPlaces = {
    areaOf: (device, zone) => (device === 'io' && zone !== undefined && zone < 5 ? 'block' : undefined),
    areasSeenBy: (camera) => (camera === 'yard' ? ['block'] : []),
  };
  const entries: Entry[] = [];
  const alarms = createAlarms(places, {
    states,
    standing: createStanding(),
    async onward(observation): Promise<Receipt> {
      if (failing) throw new Error('the disk is full');
      recorded.push(observation);
      const event = toEvent(observation, context());
      const key = stateKeyOf(observation);
      const { device, state } = observation;
      if (key !== undefined) states.set(key, { device, raised: state === 'raised', event, sequence });
      sequence++;
      const body = JSON.stringify(event);
      entries.push({ sequence, lane: 0, id: event.id, seenAt: 0, type: event.type, device, body });
      alarms.onRecorded(event);
      return { sequence, id: event.id, repeated: false };
    },
    async recordFollowUp(alarm: Event, type, fact) {
      facts.push([type, String(alarm.subject), fact]);
      return { sequence: ++sequence, id: 'x', repeated: false };
    },
    journal: { read: (_lane, after) => entries.filter((entry) => entry.sequence > after) },
    registry,
    clock: { now: clock.wall },
    time: clock,
    log: silentLog,
    metrics: createMetrics(),
  });
  alarms.start?.();
  const say = (
    state: Observation['state'],
    kind: Observation['kind'] = 'intrusion',
    zone = 1,
    device = 'io',
  ) => alarms.pass({ device, kind, state, zone: { number: zone } });
  onTestFinished(async () => await alarms[Symbol.asyncDispose]());
  return {
    alarms,
    ask,
    clock,
    entries,
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

  it('is told as its last alarm, and not under the repeat of its end, so that this can be told later', async () => {
    const { alarms, clock, recorded } = life();
    let n = 0;
    const say = (state: Observation['state']) =>
      alarms.pass({
        device: 'panel',
        kind: 'intrusion',
        state,
        zone: { number: 90 },
        codes: { sia: state === 'raised' ? 'BA' : 'BR' },
        repeat: { key: `dc09/${++n}`, within: 1000 },
      });
    for (let i = 0; i < 5; i++) {
      await say('raised');
      await say('restored');
    }
    await clock.advance(MINUTE);
    expect(recorded.at(-1)).toMatchObject({ state: 'raised', codes: { sia: 'BA' }, details: { repeats: 2 } });
    expect(recorded.at(-1)?.repeat?.key).toBe('dc09/9');
    await clock.advance(MINUTE);
    expect(recorded.at(-1)).toMatchObject({ kind: 'intrusion', state: 'restored', codes: { sia: 'BR' } });
  });

  it('is a fault and one alarm a minute with a count, not 10,000', async () => {
    const { clock, flap, recorded, told, say } = life();
    await flap(10_000);
    expect(told().slice(6)).toEqual(['fault flapping raised']);
    await say('raised');
    await clock.advance(MINUTE);
    expect(told().slice(7)).toEqual(['intrusion raised']);
    expect(recorded.at(-1)).toMatchObject({ zone: { number: 1 }, details: { repeats: 9998 } });
    await say('restored');
    await clock.advance(MINUTE);
    expect(told().slice(8)).toEqual(['fault flapping restored', 'intrusion restored']);
    // Quiet again: it is told at once again.
    await clock.advance(MINUTE);
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
    const { clock, say, facts } = life();
    await say('raised', 'intrusion', 1);
    await say('restored', 'intrusion', 1);
    await say('raised', 'intrusion', 1);
    expect(facts).toEqual([]);
    await clock.advance(10 * MINUTE);
    await say('raised', 'perimeter', 2);
    expect(facts).toEqual([
      ['alarm.confirmed', 'zone-1', { event: expect.any(String), by: expect.any(String) }],
    ]);
    await clock.advance(31 * MINUTE);
    await say('raised', 'intrusion', 3);
    await say('raised', 'intrusion', 7, 'elsewhere');
    await say('raised', 'panic', 4);
    expect(facts).toHaveLength(1);
  });
});

describe('a test', () => {
  const walk = { kind: 'walk-test', for: 600, by: '王' };

  it('is confirmed by no other panel and no other partition, and not after it was cancelled', async () => {
    const { alarms, facts } = life();
    const say = (account: string, zone: number, more: Partial<Observation> = {}) =>
      alarms.pass({
        device: 'panel',
        kind: 'intrusion',
        state: 'raised',
        zone: { number: zone },
        details: { account, partition: '1' },
        ...more,
      });
    await say('1234', 1);
    await say('5678', 2);
    await say('1234', 3, { details: { account: '1234', partition: '2' } });
    await say('1234', 1, { state: 'restored', cancelled: true });
    await say('1234', 4);
    expect(facts).toEqual([]);
    await say('1234', 5);
    expect(facts).toMatchObject([['alarm.confirmed', 'zone-4', {}]]);
  });

  it('marks what its device or area causes, as long as it lasts, and folds and confirms nothing', async () => {
    const { ask, clock, flap, say, recorded, facts } = life();
    expect(await ask('block', 'test', walk)).toMatchObject({ done: true });
    await flap(20);
    await say('raised', 'panic', 4);
    await say('raised', 'intrusion', 9);
    const marks = recorded.slice(1).map(({ test }) => test);
    expect(marks).toEqual([...Array(41).fill('walk-test'), undefined]);
    expect(facts).toEqual([]);
    await clock.advance(10 * MINUTE);
    expect(recorded.at(-1)).toMatchObject({ device: 'block', kind: 'test', state: 'restored' });
    await say('raised', 'panic', 4);
    expect(recorded.at(-1)?.test).toBeUndefined();
  });

  it('ends when it is told, and not before it began', async () => {
    const { ask, say, recorded } = life();
    await ask('io', 'end-test');
    expect(recorded).toEqual([]);
    await ask('io', 'test', { ...walk, kind: 'maintenance' });
    await say('raised', 'intrusion', 9);
    expect(recorded.at(-1)?.test).toBe('maintenance');
    await ask('io', 'end-test');
    await say('raised', 'panic', 9);
    expect(recorded.at(-1)?.test).toBeUndefined();
  });

  it.each([
    ['of what does not exist', 'roof', walk],
    ['without a time', 'io', { kind: 'walk-test' }],
    ['for ever', 'io', { ...walk, for: 1e9 }],
    ['of a kind that there is not', 'io', { ...walk, kind: 'holiday' }],
  ])('%s is refused', async (_name, target, wanted) => {
    const { ask, recorded } = life();
    expect(await ask(target, 'test', wanted)).toMatchObject({ done: false });
    expect(recorded).toEqual([]);
  });
});

describe('a camera that sees an area', () => {
  const sees = (
    { alarms }: ReturnType<typeof life>,
    cause: string,
    state: Observation['state'] = 'raised',
    device = 'yard',
  ) => alarms.pass({ device, kind: 'video', cause, state, details: { part: 'rule' } });

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
    await one.clock.advance(2 * MINUTE + 1);
    await sees(one, 'motion');
    expect(one.facts).toEqual([]);
  });
});

describe('an operator', () => {
  const alarm = async () => {
    const one = life();
    await one.say('raised', 'panic', 7);
    const [entry] = one.entries;
    const wanted = { event: entry?.id ?? '', sequence: String(entry?.sequence), by: '王' };
    return { ...one, wanted };
  };

  it('takes an alarm and closes it, from wherever the command comes', async () => {
    const { ask, facts, wanted } = await alarm();
    expect(await ask('gateway', 'acknowledge', wanted, 'console')).toEqual({
      done: true,
      result: { sequence: '2' },
    });
    const closing = { ...wanted, reason: 'false-user', note: 'a pupil leant on it' };
    expect(await ask('gateway', 'close', closing, 'police')).toMatchObject({ done: true });
    const { event, by } = wanted;
    expect(facts).toEqual([
      ['alarm.acknowledged', 'zone-7', { event, by, uplink: 'console' }],
      [
        'alarm.closed',
        'zone-7',
        { event, by, uplink: 'police', reason: 'false-user', note: 'a pupil leant on it' },
      ],
    ]);
  });

  it.each([
    ['that there is not', { event: 'other' }],
    ['with another number', { sequence: '99' }],
    ['without a name', { by: '' }],
    ['with a number that is none', { sequence: '-1' }],
  ])('cannot take an alarm %s', async (_name, more) => {
    const { ask, facts, wanted } = await alarm();
    expect(await ask('gateway', 'acknowledge', { ...wanted, ...more })).toMatchObject({ done: false });
    expect(facts).toEqual([]);
  });
});
