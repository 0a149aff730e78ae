/**
 * The wires of the campus: which devices share one, and what becomes of them when the config changes. A wire on which
 * nothing differs is not touched; one that many share keeps its session where its driver can take up the difference.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Device, Driver, Log, Session } from '../../drivers/contract/driver.ts';
import type { InFlight } from '../lifecycle/in-flight.ts';
import type { DeviceLog, DeviceLogs } from '../observe/device-logs.ts';
import { createReasons } from '../observe/reasons.ts';
import { createWireTap, type WireTap } from '../wire-tap.ts';

/** Devices that share a session. */
export interface Wire {
  /** The driver and the line. */
  readonly key: string;
  readonly line: string;
  readonly driver: Driver;
  /** In the order of the config. */
  devices: readonly Device[];
  /** Of these; the same list always. */
  readonly ids: string[];
  /** Why something on it was discarded. */
  readonly reasonOf: ReturnType<typeof createReasons>;
  readonly tap: WireTap;
  readonly log: DeviceLog;
  /** When each of its devices was last heard, epoch ms. */
  readonly heardAt: Map<string, number>;
  /** While it is open. */
  session?: Session | undefined;
  /** Ends it; `running` resolves when it has ended. */
  readonly stop: AbortController;
  running?: Promise<void>;
  /** Commands that wait until it is open or one of its devices answers; they are called with whether that is over. */
  readonly waiting: Set<(over: boolean) => void>;
  /** Cuts the wait for the next try short: a command waits for the line. */
  hurry?: (() => void) | undefined;
}

/** Devices of one line. */
interface Group extends Pick<Wire, 'key' | 'line' | 'driver'> {
  readonly devices: Device[];
}

/** The lines of devices, in the order of the config. */
function groupsOf(devices: readonly Device[], drivers: readonly Driver[]): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  for (const device of devices) {
    const driver = drivers.find((one) => one.name === device.driver) as Driver;
    const line = driver.line(device as Parameters<Driver['line']>[0]);
    const key = `${driver.name} ${line}`;
    const group: Group = groups.get(key) ?? { key, line, driver, devices: [] };
    group.devices.push(device);
    groups.set(key, group);
  }
  return groups;
}

const layWire = (group: Group, { time, logs }: Pick<Hands, 'time' | 'logs'>): Wire => {
  const ids = group.devices.map(({ id }) => id);
  return {
    ...group,
    ids,
    log: logs.of(ids),
    reasonOf: createReasons(),
    tap: createWireTap(time),
    heardAt: new Map(),
    waiting: new Set(),
    stop: new AbortController(),
  };
};

/** What is done with a wire. */
interface Hands {
  readonly drivers: readonly Driver[];
  readonly time: Clock;
  readonly log: Log;
  readonly logs: Pick<DeviceLogs, 'of'>;
  readonly flying: Pick<InFlight, 'settled'>;
  readonly isStarted: () => boolean;
  open(wire: Wire): void;
  /** Resolves when its session is closed. */
  end(wire: Wire): Promise<void>;
  /** A device is there no longer, or is another one. */
  forget(device: string): void;
}

/** What a device said last is put on disk before what it is changes; a disk that hangs gets no longer, ms. */
const SETTLE_MS = 1500;

export interface Wires {
  all(): Iterable<Wire>;
  /** The wire of a device. */
  of(device: string): Wire | undefined;
  /** As `Supervisor.leave`, `Supervisor.enter`. */
  leave(next: readonly Device[]): Promise<void>;
  enter(next: readonly Device[]): Promise<void>;
}

export function createWires(devices: readonly Device[], hands: Hands): Wires {
  const { drivers, log, flying, open, end, forget } = hands;
  const byKey = new Map<string, Wire>();
  const byDevice = new Map<string, Wire>();
  const put = (wire: Wire, those: readonly Device[]) => {
    for (const { id } of wire.devices) byDevice.delete(id);
    wire.devices = those;
    wire.ids.splice(0, Number.POSITIVE_INFINITY, ...those.map(({ id }) => id));
    for (const { id } of those) byDevice.set(id, wire);
    byKey.set(wire.key, wire);
  };
  const lay = (group: Group) => {
    const wire = layWire(group, hands);
    put(wire, group.devices);
    if (hands.isStarted()) open(wire);
  };
  const remove = async (wire: Wire) => {
    await end(wire);
    put(wire, []);
    byKey.delete(wire.key);
  };
  /** Its session takes up the difference. @returns false where it cannot. */
  const configure = async (wire: Wire, those: readonly Device[]): Promise<boolean> => {
    const { session, line } = wire;
    if (session?.configure === undefined) return false;
    try {
      await session.configure(those);
      put(wire, those);
      return true;
    } catch (error) {
      log.warn({ line, error: (error as Error).message }, 'a line is opened anew for what changed on it');
      return false;
    }
  };
  for (const group of groupsOf(devices, drivers).values()) lay(group);
  return {
    all: () => byKey.values(),
    of: (device) => byDevice.get(device),
    async leave(next) {
      const groups = groupsOf(next, drivers);
      const leaveOne = async (wire: Wire) => {
        const before = wire.devices;
        const stay = unchanged(wire, groups.get(wire.key)?.devices ?? []);
        const gone = before.filter((device) => !stay.includes(device));
        const isSame = gone.length === 0 && groups.get(wire.key)?.devices.length === stay.length;
        if (isSame) return;
        const goesOn =
          stay.length > 0 && (gone.length > 0 ? await configure(wire, stay) : canConfigure(wire));
        if (!goesOn) await remove(wire);
        for (const { id } of gone) forget(id);
      };
      await Promise.all([...byKey.values()].map(leaveOne));
      await flying.settled(SETTLE_MS);
    },
    async enter(next) {
      for (const group of groupsOf(next, drivers).values()) {
        const wire = byKey.get(group.key);
        if (wire === undefined) {
          lay(group);
          continue;
        }
        const stay = new Map(unchanged(wire, group.devices).map((device) => [device.id, device]));
        if (stay.size === group.devices.length) continue;
        const those = group.devices.map((device) => stay.get(device.id) ?? device);
        if (await configure(wire, those)) continue;
        await remove(wire);
        lay(group);
      }
    },
  };
}

const canConfigure = ({ session }: Wire) => session?.configure !== undefined;

/** The devices of a wire that are the same in another config. */
function unchanged({ devices }: Wire, next: readonly Device[]): readonly Device[] {
  const byId = new Map(next.map((device) => [device.id, device]));
  return devices.filter((device) => isDeepStrictEqual(device, byId.get(device.id)));
}
