/**
 * What to look at where a device was never heard of: nothing on the line says whether its address, its speed or its wires
 * are wrong, but how it is silent tells which to begin with. Pure.
 */
import type { LineConnection } from '../line.ts';

type Connection = LineConnection | { readonly tcp: { readonly host: string; readonly port: number } };

/** What is seen of it. */
type Silence = 'silent' | 'noise' | 'closed';

/** Words of decoders for bytes that are no frame of the protocol. */
const NOISE = /what came was (noise|wrong crc|torn|not an MBAP header)/;
const LATE = /answers after/;
const CLOSED = /closed|is gone|ECONNRESET|EPIPE/;
const silenceOf = (problem: string): Silence =>
  NOISE.test(problem) ? 'noise' : CLOSED.test(problem) ? 'closed' : 'silent';

export interface Hint {
  readonly en: string;
  readonly zh: string;
}

/** `problem`: what came of asking it, in the driver's own words. undefined: it answers, and those say what is wrong. */
export function hintOf(connection: Connection, unit: number, problem: string): Hint | undefined {
  if (LATE.test(problem)) return undefined;
  const silence = silenceOf(problem);
  const speed = 'serial' in connection ? speedOf(connection) : undefined;
  if ('tcp' in connection)
    return {
      silent: {
        en: `look at: its address (unit ${unit}); tcp or serialServer (a serial server that only passes bytes on answers no \`tcp\`); behind a gateway: baud rate and parity there, the wires A and B`,
        zh: `请检查：地址（unit ${unit}）；tcp 还是 serialServer（透传的串口服务器不懂 \`tcp\`）；若经网关：网关上的波特率和校验位、A/B 接线`,
      },
      noise: {
        en: 'what comes is no Modbus TCP: a serial server that passes bytes on is `serialServer`, not `tcp`',
        zh: '收到的不是 Modbus TCP：透传的串口服务器应写 `serialServer`，而不是 `tcp`',
      },
      closed: {
        en: 'look at: whether another master is connected (many devices take one connection), such as a gateway that runs; whether its port is Modbus TCP',
        zh: '请检查：是否已有其他主站连接（许多设备只接受一个连接），例如正在运行的网关；该端口是否为 Modbus TCP',
      },
    }[silence];
  const at = speed === undefined ? 'at the serial server' : `(${speed} here)`;
  const where = speed === undefined ? '（在串口服务器上）' : `（此处为 ${speed}）`;
  const master =
    speed === undefined
      ? 'whether another master has the serial server, such as a gateway that runs'
      : 'whether another program has the port, such as a gateway that runs';
  const masterZh =
    speed === undefined
      ? '串口服务器是否被其他主站占用，例如正在运行的网关'
      : '串口是否被其他程序占用，例如正在运行的网关';
  const other = speed === undefined ? 'serialServer or tcp (a server that speaks Modbus TCP is `tcp`); ' : '';
  const otherZh = speed === undefined ? 'serialServer 还是 tcp（会 Modbus TCP 的服务器应写 `tcp`）；' : '';
  return {
    silent: {
      en: `look at: its address (unit ${unit}); ${other}baud rate and parity ${at}; the wires A and B, perhaps swapped; ${master}`,
      zh: `请检查：地址（unit ${unit}）；${otherZh}波特率和校验位${where}；A/B 线是否接反；${masterZh}`,
    },
    noise: {
      en: `look at: baud rate and parity ${at}, which must be the device's; ${other}the wires A and B; whether two devices have the address ${unit}`,
      zh: `请检查：波特率和校验位${where}是否与设备一致；${otherZh}A/B 接线；是否有两台设备使用地址 ${unit}`,
    },
    closed: { en: `look at: ${master}`, zh: `请检查：${masterZh}` },
  }[silence];
}

const speedOf = ({ baudRate, dataBits, parity, stopBits }: Extract<LineConnection, { serial: string }>) =>
  `${baudRate} ${dataBits}${parity[0]?.toUpperCase()}${stopBits}`;
