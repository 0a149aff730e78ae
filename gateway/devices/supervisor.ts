/**
 * Keeps every device's session alive, and turns its life into events.
 *
 * Devices on one wire share one session: `driver.line(device)` names the wire. A session that ends is opened anew
 * after a back-off with jitter; a driver that throws harms nobody else.
 */
import { type Clock, within } from '../../drivers/contract/clock.ts';
import type { Command, Device, Driver, Host, Log, Outcome, Session } from '../../drivers/contract/driver.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { type InFlight, inFlight } from '../lifecycle/in-flight.ts';
import { type BurstLog, burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

export interface Supervisor {
  /** Whether each device answers; undefined: it has not been heard of yet. */
  online(device: string): boolean | undefined;
  /**
   * Gives a command to a device's session. Where its line is not open, it waits for that, at most `patienceMs`; by
   * default not at all. Never rejects: what cannot be done says why.
   */
  execute(command: Command, options?: { readonly patienceMs?: number }): Promise<Outcome>;
  close(): Promise<void>;
}

export interface SupervisorContext {
  readonly drivers: readonly Driver[];
  readonly record: (observation: Observation) => Promise<Receipt>;
  readonly keep: Host['keep'];
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What a rule asks for waits so long for the line of its device: after a restart, alarms come before lines are open. */
export const RULE_PATIENCE_MS = 15_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** A session that held this long was a good one. */
const GOOD_AFTER_MS = 30_000;
const CLOSE_TIMEOUT_MS = 1500;

/** Devices that share a session. */
interface Wire {
  readonly line: string;
  readonly driver: Driver;
  readonly devices: Device[];
  /** While it is open. */
  session?: Session | undefined;
  /** Who waits until it is open. */
  readonly waiting: Set<(session: Session | undefined) => void>;
}

/** What all wires share. */
interface Shared {
  readonly context: SupervisorContext;
  readonly links: ReturnType<typeof createLinks>;
  readonly bursts: BurstLog;
  /** What devices said and is not on disk yet. */
  readonly flying: InFlight;
  readonly signal: AbortSignal;
}

export function startSupervisor(devices: readonly Device[], context: SupervisorContext): Supervisor {
  const wires = new Map<string, Wire>();
  for (const device of devices) {
    const driver = context.drivers.find((one) => one.name === device.driver) as Driver;
    const line = driver.line(device as Parameters<Driver['line']>[0]);
    const key = `${driver.name} ${line}`;
    const wire = wires.get(key) ?? { line, driver, devices: [], waiting: new Set() };
    wire.devices.push(device);
    wires.set(key, wire);
  }
  const stop = new AbortController();
  const bursts = burstLog(context.log);
  const flying = inFlight();
  const links = createLinks(context);
  const running = [...wires.values()].map((wire) =>
    keepOpen(wire, { context, links, bursts, flying, signal: stop.signal }),
  );
  return {
    online: links.online,
    async execute(command, { patienceMs = 0 } = {}) {
      const wire = [...wires.values()].find(({ devices: own }) =>
        own.some(({ id }) => id === command.device),
      );
      if (wire === undefined) return { done: false, reason: `there is no device ${command.device}` };
      const session =
        wire.session ?? (await nextSession(wire, stop.signal.aborted ? 0 : patienceMs, context.time));
      if (session === undefined) return { done: false, reason: `${wire.line} is not open` };
      if (session.execute === undefined)
        return { done: false, reason: `${wire.driver.name} devices take no commands` };
      return await session
        .execute(command)
        .catch((error: Error) => ({ done: false, reason: error.message }) as const);
    },
    async close() {
      stop.abort();
      for (const { waiting } of wires.values()) for (const resolve of [...waiting]) resolve(undefined);
      await Promise.all(running);
      await flying.settled(CLOSE_TIMEOUT_MS);
      bursts.close();
    },
  };
}

/** The session of a wire that is not open, once it is; undefined: not within that time, or not any more. */
function nextSession({ waiting }: Wire, patienceMs: number, time: Clock): Promise<Session | undefined> {
  if (patienceMs <= 0) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const settle = (session: Session | undefined) => {
      waiting.delete(settle);
      late.stop();
      resolve(session);
    };
    const late = time.after(patienceMs, () => settle(undefined));
    waiting.add(settle);
  });
}

/** Who answers and who does not; a change is an event. */
function createLinks({ record, metrics, log }: SupervisorContext) {
  const known = new Map<string, boolean>();
  const link = (device: string, part: string | undefined, online: boolean, reason: string | undefined) => {
    const key = `${device}\n${part ?? ''}`;
    // A line lost before any part was heard of is told of the device as a whole; a part that answers ends it.
    if (part !== undefined && online && known.get(`${device}\n`) === false)
      link(device, undefined, true, undefined);
    if (known.get(key) === online) return;
    const first = !known.has(key);
    known.set(key, online);
    metrics.devices.set({ device }, isOnline(device) ? 1 : 0);
    const what = part === undefined ? device : `${device} (${part})`;
    if (online) log.info({ device, part }, `${what} answers`);
    else log.warn({ device, part, reason }, `${what} does not answer: ${reason ?? 'no reason given'}`);
    const observation: Observation = {
      device,
      kind: 'link',
      state: online ? 'restored' : 'raised',
      // After a restart, what the journal knew already is no event.
      initial: first,
      ...(part !== undefined && { details: { part } }),
      ...(reason !== undefined && { text: reason }),
    };
    record(observation).catch(() => {
      // Not on disk: the next word on this link must try again.
      if (known.get(key) === online && !first) known.set(key, !online);
      else known.delete(key);
    });
  };
  /** The parts of a device that were heard of; '' is the device as a whole. */
  const partsOf = (device: string) =>
    [...known.keys()]
      .filter((key) => key.startsWith(`${device}\n`))
      .map((key) => key.slice(device.length + 1));
  const isOnline = (device: string) => {
    const parts = partsOf(device);
    return parts.length === 0 ? undefined : parts.every((part) => known.get(`${device}\n${part}`) === true);
  };
  return {
    link,
    online: isOnline,
    /** The wire is gone: everything that was known of its devices is too. */
    lineLost(device: string, reason: string) {
      const parts = partsOf(device);
      for (const part of parts.length > 0 ? parts : [''])
        link(device, part === '' ? undefined : part, false, reason);
    },
  };
}

async function keepOpen(wire: Wire, shared: Shared): Promise<void> {
  const { line, driver, devices } = wire;
  const { context, links, bursts, signal } = shared;
  const { log, metrics, time } = context;
  let tries = 0;
  while (!signal.aborted) {
    const opened = time.elapsed();
    try {
      await runSession(wire, shared);
      if (signal.aborted) return;
      throw new Error('the driver ended its session without a reason');
    } catch (error) {
      if (signal.aborted) return;
      const reason = (error as Error).message;
      if (time.elapsed() - opened > GOOD_AFTER_MS) tries = 0;
      const wait = Math.min(BACKOFF_FIRST_MS * 2 ** tries, BACKOFF_MAX_MS) * (0.5 + time.random() / 2);
      tries++;
      metrics.sessions.inc({ line });
      bursts.warn(
        `session ${line}`,
        { line, driver: driver.name, code: (error as { code?: string }).code, retryInMs: Math.round(wait) },
        reason,
      );
      for (const { id } of devices) links.lineLost(id, reason);
      await time.wait(wait, signal);
    }
  }
  log.debug({ line }, 'line closed');
}

/** One session, from open to end. Rejects when the line is gone. */
async function runSession(wire: Wire, { context, links, bursts, flying, signal }: Shared): Promise<void> {
  const { driver, devices } = wire;
  const { record, keep, time, log, metrics } = context;
  const own = new AbortController();
  const host: Host = {
    report: (observation) => flying.track(record(observation)),
    keep: (...picture) => flying.track(keep(...picture)),
    link: (device, state, reason, part) => links.link(device, part, state === 'online', reason),
    discarded(device, reason, bytes, detail) {
      metrics.discarded.inc({ device, reason });
      metrics.discardedBytes.inc({ device }, bytes);
      bursts.warn(
        `${device} ${reason}`,
        { device, bytes, detail },
        `${device} sent what cannot be used: ${reason}`,
      );
    },
    log,
    signal: own.signal,
    clock: time,
  };
  const abort = () => own.abort();
  signal.addEventListener('abort', abort, { once: true });
  let session: Session | undefined;
  try {
    if (signal.aborted) return;
    session = await driver.open(devices as Parameters<Driver['open']>[0], host);
    wire.session = session;
    for (const resolve of [...wire.waiting]) resolve(session);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([session.ended, aborted]);
  } finally {
    wire.session = undefined;
    own.abort();
    signal.removeEventListener('abort', abort);
    // A driver that cannot close must not hold the others up.
    if (session !== undefined)
      await within(session.close(), CLOSE_TIMEOUT_MS, time, () => new Error('late')).catch(() => {});
  }
}
