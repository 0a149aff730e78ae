/** What works and should not stay so: what anybody on the network can read or say, where a school cannot be. */
import type { Driver, Problem, Warning } from '../../drivers/contract/driver.ts';
import { isLoopback } from '../../drivers/contract/options.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import { drivers, platforms } from '../../drivers/index.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import { unarmedAreas } from './areas.ts';
import { campusWarnings, contactWarnings } from './campus.ts';
import { hostWarnings } from './hosts.ts';

const at =
  (...path: (string | number)[]) =>
  (warning: Warning): Problem => ({
    path: [...path, ...warning.path],
    message: say(`warning: ${warning.en}`, `警告：${warning.zh}`),
  });

export function warningsOf(config: Config): Problem[] {
  const { campus, console, status, devices, uplinks } = config;
  return [
    ...hostWarnings(config),
    ...campusWarnings(campus).map(at('campus')),
    ...openPage(console).map(at('console')),
    ...(console?.simulators === true ? [SIMULATED] : []).map(at('console')),
    ...openPage(status).map(at('status')),
    ...devices.flatMap((device, i) => {
      const driver = drivers.find(({ name }) => name === device.driver) as Driver | undefined;
      const found = driver?.warnings?.(device as Parameters<Driver['line']>[0]) ?? [];
      return found.map(at('devices', i));
    }),
    ...unarmedAreas(config).map(([i, warning]) => at('areas', i)(warning)),
    ...(uplinks.length === 0 ? [NO_PLATFORM] : []).map(at('uplinks')),
    ...uplinks.flatMap((uplink, i) => {
      const transport = (platforms as readonly Transport[]).find(({ name }) => name === uplink.protocol);
      const ofProtocol = transport?.warnings?.(uplink.options, uplink) ?? [];
      return [...ofProtocol, ...contactWarnings(uplink, campus)].map(at('uplinks', i));
    }),
  ];
}

const NO_PLATFORM: Warning = {
  path: [],
  en: 'there is no platform: nobody outside this machine is told of an alarm, but by `notify` of a rule. Add the platforms that are to know, or enrol (campus-gateway enrol)',
  zh: '没有平台：除规则的 `notify` 外，本机以外无人得知报警。请添加应接收报警的平台，或注册（campus-gateway enrol）',
};

const SIMULATED: Warning = {
  path: ['simulators'],
  en: 'alarms of simulated devices go to the platforms as if they were real. For trials and training only',
  zh: '模拟设备的报警会像真实报警一样送达平台。仅用于试验和培训',
};

function openPage(section: { readonly host: string; readonly tls?: unknown } | undefined): Warning[] {
  if (section === undefined || isLoopback(section.host) || section.tls !== undefined) return [];
  return [
    {
      path: ['host'],
      en: 'this is plain HTTP beyond this machine: who is on the way reads what it shows and its tokens. Say `tls` (of the console), or listen on 127.0.0.1, with a proxy with TLS before it',
      zh: '在本机以外提供未加密的 HTTP：途经的任何人都能读取页面内容和令牌。请设置 tls（控制台），或监听 127.0.0.1，并在前面部署 TLS 代理',
    },
  ];
}
