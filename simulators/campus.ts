/** A whole simulated campus from the devices of a config: the other end of every wire that it names. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Format } from '../drivers/wiegand/codec.ts';
import { type FenceModel, type FenceUnit, fenceModels, startFences } from './fence.ts';
import { startPanel } from './panel.ts';
import { startReader } from './reader.ts';
import type { Simulator, WireEnd } from './simulator.ts';

interface HostPort {
  readonly host: string;
  readonly port: number;
}
type Connection =
  | { readonly tcp: HostPort }
  | { readonly serialServer: HostPort }
  | { readonly serial: string };

/** A device of a loaded config, as far as a simulator must know it. */
export interface CampusDevice {
  readonly id: string;
  readonly driver: string;
  readonly options: unknown;
}

interface PanelConfig {
  readonly listen: HostPort;
  readonly accounts: readonly {
    readonly account: string;
    readonly keyFile?: string;
    readonly supervision?: number;
  }[];
}
interface ModbusConfig {
  readonly connection: Connection;
  readonly unit: number;
  readonly profile: string;
}
interface ReaderConfig {
  readonly connection: Connection;
  readonly format: Format;
}

export interface Campus {
  readonly simulators: readonly Simulator[];
  /** Devices that could not be simulated, each with the reason. */
  readonly skipped: readonly string[];
  close(): Promise<void>;
}

const endOf = (connection: Connection): WireEnd | undefined =>
  'serial' in connection
    ? undefined
    : { listen: 'tcp' in connection ? connection.tcp : connection.serialServer };

/** @throws Error with a sentence where a port is taken. */
export async function startCampus(
  devices: readonly CampusDevice[],
  readKey: (file: string) => Uint8Array,
): Promise<Campus> {
  const simulators: Simulator[] = [];
  const skipped: string[] = [];
  const fences = new Map<string, { end: WireEnd; framing: 'tcp' | 'rtu'; units: FenceUnit[] }>();
  const noSerial = (id: string) =>
    skipped.push(`${id} is on a serial port; simulate it alone: campus-gateway simulate ... --serial PATH`);

  for (const { id, driver, options } of devices) {
    if (driver === 'dc09') {
      const { listen, accounts } = options as PanelConfig;
      for (const { account, keyFile, supervision } of accounts) {
        const key = keyFile === undefined ? undefined : readKey(keyFile);
        simulators.push(
          startPanel({
            id: accounts.length === 1 ? id : `${id}/${account}`,
            ...listen,
            account,
            ...(key && { key }),
            ...(supervision !== undefined && { supervision: supervision / 3 }),
          }),
        );
      }
    } else if (driver === 'modbus') {
      const { connection, unit, profile } = options as ModbusConfig;
      const end = endOf(connection);
      if (end === undefined) noSerial(id);
      else if (!fenceModels.includes(profile as FenceModel))
        skipped.push(`${id}: no simulator knows the profile ${profile}`);
      else {
        const key = JSON.stringify(end);
        const wire = fences.get(key) ?? {
          end,
          framing: 'tcp' in connection ? ('tcp' as const) : ('rtu' as const),
          units: [],
        };
        wire.units.push({ id, unit, model: profile as FenceModel });
        fences.set(key, wire);
      }
    } else if (driver === 'wiegand') {
      const { connection, format } = options as ReaderConfig;
      const end = endOf(connection);
      if (end === undefined) noSerial(id);
      else simulators.push(await startReader({ id, end, format }));
    } else skipped.push(`${id}: there is no simulator for ${driver}`);
  }
  for (const wire of fences.values()) simulators.push(...(await startFences(wire)));

  return {
    simulators,
    skipped,
    async close() {
      await Promise.all(simulators.map((simulator) => simulator.close()));
    },
  };
}

/**
 * An ordinary day, run fast: mostly cards, now and then a fence or the panel. `rate` is actions a second.
 * Everything that is tripped is restored. Ends when the signal aborts.
 */
export async function liveADay(campus: Campus, rate: number, signal: AbortSignal): Promise<void> {
  const can = (action: string) =>
    campus.simulators.filter((one) => Object.keys(one.help).some((usage) => usage.split(' ')[0] === action));
  const readers = can('card');
  const fenced = can('break');
  const panels = can('press');
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(Math.random() * list.length)];
  const undo: { simulator: Simulator; action: string }[] = [];
  let card = 10_000_000;
  const act = (simulator: Simulator | undefined, action: string, back?: string) => {
    if (simulator === undefined) return;
    if (back !== undefined) undo.push({ simulator, action: back });
    void simulator.do(action);
  };
  while (!signal.aborted) {
    const dice = Math.random();
    const zone = 1 + Math.floor(Math.random() * 2);
    if (undo.length > 3) {
      const { simulator, action } = undo.shift() as (typeof undo)[number];
      void simulator.do(action);
    } else if (dice < 0.04) act(pick(panels), 'press 9', 'release 9');
    else if (dice < 0.14) act(pick(panels), `trip ${zone}`, `restore ${zone}`);
    else if (dice < 0.24)
      act(pick(fenced), `${pick(['trip', 'break', 'short', 'weak'])} ${zone}`, `restore ${zone}`);
    else act(pick(readers), `card ${card++}`);
    await delay((1000 / rate) * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
  }
}
