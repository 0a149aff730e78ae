/**
 * Simulators of a whole config that are started, driven and stopped one by one, as a page of the console does it; in
 * whatever process they run.
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Driver } from '../../../drivers/contract/driver.ts';
import { CONFIG_FILE_MAX, readTextOf } from '../../../drivers/files.ts';
import { drivers } from '../../../drivers/index.ts';
import {
  type Campus,
  type CampusDevice,
  liveADay,
  portsIn,
  startCampus,
} from '../../../simulators/campus.ts';
import { parseScenario, play, type Scenario, type Simulator } from '../../../simulators/simulator.ts';
import type {
  SimulatedDevice,
  SimulatorAction,
  SimulatorOutcome,
  Simulators,
  SimulatorsView,
} from '../../console/contract/simulators.ts';

export interface DrivenDevice extends CampusDevice {
  readonly name?: string | undefined;
}

export interface DriveOptions {
  readonly devices: readonly DrivenDevice[];
  readonly readKey: (file: string) => Uint8Array;
  /** Ports that the gateway listens at. */
  readonly others: readonly number[];
  readonly time: Clock;
  /** Called where a wire cannot be had, as where another program has its port. */
  readonly onFault?: (error: Error) => void;
  /** Where scenarios are. */
  readonly folder?: string;
}

/** Devices of one wire: they are started and stopped together. */
interface Wire {
  readonly name: string;
  readonly devices: readonly DrivenDevice[];
  campus: Campus | undefined;
  /** Why it could not be started. */
  failed: string | undefined;
}

const SCENARIOS = join(import.meta.dirname, '../../../simulators/scenarios');
const TOLD_MAX = 50;
const TEXT_MAX = 300;
/** What a day that is lived by itself is called among what was done. */
const DAY = 'day';

function wireOf(device: CampusDevice): string {
  const driver = drivers.find(({ name }) => name === device.driver) as Driver | undefined;
  return driver?.line(device as Parameters<Driver['line']>[0]) ?? device.id;
}

/** The scenarios of a folder, by their names; one that cannot be read is none. */
function readScenarios(folder: string): ReadonlyMap<string, Scenario> {
  const scenarios = new Map<string, Scenario>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml')))
    try {
      const scenario = parseScenario(readTextOf(join(folder, file), CONFIG_FILE_MAX), file);
      scenarios.set(basename(file, '.yaml'), scenario);
    } catch {}
  return scenarios;
}

/** A panel of several accounts is several simulators, `panel/1234`. */
const isOf = (simulator: Simulator, device: CampusDevice) =>
  simulator.id === device.id || simulator.id.startsWith(`${device.id}/`);

type Told = Omit<SimulatorsView['told'][number], 'at' | 'of'>;
type Tell = (of: string, told: Told) => void;

/** Starts and stops wires, one change at a time: who presses twice starts once. */
function createWires({ devices, readKey, others, onFault = () => {} }: DriveOptions, tell: Tell) {
  const wires = [...Map.groupBy(devices, wireOf)].map(
    ([name, own]): Wire => ({ name, devices: own, campus: undefined, failed: undefined }),
  );
  // A camera's stream is beside its service, where nobody else is to be: on no wire of the config.
  const taken = [...portsIn(devices), ...others];
  let changing: Promise<unknown> = Promise.resolve();
  const namesOf = (wire: Wire) => wire.devices.map(({ id }) => id).join(', ');

  const start = async (wire: Wire) => {
    if (wire.campus !== undefined) return;
    wire.failed = undefined;
    try {
      const campus = await startCampus(wire.devices, readKey, taken);
      if (campus.simulators.length > 0) wire.campus = campus;
      else wire.failed = campus.skipped.join('; ');
    } catch (error) {
      wire.failed = (error as Error).message;
      onFault(error as Error);
    }
    tell(namesOf(wire), wire.failed === undefined ? { did: 'started' } : { text: wire.failed });
  };
  const stop = async (wire: Wire) => {
    wire.failed = undefined;
    const { campus } = wire;
    if (campus === undefined) return;
    wire.campus = undefined;
    await campus.close();
    tell(namesOf(wire), { did: 'ended' });
  };
  const change = (ids: readonly string[], step: (wire: Wire) => Promise<void>) => {
    const next = changing.then(async (): Promise<SimulatorOutcome> => {
      const chosen = wires.filter((wire) => wire.devices.some(({ id }) => ids.includes(id)));
      for (const wire of chosen) await step(wire);
      const failed = chosen.flatMap((wire) => (wire.failed === undefined ? [] : [wire.failed]));
      return failed.length === 0 ? { done: true } : { done: false, reason: failed.join('; ') };
    });
    changing = next.catch(() => {});
    return next;
  };
  return {
    simulators: () => wires.flatMap(({ campus }) => campus?.simulators ?? []),
    start: (ids: readonly string[]) => change(ids, start),
    stop: (ids: readonly string[]) => change(ids, stop),
    view: () => wires.flatMap((wire) => wire.devices.map((device) => viewOf(device, wire))),
  };
}

/** Plays one scenario at a time. */
function createStage(folder: string, running: Pick<Campus, 'simulators'>, tell: Tell) {
  const scenarios = readScenarios(folder);
  let playing: { readonly id: string; readonly stop: AbortController } | undefined;
  const stop = () => playing?.stop.abort();
  // `fence: trip 1`.
  const onStep = (step: string) => {
    const at = step.indexOf(': ');
    tell(step.slice(0, at), { text: step.slice(at + 2) });
  };
  return {
    stop,
    begin(id: string): SimulatorOutcome {
      const scenario = scenarios.get(id);
      if (scenario === undefined) return { done: false, reason: `there is no scenario ${id}` };
      const { simulators } = running;
      const away = [...devicesOf(scenario)].filter((device) => !simulators.some((one) => one.id === device));
      if (away.length > 0) return { done: false, reason: `not simulated now: ${away.join(', ')}` };
      stop();
      const own = { id, stop: new AbortController() };
      playing = own;
      tell(scenario.title, { did: 'started' });
      void play(scenario, simulators, onStep, own.stop.signal)
        .then(
          () => tell(scenario.title, { did: 'ended' }),
          ({ message }: Error) => tell(scenario.title, { text: message }),
        )
        .finally(() => {
          if (playing === own) playing = undefined;
        });
      return { done: true };
    },
    view: (known: ReadonlySet<string>) =>
      [...scenarios].map(([id, scenario]) => ({
        id,
        title: scenario.title,
        missing: [...devicesOf(scenario)].filter((device) => !known.has(device)),
        playing: playing?.id === id,
      })),
  };
}

export interface Driven extends Simulators {
  /** All that run now, however many come and go. */
  readonly running: Pick<Campus, 'simulators'>;
}

export function driveSimulators(options: DriveOptions): Driven {
  const { devices, time } = options;
  const told: SimulatorsView['told'] = [];
  const tell: Tell = (of, { did, text }) => {
    const what = did === undefined ? { text: (text ?? '').slice(0, TEXT_MAX) } : { did };
    told.unshift({ at: new Date(time.wall()).toISOString(), of: of.slice(0, TEXT_MAX), ...what });
    told.length = Math.min(told.length, TOLD_MAX);
  };
  const wires = createWires(options, tell);
  const running = {
    get simulators() {
      return wires.simulators();
    },
  };
  const stage = createStage(options.folder ?? SCENARIOS, running, tell);
  const known = new Set(devices.map(({ id }) => id));
  let day:
    | { readonly rate: number; readonly stop: AbortController; readonly ended: Promise<void> }
    | undefined;

  const act = async (id: string, line: string): Promise<SimulatorOutcome> => {
    const simulator = running.simulators.find((one) => one.id === id);
    if (simulator === undefined) return { done: false, reason: `${id} is not simulated now` };
    await simulator.do(line);
    tell(id, { text: line });
    return { done: true };
  };
  const live = async (rate: number | null): Promise<SimulatorOutcome> => {
    const before = day;
    day = undefined;
    before?.stop.abort();
    await before?.ended;
    if (rate === null) return { done: true };
    const stop = new AbortController();
    const ended = liveADay(running, rate, stop.signal)
      .catch(({ message }: Error) => tell(DAY, { text: message }))
      .finally(() => {
        if (day?.stop === stop) day = undefined;
      });
    day = { rate, stop, ended };
    return { done: true };
  };
  const perform = async (action: SimulatorAction): Promise<SimulatorOutcome> => {
    if (action.do === 'start') return await wires.start(action.devices);
    if (action.do === 'stop') return await wires.stop(action.devices);
    if (action.do === 'act') return await act(action.simulator, action.line);
    if (action.do === 'play') return stage.begin(action.scenario);
    if (action.do === 'live') return await live(action.rate);
    stage.stop();
    return { done: true };
  };
  return {
    running,
    view: async () => ({
      devices: wires.view(),
      scenarios: stage.view(known),
      rate: day?.rate ?? null,
      told: [...told],
    }),
    perform: (action) =>
      perform(action).catch(({ message }: Error) => ({ done: false, reason: message.slice(0, TEXT_MAX) })),
    async [Symbol.asyncDispose]() {
      stage.stop();
      await live(null);
      await wires.stop([...known]);
    },
  };
}

const devicesOf = ({ steps }: Scenario): ReadonlySet<string> =>
  new Set(steps.flatMap(({ device }) => device ?? []));

function viewOf(device: DrivenDevice, wire: Wire): SimulatedDevice {
  const own = wire.campus?.simulators.filter((one) => isOf(one, device)) ?? [];
  const reason =
    wire.failed ??
    wire.campus?.skipped.find((one) => one.startsWith(`${device.id}:`) || one.startsWith(`${device.id} `));
  return {
    id: device.id,
    ...(device.name !== undefined && { name: device.name }),
    driver: device.driver,
    wire: wire.name,
    state:
      wire.campus !== undefined && reason === undefined
        ? 'running'
        : reason === undefined
          ? 'stopped'
          : 'failed',
    ...(reason !== undefined && { reason: reason.slice(0, TEXT_MAX) }),
    simulators: own.map(({ id, help }) => ({
      id,
      actions: Object.entries(help).map(([usage, words]) => ({ usage, help: words })),
    })),
  };
}
