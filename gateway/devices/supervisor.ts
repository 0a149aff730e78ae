/**
 * Keeps every device's session alive, and turns its life into events.
 *
 * Devices on one wire share one session: `driver.line(device)` names the wire. A session that ends is opened anew
 * after a back-off with jitter; a driver that throws harms nobody else.
 */
import { type Clock, within } from '../../drivers/contract/clock.ts';
import type {
  Command,
  Device,
  Driver,
  Host,
  Job,
  Log,
  Outcome,
  Session,
} from '../../drivers/contract/driver.ts';
import type { About } from '../../drivers/contract/inventory.ts';
import type { DeviceObservation, Observation, Receipt } from '../../drivers/contract/observation.ts';
import { createBackOff } from '../lifecycle/back-off.ts';
import { type InFlight, inFlight } from '../lifecycle/in-flight.ts';
import type { Part } from '../lifecycle/part.ts';
import { createDeviceLogs, type DeviceLogs } from '../observe/device-logs.ts';
import { type BurstLog, burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { raisedOf, type State } from '../road/states.ts';
import type { WireTap } from '../wire-tap.ts';
import { type Abouts, createAbouts } from './abouts.ts';
import { createLastDiscarded, type LastDiscarded } from './discarded.ts';
import { createLinks, type Links } from './links.ts';
import { createUnmapped, type Unmapped } from './unmapped.ts';
import { createWires, type Wire } from './wires.ts';

export interface Supervisor extends Part {
  /** Opens the lines. Commands may wait for that. */
  start(): void;
  /** Whether each device answers; undefined: it has not been heard of yet. */
  online(device: string): boolean | undefined;
  /** Of one account or unit of it. */
  readonly onlineAt: Links['onlineAt'];
  /** What it said that it is. */
  about(device: string): About | undefined;
  /** Calls back after a device began or ceased to answer, or said what it is. */
  onChanged(run: () => void): () => void;
  /** What each device told and no rule maps, and how often. */
  unmapped: Unmapped['list'];
  /** The last detail of what made no sense, by device (or line) and reason. */
  lastDiscarded: LastDiscarded['list'];
  /** For who looks closer; undefined: there is no such device. */
  wireOf(device: string): WireView | undefined;
  /**
   * Gives a command to a device's session, once. Where its line is not open or it does not answer yet, waits for that,
   * at most `patienceMs`; by default not at all. Never rejects: what cannot be done says why.
   */
  execute(command: Command, options?: { readonly patienceMs?: number }): Promise<Outcome>;
  /**
   * Closes the lines of devices that `next` has no more or otherwise, and waits until what they said is on disk. Lines whose
   * driver can take up a difference while they are open are left for `enter`.
   */
  leave(next: readonly Device[]): Promise<void>;
  /** Opens the lines of devices that were not there, or were otherwise; the others go on as they are. */
  enter(next: readonly Device[]): Promise<void>;
  /** Closes the lines, and waits until what devices said is on disk. */
  close(): Promise<void>;
}

/** The wire of a device, as it is now. */
export interface WireView {
  readonly line: string;
  /** All on it. */
  readonly devices: readonly string[];
  readonly isOpen: boolean;
  /** When the device was last heard, epoch ms; undefined: not since the start. */
  readonly heardAt: number | undefined;
  /** The last minute. */
  readonly snapshot: WireTap['snapshot'];
  /** What puts that into words. */
  readonly explain: Pick<Job, 'module' | 'name'> | undefined;
}

export interface SupervisorContext {
  readonly drivers: readonly Driver[];
  readonly record: (observation: Observation) => Promise<Receipt>;
  /** What is known of each thing. */
  readonly states?: ReadonlyMap<string, State>;
  readonly keep: Host['keep'];
  readonly isolated: Host['isolated'];
  readonly time: Clock;
  readonly log: Log;
  /** How much is said of each device; by default all that the log says. */
  readonly logs?: Pick<DeviceLogs, 'of'>;
  readonly metrics: Metrics;
}

/** What a rule asks for waits so long for the line of its device: after a restart, alarms come before lines are open. */
export const RULE_PATIENCE_MS = 15_000;
const BACKOFF = { firstMs: 500, mostMs: 30_000 };
/** A session that held this long was a good one. */
const GOOD_AFTER_MS = 30_000;
const CLOSE_TIMEOUT_MS = 1500;

/** What all wires share. */
interface Shared {
  readonly context: SupervisorContext;
  readonly links: Links;
  readonly abouts: Abouts;
  readonly bursts: BurstLog;
  /** What devices said and is not on disk yet. */
  readonly flying: InFlight;
  readonly unmapped: Unmapped;
  readonly discarded: LastDiscarded;
}

export function createSupervisor(devices: readonly Device[], context: SupervisorContext): Supervisor {
  let isStarted = false;
  const bursts = burstLog(context.log, context.time);
  const flying = inFlight(context.time);
  const links = createLinks(context);
  const abouts = createAbouts(context.log);
  const unmapped = createUnmapped();
  const discarded = createLastDiscarded();
  const shared = { context, links, abouts, bursts, flying, unmapped, discarded };
  const open = (wire: Wire) => {
    wire.running = keepOpen(wire, shared);
  };
  const end = async (wire: Wire) => {
    wire.stop.abort();
    for (const wake of [...wire.waiting]) wake(true);
    await wire.running;
  };
  const forget = (device: string) => {
    for (const kept of [links, abouts, unmapped, discarded]) kept.forget(device);
  };
  const { drivers, time, log, logs = createDeviceLogs(context) } = context;
  const hands = { drivers, time, log, logs, flying, open, end, forget, isStarted: () => isStarted };
  const wires = createWires(devices, hands);
  const close = async () => {
    isStarted = false;
    await Promise.all([...wires.all()].map(end));
    await flying.settled(CLOSE_TIMEOUT_MS);
    bursts.close();
  };
  return {
    start() {
      isStarted = true;
      for (const wire of wires.all()) open(wire);
    },
    leave: wires.leave,
    enter: wires.enter,
    online: links.online,
    onlineAt: links.onlineAt,
    about: abouts.of,
    onChanged(run) {
      const ends = [links.onChanged(run), abouts.onChanged(run)];
      return () => {
        for (const end of ends) end();
      };
    },
    unmapped: unmapped.list,
    lastDiscarded: discarded.list,
    wireOf(id) {
      const wire = wires.of(id);
      return wire && viewOf(wire, id);
    },
    async execute(command, { patienceMs = 0 } = {}) {
      const wire = wires.of(command.device);
      if (wire === undefined) return { done: false, reason: `there is no device ${command.device}` };
      const until = context.time.elapsed() + patienceMs;
      // Waits first and tries once: what was tried may have moved something, and none of that is done twice.
      const isHeard = () => wire.session !== undefined && links.isHeard(command.device);
      while (!isHeard() && !wire.stop.signal.aborted && (await waitForWire(wire, until, context.time)));
      return await giveCommand(command, wire, context.time);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function viewOf({ line, driver, devices, session, tap, heardAt }: Wire, id: string): WireView {
  const device = devices.find((one) => one.id === id) as Device;
  // What is alone on its wire is heard by every byte of it.
  const alone = devices.length === 1 ? tap.heardAt() : undefined;
  const heard = Math.max(heardAt.get(id) ?? 0, alone ?? 0);
  return {
    line,
    devices: devices.map((one) => one.id),
    isOpen: session !== undefined,
    heardAt: heard === 0 ? undefined : heard,
    snapshot: tap.snapshot,
    explain: driver.explain?.(device as Parameters<NonNullable<Driver['explain']>>[0]),
  };
}

export function startSupervisor(devices: readonly Device[], context: SupervisorContext): Supervisor {
  const supervisor = createSupervisor(devices, context);
  supervisor.start();
  return supervisor;
}

/** What an observation is, without the person that it may be of. */
const wordsOf = ({ device, kind, state, zone, cause, initial }: DeviceObservation) => ({
  ...{ device, kind, state, zone: zone?.number, cause, initial },
});

async function giveCommand(command: Command, wire: Wire, time: Clock): Promise<Outcome> {
  const outcome = await carryOut(command, wire, time);
  const { device, action } = command;
  const { done, reason } = { reason: undefined, ...outcome };
  if (wire.log.isVerbose()) wire.log.debug({ device, action, done, reason }, 'it was told');
  return outcome;
}

async function carryOut(command: Command, { line, driver, session }: Wire, time: Clock): Promise<Outcome> {
  if (command.notAfter !== undefined && time.elapsed() >= command.notAfter)
    return { done: false, reason: 'it expired before its device could be told' };
  if (session === undefined) return { done: false, reason: `${line} is not open` };
  if (session.execute === undefined)
    return { done: false, reason: `${driver.name} devices take no commands` };
  try {
    return await session.execute(command);
  } catch (error) {
    return { done: false, reason: (error as Error).message };
  }
}

/** Resolves when the line opened or a device on it answers: true; or when the time is over or the gateway stops: false. */
function waitForWire({ waiting, hurry }: Wire, until: number, time: Clock): Promise<boolean> {
  const leftMs = until - time.elapsed();
  if (leftMs <= 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const wake = (over: boolean) => {
      waiting.delete(wake);
      late.stop();
      resolve(!over);
    };
    const late = time.after(leftMs, () => wake(true));
    waiting.add(wake);
    hurry?.();
  });
}

async function keepOpen(wire: Wire, shared: Shared): Promise<void> {
  const { line, driver } = wire;
  const { context, links, bursts } = shared;
  const { signal } = wire.stop;
  const { log, metrics, time } = context;
  const backOff = createBackOff(BACKOFF, time);
  while (!signal.aborted) {
    const opened = time.elapsed();
    try {
      await runSession(wire, shared);
      if (signal.aborted) return;
      throw new Error('the driver ended its session without a reason');
    } catch (error) {
      if (signal.aborted) return;
      const reason = (error as Error).message;
      if (time.elapsed() - opened > GOOD_AFTER_MS) backOff.reset();
      const waitMs = backOff.nextMs();
      metrics.sessions.inc({ line });
      bursts.warn(
        `session ${line}`,
        { line, driver: driver.name, code: (error as { code?: string }).code, retryInMs: Math.round(waitMs) },
        reason,
      );
      for (const { id } of wire.devices) links.noteLineLost(id, reason);
      await waitToReopen(wire, waitMs, shared);
    }
  }
  log.debug({ line }, 'line closed');
}

/** A siren that an alarm waits for is not kept waiting by a back-off of half a minute. */
async function waitToReopen(wire: Wire, waitMs: number, { context }: Shared): Promise<void> {
  const { time } = context;
  const { signal } = wire.stop;
  const wanted = new AbortController();
  wire.hurry = () => wanted.abort();
  if (wire.waiting.size > 0) wanted.abort();
  const how = await time.wait(waitMs, AbortSignal.any([signal, wanted.signal]));
  wire.hurry = undefined;
  // Not at once: a line that refuses must not be asked in a loop.
  if (how === 'stopped' && !signal.aborted) await time.wait(Math.min(waitMs, BACKOFF.firstMs), signal);
}

/** What a driver took from a stranger (a path, an account) becomes no label, whatever the driver called it. */
function countDiscarded(
  { line, devices, reasonOf }: Wire,
  [named, said, bytes, more]: Parameters<Host['discarded']>,
  { context: { metrics }, bursts, discarded }: Pick<Shared, 'context' | 'bursts' | 'discarded'>,
): void {
  const isOurs = named === line || devices.some(({ id }) => id === named);
  const device = isOurs ? named : (devices[0]?.id ?? '');
  const { reason, detail } = reasonOf(said, isOurs ? undefined : named, more);
  metrics.discarded.inc({ device, reason });
  metrics.discardedBytes.inc({ device }, bytes);
  discarded.note(device, reason, detail);
  const sentence = `${device} sent what cannot be used: ${reason}`;
  bursts.warn(`${device} ${reason}`, { device, bytes, detail }, sentence);
}

/** One session, from open to end. Rejects when the line is gone. */
async function runSession(wire: Wire, shared: Shared): Promise<void> {
  const { context, links, abouts, flying, unmapped } = shared;
  const { driver, devices } = wire;
  const { signal } = wire.stop;
  const { record, keep, isolated, time, metrics } = context;
  const { log } = wire;
  const own = new AbortController();
  const host: Host = {
    report(observation) {
      wire.heardAt.set(observation.device, time.wall());
      if (log.isVerbose()) log.debug(wordsOf(observation), 'it observed');
      return flying.track(record(observation));
    },
    keep: (...picture) => flying.track(keep(...picture)),
    link(device, state, reason, part) {
      if (log.isVerbose()) log.debug({ device, state, reason, part }, 'whether it answers');
      links.noteLink(device, part, state === 'online', reason);
      if (state !== 'online') return;
      wire.heardAt.set(device, time.wall());
      for (const wake of [...wire.waiting]) wake(false);
    },
    about: abouts.note,
    raised: (device) => raisedOf(device, context.states?.values() ?? []),
    discarded: (...what) => countDiscarded(wire, what, shared),
    unmapped(device, what) {
      metrics.unmapped.inc({ device });
      unmapped.note(device, what);
    },
    isolated,
    tap: wire.tap,
    log,
    signal: own.signal,
    clock: time,
  };
  const aborted = Promise.withResolvers<void>();
  const abort = () => {
    own.abort();
    aborted.resolve();
  };
  signal.addEventListener('abort', abort, { once: true });
  let session: Session | undefined;
  try {
    if (log.isVerbose()) log.debug({ line: wire.line, devices: wire.ids }, 'the line is opened');
    session = await driver.open(devices as Parameters<Driver['open']>[0], host);
    wire.session = session;
    for (const wake of [...wire.waiting]) wake(false);
    await Promise.race([session.ended, aborted.promise]);
  } finally {
    wire.session = undefined;
    own.abort();
    signal.removeEventListener('abort', abort);
    // A driver that cannot close must not hold the others up.
    if (session !== undefined)
      await within(session.close(), CLOSE_TIMEOUT_MS, time, () => new Error('late')).catch(() => {});
  }
}
