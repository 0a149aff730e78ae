import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { Match } from '../../drivers/onvif/codec.ts';
import { printable } from '../printable.ts';
import type { Command } from './command.ts';
import { timeOf } from './values.ts';

/** A line of the config for who answered; undefined: the answer makes no sense. */
export function readMatch({ addresses, scopes }: Match): { address: string; line: string } | undefined {
  const address = addresses.split(/\s+/).find((one) => /^https?:/i.test(one) && URL.canParse(one));
  if (address === undefined) return undefined;
  const { hostname, port, protocol } = new URL(address);
  const isSecure = protocol === 'https:';
  const [, encoded = ''] = /onvif:\/\/www\.onvif\.org\/name\/(\S+)/.exec(scopes) ?? [];
  const name = decoded(encoded);
  const id = `camera-${hostname.replace(/\W/g, '-')}${port === '' || port === '80' ? '' : `-${port}`}`;
  const words = [
    `id: ${id}`,
    ...(name === '' ? [] : [`name: ${JSON.stringify(name)}`]),
    'driver: onvif',
    // An IPv6 address has brackets in a URL; in YAML they would make a list.
    `host: ${/^\[(.*)\]$/.exec(hostname)?.[1]?.replace(/.*/s, '"$&"') ?? hostname}`,
    ...(port === '' ? [] : [`port: ${port}`]),
    ...(isSecure ? ['tls: {}'] : []),
    'username: admin',
    'passwordFile: secrets/cameras',
  ];
  return { address, line: `- { ${words.join(', ')} }` };
}

/** Percent-encoded (ONVIF Core, 7.3.2.2); what is not stands as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A crowd, or one that answers without end, is shown no further than this. */
const SHOWN_MAX = 1000;

const NOTHING_FOUND = () =>
  say(
    `what to try:
  --interface NAME   where this machine has several: the one that the cameras are on
  --for 20s          some answer late
  at the camera: switch ONVIF on (Hikvision and others: off until then, with a user of its own), and its discovery mode
  the question is multicast (239.255.255.250, UDP 3702): it passes no router and few VLANs; a firewall must let answers in
  one whose address is known needs no discovery: write it as \`host\`, and \`check FILE --ask\` asks it
`,
    `可以尝试：
  --interface 名称   本机有多块网卡时，选摄像机所在的一块
  --for 20s          有的设备应答较慢
  在摄像机上：启用 ONVIF（海康等默认关闭，并需单独的 ONVIF 用户）及发现模式
  查询使用组播（239.255.255.250，UDP 3702）：不经过路由器，也很少跨 VLAN；防火墙须放行应答
  已知地址的设备无需发现：写入 \`host\`，再用 \`check FILE --ask\` 查询
`,
  );

export const discover: Command = {
  name: 'discover',
  summary: ['Find the cameras of this network', '查找本网络中的摄像机'],
  usage: `campus-gateway discover [--for 5s] [--interface eth0]

Asks the network for ONVIF cameras (WS-Discovery) and prints a device of the config for each, to be copied.

  campus-gateway discover`,

  async run(args, { stdout, stderr, clock }) {
    const { values } = parseArgs({
      args,
      options: { for: { type: 'string', default: '5s' }, interface: { type: 'string' } },
    });
    const timeout = timeOf('for', values.for, '100ms', '1h');
    // Loaded by who looks for cameras.
    const { probe } = await import('../../drivers/onvif/discovery.ts');
    const found = new Map<string, string>();
    await probe({
      ...{ timeout, interface: values.interface, clock },
      found(match) {
        const camera = readMatch(match);
        if (camera === undefined || found.has(camera.address) || found.size >= SHOWN_MAX) return;
        found.set(camera.address, camera.line);
        stdout.write(`${printable(camera.line)}\n`);
      },
    });
    stderr.write(
      say(
        `${found.size} cameras answered in ${timeout / 1000} s\n`,
        `${timeout / 1000} 秒内有 ${found.size} 台摄像机应答\n`,
      ),
    );
    if (found.size === 0) stderr.write(NOTHING_FOUND());
    return found.size > 0 ? 0 : 1;
  },
};
