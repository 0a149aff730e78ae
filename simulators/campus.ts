/** A whole simulated campus from the devices of a config: the other end of every wire that it names. */
import { setTimeout as delay } from 'node:timers/promises';
import { readSecretOf } from '../drivers/files.ts';
import type { Format } from '../drivers/wiegand/codec.ts';
import { startCamera } from './camera.ts';
import { startFaceTerminal } from './face-terminal.ts';
import { type FenceUnit, startFences } from './fence.ts';
import { fenceModels, type TerminalKind } from './kinds.ts';
import { type OsdpReader, startOsdpReaders } from './osdp.ts';
import { startPanel } from './panel.ts';
import { startReader } from './reader.ts';
import { startReceiver } from './receiver.ts';
import { startSign } from './sign.ts';
import type { Simulator, WireEnd } from './simulator.ts';

interface HostPort {
  readonly host: string;
  readonly port: number;
}
type Connection =
  | { readonly tcp: HostPort }
  | { readonly serialServer: HostPort }
  | { readonly serial: string }
  | { readonly keyboard: string };

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
interface ReceiverConfig {
  readonly connection?: Connection;
  readonly listen?: HostPort;
  readonly accounts: readonly { readonly account: string }[];
  readonly supervision?: number;
}
interface ModbusConfig {
  readonly connection: Connection;
  readonly unit: number;
  readonly profile: string;
}
interface OsdpConfig {
  readonly connection: Connection;
  readonly address: number;
  readonly keyFile?: string;
}
interface CameraConfig {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly stream?: string;
}
interface TerminalConfig {
  readonly listen?: HostPort;
  readonly pull?: { readonly url: string; readonly username: string; readonly passwordFile: string };
  readonly profile: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly tokenFile?: string;
  readonly serial?: string;
}
interface ReaderConfig {
  readonly connection: Connection;
  readonly format: Format | 'wiegand';
}

export interface Campus {
  readonly simulators: readonly Simulator[];
  /** Devices that could not be simulated, each with the reason. */
  readonly skipped: readonly string[];
  close(): Promise<void>;
}

interface Simulated {
  readonly simulators: readonly Simulator[];
  readonly skipped?: readonly string[];
}
type ReadKey = (file: string) => Uint8Array;

/** `taken`: ports that are somebody's. */
type Simulate = (
  devices: readonly CampusDevice[],
  readKey: ReadKey,
  taken: ReadonlySet<number>,
) => Promise<Simulated>;

/** How the devices of each driver are simulated: one line a driver. */
const kinds: Readonly<Record<string, Simulate>> = {
  dc09: panels,
  'http-push': terminals,
  modbus: fences,
  onvif: cameras,
  osdp: osdpReaders,
  receiver: receivers,
  'serial-line': signs,
  wiegand: readers,
};

const endOf = (connection: Connection): WireEnd | undefined =>
  'tcp' in connection
    ? { listen: connection.tcp }
    : 'serialServer' in connection
      ? { listen: connection.serialServer }
      : undefined;
const onSerial = (id: string) =>
  `${id} is on a port of this machine; simulate it alone: campus-gateway simulate ... --serial PATH`;

async function panels(devices: readonly CampusDevice[], readKey: ReadKey): Promise<Simulated> {
  const simulators = devices.flatMap(({ id, options }) => {
    const { listen, accounts } = options as PanelConfig;
    return accounts.map(({ account, keyFile, supervision }) =>
      startPanel({
        id: accounts.length === 1 ? id : `${id}/${account}`,
        ...listen,
        account,
        ...(keyFile !== undefined && { key: readKey(keyFile) }),
        // Three link tests an interval: one lost is no outage.
        ...(supervision !== undefined && { supervision: supervision / 3 }),
      }),
    );
  });
  return { simulators };
}

async function receivers(devices: readonly CampusDevice[]): Promise<Simulated> {
  const skipped: string[] = [];
  const starting = devices.flatMap(({ id, options }) => {
    const { connection, listen, accounts, supervision } = options as ReceiverConfig;
    const end = listen === undefined ? connection && endOf(connection) : { dial: listen };
    // Three heartbeats an interval: one lost is no outage.
    const often = supervision === undefined ? {} : { heartbeat: supervision / 3 };
    if (end !== undefined)
      return [startReceiver({ id, end, account: accounts[0]?.account ?? '1234', ...often })];
    skipped.push(onSerial(id));
    return [];
  });
  return { simulators: await Promise.all(starting), skipped };
}

async function fences(devices: readonly CampusDevice[]): Promise<Simulated> {
  const wires = new Map<string, { end: WireEnd; framing: 'tcp' | 'rtu'; units: FenceUnit[] }>();
  const skipped: string[] = [];
  for (const { id, options } of devices) {
    const { connection, unit, profile } = options as ModbusConfig;
    const end = endOf(connection);
    const model = fenceModels.find((one) => one === profile);
    if (end === undefined) skipped.push(onSerial(id));
    else if (model === undefined) skipped.push(`${id}: no simulator knows the profile ${profile}`);
    else {
      const framing = 'tcp' in connection ? 'tcp' : 'rtu';
      const key = JSON.stringify(end);
      const wire = wires.get(key) ?? { end, framing, units: [] };
      wire.units.push({ id, unit, model });
      wires.set(key, wire);
    }
  }
  const started = await Promise.all([...wires.values()].map(startFences));
  return { simulators: started.flat(), skipped };
}

async function readers(devices: readonly CampusDevice[]): Promise<Simulated> {
  const skipped: string[] = [];
  const starting = devices.flatMap(({ id, options }) => {
    const { connection, format: written } = options as ReaderConfig;
    const format = written === 'wiegand' ? 'wiegand26' : written;
    const end = endOf(connection);
    if (end !== undefined) return [startReader({ id, end, format })];
    skipped.push(onSerial(id));
    return [];
  });
  return { simulators: await Promise.all(starting), skipped };
}

async function signs(devices: readonly CampusDevice[]): Promise<Simulated> {
  const skipped: string[] = [];
  const starting = devices.flatMap(({ id, options }) => {
    const end = endOf((options as Pick<ReaderConfig, 'connection'>).connection);
    if (end !== undefined) return [startSign({ id, end, shows: () => {} })];
    skipped.push(onSerial(id));
    return [];
  });
  return { simulators: await Promise.all(starting), skipped };
}

async function cameras(
  devices: readonly CampusDevice[],
  _readKey: ReadKey,
  taken: ReadonlySet<number>,
): Promise<Simulated> {
  const started = await Promise.all(
    [
      ...Map.groupBy(
        devices,
        ({ options }) => `${(options as CameraConfig).host}:${(options as CameraConfig).port}`,
      ),
    ]
      .map(([, own]) => own[0] as CampusDevice)
      .map(async ({ id, options }) => {
        const { host, port, username, passwordFile } = options as CameraConfig;
        return await startCamera({
          id,
          host,
          port,
          // Beside its ONVIF service, where nobody else is to be; else anywhere: the camera says where.
          rtspPort: taken.has(port + 1) ? 0 : port + 1,
          anyRtspPort: true,
          ...(username !== undefined && { username }),
          ...(passwordFile !== undefined && { password: readSecretOf(passwordFile) }),
        });
      }),
  );
  return { simulators: started, skipped: [] };
}

const terminalProfiles: Readonly<Record<string, TerminalKind>> = {
  'hikvision-face': 'hikvision',
  'dahua-face': 'dahua',
  'zkteco-push': 'zkteco',
  'uniview-face': 'uniview',
  'visitor-kiosk': 'kiosk',
};

async function terminals(devices: readonly CampusDevice[]): Promise<Simulated> {
  const skipped: string[] = [];
  const starting = devices.flatMap(({ id, options }) => {
    const { listen, pull, profile, username, passwordFile, tokenFile, serial } = options as TerminalConfig;
    const kind = terminalProfiles[profile];
    if (kind === undefined) {
      skipped.push(`${id}: no simulator knows the profile ${profile}`);
      return [];
    }
    if (pull !== undefined) {
      const { hostname: host, port } = new URL(pull.url);
      const served = { host, port: Number(port) };
      const { username: user, passwordFile: file } = pull;
      return [startFaceTerminal({ id, kind, listen: served, username: user, password: readSecretOf(file) })];
    }
    const token = tokenFile === undefined ? '' : `?token=${encodeURIComponent(readSecretOf(tokenFile))}`;
    const server = `http://127.0.0.1:${listen?.port}`;
    return [
      startFaceTerminal({
        id,
        kind,
        serial,
        to: kind === 'zkteco' ? server : `${server}/push/${id}${token}`,
        username,
        password: passwordFile === undefined ? undefined : readSecretOf(passwordFile),
      }),
    ];
  });
  return { simulators: await Promise.all(starting), skipped };
}

async function osdpReaders(devices: readonly CampusDevice[], readKey: ReadKey): Promise<Simulated> {
  const wires = new Map<string, { end: WireEnd; readers: OsdpReader[] }>();
  const skipped: string[] = [];
  for (const { id, options } of devices) {
    const { connection, address, keyFile } = options as OsdpConfig;
    const end = endOf(connection);
    if (end === undefined) {
      skipped.push(onSerial(id));
      continue;
    }
    const wire = wires.get(JSON.stringify(end)) ?? { end, readers: [] };
    wire.readers.push({ id, address, ...(keyFile !== undefined && { key: readKey(keyFile) }) });
    wires.set(JSON.stringify(end), wire);
  }
  const started = await Promise.all([...wires.values()].map(startOsdpReaders));
  return { simulators: started.flat(), skipped };
}

/** The ports that devices name, at either end of their wires. */
export function portsIn(value: unknown): readonly number[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    key === 'port' && typeof one === 'number' ? [one] : portsIn(one),
  );
}

/**
 * `others`: ports that the gateway of this config will listen at.
 * @throws Error with a sentence where a port is taken.
 */
export async function startCampus(
  devices: readonly CampusDevice[],
  readKey: ReadKey,
  others: Iterable<number> = [],
): Promise<Campus> {
  const simulators: Simulator[] = [];
  const skipped: string[] = [];
  const close = async () => {
    await Promise.all(simulators.map((simulator) => simulator.close()));
  };
  const taken = new Set([...portsIn(devices), ...others]);
  try {
    for (const [driver, own] of Map.groupBy(devices, (device) => device.driver)) {
      const simulated = await kinds[driver]?.(own, readKey, taken);
      if (simulated === undefined)
        skipped.push(...own.map(({ id }) => `${id}: there is no simulator for ${driver}`));
      simulators.push(...(simulated?.simulators ?? []));
      skipped.push(...(simulated?.skipped ?? []));
    }
  } catch (error) {
    // Half a campus helps nobody, and keeps its ports.
    await close();
    throw error;
  }
  return { simulators, skipped, close };
}

/**
 * The gate in the morning: `cards` are shown, each once, at the readers that there are, at random moments within
 * `ms`. Resolves when all were shown, or the signal aborts.
 */
export async function rush(
  readers: readonly Simulator[],
  cards: readonly string[],
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const moments = cards.map(() => Math.random() * ms).sort((a, b) => a - b);
  const started = performance.now();
  for (const [i, card] of cards.entries()) {
    const wait = started + (moments[i] ?? 0) - performance.now();
    if (wait > 0) await delay(wait, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    await readers[Math.floor(Math.random() * readers.length)]?.do(`card ${card}`);
  }
}

/** What happens on an ordinary day: how often of a hundred, what, and what puts it right. Z is a zone, N a card. */
const ordinary = [
  { often: 4, what: 'press 9', back: 'release 9' },
  { often: 10, what: 'trip Z', back: 'restore Z' },
  { often: 4, what: 'break Z', back: 'restore Z' },
  { often: 3, what: 'short Z', back: 'restore Z' },
  { often: 3, what: 'weak Z', back: 'restore Z' },
  { often: 4, what: 'motion', back: 'motion-end' },
  { often: 2, what: 'line' },
  { often: 54, what: 'card N' },
  { often: 16, what: 'face N' },
] as const;
/** More than this is never wrong at once. */
const WRONG_AT_ONCE = 3;

/**
 * An ordinary day, run fast: mostly cards, now and then a fence or the panel. `rate` is actions a second; what is
 * tripped is restored. Ends when the signal aborts.
 */
export async function liveADay(
  campus: Pick<Campus, 'simulators'>,
  rate: number,
  signal: AbortSignal,
): Promise<void> {
  const verb = (action: string) => action.split(' ')[0];
  const can = (simulator: Simulator, action: string) =>
    Object.keys(simulator.help).some((usage) => verb(usage) === verb(action));
  const wrong: (() => Promise<void>)[] = [];
  let card = 10_000_000;
  const live = async () => {
    if (wrong.length > WRONG_AT_ONCE) return wrong.shift()?.();
    let dice = Math.random() * 100;
    const happening = ordinary.find(({ often }) => {
      dice -= often;
      return dice < 0;
    });
    const able = campus.simulators.filter((one) => happening !== undefined && can(one, happening.what));
    const simulator = able[Math.floor(Math.random() * able.length)];
    if (happening === undefined || simulator === undefined) return;
    const zone = String(1 + Math.floor(Math.random() * 2));
    const inWords = (action: string) => action.replace('Z', zone).replace('N', String(card++));
    await simulator.do(inWords(happening.what));
    if ('back' in happening && can(simulator, happening.back))
      wrong.push(() => simulator.do(inWords(happening.back)));
  };
  while (!signal.aborted) {
    await live();
    await delay((1000 / rate) * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
  }
}
