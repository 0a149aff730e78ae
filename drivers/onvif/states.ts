/** What is raised at a camera, and when it ends where the camera never says so. */
import type { Timer } from '../contract/clock.ts';
import type { Host } from '../contract/driver.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import { judge, listed, type Meant } from './mapping.ts';
import type { Notification } from './notifications.ts';
import type { Own } from './options.ts';
import { type ClockReading, timeOf } from './times.ts';

/** What only happens, without an end, is over after this. */
const PASSING_MS = 3000;
/** States of one address at once whose end is waited for: each rule of each channel of the largest recorder has one. */
const STATES_MAX = 2000;
/** Objects at once of one state: more than a picture shows. */
const OBJECTS_MAX = 200;

interface Standing {
  readonly end: Timer;
  /** Those of its objects that are there; empty: the camera tells none apart. */
  readonly objects: Set<string>;
}

export type States = ReturnType<typeof createStates>;

/** `deviceOf`: whose a notification is; undefined: nobody's. */
export function createStates(
  cameras: readonly Own[],
  host: Host,
  deviceOf: (notification: Notification) => Own | undefined,
) {
  const standing = new Map<string, Standing>();
  const keyOf = ({ device, kind, cause, zone, details }: DeviceObservation) =>
    [device, kind, cause, zone?.number, details?.['part']].join('/');
  const endLater = (observation: DeviceObservation, ms: number): Timer =>
    host.clock.after(ms, () => {
      standing.delete(keyOf(observation));
      const details = { ...observation.details, assumed: true };
      const { initial: _initial, ...rest } = observation;
      host.report({ ...rest, state: 'restored', details }).catch(() => {});
    });
  /** Whether it is to be told: the last object that goes ends the state, no other one does. */
  const note = ({ observation, passing, object }: Meant, clearAfter: number): boolean => {
    const key = keyOf(observation);
    const before = standing.get(key);
    const objects = before?.objects ?? new Set<string>();
    before?.end.stop();
    standing.delete(key);
    if (observation.state === 'raised') {
      if (object !== undefined && objects.size < OBJECTS_MAX) objects.add(object);
      standing.set(key, { end: endLater(observation, passing ? PASSING_MS : clearAfter), objects });
      return true;
    }
    if (object !== undefined) objects.delete(object);
    if (object === undefined || objects.size === 0) return true;
    standing.set(key, { end: endLater({ ...observation, state: 'raised' }, clearAfter), objects });
    return false;
  };
  return {
    /** Resolves when it is on disk. */
    async take(notification: Notification, reading: ClockReading): Promise<void> {
      const device = deviceOf(notification);
      if (device === undefined)
        return host.unmapped(cameras[0]?.id ?? '', `${listed(notification)}, of no channel of ours`);
      const { id, options } = device;
      const judged = judge(notification, id, options.events);
      if (judged.is === 'unmapped') return host.unmapped(id, judged.what);
      if (judged.is === 'nothing') return;
      const { meant } = judged;
      const { observation } = meant;
      if (standing.size >= STATES_MAX && observation.state === 'raised' && !standing.has(keyOf(observation)))
        return host.discarded(id, 'more states at once than a camera has', 1);
      const at = timeOf(notification.at, reading, {
        now: host.clock.wall(),
        tolerance: options.clockTolerance,
        initial: observation.initial === true,
      });
      if (!note(meant, options.clearAfter)) return;
      const whole = { ...observation, ...(at !== undefined && { at }) };
      // The camera forgets it with our next question: one that the disk refuses gets a second chance here.
      await host
        .report(whole)
        .catch(() => host.clock.wait(1000).then(() => host.report(whole)))
        .catch(() => {});
    },
    /** What its clock says. */
    clock({ offset }: ClockReading) {
      for (const { id: device, options } of cameras) {
        const isOff = offset !== undefined && Math.abs(offset) > options.clockTolerance;
        const details = isOff ? { seconds: Math.round(offset / 1000) } : undefined;
        const state = isOff ? 'raised' : 'restored';
        host
          .report({
            device,
            kind: 'fault',
            cause: 'clock',
            state,
            initial: true,
            ...(details && { details }),
          })
          .catch(() => {});
      }
    },
    /** Something that is wrong with a camera, or not any more; with `only`, with that channel. */
    fault(cause: string, is: boolean, details?: Readonly<Record<string, string>>, only?: string) {
      for (const { id: device } of cameras.filter(({ id }) => only === undefined || id === only))
        host
          .report({
            ...{ device, kind: 'fault', cause, initial: true },
            state: is ? 'raised' : 'restored',
            ...(is && details && { details }),
          } as DeviceObservation)
          .catch(() => {});
    },
    /** All states come anew: who of several objects is still there will be said. */
    begin() {
      for (const { objects } of standing.values()) objects.clear();
    },
    close() {
      for (const { end } of standing.values()) end.stop();
    },
  };
}
