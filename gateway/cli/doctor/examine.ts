/** All that can be found out of a config on this machine: asked of the gateway where one runs, else tried. */
import { unarmedAreas } from '../../../config/check/areas.ts';
import { listenersOf } from '../../../config/check/ports.ts';
import type { LoadedConfig } from '../../../config/load.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import { type Finding, findingsAbout, inOrder } from '../../doctor/finding.ts';
import { machineOf } from '../../doctor/index.ts';
import { examineMachine } from '../../doctor/machine.ts';
import { nameFindings, neededHosts, serialFindings, wayFindings } from '../../doctor/network.ts';
import { findingsOf, type Told } from '../../doctor/running.ts';
import { isInUse } from '../../journal/folder.ts';
import { serviceUser } from '../../service-user.ts';
import { takenPorts } from '../../taken-ports.ts';
import { askGateway } from '../health/ask.ts';
import { cameraFindings } from './cameras.ts';
import { tryPlatforms } from './platforms.ts';

/** Never rejects. `step`: after each thing that was looked at. */
export async function examineAll(
  { config }: Pick<LoadedConfig, 'config'>,
  clock: Clock,
  step: () => void = () => {},
): Promise<readonly Finding[]> {
  const { campus, dataDir, devices } = config;
  const running = (await askGateway(config, clock))?.answer;
  step();
  const isOurs = running !== undefined && running.campus === campus.id;
  const isHeld = !isOurs && isInUse(dataDir);
  const viewer = serviceUser(dataDir);
  const machine = await examineMachine(machineOf(config, isOurs || isHeld, viewer), clock);
  step();
  const needed = neededHosts(config);
  const areas = unarmedAreas(config).map(([, { en, zh }]) => findingsAbout('devices').note(en, zh));
  const names = await nameFindings(needed, clock);
  step();
  if (isOurs)
    return inOrder([
      ...machine,
      ...names,
      ...areas,
      ...findingsOf(running as Told, clock.wall()),
      asItSays(),
    ]);
  if (isHeld) return inOrder([...machine, ...names, ...areas, notAsked(dataDir)]);
  // A platform and a camera are asked by those who speak their language.
  const plain = needed.filter(({ about, of }) => {
    const device = devices.find(({ id }) => id === of);
    return about === 'contacts' || (about === 'devices' && device?.driver !== 'onvif');
  });
  return inOrder([
    ...machine,
    ...names,
    ...areas,
    ...(await portFindings(config)),
    ...(await wayFindings(plain, clock)),
    ...serialFindings(devices, viewer),
    ...(await cameraFindings(devices, clock)),
    ...(await tryPlatforms(config, clock, step)),
  ]);
}

const asItSays = () =>
  findingsAbout('platforms').note(
    'the gateway runs: platforms, devices and contacts are as it says itself',
    '网关正在运行：以下平台、设备和联系人状态为其自身报告',
  );

const notAsked = (dataDir: string) =>
  findingsAbout('platforms').note(
    `a gateway runs with ${dataDir}, or this user cannot see whether: platforms and devices were not tried, which would end its registration. Run this as its user or as root (sudo), or stop it first`,
    `有网关正在使用 ${dataDir}，或当前用户无权查看：未尝试连接平台和设备，否则会顶替其注册。请以该用户或 root（sudo）运行，或先停止网关`,
  );

async function portFindings(config: LoadedConfig['config']): Promise<readonly Finding[]> {
  const { good, bad } = findingsAbout('ports');
  const listeners = listenersOf(config);
  const taken = await takenPorts(listeners);
  // takenPorts speaks the language of who asks.
  if (taken.length > 0) return taken.map(({ message }) => bad(message, message));
  const ports = [...new Set(listeners.map(({ port }) => port))].join(', ');
  return ports === '' ? [] : [good(`free: ${ports}`, `空闲：${ports}`)];
}
