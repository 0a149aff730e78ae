/**
 * The daemon from top to bottom: makes its parts and wires them, then starts them in the order of this list; closes
 * them in reverse.
 *
 *   devices -> access -> visitors -> arming -> alarms -> recorder -> journal -> uplinks -> platforms
 */
import { eventTypes } from '../config/catalogue/events.ts';
import { wantsOf } from '../config/catalogue/filter.ts';
import type { Config } from '../config/schema.ts';
import { type Clock, systemClock } from '../drivers/contract/clock.ts';
import type { Driver, Log } from '../drivers/contract/driver.ts';
import type { Transport } from '../drivers/contract/transport.ts';
import { drivers, platforms } from '../drivers/index.ts';
import { createAccess } from './access/index.ts';
import { confirmToDevices } from './alarms/confirm.ts';
import { createAlarms } from './alarms/index.ts';
import { createArming } from './arming/index.ts';
import { readCampus } from './campus.ts';
import { noteConfig } from './commands/audit.ts';
import { createCommands } from './commands/index.ts';
import { createConsole } from './console/index.ts';
import { createDevices } from './devices/index.ts';
import { openJournal } from './journal/index.ts';
import { createParts } from './lifecycle/parts.ts';
import { createMedia } from './media/index.ts';
import { createNotices } from './notices/index.ts';
import { watchClock } from './observe/clock.ts';
import { createInventory } from './observe/inventory.ts';
import { createMetrics } from './observe/metrics.ts';
import { createStatusServer } from './observe/status.ts';
import { createPersons } from './persons/index.ts';
import { createRecorder, type Trace } from './road/recorder.ts';
import { layRoad } from './road/stage.ts';
import { createRules } from './rules/index.ts';
import { followJournal } from './upkeep/journal-file.ts';
import { keepStorage } from './upkeep/storage.ts';
import { cardKey } from './uplink/card-key.ts';
import { createUplinks } from './uplink/index.ts';
import { createLives } from './uplink/lives.ts';
import { version } from './version.ts';
import { createVisitors } from './visitors/index.ts';

export interface Gateway {
  /** Rejects when the gateway cannot go on: the journal is gone. */
  readonly failed: Promise<never>;
  /** The address of the console, with the token of its operator: for a terminal, not for a log. */
  readonly console?: string | undefined;
  /** Devices first, then the uplinks, which get `drain` ms to deliver what is left; the journal last. */
  close(drain?: number): Promise<void>;
}

const DRAIN_MS = 1000;

/**
 * @throws JournalError where another gateway or a newer version has the journal; what `listen` throws for the
 *   status port.
 */
export async function startGateway(options: {
  readonly config: Config;
  readonly log: Log;
  readonly trace?: Trace | undefined;
  readonly time?: Clock;
}): Promise<Gateway> {
  const { config, log, trace, time = systemClock } = options;
  const campus = readCampus(config);
  const startedAt = new Date(time.wall()).toISOString();
  const metrics = createMetrics();
  const clock = watchClock(time);
  // At once: the first events already say whether it is synchronised.
  clock.start();
  const parts = createParts();
  const base = { clock, time, log, metrics };
  let drainMs = DRAIN_MS;

  const journal = parts.adopt(await openJournal(config.dataDir, { time, log }), (one) => one.close());
  const recorder = parts.adopt(
    await createRecorder({ ...base, campusId: campus.id, deviceNames: campus.names, journal, trace }),
    (one) => one.close(),
  );
  parts.adopt(clock, async (one) => await one[Symbol.asyncDispose]());
  const commands = parts.adopt(createCommands({ ...base, journal, recorder, kindOf: campus.kindOf }), (one) =>
    one.close(),
  );
  const lives = createLives(time);
  const devicesToConfirm = confirmToDevices(journal, commands, log);
  const cameras = campus.devicesThatCan('snapshot');
  const media = createMedia(config, {
    ...base,
    registry: commands,
    commands,
    cameras: cameras.map(({ id }) => id),
    journal,
    recordMedia: recorder.recordMedia,
  });

  // --- the road ---

  const indicators = new Set(campus.devicesThatCan('indicate').map(({ id }) => id));
  const stage = {
    ...base,
    registry: commands,
    commands,
    journal,
    states: recorder.states,
    recordFollowUp: recorder.recordFollowUp,
  };
  const { enter, stages } = layRoad(recorder.record, {
    access: (onward) =>
      createAccess(config, { ...stage, onward, reload: recorder.reload, forget: media.remove, indicators }),
    visitors: (onward) => createVisitors({ ...stage, onward }),
    arming: (onward) => createArming(config, { ...stage, onward, isKnown: recorder.isLoaded }),
    alarms: (onward) => createAlarms(campus, { ...stage, onward }),
  });
  const { access, visitors, arming, alarms } = stages;
  const devices = createDevices(config.devices, {
    ...base,
    registry: commands,
    drivers: drivers as readonly Driver[],
    record: enter,
    keep: media.keep,
  });

  // --- what follows from what was recorded ---

  const notices = createNotices(config.notices, { ...base, recorder, commands });
  const rules = createRules(config.rules, {
    ...base,
    commands,
    areaOf: campus.areaOf,
    isArmed: (area) => ['armed', 'entry-delay'].includes(arming.state(area) ?? ''),
    calendar: config.calendar,
    timezone: config.timezone,
  });

  // --- uplinks ---

  const uplinks = createUplinks(config.uplinks, {
    ...base,
    registry: commands,
    transports: platforms as readonly Transport[],
    campus: campus.id,
    version,
    startedAt,
    devices: campus.targets,
    journal,
    recorder,
    lives,
    commands,
    cardKey: cardKey(config.dataDir, log),
    contentOf: media.contentOf,
    trace,
    received(uplink, lane, from, to) {
      if (lane === 'urgent') devicesToConfirm.onReceived(uplink, from, to).catch(() => {});
    },
  });

  // --- who follows ---

  journal.onAppended(uplinks.wake);
  recorder.onUnsaved((event) => {
    uplinks.wake(new Set(['urgent']));
    rules.onRecorded(event);
  });
  recorder.onStored((event, sequence) => {
    lives.stored(event, sequence);
    devicesToConfirm.onRecorded(event);
    alarms.onRecorded(event);
    rules.onRecorded(event);
  });
  followJournal(journal, recorder, log, () => {
    uplinks.reset();
    void access.start();
    void arming.start();
  }).start();

  const health = createInventory(
    {
      config,
      version,
      startedAt,
      metrics,
      journal,
      unsaved: recorder.unsaved,
      low: () => storage.low(),
      uplinks: uplinks.states,
      online: devices.online,
      areaState: arming.state,
      access,
      pushes: media.pushes,
      visits: visitors.list,
    },
    commands,
  );
  commands.checkServed();

  // --- it begins ---

  const onceOpen = () => {
    // What a stop cut off is told once the file is there.
    commands
      .tellInterrupted()
      .catch((error: Error) => log.warn({ error: error.message }, 'what a stop cut off could not be told'));
    void noteConfig(config.file, journal, clock, log);
  };
  if (journal.opened !== undefined) onceOpen();
  else journal.onOpened(onceOpen);
  void recorder.recordOwn('gateway.started', {
    version,
    devices: config.devices.length,
    uplinks: config.uplinks.map(({ id }) => id),
  });
  clock.onStep((ms) => {
    log.warn({ ms }, "the gateway's clock jumped");
    void recorder.recordOwn('gateway.clock-stepped', { ms });
  });

  uplinks.start();
  parts.adopt(uplinks, async () => {
    // What is on disk before the uplinks go is delivered by them.
    await commands.settled();
    await uplinks.close(drainMs);
  });
  parts.add(rules);
  parts.add(alarms);
  parts.add(visitors);
  parts.add(access);
  parts.add(devices);
  parts.add(arming);
  parts.add(notices);
  parts.add(media);
  const { lowDisk, ...policy } = config.retention;
  const storage = parts.add(
    keepStorage({
      ...base,
      directory: config.dataDir,
      policy,
      lowDisk,
      uplinks: config.uplinks.map(({ id, events, pictures }) => ({
        id,
        types: eventTypes.filter(wantsOf({ events, pictures })),
      })),
      journal,
      recorder,
    }),
  );
  if (config.status !== undefined) parts.add(createStatusServer(config.status, metrics, notices, health));
  const console =
    config.console &&
    parts.add(
      createConsole({
        ...base,
        config: config.console,
        dataDir: config.dataDir,
        campus: config.campus,
        cameras,
        view: media.view,
        names: Object.fromEntries(campus.names),
        doors: config.access.doors.filter(({ pickup }) => pickup).map(({ id }) => id),
        status: async () => {
          const { healthy, details } = await health();
          return { healthy, ...details };
        },
        recorder,
        journal,
        commands,
        notices,
        persons: createPersons(config.access.personsFile, log),
        media,
      }),
    );
  await parts.start();
  log.info(
    { campus: campus.id, version, devices: config.devices.length, uplinks: config.uplinks.length },
    'the gateway runs',
  );

  return {
    failed: journal.failed,
    console: console?.url,
    async close(drain = DRAIN_MS) {
      drainMs = drain;
      commands.noteStopping();
      await parts.close();
      log.info({}, 'the gateway stopped');
    },
  };
}
