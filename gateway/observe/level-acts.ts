/** Changes the level of a device's log for who may, and notes it in the audit. */
import { z } from 'zod';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Journal } from '../journal/index.ts';
import type { WallClock } from './clock.ts';
import {
  createDeviceLogs,
  type DeviceLevel,
  type DeviceLogs,
  LOG_LEVEL_MAX_MS,
  logLevels,
} from './device-logs.ts';

export const levelWanted = z.strictObject({
  device: z.string().max(64),
  level: z.enum(logLevels),
  /** ms. */
  for: z.number().int().min(1000).max(LOG_LEVEL_MAX_MS),
});
export type LevelWanted = z.output<typeof levelWanted>;
/** `by`: who asks, where the command knows. */
const levelAsked = levelWanted.extend({ by: z.string().min(1).max(100).optional() });

/** undefined: there is no such device. Never rejects. `by`: who, for the audit. */
export type SetLevel = (wanted: LevelWanted, by: string) => Promise<DeviceLevel | undefined>;

export interface Levels extends Pick<DeviceLogs, 'of' | 'level' | 'close'> {
  readonly set: SetLevel;
  /** For who has this machine (local.ts). */
  readonly acts: Readonly<Record<'log-level', (given: unknown) => Promise<object>>>;
}

/** As the audit says it of who came over the socket in the data folder and says no name. */
const THIS_MACHINE = 'this machine';

export function createLevels(of: {
  readonly log: Log;
  readonly verbose?: Log | undefined;
  readonly time: Clock;
  readonly kindOf: (target: string) => string | undefined;
  readonly journal: Pick<Journal, 'audit'>;
  readonly clock: Pick<WallClock, 'now'>;
}): Levels {
  const logs = createDeviceLogs(of);
  const set: SetLevel = async (wanted, by) => {
    if (of.kindOf(wanted.device) !== 'device') return undefined;
    const now = logs.set(wanted.device, wanted.level, wanted.for);
    await of.journal
      .audit(of.clock.now(), JSON.stringify({ kind: 'log-level', ...now, by }))
      .catch((error: Error) =>
        of.log.warn({ error: error.message }, 'the level of a log could not be noted in the audit'),
      );
    return now;
  };
  return {
    ...logs,
    set,
    acts: {
      async 'log-level'(given) {
        const { by = THIS_MACHINE, ...wanted } = levelAsked.parse(given);
        const now = await set(wanted, by);
        if (now === undefined) throw new Error(`there is no device ${wanted.device}`);
        return now;
      },
    },
  };
}
