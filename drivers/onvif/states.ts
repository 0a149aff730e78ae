/** What is raised at a camera, and when it ends where the camera never says so. What stands: standing.ts. */
import type { Host } from '../contract/driver.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import { judge, listed, mayMean, partsOf } from './mapping.ts';
import type { Notification } from './notifications.ts';
import type { Own } from './options.ts';
import { createRepeats } from './repeats.ts';
import { createStanding } from './standing.ts';
import { type Answered, type ClockReading, readingAt, timeOf } from './times.ts';

export type States = ReturnType<typeof createStates>;

/**
 * `deviceOf`: whose a notification is; undefined: nobody's. `sourceOf`: the source that it is of, where profiles tell;
 * undefined: it names none.
 */
export function createStates(
  cameras: readonly Own[],
  host: Host,
  deviceOf: (notification: Notification) => Own | undefined,
  sourceOf: (notification: Notification) => string | undefined = () => undefined,
) {
  const assume = ({ initial: _initial, at: _at, ...rest }: DeviceObservation) => {
    const details = { ...rest.details, assumed: true };
    host.report({ ...rest, state: 'restored', details }).catch(() => {});
  };
  const standing = createStanding(host.clock, assume);
  for (const { id, options } of cameras)
    for (const raised of host.raised?.(id) ?? [])
      if (mayMean(raised, options.events)) standing.recall(raised, options.clearAfter);
  const repeatOf = createRepeats(host.clock);
  // The camera forgets it with our next question: one that the disk refuses gets a second chance here.
  const record = (observation: DeviceObservation) =>
    host
      .report(observation)
      .catch(() => host.clock.wait(1000).then(() => host.report(observation)))
      .catch(() => undefined);
  const takePart = async (
    { id, options }: Own,
    notification: Notification,
    reading: ClockReading,
    timed: (observation: DeviceObservation) => DeviceObservation,
  ): Promise<boolean> => {
    const judged = judge(notification, id, options.events);
    if (judged.is === 'unmapped') {
      host.unmapped(id, judged.what);
      return false;
    }
    if (judged.is === 'nothing') return false;
    const { meant } = judged;
    if (standing.isFull(meant.observation)) {
      host.discarded(id, 'more states at once than a camera has', 1);
      return false;
    }
    const stood = standing.has(meant.observation);
    const told = standing.note(notification, meant, {
      clearAfter: options.clearAfter,
      // What a rule of the config makes of it is a state by itself.
      source: judged.rule === undefined ? sourceOf(notification) : undefined,
    });
    if (told === undefined) return false;
    const whole = timed(told);
    const repeat = meant.passing ? repeatOf(id, notification, whole, reading) : undefined;
    const receipt = await record({ ...whole, ...(repeat !== undefined && { repeat }) });
    // What is not on disk is told again with the next word; what was told before has ended before.
    const isOver = receipt === undefined || (repeat !== undefined && receipt.repeated && !stood);
    if (told.state === 'raised' && isOver) standing.forget(told);
    return receipt?.repeated !== true;
  };
  return {
    /** Resolves when it is on disk. @returns whether something was told that was not known. */
    async take(notification: Notification, known: ClockReading, answer?: Answered): Promise<boolean> {
      const reading = answer === undefined ? known : readingAt(known, answer);
      const device = deviceOf(notification);
      if (device === undefined) {
        host.unmapped(cameras[0]?.id ?? '', `${listed(notification)}, of no channel of ours`);
        return false;
      }
      const { id, options } = device;
      const { clockTolerance: tolerance } = options;
      const timed = (observation: DeviceObservation): DeviceObservation => {
        const initial = observation.initial === true;
        const at = timeOf(notification.at, reading, {
          ...{ now: answer?.at ?? host.clock.wall(), tolerance, initial },
          ...(answer !== undefined && { sinceMs: answer.sinceMs }),
        });
        return { ...observation, ...(at !== undefined && { at }) };
      };
      if (notification.operation === 'Deleted') {
        const ended = standing.drop(id, notification);
        for (const observation of ended ?? []) await record(timed(observation));
        if (ended !== undefined) return ended.length > 0;
      }
      let isNews = false;
      for (const part of partsOf(notification, options.events))
        if (await takePart(device, part, reading, timed)) isNews = true;
      return isNews;
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
    /** A new subscription: what stands will be said anew, by a camera that does. */
    begin() {
      standing.begin();
      repeatOf.begin();
    },
    close: standing.close,
  };
}
