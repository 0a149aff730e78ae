/** What stands at devices: in /health, and in the log once. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { linksOf, logFaults, standingOf } from '../../gateway/observe/standing.ts';
import type { State } from '../../gateway/road/recorder.ts';
import { manualClock } from '../clocks.ts';

let sequence = 0;
const state = (device: string, raised: boolean, data: object, minute = 0): State => ({
  ...{ device, raised, sequence: ++sequence },
  event: {
    time: `2026-11-24T08:${String(minute).padStart(2, '0')}:00.000Z`,
    data: { device: { id: device }, state: raised ? 'raised' : 'restored', ...data },
  } as unknown as Event,
});
const blind = { kind: 'fault', cause: 'blind', details: { reason: 'it gives no events' } };
const clock = { kind: 'fault', cause: 'clock', details: { seconds: -28_800 } };

describe('what stands', () => {
  it('is faults and alarms by device, with since when and why; nothing that persons said', () => {
    const panic = {
      kind: 'panic',
      zone: { number: 2, name: '门卫' },
      text: '张三',
      details: { account: '1234' },
    };
    expect(
      standingOf([
        state('panel', true, panic, 3),
        state('yard', true, blind, 1),
        state('yard', true, clock, 2),
        state('yard', true, { kind: 'video', cause: 'tampered' }, 2),
        state('yard', true, { kind: 'video', cause: 'motion' }),
        state('yard', true, { kind: 'link', text: 'silent' }),
        state('gate', false, blind),
        state('gate', true, { kind: 'arming' }),
      ]),
    ).toEqual({
      faults: 3,
      alarms: 1,
      devices: {
        yard: [
          { kind: 'fault', cause: 'blind', since: '2026-11-24T08:01:00.000Z', reason: 'it gives no events' },
          { kind: 'fault', cause: 'clock', since: '2026-11-24T08:02:00.000Z', reason: '-28800 s' },
          { kind: 'video', cause: 'tampered', since: '2026-11-24T08:02:00.000Z' },
        ],
        panel: [{ kind: 'panic', at: '1234/2', since: '2026-11-24T08:03:00.000Z' }],
      },
    });
  });

  it('is counted whole, and shown so far: a panel of thousands of zones hides no other device', () => {
    const zones = Array.from({ length: 3000 }, (_, number) =>
      state('panel', true, { kind: 'fault', zone: { number } }),
    );
    const { faults, devices } = standingOf([...zones, state('yard', true, blind)]);
    expect([faults, devices['panel']?.length, devices['yard']?.length]).toEqual([3001, 20, 1]);
    const many = Array.from({ length: 3000 }, (_, i) => state(`camera-${i}`, true, blind));
    expect(Object.keys(standingOf(many).devices)).toHaveLength(500);
  });
});

it('says of each device since when it answers, or does not and why, and which of its parts', () => {
  expect(
    linksOf([
      state('yard', false, { kind: 'link', text: 'old' }, 4),
      state('panel', false, { kind: 'link', details: { part: '1000' } }, 1),
      state('panel', true, { kind: 'link', text: 'silent for 3 min', details: { part: '1001' } }, 2),
      state('panel', true, { kind: 'link', text: 'silent for 3 min', details: { part: '1002' } }, 3),
    ]),
  ).toEqual({
    yard: { since: '2026-11-24T08:04:00.000Z' },
    panel: { since: '2026-11-24T08:02:00.000Z', reason: 'silent for 3 min', parts: ['1001', '1002'] },
  });
});

describe('the log', () => {
  const begin = (before: readonly State[] = []) => {
    const lines: string[] = [];
    let tell: (state: State) => void = () => {};
    const push = (level: string) => (_fields: object, sentence: string) =>
      void lines.push(`${level} ${sentence}`);
    const log = { debug: push('debug'), info: push('info'), warn: push('warn'), error: push('error') };
    const states = new Map(before.map((one) => [String(one.sequence), one]));
    const onState = (listener: (state: State) => void) => {
      tell = listener;
      return () => {};
    };
    const time = manualClock();
    const part = logFaults({ log, time }, { states, onState });
    void part.start?.();
    onTestFinished(async () => await part[Symbol.asyncDispose]());
    return { lines, time, tell: (one: State) => tell(one) };
  };

  it('has the beginning and the end of a fault, once each', () => {
    const { lines, tell } = begin();
    tell(state('yard', true, blind));
    tell(state('yard', true, clock));
    tell(state('yard', true, blind));
    tell(state('yard', true, { kind: 'video', cause: 'motion' }));
    tell(state('yard', false, { kind: 'fault', cause: 'blind' }));
    tell(state('yard', false, { kind: 'fault', cause: 'blind' }));
    expect(lines).toEqual([
      'warn a fault began: yard: blind: it gives no events',
      'warn a fault began: yard: clock: -28800 s',
      'info a fault is over: yard: blind',
    ]);
  });

  it('names at the start what stands from before, and says when that ends', () => {
    const { lines, tell } = begin([state('yard', true, blind), state('gate', false, blind)]);
    tell(state('yard', true, blind));
    tell(state('yard', false, { kind: 'fault', cause: 'blind' }));
    expect(lines).toEqual([
      'warn faults that stand from before the start: yard: blind: it gives no events',
      'info a fault is over: yard: blind',
    ]);
  });

  it('has of all zones of a panel at once the first, and how many', async () => {
    const { lines, time, tell } = begin();
    for (let number = 1; number <= 300; number++)
      tell(state('panel', true, { kind: 'fault', zone: { number } }));
    await time.advance(10_000);
    expect(lines).toEqual([
      'warn a fault began: panel 1: fault',
      'warn a fault began: panel 1: fault (299 more in 10 s)',
    ]);
  });
});
