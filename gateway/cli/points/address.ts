/** Where a device is, as one cell: `10.0.0.9:502`, `/dev/ttyUSB0 9600 8N1`. Pure. */
import { say } from '../../../config/language.ts';
import { drivers } from '../../../drivers/index.ts';

export type Raw = Readonly<Record<string, unknown>>;

/** Of a device: the keys of its options. Empty: there is no such driver. */
export const keysOfDriver = (driver: unknown): readonly string[] =>
  Object.keys(drivers.find(({ name }) => name === driver)?.options.shape ?? {});

/** The keys of a device that its address is written in. */
export const ADDRESS_KEYS: readonly string[] = ['connection', 'listen', 'host', 'port'];

const hostText = (host: string) => (host.includes(':') ? `[${host}]` : host);

/** '' where there is none, as of a terminal that is read. */
export function addressOf({ connection, listen, host, port }: Raw): string {
  if (typeof connection === 'object' && connection !== null) return connectionText(connection as Raw);
  if (typeof listen === 'object' && listen !== null) {
    const { host: own = '127.0.0.1', port: at } = listen as Raw;
    return `${hostText(String(own))}:${String(at)}`;
  }
  if (host === undefined) return '';
  return hostText(String(host)) + (port === undefined ? '' : `:${String(port)}`);
}

function connectionText({
  serial,
  baudRate,
  dataBits = 8,
  parity = 'none',
  stopBits = 1,
  ...other
}: Raw): string {
  if (serial === undefined) {
    const [kind, where] = Object.entries(other)[0] ?? [];
    return kind === undefined ? '' : `${kind} ${String(where)}`;
  }
  const frame = `${String(dataBits)}${String(parity)[0]?.toUpperCase()}${String(stopBits)}`;
  return [serial, baudRate, frame === '8N1' ? undefined : frame]
    .filter((part) => part !== undefined)
    .join(' ');
}

const HOST_PORT = /^(\[[\da-fA-F:.]+\]|[^\s:[\]]+):(\d{1,5})$/;
const SERIAL = /^(\/\S+)(?: +(\d{3,7}))?(?: +([78])([NEO])([12]))?$/i;
const PARITY: Readonly<Record<string, string>> = { N: 'none', E: 'even', O: 'odd' };

/** What a cell sets at a device of this driver; a text: what is wrong with it. */
export function readAddress(cell: string, driver: string, before: Raw = {}): Raw | string {
  const keys = keysOfDriver(driver);
  if (keys.includes('connection'))
    return readConnection(cell, driver, before['connection'] as Raw | undefined);
  const [, bracketed = '', port = ''] = HOST_PORT.exec(cell) ?? [];
  const host = bracketed.replace(/^\[|\]$/g, '');
  if (keys.includes('listen')) {
    if (/^\d{1,5}$/.test(cell)) return { listen: { port: Number(cell) } };
    if (host !== '') return { listen: { host, port: Number(port) } };
    return say('an address and a port to listen at, such as 0.0.0.0:5100', '监听地址和端口，如 0.0.0.0:5100');
  }
  if (host !== '') return { host, port: Number(port) };
  return { host: cell.replace(/^\[|\]$/g, '') };
}

function readConnection(cell: string, driver: string, before: Raw = {}): Raw | string {
  const [, path, baud, dataBits, parity, stopBits] = SERIAL.exec(cell) ?? [];
  if (path !== undefined) {
    const { serial: _, ...settings } = 'serial' in before ? before : ({} as Raw);
    const frame =
      dataBits === undefined
        ? {}
        : {
            dataBits: Number(dataBits),
            parity: PARITY[String(parity).toUpperCase()],
            stopBits: Number(stopBits),
          };
    return {
      connection: {
        serial: path,
        ...settings,
        ...(baud !== undefined && { baudRate: Number(baud) }),
        ...frame,
      },
    };
  }
  const [, kind, where = ''] = /^(?:(tcp|serialServer|keyboard) +)?(\S+)$/.exec(cell) ?? [];
  const isNetwork = HOST_PORT.test(where);
  if (kind === 'keyboard' || (isNetwork && where !== '')) {
    const key = kind ?? (driver === 'modbus' ? 'tcp' : 'serialServer');
    const others = key in before ? before : {};
    return { connection: { ...others, [key]: where } };
  }
  return say(
    'HOST:PORT, or a serial port with its baud rate such as /dev/ttyUSB0 9600 8N1',
    '主机:端口，或串口及波特率，如 /dev/ttyUSB0 9600 8N1',
  );
}
