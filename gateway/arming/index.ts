/**
 * Areas: which zones alarm when. What a device says of a zone of a disarmed area is no alarm; what it says of a panic
 * button, a tamper contact, a fire detector or a 24-hour zone always is, whatever is armed (IEC 62642-1).
 *
 * Whether an area is armed, and what is bypassed, is the latest event about it: it survives restarts as the journal
 * does. So does a running entry delay.
 */
import type { Registry } from '../../config/catalogue/actions.ts';
import type { AreaConfig } from '../../config/sections/areas.ts';
import type { CalendarConfig } from '../../config/sections/calendar.ts';
import { placeOf, zoneKey } from '../../config/zones.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { isZoneAlarmKind, type Observation, type Receipt } from '../../drivers/contract/observation.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Pass, Stage } from '../road/stage.ts';
import { createChanges } from './changes.ts';
import { createEntries } from './entry.ts';
import { type AreaState, isArmable, knownOf, type Place } from './known.ts';
import { createPlan, type PlannedDay } from './plan.ts';
import { createTimetable } from './timetable.ts';
import { type AreaView, viewArea } from './view.ts';

export type { AreaState } from './known.ts';

export interface ArmingOptions {
  readonly onward: Pass;
  readonly states: Recorder['states'];
  /** Whether the states of the journal could be read yet. */
  readonly isKnown: () => boolean;
  readonly registry: Registry;
  readonly clock: Pick<WallClock, 'now' | 'onStep'>;
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * What zones said last, of those that are open now, armed or not, by `zoneKey`: of zones in no area too. One that is made
   * anew with another config is given that of the one before: devices that go on do not say it again.
   */
  readonly open?: Map<string, Observation>;
}

export interface Arming extends Stage, Part {
  /** undefined: there is no such area. */
  state(area: string): AreaState | undefined;
  /** Armed, or about to alarm. */
  isArmed(area: string): boolean;
  /** All areas, as people look at them now. */
  areas(): readonly AreaView[];
  /** A day as the calendar and the schedules have it, by how many days it is ahead of today. */
  plannedDay(ahead: number): PlannedDay;
  /** Takes up what the journal knows and what the schedule says; again, where the journal was opened anew. */
  start(): Promise<void>;
}

/** A panel may name ever new zones; those of areas are known all the same. */
const OPEN_ELSEWHERE_MAX = 10_000;
/** Nothing was recorded, and nothing needed to be. */
const NOTHING: Receipt = { sequence: null, id: null, repeated: true };

export function createArming(
  config: {
    readonly areas: readonly AreaConfig[];
    readonly calendar: CalendarConfig;
    readonly timezone: string;
  },
  options: ArmingOptions,
): Arming {
  const { areas } = config;
  const { onward, clock, time, log, metrics } = options;
  const places = new Map<string, Place>();
  for (const area of areas) for (const zone of area.zones) places.set(zoneKey(zone), { area, zone });
  const open = options.open ?? new Map<string, Observation>();
  const exits = new Map<string, Timer>();
  const known = knownOf(options.states, clock.now);
  const entries = createEntries({ onward, known, time });

  const trip = async ({ area, zone }: Place, observation: Observation): Promise<Receipt> => {
    // Whether it is armed is on a disk that cannot be read: better an alarm too many.
    if (!options.isKnown()) return await onward(observation);
    const state = known.stateOf(area);
    const wasArmed = observation.past !== true || known.wasArmedAt(area, zone, observation.at);
    if (!wasArmed || state === 'disarmed' || state === 'exit-delay' || known.isBypassed(area.id, zone)) {
      metrics.disarmedTrips.inc({ area: area.id });
      return NOTHING;
    }
    if (zone.type === 'instant' || area.entryDelay === 0) return await onward(observation);
    if (state === 'entry-delay' || entries.isRunning(area)) return NOTHING;
    return await entries.begin(area, observation, clock.now());
  };

  /** A door that still stands open when the exit delay is over is as if it were opened then. */
  const watchExit = (area: AreaConfig) => {
    const left = known.exitLeftMs(area);
    if (left === 0) return;
    exits.get(area.id)?.stop();
    const over = () => {
      if (known.stateOf(area) !== 'armed') return;
      for (const zone of area.zones) {
        const observation = open.get(zoneKey(zone));
        if (observation !== undefined && isArmable(zone)) trip({ area, zone }, observation).catch(() => {});
      }
    };
    exits.set(area.id, time.after(left + 1, over));
  };

  const changes = createChanges({
    onward,
    known,
    isOpen: (zone) => open.has(zoneKey(zone)),
    onArmed: watchExit,
    endEntry: entries.end,
    log,
  });
  const timetable = createTimetable({ ...config, changes, known, onward, now: clock.now, time, log });
  const plan = createPlan(config, clock.now);
  serveAreas(options.registry, areas, changes);
  clock.onStep(() => void timetable.followTimetable());

  const state = (id: string): AreaState | undefined => {
    const area = areas.find((one) => one.id === id);
    return area === undefined ? undefined : known.stateOf(area);
  };
  return {
    pass(observation) {
      const { kind, state } = observation;
      const key = zoneKey(placeOf(observation));
      const place = places.get(key);
      if (!isZoneAlarmKind(kind)) return onward(observation);
      if (state !== 'raised') open.delete(key);
      else if (place !== undefined || open.size < OPEN_ELSEWHERE_MAX) open.set(key, observation);
      if (place === undefined || !isArmable(place.zone)) return onward(observation);
      if (state === 'raised') return trip(place, observation);
      // The end of what was never an alarm is no news.
      return known.isRaised(observation) ? onward(observation) : Promise.resolve(NOTHING);
    },
    state,
    isArmed: (id) => ['armed', 'entry-delay'].includes(state(id) ?? ''),
    areas: () => areas.map((area) => viewArea(area, { known, open, entryLeftMs: entries.leftMs, plan })),
    plannedDay: plan.day,
    async start() {
      for (const area of areas) {
        watchExit(area);
        entries.resume(area, clock.now());
      }
      await timetable.followTimetable();
    },
    async [Symbol.asyncDispose]() {
      timetable.close();
      for (const exit of exits.values()) exit.stop();
      entries.close();
    },
  };
}

function serveAreas(
  registry: Registry,
  areas: readonly AreaConfig[],
  { arm, disarm, bypass }: ReturnType<typeof createChanges>,
) {
  // That the target is an area was looked at before.
  const areaOf = (id: string) => areas.find((area) => area.id === id) as AreaConfig;
  registry.serve({
    async arm({ target, arguments: { by = '', force, exitDelay } }) {
      const area = areaOf(target);
      return await arm(area, { by, force, exitDelay: exitDelay ?? area.exitDelay / 1000 });
    },
    disarm: ({ target, arguments: { by = '' } }) => disarm(areaOf(target), by),
    bypass: ({ target, arguments: wanted }) => bypass(areaOf(target), true, wanted),
    unbypass: ({ target, arguments: wanted }) => bypass(areaOf(target), false, wanted),
  });
}
