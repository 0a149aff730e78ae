/** Starts simulated platforms, and says what a gateway's config needs for them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { say } from '../../../config/language.ts';
import { readSecretOf } from '../../../drivers/files.ts';
import { startGb28181Platform } from '../../../simulators/gb28181-platform.ts';
import { registerAlgorithms } from '../../../simulators/kinds.ts';
import type { Simulator } from '../../../simulators/simulator.ts';
import { startViid } from '../../../simulators/viid.ts';
import { hostPortOf, oneOf, ValueError } from '../values.ts';
import type { SimulateOptions } from './options.ts';

type Tell = (sentence: string) => void;
/** What it is reached by. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/** RFC 3261, 19.1.2: of SIP. */
const SIP_PORT = 5060;
const VIID_PORT = 8120;

function idOf({ id }: SimulateOptions): string {
  if (!/^\d{20}$/.test(id)) throw new ValueError(say(`--id "${id}": 20 digits`, `--id "${id}"：20 位数字`));
  return id;
}

function folderOf(out: string): string {
  try {
    mkdirSync(out, { recursive: true });
  } catch {
    throw new ValueError(say(`--out "${out}": no folder`, `--out "${out}"：不是文件夹`));
  }
  return out;
}

/** At the port that is asked for; where none is, and the usual one is taken, at another, said aloud. */
async function startSomewhere<T extends { readonly port: number }>(
  listen: string | undefined,
  usual: number,
  tell: Tell,
  start: (place: Place) => Promise<T>,
): Promise<{ readonly started: T; readonly host: string }> {
  const place = listen === undefined ? { host: '127.0.0.1', port: usual } : hostPortOf('listen', listen);
  const started = await start(place).catch((error: NodeJS.ErrnoException) => {
    if (listen !== undefined || error.code !== 'E_PORT_TAKEN') throw error;
    tell(say(`${error.message}; another one is used`, `${error.message}；改用其他端口`));
    return start({ ...place, port: 0 });
  });
  return { started, host: place.host };
}

/** No password is the same anywhere: of a file, or one of this run, told once. */
function passwordOf({ 'password-file': file }: SimulateOptions, name: string) {
  const password = file === undefined ? randomBytes(9).toString('base64url') : readSecretOf(file);
  const words = file === undefined ? [passwordWords(password, name)] : [];
  return { password, words };
}
const passwordWords = (password: string, name: string) =>
  say(
    `Its password in this run, for the first line of ${name}: ${password}`,
    `本次运行的密码（写入 ${name} 第一行）：${password}`,
  );

/** The first address by which others reach this machine. */
const reachable = () =>
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
const addressOf = (host: string) => (host === '0.0.0.0' ? (reachable() ?? '127.0.0.1') : host);

function tellConfig(tell: Tell, place: string, lines: readonly string[], words: readonly string[]): void {
  tell(say(`listens on ${place}`, `监听 ${place}`));
  tell(say('In the config of a gateway:', '网关配置：'));
  for (const line of ['uplinks:', ...lines, ...words]) tell(line);
}

/** @throws ValueError; Error where the port cannot be had. */
export async function startGb28181(options: SimulateOptions, tell: Tell): Promise<Simulator> {
  const id = idOf(options);
  const domain = options.domain ?? id.slice(0, 10);
  if (!/^[\w.-]{1,64}$/.test(domain))
    throw new ValueError(say(`--domain "${domain}": no SIP domain`, `--domain "${domain}"：不是 SIP 域`));
  const folder = folderOf(options.out ?? '.');
  const algorithm = oneOf('algorithm', options.algorithm, registerAlgorithms);
  const { password, words } = passwordOf(options, 'gb28181.password');
  const { started, host } = await startSomewhere(options.listen, SIP_PORT, tell, (place) =>
    startGb28181Platform({
      ...{ ...place, id, domain, password, algorithm, folder, say, tell },
      qop: !options['no-qop'],
    }),
  );
  const { port } = started;
  // On one machine both cannot have the same port.
  const own = port === SIP_PORT + 1 ? SIP_PORT + 2 : SIP_PORT + 1;
  tellConfig(
    tell,
    `${host}:${port} (UDP, TCP)`,
    [
      '  - id: gb28181-trial',
      '    protocol: gb28181',
      `    server: ${addressOf(host)}:${port}`,
      `    serverId: "${id}"`,
      ...(domain === id.slice(0, 10) ? [] : [`    domain: "${domain}"`]),
      `    deviceId: "${id.slice(0, 10)}1180000001"`,
      '    passwordFile: gb28181.password',
      ...(host === '127.0.0.1' ? [`    port: ${own}`] : []),
      '    events: ["alarm.*", "video.*", "device.*", "access.forced"]',
      `    # video: true   # ${say('cameras may be watched', '允许观看摄像机')}`,
      `    # commands: [{ actions: [move, halt, preset], targets: ["*"] }]   # ${say('and turned', '允许控制云台')}`,
    ],
    words,
  );
  return started;
}

/** @throws ValueError; Error where the port cannot be had. */
export async function startViewLibrary(options: SimulateOptions, tell: Tell): Promise<Simulator> {
  const id = idOf(options);
  const folder = options.out === undefined ? undefined : folderOf(options.out);
  const { password, words } = passwordOf(options, 'viid.password');
  const { started, host } = await startSomewhere(options.listen, VIID_PORT, tell, (place) =>
    startViid({ ...place, id, password, folder, say, tell }),
  );
  tellConfig(
    tell,
    `http://${host}:${started.port}`,
    [
      '  - id: viid-trial',
      '    protocol: gat1400',
      `    url: http://${addressOf(host)}:${started.port}`,
      `    deviceId: "${id.slice(0, 10)}1180000001"`,
      '    passwordFile: viid.password',
      '    pictures: true',
      `    # faces: true   # ${say('faces, persons and vehicles too', '同时上传人脸、人员和车辆')}`,
    ],
    words,
  );
  if (folder === undefined)
    tell(say('pictures are counted, not kept: --out FOLDER', '图片只计数，不保存；保存请用 --out 文件夹'));
  return started;
}
