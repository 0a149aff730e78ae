/**
 * The daemon from top to bottom: makes its parts and wires them, then starts them in the order of this list; closes
 * them in reverse.
 *
 *   devices -> floods -> access -> visitors -> arming -> alarms -> recorder -> journal -> uplinks -> platforms
 */
import { systemClock } from '../drivers/contract/clock.ts';
import { drivers, platforms } from '../drivers/index.ts';
import { createAccess } from './access/index.ts';
import { confirmToDevices } from './alarms/confirm.ts';
import { createAlarms } from './alarms/index.ts';
import { createArming } from './arming/index.ts';
import { readCampus } from './campus.ts';
import { createCommands } from './commands/index.ts';
import { consoleOptionsOf, createConsole } from './console/index.ts';
import { createDevices } from './devices/index.ts';
import { createThings } from './devices/things.ts';
import { createFloods } from './floods/index.ts';
import type { Gateway, GatewayOptions } from './gateway.ts';
import { openJournal } from './journal/index.ts';
import { createIsolated } from './lifecycle/isolated.ts';
import { createParts } from './lifecycle/parts.ts';
import { createMedia, mediaNeeds } from './media/index.ts';
import { createNotices } from './notices/index.ts';
import {
  createAnnouncements,
  createInventory,
  createMetrics,
  createStatusServer,
  logFaults,
  watchClock,
} from './observe/index.ts';
import { createReload } from './reload.ts';
import { createRecorder } from './road/recorder.ts';
import { layRoad } from './road/stage.ts';
import { createRules } from './rules/index.ts';
import { watchDamaged } from './upkeep/damaged.ts';
import { followJournal } from './upkeep/journal-file.ts';
import { keepStorage, storagePolicyOf } from './upkeep/storage.ts';
import { createUplinks } from './uplink/index.ts';
import { createVisitors } from './visitors/index.ts';

/** @throws JournalError where another gateway or a newer version has the journal; what `listen` throws. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log, trace, time = systemClock } = options;
  const campus = readCampus(config);
  const clock = watchClock(time);
  const startedAt = new Date(time.wall()).toISOString();
  const base = { clock, time, log, metrics: createMetrics(), startedAt };
  const parts = createParts();
  let drainMs = 0;

  // --- the disk, and what is told to it ---
  clock.start();
  const journal = parts.adopt(await openJournal(config.dataDir, base));
  const about = { campusId: campus.id, deviceNames: campus.names };
  const recorder = parts.adopt(await createRecorder({ ...base, ...about, journal, trace }));
  parts.add(clock);
  const { kindOf, areaOf, cameras } = campus;
  const commands = parts.adopt(createCommands({ ...base, campus: campus.id, journal, recorder, kindOf }));
  const { states, standing, recordFollowUp, recordMedia, reload, isLoaded: isKnown } = recorder;
  const told = { journal, recorder, states, standing, recordFollowUp, recordMedia };
  const damaged = watchDamaged({ ...base, dataDir: config.dataDir, journal, registry: commands });
  const context = { ...base, ...told, damaged, commands, registry: commands };
  const ofMedia = { cameras: cameras.map(({ id }) => id), transports: platforms };
  const media = createMedia(config, { ...context, ...ofMedia });

  // --- the road ---
  const ofAccess = { reload, forget: media.remove, indicators: campus.indicators };
  const { enter: record, stages } = layRoad(recorder.record, {
    floods: (onward) => createFloods({ ...context, onward }),
    access: (onward) => createAccess(config, { ...context, ...ofAccess, onward }),
    visitors: (onward) => createVisitors({ ...context, onward }),
    arming: (onward) => createArming(config, { ...context, onward, isKnown }),
    alarms: (onward) => createAlarms(campus, { ...context, onward }),
  });
  const { floods, access, visitors, arming, alarms } = stages;
  const { run: isolated } = parts.adopt(createIsolated({ time }));
  const ofDevices = { drivers, record, keep: media.keep, isolated };
  const devices = createDevices(config.devices, { ...context, ...ofDevices });
  const confirmations = confirmToDevices(journal, commands, log);
  const { contentOf, ofCameras } = media;
  const things = createThings(config, { devices, states, arming });
  const of = { trace, transports: platforms, devices: campus.targets, contentOf, media: ofCameras, things };
  const uplinks = createUplinks(config, { ...context, ...of, received: confirmations.onReceived });

  // --- beside it ---
  const { calendar, timezone } = config;
  const around = { calendar, timezone, areaOf, isArmed: arming.isArmed };
  const rules = createRules(config.rules, { ...context, ...around });
  const notices = createNotices(config.notices, context);
  const { lookAtBacklog, recount: onDropped, interests } = uplinks;
  const ofUplinks = { lookAtBacklog, onDropped, interests };
  const storage = keepStorage({ ...context, ...storagePolicyOf(config), ...ofUplinks });
  const needs = (those: typeof config.uplinks) => mediaNeeds(those, platforms);
  const reloading = createReload(config, { ...context, uplinks, mediaNeeds: needs });
  const health = createInventory(config, {
    ...context,
    ...stages,
    devices,
    media,
    storage,
    uplinks,
    reloading,
  });
  const status = config.status && createStatusServer(config.status, { ...base, notices, health });
  const shown = consoleOptionsOf(config, campus, health, context);
  const { simulators } = options;
  const looked = { uplinks, storage, reloading, arming, access, notices, media, interests };
  const ofConsole = { ...looked, view: media.view, simulators, things, devices };
  const console = shown && createConsole({ ...context, ...shown, ...ofConsole });
  const announcements = createAnnouncements(config, context);

  // --- who follows ---
  journal.onAppended(uplinks.wake);
  recorder.onUnsaved((event) => {
    uplinks.wake(new Set(['urgent']));
    rules.onRecorded(event);
  });
  for (const follow of [uplinks.onStored, confirmations.onRecorded, alarms.onRecorded, rules.onRecorded])
    recorder.onStored(follow);
  followJournal(journal, recorder, log, () => {
    uplinks.reset();
    shown?.board.reload();
    for (const part of [access, arming]) void part.start();
  }).start();
  commands.checkServed();

  // --- it begins: what is on disk before the uplinks go is delivered by them ---
  announcements.begin();
  parts.add(logFaults(base, recorder));
  parts.add(uplinks);
  parts.adopt({ close: () => commands.settled().then(() => uplinks.close(drainMs)) });
  const own = [damaged, rules, alarms, visitors, access, devices, floods, arming, notices, media, storage];
  for (const part of own) parts.add(part);
  for (const part of [status, console, announcements]) if (part !== undefined) parts.add(part);
  await parts.start();
  return {
    failed: journal.failed,
    console: console?.url,
    setup: console?.setupUrl,
    reload: reloading.take,
    async close(givenMs = 1000) {
      drainMs = givenMs;
      commands.noteStopping();
      await parts.close();
      log.info({}, 'the gateway stopped');
    },
  };
}
