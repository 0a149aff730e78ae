/** Starts a simulated platform of GB/T 28181, and says what the gateway's config needs for it. */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { say } from '../../../config/language.ts';
import { readSecretOf } from '../../../drivers/files.ts';
import { type Gb28181Platform, startGb28181Platform } from '../../../simulators/gb28181-platform.ts';
import { registerAlgorithms } from '../../../simulators/kinds.ts';
import { UsageError } from '../command.ts';
import { hostPortOf, oneOf } from '../values.ts';
import type { SimulateOptions } from './options.ts';

/** RFC 3261, 19.1.2: of SIP. */
const SIP_PORT = 5060;

/** @throws UsageError; Error where the port cannot be had. */
export async function startGb28181(
  options: SimulateOptions,
  tell: (sentence: string) => void,
): Promise<Gb28181Platform> {
  const { id, listen, out, 'password-file': file, 'no-qop': noQop } = options;
  if (!/^\d{20}$/.test(id)) throw new UsageError(`--id "${id}" is no id of 20 digits`);
  const domain = options.domain ?? id.slice(0, 10);
  if (!/^[\w.-]{1,64}$/.test(domain)) throw new UsageError(`--domain "${domain}" is no SIP domain`);
  if (statSync(out, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UsageError(`--out "${out}" is no folder`);
  const { host, port } =
    listen === undefined ? { host: '127.0.0.1', port: SIP_PORT } : hostPortOf('listen', listen);
  const password = file === undefined ? randomBytes(9).toString('base64url') : readSecretOf(file);
  const start = (at: number) =>
    startGb28181Platform({
      ...{ host, port: at, id, domain, password, folder: out, say, tell },
      algorithm: oneOf('algorithm', options.algorithm, registerAlgorithms),
      qop: !noQop,
    });
  const platform = await start(port).catch((error: NodeJS.ErrnoException) => {
    if (listen !== undefined || error.code !== 'E_PORT_TAKEN') throw error;
    tell(say(`${error.message}; another one is taken`, `${error.message}；改用其他端口`));
    return start(0);
  });
  tell(say(`listens on ${host}:${platform.port}, UDP and TCP`, `监听 ${host}:${platform.port}，UDP 和 TCP`));
  tell(say('The config of a gateway for it:', '网关配置示例：'));
  for (const line of configFor(host, platform.port, { id, domain })) tell(line);
  if (file === undefined)
    tell(
      say(
        `Its password, for the first line of gb28181.password: ${password}`,
        `密码（写入 gb28181.password 第一行）：${password}`,
      ),
    );
  return platform;
}

/** The first address by which others reach this machine. */
const reachable = () =>
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

function configFor(
  host: string,
  port: number,
  { id, domain }: { readonly id: string; readonly domain: string },
): readonly string[] {
  const isLocal = host === '127.0.0.1';
  const server = host === '0.0.0.0' ? (reachable() ?? '127.0.0.1') : host;
  // On one machine both cannot have the same port.
  const own = port === SIP_PORT + 1 ? SIP_PORT + 2 : SIP_PORT + 1;
  return [
    'uplinks:',
    '  - id: gb28181-trial',
    '    protocol: gb28181',
    `    server: ${server}:${port}`,
    `    serverId: "${id}"`,
    ...(domain === id.slice(0, 10) ? [] : [`    domain: "${domain}"`]),
    `    deviceId: "${id.slice(0, 10)}1180000001"`,
    '    passwordFile: gb28181.password',
    ...(isLocal ? [`    port: ${own}`] : []),
    '    events: ["alarm.*", "video.*", "device.*", "access.forced"]',
  ];
}
