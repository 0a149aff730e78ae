/**
 * Which of what happened was said before. Topic, Source, Key, Data and UtcTime together are one (ONVIF Core 9.5.1): a camera
 * says it again in a new subscription, or when it does not know that its answer was heard. What is told twice can be put
 * up with, what is taken for a repeat by mistake is an alarm that is lost: a time is believed to tell two apart only where
 * it can be the time of now, and in the same subscription only for moments, since some bear one time for long.
 */
import type { Clock } from '../contract/clock.ts';
import type { DeviceObservation, Observation } from '../contract/observation.ts';
import type { Notification } from './notifications.ts';
import { type ClockReading, LATE_MS } from './times.ts';

/** So long after a subscription began what was said in the last one may be said again. */
const AGAIN_MS = 10_000;
/** What is said again there happened no longer ago. */
const AGAIN_WITHIN_MS = 86_400_000;
/** In one subscription an answer comes again so soon. */
const TWICE_MS = 2000;
/** How well a camera's clock is known: it tells whole seconds. */
const CLOCK_MS = 1500;
/** It is no repeat of anything, and may be repeated later. */
const NEVER = 0;

export function createRepeats(clock: Pick<Clock, 'wall' | 'elapsed'>) {
  let begunAt = Number.NEGATIVE_INFINITY;
  let begunWall = Number.NEGATIVE_INFINITY;
  const repeatOf = (
    device: string,
    { topic, source, key = {}, data, at }: Notification,
    { at: told }: DeviceObservation,
    { offset }: ClockReading,
  ): Observation['repeat'] => {
    if (at === undefined || told === undefined) return undefined;
    const hasBegun = clock.elapsed() - begunAt <= AGAIN_MS;
    const age = clock.wall() + (offset ?? 0) - Math.min(at, told.time);
    if (age < -LATE_MS || age > (hasBegun ? AGAIN_WITHIN_MS : LATE_MS)) return undefined;
    const sorted = (items: object) =>
      Object.entries(items).toSorted(([one], [other]) => (one < other ? -1 : 1));
    const said = JSON.stringify([topic, sorted(source), sorted(key), sorted(data), at]);
    // From before the subscription: that it said in the last one, or nobody was there to hear it.
    const isOld = hasBegun && at - (offset ?? 0) < begunWall - CLOCK_MS;
    const within = isOld ? AGAIN_WITHIN_MS : at % 1000 === 0 ? NEVER : TWICE_MS;
    return { key: `onvif/${device}/${said}`, within };
  };
  return Object.assign(repeatOf, {
    begin() {
      begunAt = clock.elapsed();
      begunWall = clock.wall();
    },
  });
}
