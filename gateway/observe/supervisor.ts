/**
 * What a supervisor is told of this process (sd_notify(3)): that it is ready, that it lives, that it stops. Node has no
 * unix datagram socket; `systemd-notify`, which is there wherever systemd is, sends for it. A package with a binary of
 * its own for a few bytes each 15 s would be one more to trust. In the unit: Type=notify, NotifyAccess=all.
 */
import { execFile } from 'node:child_process';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';

export interface SupervisorNotes {
  /** The gateway runs: from now on it says that it lives, as often as the supervisor asks. */
  ready(): Promise<void>;
  /** It stops, and may take a while. */
  stopping(): Promise<void>;
}

/** It waits up to 5 s for the supervisor to have read it. */
const SEND_TIMEOUT_MS = 10_000;

/** Of the environment: where to, and the longest silence, us (sd_watchdog_enabled(3)). */
interface Asked {
  readonly socket: string;
  readonly silenceMs: number | undefined;
}

/** Takes it out of the environment: programs that the gateway starts are not the service. */
function takeAsked(env: NodeJS.ProcessEnv): Asked | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: silence, WATCHDOG_PID: pid } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (socket === undefined || socket === '') return undefined;
  const isOurs = pid === undefined || Number(pid) === process.pid;
  const silenceMs = Number(silence) / 1000;
  return { socket, silenceMs: isOurs && silenceMs > 0 ? silenceMs : undefined };
}

/** Without a supervisor that asks, nothing is said. `program`: in place of `systemd-notify`. */
export function supervisorNotes(
  time: Clock,
  log: Log,
  env: NodeJS.ProcessEnv = process.env,
  program = 'systemd-notify',
): SupervisorNotes {
  const asked = takeAsked(env);
  let told = false;
  let living: Timer | undefined;
  const send = (...states: string[]) =>
    new Promise<void>((resolve) => {
      if (asked === undefined) return resolve();
      const options = { env: { ...env, NOTIFY_SOCKET: asked.socket }, timeout: SEND_TIMEOUT_MS };
      execFile(program, states, options, (error) => {
        if (error !== null && !told) {
          told = true;
          log.warn(
            { error: error.message },
            `the supervisor waits for word (NOTIFY_SOCKET), and ${program} cannot send it; install it, or use Type=simple`,
          );
        }
        resolve();
      });
    });
  return {
    async ready() {
      // Half of the silence: one that is late is not yet a death (sd_watchdog_enabled(3)).
      if (asked?.silenceMs !== undefined)
        living = time.every(asked.silenceMs / 2, () => void send('WATCHDOG=1'));
      await send('READY=1');
    },
    async stopping() {
      living?.stop();
      await send('STOPPING=1');
    },
  };
}
