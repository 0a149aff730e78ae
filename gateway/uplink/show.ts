/** What a platform sees without waiting for events: the state of each device, and how far each alarm has come. */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Channel } from '../../drivers/contract/transport.ts';
import { deviceState, type Recorder } from '../road/recorder.ts';
import type { Lives } from './lives.ts';

/** States change in bursts; a platform needs the last word of each device, this often at most. */
const SHOW_EVERY_MS = 250;
/** A panel of a thousand zones in alarm is a large state: to say it takes no more than this share of the time. */
const SHOW_SHARE = 0.02;
/** What the gateway itself is in: lockdown, visits. It has no link that could tell whether it answers: it does. */
const GATEWAY = 'gateway';
/** In a flood of alarms, the life of the last ones. */
const LIVES_AT_ONCE = 100;

/** Shows all states now, and what changes until it is stopped. `wantsAlarms`: their lives too. */
export function showStates(
  channel: Pick<Channel, 'show' | 'showLives'>,
  of: {
    readonly recorder: Pick<Recorder, 'states' | 'onState'>;
    readonly lives: Pick<Lives, 'get' | 'onChange'>;
    readonly devices: readonly string[];
    readonly wantsAlarms: boolean;
    readonly time: Clock;
  },
): { stop(): void } {
  const { recorder, lives, devices, wantsAlarms, time } = of;
  // Where nothing was ever told of the gateway itself nothing is shown: its ACL may name the devices.
  const isTold = [...recorder.states.values()].some(({ device }) => device === GATEWAY);
  const changed = new Set(isTold ? [...devices, GATEWAY] : devices);
  const advanced = new Set<string>();
  let timer: Timer | undefined;
  let everyMs = SHOW_EVERY_MS;
  const show = () => {
    timer = undefined;
    const begunAt = time.elapsed();
    for (const device of changed) {
      const state = deviceState(device, recorder.states.values());
      channel.show?.(device === GATEWAY ? { ...state, state: 'online' } : state);
    }
    changed.clear();
    const newest = [...advanced].slice(-LIVES_AT_ONCE).flatMap((id) => lives.get(id) ?? []);
    advanced.clear();
    if (newest.length > 0) channel.showLives?.(newest);
    everyMs = Math.max(SHOW_EVERY_MS, (time.elapsed() - begunAt) / SHOW_SHARE);
  };
  const showSoon = () => {
    timer ??= time.after(everyMs, show);
  };

  show();
  const unfollow = recorder.onState(({ device }) => {
    changed.add(device);
    showSoon();
  });
  const unfollowLives = lives.onChange((id) => {
    if (!wantsAlarms) return;
    advanced.add(id);
    showSoon();
  });
  return {
    stop() {
      unfollow();
      unfollowLives();
      timer?.stop();
    },
  };
}
