/**
 * Composes the daemon: opens the journal, starts uplinks, drivers and the status server; stops them in reverse.
 *
 *   devices -> supervisor -> record -> journal -> uplinks -> platforms
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../config/language.ts';
import { type Config, type ConfigError, loadConfig } from '../config/load.ts';
import type { Driver, Log, Problem } from '../drivers/contract.ts';
import { drivers } from '../drivers/index.ts';
import { eventTypes } from './event.ts';
import { openJournal } from './journal/index.ts';
import { systemClock } from './observe/clock.ts';
import { createMetrics, discardsOf, type StatusServer, serveStatus } from './observe/metrics.ts';
import { createRecorder, type Trace } from './record.ts';
import { startSupervisor } from './supervisor.ts';
import { matches, startUplink } from './uplink/index.ts';

const packageFile = new URL('../package.json', import.meta.url);
export const version = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;

export interface Gateway {
  /** Rejects when the gateway cannot go on: the journal is gone. */
  readonly failed: Promise<never>;
  /** Devices first, then the uplinks, which get `drain` ms to deliver what is left; the journal last. */
  close(drain?: number): Promise<void>;
}

const RETAIN_EVERY_MS = 3_600_000;
const DRAIN_MS = 1000;

/** Reads a config file and checks it against what the gateway knows, event types among it. */
export function readConfig(
  file: string,
): { readonly config: Config } | { readonly errors: readonly ConfigError[] } {
  return loadConfig(file, (config) =>
    config.uplinks.flatMap((uplink, i): Problem[] =>
      uplink.events.flatMap((pattern, k) =>
        eventTypes.some((type) => matches(pattern, type))
          ? []
          : [
              {
                path: ['uplinks', i, 'events', k],
                message: say(
                  `"${pattern}" matches no event; there are: ${eventTypes.join(', ')}`,
                  `"${pattern}" 不匹配任何事件；可用：${eventTypes.join('、')}`,
                ),
              },
            ],
      ),
    ),
  );
}

/** The key under which card numbers leave the campus: made once, kept beside the journal, readable by us alone. */
function cardKey(dataDir: string): Buffer {
  const file = join(dataDir, 'card.key');
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(32), { mode: 0o600 });
    chmodSync(file, 0o600);
  }
  return readFileSync(file);
}

/**
 * @throws JournalError where the journal cannot be had; what `listen` throws for the status port.
 */
export async function startGateway(options: {
  readonly config: Config;
  readonly log: Log;
  readonly trace?: Trace | undefined;
}): Promise<Gateway> {
  const { config, log, trace } = options;
  const campusId = config.campus.id;
  const startedAt = new Date().toISOString();
  const metrics = createMetrics();
  const clock = systemClock();
  const journal = await openJournal(config.dataDir);
  const deviceNames = new Map(config.devices.map((device) => [device.id, device.name]));
  const recorder = await createRecorder({ campusId, deviceNames, journal, clock, metrics, log, trace });

  const context = {
    campus: campusId,
    version,
    startedAt,
    devices: config.devices.map((device) => device.id),
    journal,
    recorder,
    log,
    metrics,
    cardKey: cardKey(config.dataDir),
    trace,
  };
  const uplinks = config.uplinks.map((uplink) => startUplink(uplink, context));
  journal.onAppended((lanes) => {
    for (const uplink of uplinks) uplink.wake(lanes);
  });
  const tellOwn = (...own: Parameters<typeof recorder.recordOwn>) => {
    // The recorder says why.
    recorder.recordOwn(...own).catch(() => {});
  };
  tellOwn('gateway.started', {
    version,
    devices: config.devices.length,
    uplinks: config.uplinks.map(({ id }) => id),
  });
  clock.onStep((ms) => {
    log.warn({ ms }, "the gateway's clock jumped");
    tellOwn('gateway.clock-stepped', { ms });
  });

  const supervisor = startSupervisor(config.devices, {
    drivers: drivers as readonly Driver[],
    record: recorder.record,
    clock,
    log,
    metrics,
  });

  let status: StatusServer | undefined;
  if (config.status !== undefined) {
    status = await serveStatus(config.status, metrics, async () => ({
      healthy: true,
      details: {
        campus: campusId,
        version,
        startedAt,
        uplinks: Object.fromEntries(uplinks.map((uplink) => [uplink.id, uplink.state()])),
        devices: Object.fromEntries(config.devices.map(({ id }) => [id, supervisor.online(id) ?? null])),
        discarded: await discardsOf(metrics),
      },
    }));
  }

  const retain = () => {
    journal
      .retain(
        clock.now() - config.retention,
        config.uplinks.map(({ id }) => id),
      )
      .then(
        (removed) => removed > 0 && log.info({ removed }, 'old delivered events were removed'),
        (error: Error) => log.error({ error: error.message }, 'old events could not be removed'),
      );
  };
  retain();
  const retention = setInterval(retain, RETAIN_EVERY_MS);
  log.info(
    { campus: campusId, version, devices: config.devices.length, uplinks: config.uplinks.length },
    'the gateway runs',
  );

  return {
    failed: journal.failed,
    async close(drain = DRAIN_MS) {
      clearInterval(retention);
      await status?.close();
      await supervisor.close();
      await Promise.all(uplinks.map((uplink) => uplink.close(drain)));
      clock.close();
      recorder.close();
      await journal.close();
      log.info({}, 'the gateway stopped');
    },
  };
}
