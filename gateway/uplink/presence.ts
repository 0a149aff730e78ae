/**
 * What a platform sees without waiting for events: whether the gateway is there, and the state of each device.
 * All of that is retained. Presence has a will: a gateway that vanishes is offline by the broker's word. And, for
 * whoever follows an alarm, how far each has come (`{prefix}/life`, QoS 0, not retained).
 */

import { contractVersion } from '../../config/catalogue/events.ts';
import type { Connection } from '../../drivers/platforms/mqtt/connection.ts';
import { deviceState, type Recorder } from '../road/recorder.ts';
import type { Lives } from './lives.ts';

export interface Presence {
  stop(): void;
  /** Says goodbye; resolves when the broker has it, or at once where it cannot. */
  leave(): Promise<void>;
}

/** States change in bursts; a platform needs the last word of each device, this often at most. */
const STATE_EVERY_MS = 250;
/** In a flood of alarms, the life of the last ones. */
const LIVES_AT_ONCE = 100;
const LEAVE_TIMEOUT_MS = 1000;
const JSON_TYPE = 'application/json';

export const presenceTopic = (prefix: string) => `${prefix}/presence`;

/** The will and the goodbye. `at` is absent in a will: nobody knows when it will be sent. */
export function offlineMessage(campus: string, at?: string): string {
  return JSON.stringify({
    campus,
    state: 'offline',
    contract: contractVersion,
    ...(at !== undefined && { at }),
  });
}

export function startPresence(
  connection: Connection,
  { recorder, lives, wantsAlarms }: { recorder: Recorder; lives: Lives; wantsAlarms: boolean },
  options: {
    readonly campus: string;
    readonly prefix: string;
    readonly devices: readonly string[];
    readonly version: string;
    readonly startedAt: string;
  },
): Presence {
  const { campus, prefix, devices, version, startedAt } = options;
  const changed = new Set(devices);
  const advanced = new Set<string>();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const publish = (topic: string, payload: string, done: () => void = () => {}) =>
    connection.publish({ topic, payload, qos: 0, retain: true, contentType: JSON_TYPE }, done);
  const publishStates = () => {
    timer = undefined;
    if (stopped) return;
    for (const device of changed) {
      publish(
        `${prefix}/state/${device}`,
        JSON.stringify({ campus, ...deviceState(device, recorder.states.values()) }),
      );
    }
    changed.clear();
    publishLives();
  };
  const publishLives = () => {
    const ids = [...advanced].slice(-LIVES_AT_ONCE);
    advanced.clear();
    const alarms = ids.flatMap((id) => lives.get(id) ?? []);
    if (alarms.length === 0) return;
    const payload = JSON.stringify({ campus, alarms });
    connection.publish({ topic: `${prefix}/life`, payload, qos: 0, contentType: JSON_TYPE });
  };

  publish(
    presenceTopic(prefix),
    JSON.stringify({ campus, state: 'online', contract: contractVersion, version, startedAt, devices }),
  );
  publishStates();
  const unfollow = recorder.onState(({ device }) => {
    changed.add(device);
    timer ??= setTimeout(publishStates, STATE_EVERY_MS);
  });
  const unfollowLives = lives.onChange((id) => {
    if (!wantsAlarms) return;
    advanced.add(id);
    timer ??= setTimeout(publishStates, STATE_EVERY_MS);
  });
  const stop = () => {
    stopped = true;
    unfollow();
    unfollowLives();
    clearTimeout(timer);
  };
  return {
    stop,
    leave() {
      stop();
      return new Promise((resolve) => {
        const late = setTimeout(resolve, LEAVE_TIMEOUT_MS);
        publish(presenceTopic(prefix), offlineMessage(campus, new Date().toISOString()), () => {
          clearTimeout(late);
          resolve();
        });
      });
    },
  };
}
