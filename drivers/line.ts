/**
 * A byte line: a serial port, or a serial server's raw TCP connection, behind one interface.
 *
 * A line lives once. When it ends, `ended` tells why, and the next one is a new object with a new port:
 * a SerialPort that lost its USB adapter never works again (serialport/node-serialport#648).
 */
import { stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { SerialPort } from 'serialport';
import { z } from 'zod';
import type { Clock, Timer } from './contract/clock.ts';
import { type Clash, type Device, type Host, LineError } from './contract/driver.ts';
import { hostPort } from './contract/options.ts';
import type { Tap } from './contract/tap.ts';

export const serialOptions = z.strictObject({
  serial: z
    .string()
    .regex(/^\/./, 'the path of a port, /dev/...')
    .describe('A serial port; prefer /dev/serial/by-id/..., which survives re-plugging'),
  baudRate: z.int().min(300).max(4_000_000).default(9600).describe('Bits per second'),
  dataBits: z.union([z.literal(7), z.literal(8)]).default(8),
  stopBits: z.union([z.literal(1), z.literal(2)]).default(1),
  parity: z.enum(['none', 'even', 'odd']).default('none'),
});
export const serialServerOptions = z.strictObject({
  serialServer: hostPort().describe('A serial server (raw TCP), HOST:PORT'),
});
export type SerialConnection = z.output<typeof serialOptions>;
export type SerialServerConnection = z.output<typeof serialServerOptions>;
export type LineConnection = SerialConnection | SerialServerConnection;

/** The two connections that every serial driver takes. */
export const lineConnection = z.union([serialOptions, serialServerOptions]);

/** The same wire has the same name, whoever asks. */
export function lineName(connection: LineConnection): string {
  return 'serial' in connection
    ? `serial ${connection.serial}`
    : `tcp ${connection.serialServer.host}:${connection.serialServer.port}`;
}

type OnLine = Device<{ readonly connection: object }>;

const settingsOf = ({ baudRate, dataBits, parity, stopBits }: SerialConnection) =>
  `${baudRate} ${dataBits}${parity[0]?.toUpperCase()}${stopBits}`;

/** A port has one baud rate at a time: it is opened as the first of its devices says, and the others are not heard. */
export function settingClashes(devices: readonly OnLine[]): readonly Clash[] {
  const [first, ...others] = devices.map(({ id, options: { connection } }) => ({
    device: id,
    settings: 'serial' in connection ? settingsOf(connection as SerialConnection) : '',
  }));
  return others.flatMap(({ device, settings }) =>
    first === undefined || settings === first.settings
      ? []
      : {
          device,
          path: ['connection'],
          en: `${first.device} is on the same port at ${first.settings}, and this one at ${settings}: set both devices, and both entries, to the same`,
          zh: `${first.device} 在同一串口上使用 ${first.settings}，此处为 ${settings}：请将两台设备及两处配置设为一致`,
        },
  );
}

/** A line without addresses: who is on it besides the first would never be heard. */
export function sharedLine([first, ...others]: readonly OnLine[]): readonly Clash[] {
  return others.map(({ id }) => ({
    device: id,
    path: ['connection'],
    en: `${first?.id} is on the same line already, and such devices have no addresses: give each a line of its own`,
    zh: `${first?.id} 已在同一线路上，且此类设备没有地址：请为每台设备使用单独的线路`,
  }));
}

export interface Line {
  readonly name: string;
  /** Resolves when the bytes are handed to the system. Rejects when the line is gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves after `close`; rejects with E_LINE_LOST when the other end or the port is gone. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5000;
/** A cut cable to a serial server is noticed after this much silence and ten unanswered probes, 20 s in all. */
const TCP_KEEPALIVE_MS = 10_000;

/**
 * Opens a TCP connection, with keepalive and without Nagle.
 * @throws LineError E_LINE_REFUSED with the reason of the system.
 */
function connectTcp(
  host: string,
  port: number,
  { signal, clock: time }: Pick<Host, 'signal' | 'clock'>,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    });
    const refuse = (reason: string, cause?: unknown) => {
      timer.stop();
      signal.removeEventListener('abort', abort);
      socket.destroy();
      reject(new LineError('E_LINE_REFUSED', `${host}:${port} ${reason}`, { cause }));
    };
    const abort = () => refuse('was not waited for');
    const timer = time.after(CONNECT_TIMEOUT_MS, () => refuse('does not answer'));
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', (error) =>
      refuse(`cannot be reached (${(error as NodeJS.ErrnoException).code})`, error),
    );
    socket.once('connect', () => {
      timer.stop();
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners('error');
      resolve(socket);
    });
    if (signal.aborted) abort();
  });
}

/** What the system and its lock (flock) say of a port, and what to do. */
const portReasons: readonly (readonly [RegExp, { readonly en: string; readonly zh: string }])[] = [
  [
    /no such (file|device)/i,
    {
      en: 'there is no such port: look at its name (ls /dev/serial/by-id) and its plug',
      zh: '没有该串口：请检查名称（ls /dev/serial/by-id）和接线',
    },
  ],
  [
    /permission denied/i,
    {
      en: 'this user may not open it: use sudo, or put the user into the group dialout',
      zh: '当前用户无权打开：请用 sudo，或将用户加入 dialout 组',
    },
  ],
  [
    /cannot lock port|resource busy/i,
    {
      en: 'another program has it, such as a gateway that runs',
      zh: '被其他程序（如运行中的网关）占用',
    },
  ],
  [/inappropriate ioctl/i, { en: 'it is no serial port: look at its name', zh: '不是串口：请检查名称' }],
];

/** Why a serial port could not be opened; undefined: it is another error. */
export function portReason(error: unknown): { readonly en: string; readonly zh: string } | undefined {
  const { message = '' } = ((error as Error).cause ?? {}) as Partial<Error>;
  return portReasons.find(([mark]) => mark.test(message))?.[1];
}

function openPort(connection: SerialConnection): Promise<SerialPort> {
  return new Promise((resolve, reject) => {
    const { serial, baudRate, dataBits, stopBits, parity } = connection;
    const port = new SerialPort({ path: serial, baudRate, dataBits, stopBits, parity, autoOpen: false });
    port.open((error) => {
      if (error === null) resolve(port);
      else {
        const why = portReason({ cause: error })?.en ?? error.message;
        reject(new LineError('E_LINE_REFUSED', `${serial} cannot be opened: ${why}`, { cause: error }));
      }
    });
  });
}

const WATCH_MS = 500;

/** Which device stands behind a path now. */
function deviceAt(path: string): Promise<string> {
  return stat(path).then(
    ({ dev, ino, rdev }) => `${dev}/${ino}/${rdev}`,
    () => 'none',
  );
}

/**
 * Closes a port when `device`, which stood behind its path before it was opened, no longer does. After an adapter is
 * unplugged the system answers each read with nothing, at once, and serialport 13 (unix-read.js) asks again for ever;
 * it never says "closed".
 */
function watchDevice(port: SerialPort, path: string, device: string, time: Clock) {
  const watch = time.every(WATCH_MS, async () => {
    if ((await deviceAt(path)) !== device && port.isOpen)
      port.close(undefined, new Error('the device was unplugged'));
  });
  port.once('close', () => watch.stop());
}

/** More than a serial line carries (1 Mbaud is 100 KB/s), and what may come at once. */
const MOST_BYTES_A_MS = 128;
const BURST_BYTES = 16_384;

/**
 * What stands behind a serial server is a serial line: one that says more than a line can is read no faster. The rest
 * waits in the system and at the other end, and alarms do not wait for it.
 */
function readAtLineSpeed(socket: Socket, time: Clock) {
  let credit = BURST_BYTES;
  let at = time.elapsed();
  let resting: Timer | undefined;
  socket.on('data', (chunk: Buffer) => {
    const now = time.elapsed();
    credit = Math.min(BURST_BYTES, credit + (now - at) * MOST_BYTES_A_MS) - chunk.length;
    at = now;
    if (credit >= 0) return;
    socket.pause();
    resting = time.after(-credit / MOST_BYTES_A_MS, () => socket.resume());
  });
  socket.once('close', () => resting?.stop());
}

/**
 * Wraps an open duplex as a Line. `onData` is called for each chunk until the end.
 */
function asLine(
  name: string,
  stream: Socket | SerialPort,
  tap: Tap | undefined,
  onData: (chunk: Buffer) => void,
  shut: () => void,
): Line {
  let closing = false;
  let gone: LineError | undefined;
  // serialport forgets the callbacks of writes when a port closes; each is settled here.
  const writing = new Set<(error: LineError) => void>();
  const ended = new Promise<void>((resolve, reject) => {
    let why = 'the other end closed it';
    stream.on('error', (error: Error) => {
      why = error.message;
    });
    stream.once('close', (error?: unknown) => {
      if (error instanceof Error) why = error.message;
      gone = new LineError('E_LINE_LOST', `${name} is gone: ${closing ? 'it was closed' : why}`);
      for (const fail of writing) fail(gone);
      if (closing) resolve();
      else reject(gone);
    });
  });
  // Whoever waits sees the reason; nobody waiting must not end the process.
  ended.catch(() => {});
  stream.on('data', (chunk: Buffer) => {
    tap?.heard(chunk);
    try {
      onData(chunk);
    } catch (error) {
      // A mistake in a driver ends its own session, not the process.
      stream.destroy(error as Error);
    }
  });
  return {
    name,
    ended,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (gone !== undefined) return reject(gone);
        writing.add(reject);
        tap?.said(bytes);
        stream.write(bytes as Buffer, (error) => {
          writing.delete(reject);
          if (error) reject(new LineError('E_LINE_LOST', `${name} is gone: ${error.message}`));
          else resolve();
        });
      }),
    async close() {
      if (!closing) {
        closing = true;
        shut();
      }
      await ended.catch(() => {});
    },
  };
}

/**
 * Opens the line that the config names.
 * @throws LineError E_LINE_REFUSED
 */
export async function openLine(
  connection: LineConnection,
  host: Pick<Host, 'signal' | 'clock' | 'tap'>,
  onData: (chunk: Buffer) => void,
): Promise<Line> {
  const name = lineName(connection);
  if ('serial' in connection) {
    const device = await deviceAt(connection.serial);
    const port = await openPort(connection);
    watchDevice(port, connection.serial, device, host.clock);
    return asLine(name, port, host.tap, onData, () => {
      // Closing twice is an error of its own in serialport.
      if (port.isOpen) port.close();
      else port.emit('close');
    });
  }
  const { host: address, port } = connection.serialServer;
  const socket = await connectTcp(address, port, host);
  socket.once('end', () => socket.destroy());
  readAtLineSpeed(socket, host.clock);
  return asLine(name, socket, host.tap, onData, () => socket.destroy());
}
