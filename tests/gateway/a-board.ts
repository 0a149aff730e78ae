import { expect, onTestFinished } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { readAlarmHistory } from '../../gateway/console/alarm-history.ts';
import { type BoardOptions, createBoard } from '../../gateway/console/board.ts';
import type { Journal } from '../../gateway/journal/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

export const fire = (
  state: Observation['state'] = 'raised',
  more: Partial<Observation> = {},
): Observation => ({
  device: 'panel',
  kind: 'fire',
  state,
  zone: { number: 6, id: 'kitchen', name: '厨房烟感' },
  ...more,
});

/** A board on a real recorder and journal, under a clock that can be moved. */
export async function campus(
  directory = temporaryDirectory(),
  more: Partial<BoardOptions> = {},
  open: (directory: string) => Promise<Journal> = openHere,
  time = manualClock(),
) {
  const journal = await open(directory);
  const recorder = await createRecorder({
    campusId: '45',
    deviceNames: new Map([['panel', '周界报警主机']]),
    journal,
    clock: { now: time.wall, synchronised: () => true } as never,
    time,
    metrics: createMetrics(),
    log: silentLog,
  });
  const stored: Event[] = [];
  recorder.onStored((event) => void stored.push(event));
  const board = createBoard({
    dataDir: directory,
    recorder,
    places: {
      isKnown: (device) => device !== 'gone',
      areaOf: (device, zone) =>
        device === 'panel' && zone === 6 ? { id: 'canteen', name: '食堂' } : undefined,
      camerasOf: (device, area) =>
        area === 'canteen' ? [{ id: 'yard', name: '操场' }] : device === 'yard' ? [{ id: 'yard' }] : [],
    },
    time,
    log: silentLog,
    readHistory: readAlarmHistory,
    ...more,
  });
  board.start();
  const close = async () => {
    await board[Symbol.asyncDispose]();
    recorder.close();
    await journal.close();
  };
  onTestFinished(close);
  const last = (type: string) => {
    const found = stored.findLast((event) => event.type === `cn.campus.${type}`);
    if (found === undefined) throw new Error(`there is no ${type}`);
    return found;
  };
  return {
    ...{ directory, board, recorder, journal, time, close, stored, last },
    say: recorder.record,
    /** Its history is read. */
    ready: async () => {
      await expect.poll(() => board.list().loading).toBe(false);
    },
    acknowledge: (alarm = last('alarm.raised')) =>
      recorder.recordFollowUp(alarm, 'alarm.acknowledged', {
        event: alarm.id,
        by: '李明',
        uplink: 'console',
      }),
    closing: (alarm = last('alarm.raised'), reason: 'real' | 'test' = 'real') =>
      recorder.recordFollowUp(alarm, 'alarm.closed', {
        event: alarm.id,
        reason,
        note: '油烟',
        by: '王老师',
        uplink: 'police',
      }),
    kinds: () => board.list().alarms.map(({ kind, active }) => `${kind}${active ? ' active' : ''}`),
  };
}
