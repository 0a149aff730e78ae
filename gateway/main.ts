/**
 * Composes the daemon: opens the journal, starts uplinks, drivers and the status server; stops them in reverse.
 *
 *   devices -> supervisor -> record -> journal -> uplinks -> platforms
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { eventTypes } from '../config/catalogue/events.ts';
import { wantsOf } from '../config/catalogue/filter.ts';
import type { Config } from '../config/load.ts';
import { systemClock } from '../drivers/contract/clock.ts';
import type { Driver, Log } from '../drivers/contract/driver.ts';
import type { Lane } from '../drivers/contract/lane.ts';
import { drivers } from '../drivers/index.ts';
import { createAccess } from './access/index.ts';
import { tellDevices } from './alarms/confirm.ts';
import { createAlarms } from './alarms/index.ts';
import { createArming } from './arming/index.ts';
import { createCommands, type Result, type Task } from './commands/index.ts';
import type { Console } from './console/server.ts';
import { type Supervisor, startSupervisor } from './devices/supervisor.ts';
import { type Journal, openJournal } from './journal/index.ts';
import { createClips } from './media/clips.ts';
import { createLive } from './media/live.ts';
import { createPushes } from './media/push.ts';
import { createMediaStore } from './media/store.ts';
import { createNotices } from './notices/index.ts';
import { type WallClock, watchClock } from './observe/clock.ts';
import { createMetrics, discardsOf, type StatusServer, serveStatus } from './observe/metrics.ts';
import { createPersons } from './persons/index.ts';
import { createRecorder, type Trace } from './road/recorder.ts';
import { startLinkage } from './rules/index.ts';
import { followJournal, keepStorage } from './upkeep/storage.ts';
import { cardKey } from './uplink/card-key.ts';
import { startUplink, type Uplink } from './uplink/index.ts';
import { createLives } from './uplink/lives.ts';
import { createVisitors } from './visitors/index.ts';

const packageFile = new URL('../package.json', import.meta.url);
export const version = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;

export interface Gateway {
  /** Rejects when the gateway cannot go on: the journal is gone. */
  readonly failed: Promise<never>;
  /** The address of the console, with the token of its operator: for a terminal, not for a log. */
  readonly console?: string | undefined;
  /** Devices first, then the uplinks, which get `drain` ms to deliver what is left; the journal last. */
  close(drain?: number): Promise<void>;
}

const DRAIN_MS = 1000;

/** Notes in the audit that the gateway runs with another config than before: its hash, not its content. */
async function auditConfig(config: Config, journal: Journal, clock: Pick<WallClock, 'now'>): Promise<void> {
  const sha256 = createHash('sha256').update(readFileSync(config.file)).digest('hex');
  const { username: user } = userInfo();
  await journal.auditChange(
    'config',
    clock.now(),
    JSON.stringify({ kind: 'config', file: config.file, sha256, user }),
    sha256,
  );
}

/** Devices without a gateway around them, to be set up: what they observe goes nowhere. */
export function superviseDevices(devices: Config['devices'], log: Log): Supervisor {
  return startSupervisor(devices, {
    drivers: drivers as readonly Driver[],
    record: async () => ({ sequence: null, id: null, repeated: true }),
    keep: async () => '',
    time: systemClock,
    log,
    metrics: createMetrics(),
  });
}

/**
 * @throws JournalError where another gateway or a newer version has the journal; what `listen` throws for the
 *   status port.
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
  const clock = watchClock(systemClock);
  const journal = await openJournal(config.dataDir);
  const deviceNames = new Map([...config.devices, ...config.areas].map(({ id, name }) => [id, name]));
  const recorder = await createRecorder({ campusId, deviceNames, journal, clock, metrics, log, trace });
  const lives = createLives();
  const media = createMediaStore({
    directory: join(config.dataDir, 'media'),
    keep: config.media.keep,
    budget: config.media.budget,
    wanted: config.uplinks.some((uplink) => wantsOf(uplink)('media.piece')),
    journal,
    recordMedia: recorder.recordMedia,
    context: () => ({ campusId, now: clock.now(), synchronised: clock.synchronised() }),
    clock,
    log,
    metrics,
  });
  const devices = tellDevices(journal, () => supervisor, log);

  const commands = createCommands({
    journal,
    recorder,
    clock,
    log,
    metrics,
    execute: async (task) => {
      if (task.action === 'reset') return reset(task.target);
      if (task.target === 'gateway')
        return await (notices.execute(task) ??
          access.execute(task) ??
          visitors.execute(task) ??
          executeHere(task));
      const own = alarms.execute(task) ?? arming.execute(task);
      if (own !== undefined) return await own;
      const filmed = clips.execute(task) ?? pushes.execute(task);
      if (filmed !== undefined) return await filmed;
      // A door that is told to open may be open before its device says so.
      access.moved(task);
      return await supervisor.execute({ ...task, device: task.target });
    },
  });
  const reset = (target: string): Result => {
    if (!['gateway', ...deviceNames.keys()].includes(target))
      return { done: false, reason: `there is no ${target}` };
    return { done: true, result: { stopped: linkage.reset(target) } };
  };
  /** What the gateway itself is asked. */
  const executeHere = async (task: Task): Promise<Result> => {
    if (task.action !== 'inventory')
      return { done: false, reason: `the gateway does not know ${task.action}` };
    const inventory = config.devices.map(({ id, name, driver }) => ({
      id,
      driver,
      ...(name !== undefined && { name }),
      online: supervisor.online(id) ?? null,
    }));
    const areas = config.areas.map(({ id, name }) => ({
      id,
      ...(name !== undefined && { name }),
      state: arming.state(id),
    }));
    const doors = access.doors();
    return { done: true, result: { version, devices: inventory, areas, doors, cards: access.credentials() } };
  };

  const context = {
    campus: campusId,
    version,
    startedAt,
    devices: [...config.devices, ...config.areas].map(({ id }) => id),
    journal,
    recorder,
    lives,
    commands,
    log,
    metrics,
    cardKey: cardKey(config.dataDir, log),
    contentOf: media.contentOf,
    trace,
    received(uplink: string, lane: Lane, from: number, to: number) {
      if (lane === 'urgent') devices.received(uplink, from, to).catch(() => {});
    },
  };
  let uplinks: readonly Uplink[] = [];
  const wake = (lanes: ReadonlySet<Lane>) => {
    for (const uplink of uplinks) uplink.wake(lanes);
  };
  journal.onAppended(wake);
  recorder.onUnsaved(() => wake(new Set(['urgent'])));
  recorder.onStored((event, sequence) => {
    lives.stored(event, sequence);
    void devices.stored(event);
  });
  followJournal(journal, recorder, log, () => {
    for (const uplink of uplinks) uplink.reset();
    void arming.start();
  });
  // What a stop cut off is told once the file is there.
  const tellInterrupted = () =>
    commands
      .tellInterrupted()
      .catch((error: Error) => log.warn({ error: error.message }, 'what a stop cut off could not be told'));
  const noteConfig = () =>
    auditConfig(config, journal, clock).catch((error: Error) =>
      log.warn({ error: error.message }, 'the config could not be noted in the audit'),
    );
  const onceOpen = () => {
    void tellInterrupted();
    void noteConfig();
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

  const notices = createNotices({
    config: config.notices,
    recorder,
    commands: () => commands,
    clock,
    log,
  });
  const alarms = createAlarms({
    recorder,
    clock,
    log,
    metrics,
    targets: [...config.devices, ...config.areas].map(({ id }) => id),
    areaOf: (device, zone) => arming.areaOf(device, zone),
    areasSeenBy: (camera) =>
      config.areas.filter(({ cameras: own }) => own.includes(camera)).map(({ id }) => id),
  });
  recorder.onStored(alarms.take);
  const arming = createArming({
    areas: config.areas,
    calendar: config.calendar,
    timezone: config.timezone,
    recorder: { record: alarms.record, states: recorder.states },
    isKnown: recorder.isLoaded,
    clock,
    log,
    metrics,
  });
  await arming.start();
  const indicators = new Set(
    config.devices
      .filter(({ commands: known = [] }) => known.some(({ action }) => action === 'indicate'))
      .map(({ id }) => id),
  );
  const visitors = createVisitors({ record: arming.take, states: recorder.states, clock, log });
  const access = createAccess({
    config: config.access,
    calendar: config.calendar,
    timezone: config.timezone,
    record: visitors.take,
    states: recorder.states,
    reload: recorder.reload,
    forget: media.remove,
    journal,
    commands,
    indicate(device, granted) {
      if (indicators.has(device))
        void supervisor.execute({ id: 'indicate', device, action: 'indicate', arguments: { granted } });
    },
    clock,
    log,
    metrics,
  });
  await access.start();
  const linkage = startLinkage({
    rules: config.rules,
    commands,
    now: clock.now,
    areaOf: arming.areaOf,
    isArmed: (area) => ['armed', 'entry-delay'].includes(arming.state(area) ?? ''),
    calendar: config.calendar,
    timezone: config.timezone,
  });
  recorder.onStored(linkage.take);
  recorder.onUnsaved(linkage.take);
  const supervisor: Supervisor = startSupervisor(config.devices, {
    drivers: drivers as readonly Driver[],
    record: access.take,
    keep: (device, picture, about) => media.keep(device, picture, about),
    time: systemClock,
    log,
    metrics,
  });
  const cameras = config.devices.filter(({ commands: known = [] }) =>
    known.some(({ action }) => action === 'snapshot'),
  );
  const cameraIds = cameras.map(({ id }) => id);
  /** Where a camera's stream is: with its password, so past commands and their audit. @throws Error. */
  const streamUrl = async (device: string): Promise<string> => {
    const outcome = await supervisor.execute({ id: 'stream', device, action: 'stream', arguments: {} });
    if (!outcome.done) throw new Error(outcome.reason);
    return String(outcome.result?.['url']);
  };
  const live = createLive({ streamUrl, maxViewers: config.media.viewers, log, metrics });
  const clips = createClips({
    directory: join(config.dataDir, 'clips'),
    cameras: config.media.clips,
    streamUrl,
    keep: media.keep,
    log,
  });
  const pushes = createPushes({
    streamUrl,
    cameras: cameraIds,
    allowed: config.media.pushTo,
    max: config.media.pushes,
    log,
  });
  // Last: what they hear may be about any of the above.
  uplinks = config.uplinks.map((uplink) => startUplink(uplink, context));
  const { lowDisk, ...policy } = config.retention;
  const storage = keepStorage({
    directory: config.dataDir,
    policy,
    lowDisk,
    uplinks: config.uplinks.map(({ id, events, pictures }) => ({
      id,
      types: eventTypes.filter(wantsOf({ events, pictures })),
    })),
    journal,
    recorder,
    clock,
    log,
    metrics,
  });

  notices.start();

  const health = async () => ({
    healthy: journal.condition.good,
    details: {
      campus: campusId,
      version,
      startedAt,
      journal: { ...journal.condition, id: journal.id, unsaved: recorder.unsaved.size, low: storage.low() },
      uplinks: Object.fromEntries(uplinks.map((uplink) => [uplink.id, uplink.state()])),
      devices: Object.fromEntries(config.devices.map(({ id }) => [id, supervisor.online(id) ?? null])),
      areas: Object.fromEntries(config.areas.map(({ id }) => [id, arming.state(id)])),
      doors: Object.fromEntries(access.doors().map(({ id, state }) => [id, state])),
      cards: access.credentials(),
      inside: access.inside().length,
      pushes: pushes.list(),
      visitors: visitors.list().filter(({ stage }) => stage !== 'expected').length,
      discarded: await discardsOf(metrics),
    },
  });
  let status: StatusServer | undefined;
  if (config.status !== undefined) status = await serveStatus(config.status, metrics, notices, health);
  let console: Console | undefined;
  if (config.console !== undefined) {
    // Loaded by who wants it: a daemon of years keeps what it has loaded.
    const { startConsole } = await import('./console/server.ts');
    console = await startConsole({
      config: config.console,
      dataDir: config.dataDir,
      campus: config.campus,
      cameras: cameras.map(({ id, name }) => ({ id, name })),
      view: live.view,
      names: Object.fromEntries(deviceNames),
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
      clock,
      log,
    });
  }
  log.info(
    { campus: campusId, version, devices: config.devices.length, uplinks: config.uplinks.length },
    'the gateway runs',
  );

  return {
    failed: journal.failed,
    console: console?.url,
    async close(drain = DRAIN_MS) {
      commands.stopping();
      storage.close();
      media.close();
      await Promise.all([status?.close(), console?.close(), live.close(), clips.close(), pushes.close()]);
      await supervisor.close();
      access.close();
      visitors.close();
      notices.close();
      arming.close();
      alarms.close();
      linkage.close();
      // What is on disk before the uplinks go is delivered by them.
      await commands.settled();
      await Promise.all(uplinks.map((uplink) => uplink.close(drain)));
      clock.close();
      recorder.close();
      commands.close();
      await journal.close();
      log.info({}, 'the gateway stopped');
    },
  };
}
