/** A gateway's process in a world: the real road over a journal on the world's disk, from its start to its end or its crash. */
import { area } from '../../config/sections/areas.ts';
import { rule } from '../../config/sections/rules.ts';
import { partUplink, type UplinkConfig, uplink } from '../../config/sections/uplinks.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Device, Driver } from '../../drivers/contract/driver.ts';
import { noThings } from '../../drivers/contract/inventory.ts';
import { noMedia } from '../../drivers/contract/media.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import { createAlarms } from '../../gateway/alarms/index.ts';
import { createArming } from '../../gateway/arming/index.ts';
import { readCampus } from '../../gateway/campus.ts';
import { createCommands } from '../../gateway/commands/index.ts';
import { createDevices } from '../../gateway/devices/index.ts';
import { createFloods } from '../../gateway/floods/index.ts';
import type { Backing } from '../../gateway/journal/backing.ts';
import { createJournal, type Journal } from '../../gateway/journal/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder, type Recorder } from '../../gateway/road/recorder.ts';
import { layRoad } from '../../gateway/road/stage.ts';
import { createRules } from '../../gateway/rules/index.ts';
import { followJournal } from '../../gateway/upkeep/journal-file.ts';
import { createUplinks } from '../../gateway/uplink/index.ts';
import { waitBy } from '../clocks.ts';
import { silentLog } from '../helpers.ts';

/** Changes a part of each life: the bugs that are planted, to see that they are found. */
export interface Plant {
  backing?(backing: Backing): Backing;
  journal?(journal: Journal): Journal;
  transport?(transport: Transport): Transport;
}

export interface LifeOptions {
  readonly time: Clock;
  readonly backing: Backing;
  readonly driver: Driver;
  readonly devices: readonly Device[];
  readonly transport: Transport;
  readonly uplinks: readonly { readonly id: string; readonly receipts: boolean }[];
  readonly plant: Plant;
}

/** What can be seen of a life from outside. */
export interface Life {
  readonly journal: Journal;
  readonly recorder: Recorder;
  /** As SIGTERM does. */
  close(): Promise<void>;
}

/** One for all lives: to make them takes a thousandth of a second. */
const metrics = createMetrics();
const AREAS = [{ id: 'yard', zones: [{ device: 'panel-3', zone: 1 }], entryDelay: '5s' }];
/** Each button its own siren, so that a run of one holds no other up. */
export const RULES = ['panel-1', 'panel-2', 'panel-3'].flatMap((device) =>
  [1, 2, 3, 4].map((zone) => ({
    id: `${device}-${zone}`,
    when: { kinds: ['panic'], zones: [{ device, zone }] },
    do: [{ target: 'siren', action: 'activate', arguments: { output: '1' } }],
  })),
);
const campusOf = (devices: readonly Device[]) =>
  readCampus({
    campus: { id: '45', name: '一中' },
    devices,
    areas: AREAS.map((one) => area.parse(one)),
  } as Parameters<typeof readCampus>[0]);

const uplinkConfig = ({ id, receipts }: LifeOptions['uplinks'][number]): UplinkConfig => ({
  ...partUplink(
    uplink.parse({
      id,
      url: 'mqtt://nowhere',
      receipts,
      reconnectSpread: '2s',
      commands: [{ actions: ['unlock', 'replay'], targets: ['*'] }],
    }),
  ),
  protocol: 'world',
  options: {},
});

const NO_DAYS = { schoolDays: [], holidays: [], workdays: [], terms: [] } as never;

/** Nothing is armed, and nobody has a phone. */
const QUIET = { isArmed: () => false, tell() {} };

/** Wires what main.ts wires, but what is beside the road: media, visitors, access, console. Resolves when it runs. */
export async function startLife(options: LifeOptions): Promise<Life> {
  const { time, driver, devices, plant } = options;
  const campus = campusOf(devices);
  const clock = { now: time.wall, synchronised: () => true, onStep: () => () => {}, close() {} };
  const startedAt = new Date(time.wall()).toISOString();
  const base = { clock, time, log: silentLog, metrics, startedAt };
  const backing = plant.backing?.(options.backing) ?? options.backing;
  const plain = createJournal(backing, { time });
  const journal = plant.journal?.(plain) ?? plain;
  await journal.start();
  const recorder = await createRecorder({ ...base, campusId: '45', deviceNames: campus.names, journal });
  const commands = createCommands({ ...base, campus: '45', journal, recorder, kindOf: campus.kindOf });
  const stage = {
    ...base,
    registry: commands,
    journal,
    states: recorder.states,
    standing: recorder.standing,
    recordFollowUp: recorder.recordFollowUp,
  };
  const areas = AREAS.map((one) => area.parse(one));
  const around = { calendar: NO_DAYS, timezone: 'Asia/Shanghai' };
  const { enter, stages } = layRoad(recorder.record, {
    floods: (onward) => createFloods({ ...stage, onward }),
    arming: (onward) => createArming({ areas, ...around }, { ...stage, onward, isKnown: recorder.isLoaded }),
    alarms: (onward) => createAlarms(campus, { ...stage, onward }),
  });
  const { floods, arming, alarms } = stages;
  const supervisor = createDevices(devices, {
    ...base,
    registry: commands,
    drivers: [driver],
    record: enter,
    keep: async () => '',
    isolated: () => Promise.reject(new Error('nothing is read apart here')),
  });
  const rules = createRules(
    RULES.map((one) => rule.parse(one)),
    {
      ...base,
      commands,
      areaOf: campus.areaOf,
      ...QUIET,
      ...around,
    },
  );
  const ofUplinks = {
    campus: { id: '45', name: '一中' },
    timezone: around.timezone,
    dataDir: '',
    uplinks: options.uplinks.map(uplinkConfig),
  };
  const uplinks = createUplinks(ofUplinks, {
    ...base,
    registry: commands,
    transports: [plant.transport?.(options.transport) ?? options.transport],
    devices: campus.targets,
    journal,
    recorder,
    commands,
    cardKey: Buffer.alloc(32),
    contentOf: async () => undefined,
    media: noMedia,
    things: noThings,
  });

  journal.onAppended(uplinks.wake);
  recorder.onUnsaved((event) => {
    uplinks.wake(new Set(['urgent']));
    rules.onRecorded(event);
  });
  recorder.onStored((event, sequence) => {
    uplinks.onStored(event, sequence);
    alarms.onRecorded(event);
    rules.onRecorded(event);
  });
  followJournal(journal, recorder, silentLog, () => {
    uplinks.reset();
    void arming.start?.();
  });
  const onceOpen = () => void commands.tellInterrupted().catch(() => {});
  if (journal.opened !== undefined) onceOpen();
  else journal.onOpened(onceOpen);
  void recorder.recordOwn('gateway.started', { version: '0', devices: devices.length, uplinks: [] });
  uplinks.start();
  await alarms.start?.();
  supervisor.start();
  for (const part of [floods, arming]) await part.start?.();
  return {
    journal,
    recorder,
    async close() {
      commands.noteStopping();
      for (const part of [arming, floods]) await part[Symbol.asyncDispose]();
      await supervisor.close();
      await alarms[Symbol.asyncDispose]();
      await rules[Symbol.asyncDispose]();
      await commands.settled();
      await uplinks.close(1000);
      commands.close();
      recorder.close();
      await journal.close();
    },
  };
}

/** A clock whose timers all end with the process that has them. */
export function processClock(time: Clock): { readonly clock: Clock; kill(): void; pending(): number } {
  const timers = new Set<Timer>();
  const listening = new Set<() => void>();
  let alive = true;
  const keep = (make: (run: () => void) => Timer, run: () => void, once: boolean): Timer => {
    const inner = make(() => {
      if (once) timers.delete(inner);
      if (alive) run();
    });
    timers.add(inner);
    const stop = () => {
      timers.delete(inner);
      inner.stop();
    };
    if (!alive) stop();
    return { stop, [Symbol.dispose]: stop };
  };
  const after: Clock['after'] = (ms, run) => keep((one) => time.after(ms, one), run, true);
  // Node keeps a signal of `any` for as long as somebody listens to it.
  const wait = waitBy(after, listening);
  return {
    clock: {
      wall: time.wall,
      elapsed: time.elapsed,
      random: time.random,
      onPause: time.onPause,
      after,
      every: (ms, run) => keep((one) => time.every(ms, one), run, false),
      // Of a process that is gone nothing goes on.
      wait: (ms, signal) => (alive ? wait(ms, signal) : new Promise(() => {})),
    },
    kill() {
      alive = false;
      for (const timer of timers) timer.stop();
      timers.clear();
      for (const leave of [...listening]) leave();
    },
    pending: () => timers.size,
  };
}
