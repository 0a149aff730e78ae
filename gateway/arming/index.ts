/**
 * Areas: which zones alarm when. What a device says of a zone of a disarmed area is no alarm; what it says of a panic
 * button, a tamper contact, a fire detector or a 24-hour zone always is, whatever is armed (IEC 62642-1).
 *
 * Whether an area is armed, and what is bypassed, is the latest event about it: it survives restarts as the journal
 * does. So does a running entry delay: who cuts the power during it does not win.
 *
 * What the schedule said last counts against what was done before it. A person who disarms at night stays disarmed
 * until the schedule's next word.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { AreaConfig, CalendarConfig } from '../../config/schema.ts';
import { zoneAlarmKinds } from '../../config/schema.ts';
import { type Log, wrongArgument } from '../../drivers/contract/driver.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { Result, Task } from '../commands/index.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import { stateKeyOf } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';
import { transitionsAround } from './schedule.ts';

export interface ArmingOptions {
  readonly areas: readonly AreaConfig[];
  readonly calendar: CalendarConfig;
  readonly timezone: string;
  readonly recorder: Pick<Recorder, 'record' | 'states'>;
  /** Whether the states of the journal could be read yet. */
  readonly isKnown: () => boolean;
  readonly clock: Pick<WallClock, 'now' | 'onStep'>;
  readonly log: Log;
  readonly metrics: Metrics;
}

export type AreaState = 'disarmed' | 'exit-delay' | 'armed' | 'entry-delay';

export interface Arming {
  /** In place of `record`, for what devices say. @throws what `record` throws. */
  take(observation: Observation): Promise<Receipt>;
  /** `arm`, `disarm`, `bypass`, `unbypass`; undefined: the target is no area. */
  execute(task: Task): Promise<Result> | undefined;
  /** undefined: there is no such area. */
  state(area: string): AreaState | undefined;
  /** The area of a zone; undefined: it belongs to none. */
  areaOf(device: string, zone: number | undefined): string | undefined;
  /** Takes up what the journal knows and what the schedule says. */
  start(): Promise<void>;
  close(): void;
}

type ZoneConfig = AreaConfig['zones'][number];
interface Place {
  readonly area: AreaConfig;
  readonly zone: ZoneConfig;
}

/** Nothing was recorded, and nothing needed to be. */
const NOTHING: Receipt = { sequence: null, id: null, repeated: true };
/** The schedule is looked at at least so often: timers and clocks drift. */
const LOOK_EVERY_MS = 60_000;
/** A change from further in the future than this was made under a wrong clock. */
const FUTURE_MS = 60_000;

const armSchema = z.strictObject({
  by: z.string().max(100).optional(),
  force: z.boolean().default(false).describe('Bypass zones that are open'),
  exitDelay: z.number().min(0).max(3600).optional().describe('Seconds'),
});
const disarmSchema = z.strictObject({ by: z.string().max(100).optional() });
const zoneSchema = z.strictObject({ by: z.string().max(100).optional(), device: z.string(), zone: z.int() });

export function createArming(options: ArmingOptions): Arming {
  const { areas, calendar, timezone, recorder, clock, log, metrics } = options;
  const keyOf = (device: string, zone: number | undefined) => `${device}\n${zone}`;
  const places = new Map<string, Place>();
  for (const area of areas)
    for (const zone of area.zones) places.set(keyOf(zone.device, zone.zone), { area, zone });
  /** What zones said last, of those that are open now, armed or not. */
  const open = new Map<string, Observation>();
  const entries = new Map<string, AbortController>();
  const exits = new Map<string, NodeJS.Timeout>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  // --- what is known ---

  const about = (area: string, kind: 'arming' | 'bypass' | 'entry', more: Partial<Observation> = {}) =>
    ({ device: area, kind, state: 'raised', ...more }) as const satisfies Observation;
  const known = (observation: Observation) => recorder.states.get(stateKeyOf(observation) ?? '');
  const zoneName = ({ device, zone }: ZoneConfig) => `${device}/${zone}`;
  const bypassOf = (area: string, zone: ZoneConfig) =>
    about(area, 'bypass', { zone: { number: zone.zone, id: zoneName(zone) }, cause: zone.device });
  const isBypassed = (area: string, zone: ZoneConfig) => known(bypassOf(area, zone))?.raised === true;
  const isOpen = (zone: ZoneConfig) => open.has(keyOf(zone.device, zone.zone));
  /** Whether it alarms only while the area is armed. */
  const isArmable = ({ type }: ZoneConfig) => type === 'instant' || type === 'delayed';

  /** What is left of the exit delay, ms. A clock that stepped back must not leave the house open. */
  const exitLeft = (area: AreaConfig): number => {
    const event = known(about(area.id, 'arming'))?.event;
    if (event === undefined) return 0;
    const { exitDelay = 0 } = (event.data['details'] ?? {}) as { exitDelay?: number };
    const left = Date.parse(event.time) + exitDelay * 1000 - clock.now();
    return left > 0 && left <= exitDelay * 1000 ? left : 0;
  };
  const stateOf = (area: AreaConfig): AreaState => {
    if (known(about(area.id, 'arming'))?.raised !== true) return 'disarmed';
    if (exitLeft(area) > 0) return 'exit-delay';
    return known(about(area.id, 'entry'))?.raised === true ? 'entry-delay' : 'armed';
  };

  // --- what devices say ---

  const endEntry = async (area: AreaConfig) => {
    entries.get(area.id)?.abort();
    entries.delete(area.id);
    if (known(about(area.id, 'entry'))?.raised === true)
      await recorder.record(about(area.id, 'entry', { state: 'restored' } as Partial<Observation>));
  };

  /** Waits for the rest of an entry delay; then it is an alarm, with the time at which the zone was tripped. */
  const runEntry = (area: AreaConfig, alarm: Observation, ms: number) => {
    const stop = new AbortController();
    entries.set(area.id, stop);
    delay(ms, undefined, { signal: stop.signal })
      .then(async () => {
        if (stateOf(area) === 'disarmed') return;
        await recorder.record(alarm).catch(() => {});
        await endEntry(area);
      })
      .catch(() => {});
  };

  const trip = async ({ area, zone }: Place, observation: Observation): Promise<Receipt> => {
    // Whether it is armed is on a disk that cannot be read: better an alarm too many.
    if (!options.isKnown()) return await recorder.record(observation);
    const state = stateOf(area);
    if (state === 'disarmed' || state === 'exit-delay' || isBypassed(area.id, zone)) {
      metrics.disarmedTrips.inc({ area: area.id });
      return NOTHING;
    }
    if (zone.type === 'instant' || area.entryDelay === 0) return await recorder.record(observation);
    if (state === 'entry-delay' || entries.has(area.id)) return NOTHING;
    const alarm: Observation = { ...observation, seen: clock.now() };
    // First the alarm that will come, then the disk: who stops the disk does not stop the alarm.
    runEntry(area, alarm, area.entryDelay);
    return await recorder.record(
      about(area.id, 'entry', {
        details: entryDetails(observation),
      }),
    );
  };

  // --- what people and the schedule say ---

  const setArmed = async (area: AreaConfig, armed: boolean, details: Observation['details']) => {
    await recorder.record(
      about(area.id, 'arming', { state: armed ? 'raised' : 'restored', details } as Partial<Observation>),
    );
    log.info({ area: area.id, ...details }, armed ? 'an area was armed' : 'an area was disarmed');
  };

  const arm = async (
    area: AreaConfig,
    how: { force: boolean; exitDelay: number; by: string },
  ): Promise<Result> => {
    if (stateOf(area) !== 'disarmed') return { done: true, result: { state: stateOf(area) } };
    const blocking = area.zones.filter(
      (zone) =>
        isArmable(zone) &&
        isOpen(zone) &&
        !isBypassed(area.id, zone) &&
        // A door on the way out may be open while people leave.
        !(zone.type === 'delayed' && how.exitDelay > 0),
    );
    if (blocking.length > 0 && !how.force)
      return { done: false, reason: `zones are open: ${blocking.map(zoneName).join(', ')}` };
    for (const zone of blocking)
      await recorder.record({ ...bypassOf(area.id, zone), details: { forced: true, by: how.by } });
    await setArmed(area, true, { by: how.by, exitDelay: how.exitDelay });
    watchExit(area);
    return { done: true, result: { state: stateOf(area), bypassed: blocking.map(zoneName) } };
  };

  /** A door that still stands open when the exit delay is over is as if it were opened then. */
  const watchExit = (area: AreaConfig) => {
    const left = exitLeft(area);
    if (left === 0) return;
    clearTimeout(exits.get(area.id));
    const over = () => {
      if (stateOf(area) !== 'armed') return;
      for (const zone of area.zones) {
        const observation = open.get(keyOf(zone.device, zone.zone));
        if (observation !== undefined && isArmable(zone)) trip({ area, zone }, observation).catch(() => {});
      }
    };
    exits.set(area.id, setTimeout(over, left + 1));
  };

  const disarm = async (area: AreaConfig, by: string): Promise<Result> => {
    if (stateOf(area) !== 'disarmed') await setArmed(area, false, { by });
    await endEntry(area);
    // What was bypassed to arm it is looked at again the next time.
    for (const zone of area.zones) {
      const bypass = known(bypassOf(area.id, zone));
      const forced = (bypass?.event.data['details'] as { forced?: boolean } | undefined)?.forced === true;
      if (bypass?.raised === true && forced)
        await recorder.record({ ...bypassOf(area.id, zone), state: 'restored', details: { by } });
    }
    return { done: true, result: { state: 'disarmed' } };
  };

  const bypass = async (
    area: AreaConfig,
    on: boolean,
    wanted: z.output<typeof zoneSchema>,
  ): Promise<Result> => {
    const zone = area.zones.find((one) => one.device === wanted.device && one.zone === wanted.zone);
    if (zone === undefined)
      return { done: false, reason: `${area.id} has no zone ${wanted.device}/${wanted.zone}` };
    if (!isArmable(zone)) return { done: false, reason: `a ${zone.type} zone is never bypassed` };
    if (isBypassed(area.id, zone) !== on)
      await recorder.record({
        ...bypassOf(area.id, zone),
        state: on ? 'raised' : 'restored',
        details: { by: wanted.by ?? '' },
      });
    return { done: true };
  };

  const executeOn = async (area: AreaConfig, { action, arguments: wanted }: Task): Promise<Result> => {
    const read = <T extends z.ZodType>(schema: T): z.output<T> => {
      const parsed = schema.safeParse(wanted);
      if (parsed.success) return parsed.data;
      throw new ArgumentError(wrongArgument(parsed.error));
    };
    try {
      switch (action) {
        case 'arm': {
          const { by = '', force, exitDelay = area.exitDelay / 1000 } = read(armSchema);
          return await arm(area, { by, force, exitDelay });
        }
        case 'disarm':
          return await disarm(area, read(disarmSchema).by ?? '');
        case 'bypass':
        case 'unbypass':
          return await bypass(area, action === 'bypass', read(zoneSchema));
        default:
          return { done: false, reason: `an area does not know ${action}` };
      }
    } catch (error) {
      if (error instanceof ArgumentError) return { done: false, reason: error.message };
      throw error;
    }
  };

  // --- the clock ---

  const look = async () => {
    clearTimeout(timer);
    const now = clock.now();
    let soonest = now + LOOK_EVERY_MS;
    for (const area of areas) {
      const { last, next } = transitionsAround(area.schedule, calendar, timezone, now);
      if (next !== undefined) soonest = Math.min(soonest, next.at);
      if (last === undefined) continue;
      const changed = Date.parse(known(about(area.id, 'arming'))?.event.time ?? '') || 0;
      const armed = stateOf(area) !== 'disarmed';
      if (last.at <= changed && changed <= now + FUTURE_MS) continue;
      if (armed === (last.do === 'arm')) continue;
      const result =
        last.do === 'arm'
          ? await arm(area, { by: 'schedule', force: area.whenOpen === 'bypass', exitDelay: 0 })
          : await disarm(area, 'schedule');
      const fault = { device: area.id, kind: 'fault', cause: 'not-armed' } as const;
      if (!result.done) {
        // Told once, tried again at each look.
        if (known({ ...fault, state: 'raised' })?.raised !== true)
          await recorder.record({ ...fault, state: 'raised', text: result.reason ?? '' });
      } else if (known({ ...fault, state: 'raised' })?.raised === true)
        await recorder.record({ ...fault, state: 'restored' });
    }
    if (!closed) timer = setTimeout(lookNow, Math.max(50, soonest - clock.now()));
  };
  let looking: Promise<void> | undefined;
  const lookNow = () => {
    looking ??= look()
      .catch((error: Error) => {
        log.error({ error: error.message }, 'the schedule could not be carried out; it is tried again');
        if (!closed) timer = setTimeout(lookNow, 1000);
      })
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
  clock.onStep(() => void lookNow());

  return {
    async take(observation) {
      const { device, zone, kind, state } = observation;
      const place = zone === undefined ? undefined : places.get(keyOf(device, zone.number));
      if (place === undefined || !(zoneAlarmKinds as readonly string[]).includes(kind))
        return await recorder.record(observation);
      if (state === 'raised') open.set(keyOf(device, place.zone.zone), observation);
      else open.delete(keyOf(device, place.zone.zone));
      if (!isArmable(place.zone)) return await recorder.record(observation);
      if (state === 'raised') return await trip(place, observation);
      // The end of what was never an alarm is no news.
      return known(observation)?.raised === true ? await recorder.record(observation) : NOTHING;
    },
    execute(task) {
      const area = areas.find(({ id }) => id === task.target);
      return area === undefined ? undefined : executeOn(area, task);
    },
    state(id) {
      const area = areas.find((one) => one.id === id);
      return area === undefined ? undefined : stateOf(area);
    },
    areaOf: (device, zone) => places.get(keyOf(device, zone))?.area.id,
    async start() {
      for (const area of areas) {
        watchExit(area);
        const entry = known(about(area.id, 'entry'));
        if (entry?.raised !== true || entries.has(area.id)) continue;
        const seen = Date.parse(entry.event.time);
        const left = Math.min(area.entryDelay, Math.max(0, seen + area.entryDelay - clock.now()));
        runEntry(area, { ...enteredBy(entry.event.data['details'] as EntryDetails), seen }, left);
      }
      await lookNow();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      for (const exit of exits.values()) clearTimeout(exit);
      for (const stop of entries.values()) stop.abort();
    },
  };
}

class ArgumentError extends Error {}

/** What came in, in the event about the entry: after a restart the alarm is made of it. */
interface EntryDetails extends Readonly<Record<string, string | number>> {
  readonly device: string;
  readonly kind: string;
  readonly zone: number;
}
const entryDetails = ({ device, kind, zone, cause }: Observation): EntryDetails => ({
  device,
  kind,
  zone: zone?.number ?? 0,
  ...(zone?.id !== undefined && { zoneId: zone.id }),
  ...(zone?.name !== undefined && { zoneName: zone.name }),
  ...(cause !== undefined && { cause }),
});
const enteredBy = ({ device, kind, zone, ...rest }: EntryDetails): Observation => {
  const { zoneId: id, zoneName: name, cause } = rest as Readonly<Record<string, string>>;
  return {
    device,
    kind: kind as Observation['kind'],
    state: 'raised',
    zone: { number: zone, ...(id !== undefined && { id }), ...(name !== undefined && { name }) },
    ...(cause !== undefined && { cause }),
  };
};
