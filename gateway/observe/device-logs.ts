/**
 * How much the log says of a device, changed while the gateway runs and for a while: a device that is in trouble is looked
 * at closely, and the log of a school is not left talkative for years.
 */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Nobody forgets it for longer. */
export const LOG_LEVEL_MAX_MS = 86_400_000;

/** What a device's log was set to. `until`: RFC 3339. */
export interface DeviceLevel {
  readonly device: string;
  readonly level: LogLevel;
  readonly until: string;
}

/** The log of some devices on one wire. */
export interface DeviceLog extends Log {
  /** Whether what costs something to say is wanted. */
  isVerbose(): boolean;
}

export interface DeviceLogs {
  /** As verbose as the most verbose of them. */
  of(devices: readonly string[]): DeviceLog;
  /** For so long, at most a day. @returns what it is now. */
  set(device: string, level: LogLevel, forMs: number): DeviceLevel;
  level(device: string): DeviceLevel | undefined;
  close(): void;
}

/** `verbose`: the same log, whatever its own level is; by default the log itself. */
export function createDeviceLogs({
  log,
  verbose = log,
  time,
}: {
  readonly log: Log;
  readonly verbose?: Log | undefined;
  readonly time: Clock;
}): DeviceLogs {
  const levels = new Map<string, DeviceLevel & { readonly timer: Timer }>();
  const end = (device: string) => {
    levels.get(device)?.timer.stop();
    levels.delete(device);
  };
  const levelOf = (devices: readonly string[]): LogLevel | undefined => {
    // Most of the time nobody looks closely.
    if (levels.size === 0) return undefined;
    const set = devices.flatMap((device) => levels.get(device)?.level ?? []);
    return set.length === 0 ? undefined : logLevels.find((level) => set.includes(level));
  };
  const level = (device: string): DeviceLevel | undefined => {
    const found = levels.get(device);
    return found && { device, level: found.level, until: found.until };
  };
  return {
    of(devices) {
      const say =
        (severity: LogLevel): Log[LogLevel] =>
        (fields, sentence) => {
          const own = levelOf(devices);
          if (own === undefined) return log[severity](fields, sentence);
          if (logLevels.indexOf(severity) >= logLevels.indexOf(own)) verbose[severity](fields, sentence);
        };
      return {
        isVerbose: () => levelOf(devices) === 'debug',
        debug: say('debug'),
        info: say('info'),
        warn: say('warn'),
        error: say('error'),
      };
    },
    set(device, to, forMs) {
      end(device);
      const ms = Math.min(Math.max(0, forMs), LOG_LEVEL_MAX_MS);
      const until = new Date(time.wall() + ms).toISOString();
      const timer = time.every(ms, () => {
        end(device);
        log.info({ device }, 'the log says as much of this device as before');
      });
      levels.set(device, { device, level: to, until, timer });
      log.info({ device, level: to, until }, 'the log says more or less of this device for a while');
      return { device, level: to, until };
    },
    level,
    close() {
      for (const device of [...levels.keys()]) end(device);
    },
  };
}
