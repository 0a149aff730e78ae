/** What words of panels end, over the real road: recorder and alarms, on a journal in memory of the test's. */
import { describe, expect, it } from 'vitest';
import { parseContactId } from '../../drivers/alarm-codes/contact-id.ts';
import { observationOf } from '../../drivers/alarm-codes/report.ts';
import { parseSiaDcs } from '../../drivers/alarm-codes/sia.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { createEndings } from '../../gateway/alarms/endings.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { eventTypeOf, stateKeyOf, toEvent } from '../../gateway/road/event.ts';
import { createStates } from '../../gateway/road/states.ts';
import { manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';

function panel() {
  const clock = manualClock();
  const metrics = createMetrics();
  const states = createStates({ states: async () => [] }, silentLog);
  const told: string[] = [];
  const known = new Set<string>();
  let sequence = 0;
  /** Words that wait for the disk, where it is slow. */
  let waiting: (() => void)[] | undefined;
  const onward = async (observation: Observation): Promise<Receipt> => {
    const { zone, details, repeat } = observation;
    if (repeat !== undefined && known.has(repeat.key)) return { sequence: null, id: null, repeated: true };
    if (repeat !== undefined) known.add(repeat.key);
    const at = [zone && `z${zone.number}`, details?.['partition'] && `p${details['partition']}`];
    told.push(
      [eventTypeOf(observation), observation.kind, observation.cause, ...at].filter(Boolean).join(' '),
    );
    const event = toEvent(observation, { campusId: '45', now: clock.wall(), synchronised: true });
    sequence++;
    const mine = sequence;
    if (waiting !== undefined) await new Promise<void>((resolve) => waiting?.push(resolve));
    const key = stateKeyOf(observation);
    if (key !== undefined) states.note(key, event, mine, false);
    return { sequence: mine, id: event.id, repeated: false };
  };
  const endings = createEndings({ onward, standing: states.standing, time: clock, metrics });
  const say = async (data: string, more: Partial<Observation> = {}, account = '1234') => {
    const events = /\d{4} \d\d \d{3}/.test(data) ? parseContactId(data) : parseSiaDcs(`#${account}|N${data}`);
    const before = told.length;
    const about = { device: 'panel', account, zones: [] };
    const observed = events.map((event) => observationOf(event, about) as Observation);
    const receipts = Promise.all(observed.map((one) => endings.pass({ ...one, ...more })));
    if (waiting === undefined) await receipts;
    return told.slice(before);
  };
  return {
    say,
    told,
    metrics,
    standing: () =>
      [...states.byKey.values()]
        .filter(({ raised }) => raised)
        .map(({ event }) => {
          const { kind, zone } = event.data as { kind: string; zone?: { number: number } };
          return [kind, zone?.number ?? event.subject].filter((one) => one !== undefined).join(' ');
        }),
    slowDisk() {
      waiting = [];
      return async () => {
        const all = waiting ?? [];
        waiting = undefined;
        for (const resolve of all) resolve();
        await new Promise(setImmediate);
      };
    },
  };
}

describe('a cancel', () => {
  it('ends the alarms of its partition as cancelled, and restores no zone', async () => {
    const { say, standing } = panel();
    await say('ri1/BA1');
    await say('ri1/BA5');
    await say('ri2/BA6');
    expect(await say('ri1/BC1')).toEqual([
      'alarm.cancelled intrusion z1 p1',
      'alarm.cancelled intrusion z5 p1',
    ]);
    expect(standing()).toEqual(['intrusion 6']);
  });

  it('is told by itself where nothing stands any more', async () => {
    const { say } = panel();
    expect(await say('ri1/BC1')).toEqual(['alarm.cancelled cancel burglary p1']);
    expect(await say('1406 01 001')).toEqual(['alarm.cancelled cancel p1']);
  });

  it('of a burglary leaves fire and panic; of whatever kind it leaves an open cover', async () => {
    const { say, standing } = panel();
    await say('FA1/PA2/TA3/BA4');
    await say('BC1');
    expect(standing()).toEqual(['fire 1', 'panic 2', 'tamper 3']);
    await say('OC1');
    expect(standing()).toEqual(['tamper 3']);
  });

  it('of a fire ends fire, and nothing else', async () => {
    const { say, standing } = panel();
    await say('FA1/PA2/BA4');
    await say('FC1');
    expect(standing()).toEqual(['panic 2', 'intrusion 4']);
  });

  it('ends only what was before it, while the disk is slow', async () => {
    const { say, slowDisk, standing } = panel();
    const go = slowDisk();
    await say('ri1/BA1');
    await say('ri1/BC9');
    await say('ri1/BA2');
    await go();
    expect(standing()).toEqual(['intrusion 2']);
  });

  it('does not end what was restored before it, while the disk is slow', async () => {
    const { say, slowDisk, told } = panel();
    await say('BA1');
    const go = slowDisk();
    await say('BR1');
    await say('BC9');
    await go();
    expect(told.slice(1)).toEqual(['alarm.restored intrusion z1', 'alarm.cancelled cancel burglary']);
  });

  it('of another account ends nothing of this one', async () => {
    const { say, standing } = panel();
    await say('BA1');
    expect(await say('BC1', {}, '5678')).toEqual(['alarm.cancelled cancel burglary']);
    expect(standing()).toEqual(['intrusion 1']);
  });

  it('told again ends nothing, though an alarm was raised since', async () => {
    const { say, standing } = panel();
    const repeat = { key: 'dc09/panel/1234/x', within: 1000 };
    await say('BA1/BA2');
    expect(await say('BC1', { repeat })).toHaveLength(2);
    await say('BA3/BA4');
    expect(await say('BC1', { repeat })).toEqual([]);
    expect(standing()).toEqual(['intrusion 3', 'intrusion 4']);
  });
});

describe('a restore', () => {
  it('ends each thing that it can mean', async () => {
    const { say, standing } = panel();
    await say('YT/YM');
    expect(standing()).toEqual(['battery', 'battery']);
    expect(await say('YR')).toEqual(['device.restored battery', 'device.restored battery missing']);
    expect(standing()).toEqual([]);
    expect(await say('YR')).toEqual(['device.restored battery']);
  });

  it('of one partition leaves the same zone of another one', async () => {
    const { say, standing } = panel();
    await say('ri1/BA5/ri2/BA5');
    expect(await say('ri1/BR5')).toEqual(['alarm.restored intrusion z5 p1']);
    expect(standing()).toEqual(['intrusion 5']);
  });

  it('without a partition ends it in whichever it stands', async () => {
    const { say, standing } = panel();
    await say('1130 02 005');
    expect(await say('3130 00 005')).toEqual(['alarm.restored intrusion z5 p2']);
    expect(standing()).toEqual([]);
  });

  it('that nobody knows ends what it names, and is no event where nothing of it stands', async () => {
    const { say, standing, metrics } = panel();
    await say('VT9');
    await say('1999 01 009');
    expect(standing()).toEqual(['fault 9', 'fault 9']);
    expect(await say('VJ9')).toEqual(['device.restored fault code-VT z9']);
    expect(await say('3999 01 009')).toEqual(['device.restored fault code-999 z9 p1']);
    expect(await say('VR9')).toEqual([]);
    expect((await metrics.discarded.get()).values).toMatchObject([{ value: 1 }]);
    expect(standing()).toEqual([]);
  });
});

describe('arming', () => {
  it('of two partitions, one disarmed, leaves one armed', async () => {
    const { say, standing } = panel();
    await say('ri1/CL1');
    await say('ri2/CL1');
    await say('ri1/OP2');
    expect(standing()).toEqual(['arming partition-2']);
  });

  it('in part and in whole are one state, which any user ends', async () => {
    const { say, standing } = panel();
    await say('ri1/NL');
    await say('ri1/CL3');
    expect(standing()).toEqual(['arming partition-1']);
    await say('ri1/OP2');
    expect(standing()).toEqual([]);
  });

  it('is ended in all partitions by who disarms the whole panel; one partition leaves the rest', async () => {
    const { say, standing } = panel();
    await say('3401 01 001');
    await say('3401 02 001');
    await say('1401 00 001');
    expect(standing()).toEqual([]);
    await say('3400 00 000');
    await say('1401 01 001');
    expect(standing()).toEqual(['arming']);
  });

  it('is not begun or ended by a report of failure', async () => {
    const { say, standing } = panel();
    await say('3401 01 001');
    for (const data of ['1453 01 001', '1454 01 001', '1455 01 001', '1457 01 001', 'ri1/CI1', 'ri1/OI1'])
      expect(await say(data)).toEqual([expect.stringMatching(/^device\.fault fault .* p1$/)]);
    expect(standing()).toEqual(['arming partition-1']);
  });
});
