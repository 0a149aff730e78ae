/** Modbus TCP, and RTU over TCP, at the addresses and in the ranges that were given: a few at a time, each once. */
import { networkInterfaces } from 'node:os';
import { say } from '../../../config/language.ts';
import { deadline } from '../../../drivers/contract/clock.ts';
import { findAtTcp } from '../../../drivers/modbus/find.ts';
import { ValueError } from '../values.ts';
import type { DiscoverOptions, HostPort, Look, Words } from './found.ts';
import { knownLines } from './known.ts';
import { unitFound } from './lines.ts';

/** Of a /22; a school's network of devices is one /24 mostly. */
const HOSTS_MAX = 1022;
const MODBUS = 502;
/** Connections being made at once: switches and small devices take more for an attack. */
const AT_ONCE = 16;
const CONNECT_MS = 1000;
const PATIENCE_MS = 500;
const LAST_UNIT = 16;

const toNumber = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toAddress = (value: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const NAME = /^[\p{L}\p{N}]([\p{L}\p{N}._-]{0,251}[\p{L}\p{N}])?$/u;

/** The last address of a network: `10.0.0.7`, `255.255.255.0` -> `10.0.0.255`. */
function broadcastOf(address: string, netmask: string): string {
  const size = 2 ** 32 - toNumber(netmask);
  return toAddress(Math.floor(toNumber(address) / size) * size + size - 1);
}

/** Addresses at which more than one would hear: the broadcasts of this machine's own networks. */
function broadcasts(): ReadonlySet<string> {
  return new Set(
    Object.values(networkInterfaces()).flatMap((all) =>
      (all ?? [])
        .filter(({ family, netmask }) => family === 'IPv4' && netmask !== '255.255.255.255')
        .map(({ address, netmask }) => broadcastOf(address, netmask)),
    ),
  );
}

const refuse = (net: string, en: string, zh: string) =>
  new ValueError(say(`--net ${net}: ${en}`, `--net ${net}：${zh}`));

/**
 * The hosts of what was given, without the network's own address and its broadcast. Two at most in a /31 or /32 (RFC 3021).
 * @throws ValueError.
 */
export function hostsOf(nets: readonly string[]): readonly string[] {
  const hosts = new Set<string>();
  for (const net of nets) {
    const [base = '', length] = net.split('/', 2);
    const bits = Number(length ?? 32);
    if (!IPV4.test(base)) {
      // Digits and dots alone are an address with a slip in it, and no name.
      if (length !== undefined || !NAME.test(net) || /^[\d.]+$/.test(net))
        throw refuse(
          net,
          'an address, a name, or a range such as 192.168.1.0/24',
          '地址、主机名或网段，如 192.168.1.0/24',
        );
      hosts.add(net);
      continue;
    }
    if (bits > 32 || !/^\d{1,2}$/.test(length ?? '32'))
      throw refuse(net, 'a range ends with /0 to /32', '网段以 /0 到 /32 结尾');
    const size = 2 ** (32 - bits);
    if (size - 2 > HOSTS_MAX)
      throw refuse(
        net,
        `at most ${HOSTS_MAX} addresses (/22): name the part where the devices are`,
        `至多 ${HOSTS_MAX} 个地址（/22）：请缩小到设备所在网段`,
      );
    const first = Math.floor(toNumber(base) / size) * size;
    const top = Math.floor(first / 2 ** 24);
    if (top === 0 || top >= 224)
      throw refuse(
        net,
        'nobody lives there: it is multicast, broadcast or reserved',
        '为组播、广播或保留地址',
      );
    const edge = size <= 2 ? 0 : 1;
    for (let at = first + edge; at < first + size - edge; at++) hosts.add(toAddress(at));
    if (hosts.size > HOSTS_MAX)
      throw refuse(net, `more than ${HOSTS_MAX} addresses in all`, `地址总数超过 ${HOSTS_MAX}`);
  }
  const never = broadcasts();
  return [...hosts].filter((host) => !never.has(host));
}

async function lookAtHost(
  tcp: HostPort,
  options: DiscoverOptions,
  tell: Pick<Parameters<Look>[1], 'found'>,
): Promise<void> {
  const { clock, signal, lastUnit = LAST_UNIT } = options;
  const at = `${tcp.host}:${tcp.port}`;
  const units: Parameters<typeof unitFound>[0][] = [];
  const is = await findAtTcp(
    tcp,
    {
      ...{ lastUnit, patience: PATIENCE_MS, host: { clock, signal } },
      found: (unit) => void units.push(unit),
      asking() {},
    },
    deadline(CONNECT_MS, clock),
  );
  const id = tcp.host.replace(/[^\p{L}\p{N}]+/gu, '-') + (tcp.port === MODBUS ? '' : `-${tcp.port}`);
  const connection = is === 'rtu' ? { serialServer: at } : { tcp: at };
  for (const unit of units) tell.found(unitFound(unit, connection, { address: `tcp ${at}`, id }));
}

export const lookForModbus: Look = async (options, { found, note, progress }) => {
  const { nets = [], tcpPorts = [MODBUS], signal } = options;
  const known = knownLines(options.config);
  const places = hostsOf(nets).flatMap((host) => tcpPorts.map((port) => ({ host, port })));
  const left = places.filter(({ host, port }) => {
    const device = known.get(`${host}:${port}`);
    if (device !== undefined)
      note({
        en: `${host}:${port}: left alone, it is ${device}'s in the config, and many devices have one connection only`,
        zh: `${host}:${port}：跳过，配置中已由 ${device} 使用（许多设备只允许一个连接）`,
      });
    return device === undefined;
  });
  const total = left.length;
  let done = 0;
  const words: Words = { en: 'addresses asked for Modbus', zh: '已查询 Modbus 地址' };
  const work = async () => {
    for (let one = left.shift(); one !== undefined && !signal.aborted; one = left.shift()) {
      await lookAtHost(one, options, { found }).catch(() => {});
      progress({ way: 'modbus', words, done: ++done, total });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
};
