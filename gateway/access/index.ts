/**
 * Cards at doors: decided here, uplink or not, disk or not; the door opens at once, and the event says so.
 *
 * The list of credentials is a file; a new one is taken up within seconds where it is good, and where it is not, the
 * old one stays, aloud.
 */
import { stat } from 'node:fs/promises';
import type { AccessConfig, CalendarConfig } from '../../config/schema.ts';
import type { Log, Observation, Receipt } from '../../drivers/contract.ts';
import type { Commands } from '../commands/index.ts';
import type { Clock } from '../observe/clock.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type Credentials, loadCredentials } from './credentials.ts';
import { type DoorConfig, decide } from './decide.ts';

export interface AccessOptions {
  readonly config: AccessConfig;
  readonly calendar: CalendarConfig;
  readonly timezone: string;
  readonly record: (observation: Observation) => Promise<Receipt>;
  readonly commands: Pick<Commands, 'open'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface Access {
  /** Reads the list of credentials. Never rejects: without one, every card is unknown, aloud. */
  start(): Promise<void>;
  /** In place of `record`, for what devices say. @throws what `record` throws. */
  take(observation: Observation): Promise<Receipt>;
  close(): void;
}

const LOOK_EVERY_MS = 5000;

export function createAccess(options: AccessOptions): Access {
  const { config, calendar, timezone, record, commands, clock, log, metrics } = options;
  const bursts = burstLog(log);
  const doors = new Map<string, DoorConfig>(config.doors.map((door) => [door.reader, door]));
  const passages = new Map<string, { direction: 'in' | 'out'; at: number }>();
  const { credentialsFile: file } = config;
  let credentials: Credentials = new Map();
  let read = '';

  const look = async () => {
    if (file === undefined) return;
    const { mtimeMs, size } = await stat(file);
    const version = `${mtimeMs}/${size}`;
    if (version === read) return;
    const started = performance.now();
    const found = await loadCredentials(
      file,
      config.groups.map(({ id }) => id),
    );
    read = version;
    if ('errors' in found) {
      const [first] = found.errors;
      log.error(
        { file, errors: found.errors.length, line: first?.line, error: first?.message },
        'the new list of credentials is wrong; the old one stays',
      );
      return;
    }
    credentials = found.credentials;
    metrics.credentials.set(credentials.size);
    log.info(
      { file, credentials: credentials.size, ms: Math.round(performance.now() - started) },
      'the list of credentials was read',
    );
  };
  let looking: Promise<void> | undefined;
  const lookNow = () => {
    looking ??= look()
      .catch((error: Error) =>
        bursts.warn('credentials', { file, error: error.message }, 'the list of credentials cannot be read'),
      )
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
  const timer = setInterval(() => void lookNow(), LOOK_EVERY_MS).unref();

  return {
    start: lookNow,
    async take(observation) {
      const { device, kind, credential } = observation;
      const door = doors.get(device);
      if (kind !== 'credential' || credential === undefined || door === undefined)
        return await record(observation);
      const now = clock.now();
      const started = performance.now();
      const context = { credentials, config, calendar, timezone, passages };
      const { decision, reason, holder } = decide(credential, door, now, context);
      metrics.decisionSeconds.observe((performance.now() - started) / 1000);
      metrics.decisions.inc({ door: door.id, decision });
      if (decision === 'granted') {
        if (holder !== undefined && door.direction !== undefined)
          passages.set(holder, { direction: door.direction, at: now });
        // The person stands there: the door does not wait for the disk.
        for (const { target, output } of door.unlock)
          void commands.open({ target, action: 'unlock', arguments: { output } });
      }
      return await record({
        ...observation,
        access: {
          door: door.id,
          decision,
          ...(reason !== undefined && { reason }),
          ...(holder !== undefined && { holder }),
          ...(door.direction !== undefined && { direction: door.direction }),
        },
      });
    },
    close() {
      clearInterval(timer);
      bursts.close();
    },
  };
}
