/** What comes while a walk test runs: ticked, timed, or noted as what is no part of it. */
import { type Event, type EventType, laneOf, typePrefix } from '../../config/catalogue/events.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { Commands } from '../commands/index.ts';
import type { Supervisor } from '../devices/index.ts';
import { isoOf } from '../road/event.ts';
import type { Uplinks } from '../uplink/index.ts';
import type { Arrivals } from './arrivals.ts';
import type { Current } from './current.ts';
import { createFinder, type Point } from './points.ts';
import { createStopwatch, type Lap } from './stopwatch.ts';
import { isInScope, type Tick, withOther, withTick, withTrial } from './walk.ts';

export interface WatchingContext {
  readonly arrivals: Arrivals;
  readonly commands: Pick<Commands, 'onPerform'>;
  readonly devices: Pick<Supervisor, 'wireOf'>;
  readonly uplinks: Pick<Uplinks, 'details'>;
  readonly time: Pick<Clock, 'wall' | 'elapsed'>;
  readonly log: Log;
}

export interface Watching {
  start(): void;
  stop(): void;
  /** When a point was tried last, by `elapsed`. */
  lastTrial(): number;
  onStored(event: Event, sequence: number): void;
  /** The broker of a platform has taken an event. */
  onTaken(uplink: string, lane: Lane, sequence: number): void;
  /** A platform has stored everything of a lane after `from` and up to `to`. */
  onReceived(uplink: string, lane: Lane, from: number, to: number): void;
}

/** Bytes that came longer ago than that are not those of what is told now, ms. */
const WIRE_MS = 2000;
/** Of an account, which strangers write. */
const ACCOUNT_MAX = 50;

const rounded = (ms: number) => Math.max(0, Math.round(ms * 10) / 10);

/** `isOpen`: what comes now counts. */
export function createWatching(
  points: readonly Point[],
  current: Current,
  isOpen: () => boolean,
  { arrivals, commands, devices, uplinks, time, log }: WatchingContext,
): Watching {
  const finder = createFinder(points);
  const stopwatch = createStopwatch();
  let lastTrial = Number.NEGATIVE_INFINITY;
  const now = () => isoOf(time.wall());
  /** When the bytes of what is told now came over the wire, by `elapsed`. */
  const began = (device: string): number => {
    const heardAt = devices.wireOf(device)?.heardAt;
    const since = heardAt === undefined ? 0 : time.wall() - heardAt;
    return time.elapsed() - (since >= 0 && since <= WIRE_MS ? since : 0);
  };
  const isUnderTest = (point: Point) => {
    const walk = current.get();
    return walk !== undefined && isInScope(point, walk.areas);
  };
  const changeTick = (point: string, how: (tick: Tick) => Tick) =>
    current.change((walk) => withTick(walk, point, how));
  const note = (point: Point) => {
    lastTrial = time.elapsed();
    current.change((walk) => withTrial(walk, point.id, now()));
  };
  /** The first that was told is what the report is of. */
  const isTold = (point: string) => current.get()?.ticks[point]?.event !== undefined;
  const noteKept = (point: string, at: number, { sequence, id, repeated }: Receipt) => {
    if (sequence === null || id === null || repeated || isTold(point)) return;
    stopwatch.begin({ point, event: id, sequence, began: at });
    const disk = rounded(time.elapsed() - at);
    changeTick(point, ({ refused: _before, ...tick }) => ({ ...tick, event: id, disk }));
  };
  const noteRefused = (point: string) =>
    changeTick(point, (tick) => (tick.event === undefined ? { ...tick, refused: true } : tick));
  const see = (observation: Observation, saved: Promise<Receipt>) => {
    const { point, stranger } = finder.find(observation);
    if (point !== undefined && isUnderTest(point)) {
      const at = began(observation.device);
      note(point);
      saved.then(
        (receipt) => noteKept(point.id, at, receipt),
        () => noteRefused(point.id),
      );
      return;
    }
    const place = point ?? stranger;
    if (place === undefined) return;
    const { device, zone, account } = place;
    const other = {
      ...{ why: point === undefined ? ('unknown' as const) : ('outside' as const), device },
      ...(account !== undefined && account !== '' && { account: String(account).slice(0, ACCOUNT_MAX) }),
      ...(zone !== undefined && { zone }),
      ...(point !== undefined && { name: point.name }),
      ...{ kind: observation.kind, at: now() },
    };
    current.change((walk) => withOther(walk, other));
  };
  const lap = ({ point, event }: Lap, how: (tick: Tick) => Tick) => {
    if (current.get()?.ticks[point]?.event === event) changeTick(point, how);
  };
  const saysStored = (uplink: string) =>
    uplinks.details().some(({ id, receipts }) => id === uplink && receipts.wanted && receipts.possible);
  const noteAt = (uplink: string, laps: readonly Lap[]) => {
    for (const found of laps)
      lap(found, (tick) => ({ ...tick, platforms: { [uplink]: rounded(found.ms), ...tick.platforms } }));
  };
  commands.onPerform(({ action, arguments: wanted }, outcome) => {
    if (action !== 'confirm' || current.get() === undefined) return;
    const { event, stage } = wanted as { readonly event: string; readonly stage: string };
    const noteLamp = (isDone: boolean) => {
      const found = isDone && stage === 'platform' ? stopwatch.onConfirmed(event, time.elapsed()) : undefined;
      if (found !== undefined) lap(found, (tick) => ({ lamp: rounded(found.ms), ...tick }));
    };
    outcome.then(
      ({ done }) => noteLamp(done),
      () => {},
    );
  });

  return {
    start() {
      arrivals.watch((observation, saved) => {
        if (!isOpen()) return;
        try {
          see(observation, saved);
        } catch (error) {
          log.warn({ error: (error as Error).message }, 'a walk test could not note what came');
        }
      });
    },
    stop() {
      arrivals.watch(undefined);
      stopwatch.clear();
    },
    lastTrial: () => lastTrial,
    onStored(event, sequence) {
      stopwatch.noteLane(sequence, laneOf(event.type.slice(typePrefix.length) as EventType));
      const point = isOpen() ? finder.findInEvent(event) : undefined;
      if (point === undefined || !isUnderTest(point)) return;
      const { seenAt } = event.data['clock'] as { readonly seenAt: string };
      note(point);
      noteKept(point.id, time.elapsed() - Math.max(0, time.wall() - Date.parse(seenAt)), {
        ...{ sequence, id: event.id, repeated: false },
      });
    },
    onTaken(uplink, lane, sequence) {
      const found = stopwatch.onReceived(lane, sequence - 1, sequence, time.elapsed());
      // One that says what it has stored is measured by that.
      if (found.length > 0 && !saysStored(uplink)) noteAt(uplink, found);
    },
    onReceived(uplink, lane, from, to) {
      noteAt(uplink, stopwatch.onReceived(lane, from, to, time.elapsed()));
    },
  };
}
