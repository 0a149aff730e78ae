/**
 * The daemon from top to bottom: makes its parts and wires them, then starts them in the order of this list; closes
 * them in reverse.
 *
 *   devices -> arrivals -> floods -> access -> visitors -> arming -> alarms -> recorder -> journal -> uplinks -> platforms
 */
import { listenersOf } from '../config/check/ports.ts';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../drivers/contract/clock.ts';
import type { Observation } from '../drivers/contract/observation.ts';
import { drivers, platforms } from '../drivers/index.ts';
import { createAccess, createAccessMemory } from './access/index.ts';
import { confirmToDevices } from './alarms/confirm.ts';
import { createAlarms } from './alarms/index.ts';
import { createArming } from './arming/index.ts';
import { createAvailability } from './availability/index.ts';
import { type Backup, createBackup } from './backup/index.ts';
import { createPlace } from './campus.ts';
import { createCommands } from './commands/index.ts';
import { type ConsoleOptions, consoleOptionsOf, createConsole } from './console/index.ts';
import { wordsFor } from './console/web/words/words-for.ts';
import { createDevices } from './devices/index.ts';
import { createThings } from './devices/things.ts';
import { createDoctor } from './doctor/index.ts';
import { createEnrolments } from './enrolment/index.ts';
import { createFloods } from './floods/index.ts';
import type { Gateway, GatewayOptions } from './gateway.ts';
import { openJournal } from './journal/index.ts';
import { createLedger } from './ledger/index.ts';
import { createIsolated } from './lifecycle/isolated.ts';
import type { Part } from './lifecycle/part.ts';
import { createParts } from './lifecycle/parts.ts';
import { createMedia, type Media, mediaNeeds } from './media/index.ts';
import { createNotices, type Notices } from './notices/index.ts';
import { createNotify, type Notify, type NotifyOptions } from './notify/index.ts';
import { notifyOptionsOf } from './notify/options.ts';
import {
  createAnnouncements,
  createInventory,
  createLevels,
  createLocalStatus,
  createMetrics,
  createStatusServer,
  logFaults,
  watchClock,
} from './observe/index.ts';
import type { Health } from './observe/status.ts';
import { createReload, type Reload } from './reload/index.ts';
import { createTakeUp, live, type Reads } from './reload/take-up.ts';
import { isoOf } from './road/event.ts';
import { createGate } from './road/gate.ts';
import { createRecorder } from './road/recorder.ts';
import { layRoad, type Stage } from './road/stage.ts';
import { createRules, type Rules } from './rules/index.ts';
import { takenPorts } from './taken-ports.ts';
import { watchDamaged } from './upkeep/damaged.ts';
import { followJournal } from './upkeep/journal-file.ts';
import { keepStorage, storagePolicyOf } from './upkeep/storage.ts';
import { createUplinks, type Uplinks } from './uplink/index.ts';
import { createReached, type Reached } from './uplink/reached.ts';
import { createVisitors } from './visitors/index.ts';
import { createArrivals, createWalkTest, type WalkTest, type WalkTestContext } from './walk-test/index.ts';
import { serveLocally } from './walk-test/local.ts';

/** What lies under all parts: the disk, what is told to it, and how another config comes into force. */
async function layGround({ config, log, trace, time = systemClock }: GatewayOptions) {
  const place = createPlace(config);
  const clock = watchClock(time);
  const base = { clock, time, log, metrics: createMetrics(), startedAt: isoOf(time.wall()) };
  const parts = createParts();
  clock.start();
  const journal = parts.adopt(await openJournal(config.dataDir, base));
  const about = { campusId: place.id, deviceNames: place.names };
  const recorder = parts.adopt(await createRecorder({ ...base, ...about, journal, trace }));
  parts.add(clock);
  const commands = parts.adopt(
    createCommands({ ...base, campus: place.id, journal, recorder, kindOf: place.kindOf }),
  );
  const { states, standing, recordFollowUp, recordMedia } = recorder;
  const told = { journal, recorder, states, standing, recordFollowUp, recordMedia };
  const damaged = watchDamaged({ ...base, dataDir: config.dataDir, journal, registry: commands });
  const context = { ...base, ...told, damaged, commands, registry: commands };
  return { base, parts, place, context, takeUp: createTakeUp(config, context) };
}
type Ground = Awaited<ReturnType<typeof layGround>>;

/** What cameras see. It is handed on as functions that ask for it as it is. */
function layMedia({ place, takeUp }: Ground) {
  const reads = ({ media, uplinks }: Config) => [media, mediaNeeds(uplinks, platforms)];
  const of = { cameras: place.cameraIds, transports: platforms };
  const remadeMedia = takeUp.remade('media', reads, (config, given) =>
    createMedia(config, { ...given, ...of }),
  );
  const media = live(remadeMedia);
  const keep: Media['keep'] = (...picture) => media.keep(...picture);
  const contentOf: Media['contentOf'] = (body) => media.contentOf(body);
  const ofCameras = live({
    get current() {
      return media.ofCameras;
    },
  });
  return { remadeMedia, media, keep, contentOf, ofCameras };
}

/** The stages; those that the config says much of are made anew with another one, and what comes meanwhile waits. */
function layStages({ place, context, takeUp }: Ground, media: Media) {
  const { recorder, time } = context;
  const remadeStage = <S extends Stage & Part>(
    name: string,
    reads: Reads,
    make: Parameters<typeof takeUp.remade<S>>[2],
  ) => {
    const gate = createGate(() => part.current, time);
    const part = takeUp.remade(name, reads, make, { hold: gate.shut });
    return { pass: gate.pass, part };
  };
  const [memory, open] = [createAccessMemory(), new Map<string, Observation>()];
  const forget: Media['remove'] = (references) => media.remove(references);
  const ofAccess = { reload: recorder.reload, forget, indicators: place.indicators, memory };
  const ofArming = { isKnown: recorder.isLoaded, open };
  const { enter, stages } = layRoad(recorder.record, {
    arrivals: (onward) => createArrivals({ onward }),
    floods: (onward) => createFloods({ ...context, onward }),
    access: (onward) =>
      remadeStage('access', ['access', 'calendar', 'timezone'], (config, given) =>
        createAccess(config, { ...given, ...ofAccess, onward }),
      ),
    visitors: (onward) => createVisitors({ ...context, onward }),
    arming: (onward) =>
      remadeStage('arming', ['areas', 'calendar', 'timezone'], (config, given) =>
        createArming(config, { ...given, ...ofArming, onward }),
      ),
    alarms: (onward) => createAlarms(place, { ...context, onward }),
  });
  const { arrivals, floods, visitors, alarms } = stages;
  const [access, arming] = [stages.access.part, stages.arming.part];
  const own = [alarms, visitors, access, floods, arming];
  return {
    record: enter,
    own,
    arrivals,
    floods,
    visitors,
    alarms,
    access: live(access),
    arming: live(arming),
  };
}

/** @throws JournalError where another gateway or a newer version has the journal; what `listen` throws. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log, trace, simulators } = options;
  const ground = await layGround(options);
  const { base, parts, place, context, takeUp } = ground;
  const { journal, recorder, commands, states, damaged, time } = context;
  let drainMs = 0;

  // --- the road ---
  // First: what devices said is on disk before the parts change that it passes.
  takeUp.follow({
    name: 'devices that go',
    leave: (next) => devices.leave(next.devices),
    take: place.take,
  });
  const { remadeMedia, media, keep, contentOf, ofCameras } = layMedia(ground);
  const stages = layStages(ground, media);
  const { record, arrivals, floods, access, visitors, arming, alarms } = stages;
  const { run: isolated } = parts.adopt(createIsolated({ time }));
  const logs = parts.adopt(createLevels({ ...context, verbose: options.verbose, kindOf: place.kindOf }));
  const devices = createDevices(config.devices, { ...context, drivers, record, keep, isolated, logs });
  const confirmations = confirmToDevices(journal, commands, log);
  const things = createThings(config, { devices, states, arming });
  takeUp.follow({ name: 'things', take: things.configure });
  const of = { trace, transports: platforms, devices: place.targets, contentOf, media: ofCameras, things };
  const reached = createReached(log);
  reached.follow(confirmations);
  const uplinks = createUplinks(config, { ...context, ...of, ...reached.tell });
  takeUp.follow({ name: 'uplinks', take: async (next) => void (await uplinks.configure(next)) });
  const enrolments = createEnrolments(config, base);
  takeUp.follow({ name: 'enrolments', take: enrolments.configure });

  // --- beside it ---
  const { calendar, timezone } = config;
  const isArmed = (area: string) => arming.isArmed(area);
  const around = { calendar, timezone, areaOf: place.areaOf, isArmed };
  const { notify, walkTest } = layFollowers(ground, {
    arrivals,
    devices,
    uplinks,
    reached,
    rules: () => rules,
  });
  const tell: Notify['tell'] = (...told) => notify.current.tell(...told);
  const rules = createRules(config.rules, { ...context, ...around, tell });
  takeUp.follow({ name: 'rules', take: rules.configure });
  const notices = createNotices(config.notices, context);
  takeUp.follow({ name: 'notices', take: (next) => notices.configure(next.notices) });
  const { lookAtBacklog, recount: onDropped, interests } = uplinks;
  const ofUplinks = { lookAtBacklog, onDropped, interests };
  const storage = keepStorage({ ...context, ...storagePolicyOf(config), ...ofUplinks });
  takeUp.follow({ name: 'storage', take: storage.configure });
  const reloading = createReload(config, {
    ...base,
    ...{ takeUp, journal, hasSimulators: simulators !== undefined },
    takenPorts: (next) => takenPorts(newListeners(takeUp.config, next)),
  });
  const backup = takeUp.remade('backup', ['backup', 'campus', 'retention', 'timezone'], createBackup);
  const remade = { notify: live(notify), walkTest: live(walkTest), backup: live(backup) };
  const road = { access, arming, devices, floods, media, uplinks, visitors };
  const looked = { ...road, ...remade, enrolments, notices, reloading, storage };
  const health = createInventory(() => takeUp.config, { ...context, ...looked });
  takeUp.follow({ name: 'devices that come', take: (next) => devices.enter(next.devices) });
  const pages = layPages(ground, { ...looked, simulators, things, health, logs });
  const announcements = createAnnouncements(config, context);

  const { onStored } = uplinks;
  for (const each of [onStored, confirmations.onRecorded, alarms.onRecorded, rules.onRecorded])
    recorder.onStored(each);
  follow(context, { uplinks, rules }, () => {
    pages.console.current?.reload();
    for (const part of [access, arming]) void part.start();
  });
  commands.checkServed();

  // --- it begins: what is on disk before the uplinks go is delivered by them ---
  announcements.begin();
  parts.addAll([logFaults(base, recorder), uplinks, enrolments, notify]);
  parts.adopt({ close: () => commands.settled().then(() => uplinks.close(drainMs)) });
  parts.addAll([damaged, rules, walkTest, ...stages.own.slice(0, 3), devices, ...stages.own.slice(3)]);
  parts.addAll([notices, remadeMedia, storage, backup, ...pages.own, announcements]);
  parts.adopt(reloading);
  await parts.start();
  void reloading.begin();
  return {
    failed: journal.failed,
    get console() {
      return pages.console.current?.url;
    },
    get setup() {
      return pages.console.current?.setupUrl;
    },
    reload: reloading.reload,
    async close(givenMs = 1000) {
      drainMs = givenMs;
      commands.noteStopping();
      await parts.close();
      log.info({}, 'the gateway stopped');
    },
  };
}

/** Who tells people, and who watches a walk test: they follow what is recorded. */
function layFollowers(
  { context, place, takeUp }: Ground,
  {
    arrivals,
    devices,
    uplinks,
    reached,
    rules,
  }: Pick<WalkTestContext, 'arrivals' | 'devices'> & {
    readonly uplinks: Uplinks;
    readonly reached: Reached;
    readonly rules: () => Rules;
  },
) {
  const { recorder } = context;
  const again: NotifyOptions['again'] = (...event) => rules().tellAgain(...event);
  const notify = takeUp.remade(
    'notify',
    ['contacts', 'campus', 'timezone', 'access', 'areas', 'devices'],
    (config, given) => {
      const telling = notifyOptionsOf(config, { ...given, areaOf: place.areaOf, uplinks });
      return createNotify({ ...given, ...telling, wordsFor, again });
    },
  );
  const walkTest = takeUp.remade(
    'walk test',
    ['campus', 'timezone', 'devices', 'areas', 'access', 'console'],
    (config, given) => createWalkTest(config, { ...given, arrivals, devices, uplinks }),
  );
  recorder.onStored((...stored) => walkTest.current.onStored(...stored));
  recorder.onStored((...stored) => notify.current.onRecorded(...stored));
  reached.follow({
    onReceived: (...told) => walkTest.current.onReceived(...told),
    onTaken: (...told) => walkTest.current.onTaken(...told),
  });
  return { notify, walkTest };
}

/** What people and programs ask how all is. */
function layPages(
  { base, place, takeUp }: Ground,
  of: Pick<
    ConsoleOptions,
    'access' | 'arming' | 'devices' | 'notices' | 'reloading' | 'simulators' | 'storage' | 'things'
  > & {
    readonly backup: Backup;
    readonly walkTest: WalkTest;
    readonly reloading: Reload;
    readonly logs: ReturnType<typeof createLevels>;
    readonly media: Media;
    readonly uplinks: Uplinks;
    readonly notices: Notices;
    readonly health: () => Promise<Health>;
  },
) {
  const { health, notices, media } = of;
  const { dataDir } = takeUp.config;
  const here = {
    dataDir,
    health,
    also: serveLocally(of.walkTest),
    acts: { ...of.logs.acts, ...of.reloading.acts },
  };
  const local = createLocalStatus({ ...base, ...here });
  const status = takeUp.remade(
    'status',
    ['status'],
    (config) => config.status && createStatusServer(config.status, { ...base, notices, health }),
  );
  const availability = takeUp.remade('availability', ['timezone'], (config, given) => {
    const made = createAvailability(config, given);
    return { ...made, [Symbol.asyncDispose]: made.close };
  });
  const { interests } = of.uplinks;
  const view: Media['view'] = (...viewer) => media.view(...viewer);
  const { devices } = of;
  const ledger = takeUp.remade(
    'ledger',
    ['ledger', 'devices', 'timezone'],
    (config, given) =>
      config.ledger &&
      createLedger(config.ledger, config, { ...given, devices, availability: live(availability) }),
  );
  const doctor = createDoctor(() => takeUp.config, { ...base, health });
  const ofConsole = { ...of, interests, view, availability: live(availability), ledger, doctor };
  const console = takeUp.remade(
    'console',
    CONSOLE_READS,
    (config, given) => {
      const shown = consoleOptionsOf(config, place, health, given);
      return shown && createConsole({ ...given, ...shown, ...ofConsole });
    },
    { answers: true },
  );
  return { console, own: [local, status, availability, ledger, doctor, console] };
}

/** Who follows what is recorded. `reset`: the journal was opened anew, and numbers are not what they were. */
function follow(
  { journal, recorder, log }: Ground['context'],
  { uplinks, rules }: { readonly uplinks: Uplinks; readonly rules: Pick<Rules, 'onRecorded'> },
  reset: () => void,
): void {
  journal.onAppended(uplinks.wake);
  recorder.onUnsaved((event) => {
    uplinks.wake(new Set(['urgent']));
    rules.onRecorded(event);
  });
  followJournal(journal, recorder, log, () => {
    uplinks.reset();
    reset();
  }).start();
}

/** All that its pages show is of the config; what they ask of platforms, storage and notices, those answer. */
const CONSOLE_READS = [
  ...(['campus', 'devices', 'timezone', 'calendar', 'areas', 'media', 'access'] as const),
  ...(['console', 'rules', 'retention'] as const),
];

/** Ports that another config needs and this one does not have. */
function newListeners(now: Config, next: Config) {
  const had = new Set(listenersOf(now).map(({ host, port }) => `${host} ${port}`));
  return listenersOf(next).filter(({ host, port }) => !had.has(`${host} ${port}`));
}
