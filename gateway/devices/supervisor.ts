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
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { createBackOff } from '../lifecycle/back-off.ts';
import { type InFlight, inFlight } from '../lifecycle/in-flight.ts';
import type { Part } from '../lifecycle/part.ts';
import { type BurstLog, burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { createReasons } from '../observe/reasons.ts';
import { raisedOf, type State } from '../road/states.ts';
import { createWireTap, type WireTap } from '../wire-tap.ts';
import { type Abouts, createAbouts } from './abouts.ts';
import { createLastDiscarded, type LastDiscarded } from './discarded.ts';
import { createLinks, type Links } from './links.ts';
import { createUnmapped, type Unmapped } from './unmapped.ts';

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
  readonly metrics: Metrics;
}

/** What a rule asks for waits so long for the line of its device: after a restart, alarms come before lines are open. */
export const RULE_PATIENCE_MS = 15_000;
const BACKOFF = { firstMs: 500, mostMs: 30_000 };
/** A session that held this long was a good one. */
const GOOD_AFTER_MS = 30_000;
const CLOSE_TIMEOUT_MS = 1500;

/** Devices that share a session. */
interface Wire {
  readonly line: string;
  readonly driver: Driver;
  readonly devices: Device[];
  /** Why something on it was discarded. */
  readonly reasonOf: ReturnType<typeof createReasons>;
  readonly tap: WireTap;
  /** When each of its devices was last heard, epoch ms. */
  readonly heardAt: Map<string, number>;
  /** While it is open. */
  session?: Session | undefined;
  /** Commands that wait until it is open or one of its devices answers; they are called with whether that is over. */
  readonly waiting: Set<(over: boolean) => void>;
  /** Cuts the wait for the next try short: a command waits for the line. */
  hurry?: (() => void) | undefined;
}

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
  readonly signal: AbortSignal;
}

/** The wires of devices, by device. */
function layWires(
  devices: readonly Device[],
  { drivers, time }: Pick<SupervisorContext, 'drivers' | 'time'>,
): ReadonlyMap<string, Wire> {
  const wires = new Map<string, Wire>();
  const wireOf = new Map<string, Wire>();
  for (const device of devices) {
    const driver = drivers.find((one) => one.name === device.driver) as Driver;
    const line = driver.line(device as Parameters<Driver['line']>[0]);
    const key = `${driver.name} ${line}`;
    const wire: Wire = wires.get(key) ?? {
      line,
      driver,
      devices: [],
      reasonOf: createReasons(),
      tap: createWireTap(time),
      heardAt: new Map(),
      waiting: new Set(),
    };
    wire.devices.push(device);
    wires.set(key, wire);
    wireOf.set(device.id, wire);
  }
  return wireOf;
}

export function createSupervisor(devices: readonly Device[], context: SupervisorContext): Supervisor {
  const wireOf = layWires(devices, context);
  const wires = new Set(wireOf.values());
  const stop = new AbortController();
  const bursts = burstLog(context.log, context.time);
  const flying = inFlight(context.time);
  const links = createLinks(context);
  const abouts = createAbouts(context.log);
  const unmapped = createUnmapped();
  const discarded = createLastDiscarded();
  let running: readonly Promise<void>[] = [];
  const close = async () => {
    stop.abort();
    for (const { waiting } of wires) for (const wake of [...waiting]) wake(true);
    await Promise.all(running);
    await flying.settled(CLOSE_TIMEOUT_MS);
    bursts.close();
  };
  return {
    start() {
      running = [...wires].map((wire) =>
        keepOpen(wire, { context, links, abouts, bursts, flying, unmapped, discarded, signal: stop.signal }),
      );
    },
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
      const wire = wireOf.get(id);
      return wire && viewOf(wire, id);
    },
    async execute(command, { patienceMs = 0 } = {}) {
      const wire = wireOf.get(command.device);
      if (wire === undefined) return { done: false, reason: `there is no device ${command.device}` };
      const until = context.time.elapsed() + patienceMs;
      // Waits first and tries once: what was tried may have moved something, and none of that is done twice.
      const isHeard = () => wire.session !== undefined && links.isHeard(command.device);
      while (!isHeard() && !stop.signal.aborted && (await waitForWire(wire, until, context.time)));
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

async function giveCommand(command: Command, { line, driver, session }: Wire, time: Clock): Promise<Outcome> {
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
  const { line, driver, devices } = wire;
  const { context, links, bursts, signal } = shared;
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
      for (const { id } of devices) links.noteLineLost(id, reason);
      await waitToReopen(wire, waitMs, shared);
    }
  }
  log.debug({ line }, 'line closed');
}

/** A siren that an alarm waits for is not kept waiting by a back-off of half a minute. */
async function waitToReopen(wire: Wire, waitMs: number, { context, signal }: Shared): Promise<void> {
  const { time } = context;
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
  const { context, links, abouts, flying, unmapped, signal } = shared;
  const { driver, devices } = wire;
  const { record, keep, isolated, time, log, metrics } = context;
  const own = new AbortController();
  const host: Host = {
    report(observation) {
      wire.heardAt.set(observation.device, time.wall());
      return flying.track(record(observation));
    },
    keep: (...picture) => flying.track(keep(...picture)),
    link(device, state, reason, part) {
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
