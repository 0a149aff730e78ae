/** What somebody does with alarms: each of a thing's is taken and closed by itself. */
import type { Alarm } from '../../contract/alarms.ts';
import { readAlarms } from '../kit/alarms.ts';
import { ApiError, command } from '../kit/api.ts';

const WAIT_MS = 1000;
const PATIENCE = 60;

/** Many at once come faster than the console may command (`console.commandRate`): the rest follow. */
async function patiently(act: () => Promise<unknown>): Promise<void> {
  for (let left = PATIENCE; ; left--)
    try {
      await act();
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || left === 0 || !error.detail?.startsWith('too many')) throw error;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
}

async function each(
  alarms: readonly Alarm[],
  fits: (raising: Alarm['raisings'][number]) => boolean,
  act: (of: { readonly event: string; readonly sequence: string }) => Promise<unknown>,
): Promise<void> {
  try {
    for (const { raisings } of alarms)
      for (const raising of raisings) {
        const { id: event, sequence } = raising;
        // What the disk has not taken has no number yet.
        if (sequence !== null && fits(raising)) await patiently(() => act({ event, sequence }));
      }
  } finally {
    await readAlarms();
  }
}

/** @throws ApiError. */
export const acknowledge = (alarms: readonly Alarm[]): Promise<void> =>
  each(
    alarms,
    ({ acknowledged, closed }) => acknowledged === undefined && closed === undefined,
    (of) => command('gateway', 'acknowledge', of),
  );

/** @throws ApiError. */
export const closeAlarm = (alarms: readonly Alarm[], reason: string, note: string): Promise<void> =>
  each(
    alarms,
    ({ closed }) => closed === undefined,
    (of) => command('gateway', 'close', { ...of, reason, ...(note.trim() !== '' && { note: note.trim() }) }),
  );
