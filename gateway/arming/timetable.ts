/**
 * Arms and disarms by the clock. What the schedule said last counts against what was done before it: a person who
 * disarms at night stays disarmed until the schedule's next word.
 */
import type { AreaConfig } from '../../config/sections/areas.ts';
import type { CalendarConfig } from '../../config/sections/calendar.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import type { Pass } from '../road/stage.ts';
import type { Changes } from './changes.ts';
import { aboutArea, type Known } from './known.ts';
import { transitionsAround } from './schedule.ts';

/** The schedule is looked at at least so often: timers and clocks drift. */
const LOOK_EVERY_MS = 60_000;
const SOON_MS = 50;
const AGAIN_MS = 1000;
/** A change from further in the future than this was made under a wrong clock. */
const FUTURE_MS = 60_000;

export function createTimetable(options: {
  readonly areas: readonly AreaConfig[];
  readonly calendar: CalendarConfig;
  readonly timezone: string;
  readonly changes: Changes;
  readonly known: Known;
  readonly onward: Pass;
  readonly now: () => number;
  readonly time: Clock;
  readonly log: Log;
}) {
  const { areas, calendar, timezone, changes, known, onward, now, time, log } = options;
  let timer: Timer | undefined;
  let following: Promise<void> | undefined;
  let closed = false;

  /** Told once that it could not be armed, tried again at each look; told that it could. */
  const tellFault = async (area: AreaConfig, reason: string | undefined) => {
    const fault: Observation = { device: area.id, kind: 'fault', cause: 'not-armed', state: 'raised' };
    const told = known.isRaised(fault);
    if (reason !== undefined && !told) await onward({ ...fault, text: reason });
    if (reason === undefined && told) await onward({ ...fault, state: 'restored' });
  };
  /** What the schedule asks of an area now. @returns when it will ask next, epoch ms. */
  const followArea = async (area: AreaConfig, at: number): Promise<number> => {
    const { last, next } = transitionsAround(area.schedule, calendar, timezone, at);
    const soonest = next?.at ?? Number.POSITIVE_INFINITY;
    if (last === undefined) return soonest;
    const changed = Date.parse(known.latest(aboutArea(area.id, 'arming'))?.event.time ?? '') || 0;
    const armed = known.stateOf(area) !== 'disarmed';
    if (last.at <= changed && changed <= at + FUTURE_MS) return soonest;
    if (armed === (last.do === 'arm')) return soonest;
    const how = { by: 'schedule', force: area.whenOpen === 'bypass', exitDelay: 0 };
    const result = await (last.do === 'arm' ? changes.arm(area, how) : changes.disarm(area, 'schedule'));
    await tellFault(area, result.done ? undefined : (result.reason ?? ''));
    return soonest;
  };
  const followAll = async () => {
    timer?.stop();
    const at = now();
    let soonest = at + LOOK_EVERY_MS;
    for (const area of areas) soonest = Math.min(soonest, await followArea(area, at));
    lookIn(Math.max(SOON_MS, soonest - now()));
  };
  const lookIn = (ms: number) => {
    if (!closed) timer = time.after(ms, () => void followTimetable());
  };
  /** One look at a time. Never rejects. */
  const followTimetable = () => {
    following ??= followAll()
      .catch((error: Error) => {
        log.error({ error: error.message }, 'the schedule could not be carried out; it is tried again');
        lookIn(AGAIN_MS);
      })
      .finally(() => {
        following = undefined;
      });
    return following;
  };
  return {
    followTimetable,
    close() {
      closed = true;
      timer?.stop();
    },
  };
}
