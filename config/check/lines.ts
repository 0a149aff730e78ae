/** Devices on one wire, each right by itself: what each driver says of its own, and a serial port that two drivers want. */
import type { Driver, Problem } from '../../drivers/contract/driver.ts';
import { drivers } from '../../drivers/index.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';

type Known = Parameters<NonNullable<Driver['clashes']>>[0][number];

export function lineProblems({ devices }: Pick<Config, 'devices'>): Problem[] {
  const indexOf = (id: string) => devices.findIndex((device) => device.id === id);
  const clashes = (drivers as readonly Driver[]).flatMap((driver) => {
    const own = devices.filter((device) => device.driver === driver.name) as readonly Known[];
    return [...Map.groupBy(own, (device) => driver.line(device)).values()].flatMap(
      (together) => driver.clashes?.(together) ?? [],
    );
  });
  return [
    ...clashes.map(({ device, path, en, zh }) => ({
      path: ['devices', indexOf(device), ...path],
      message: say(en, zh),
    })),
    ...takenPorts(devices),
    ...takenServers(devices),
  ];
}

/** A serial port is opened once (TIOCEXCL): the second driver would never have it. */
function takenPorts(devices: Config['devices']): Problem[] {
  const ports = devices.map((device) => {
    const driver = (drivers as readonly Driver[]).find(({ name }) => name === device.driver);
    return driver?.line(device as Known) ?? '';
  });
  return devices.flatMap(({ driver }, i) => {
    const port = ports[i] ?? '';
    const first = devices.find((other, k) => k < i && other.driver !== driver && ports[k] === port);
    if (first === undefined || !port.startsWith('serial ')) return [];
    const message = say(
      `${first.id} (${first.driver}) is on this port already; one port is one driver's`,
      `${first.id}（${first.driver}）已使用该串口；一个串口只能由一种驱动使用`,
    );
    return [{ path: ['devices', i, 'connection'], message }];
  });
}

interface Reached {
  readonly tcp?: { readonly host: string; readonly port: number };
  readonly serialServer?: { readonly host: string; readonly port: number };
}

/** Behind one port of a serial server there is one line, with one protocol: what another says would be noise to it. */
function takenServers(devices: Config['devices']): Problem[] {
  const servers = devices.map(({ driver, options }) => {
    const { connection } = options as { readonly connection?: Reached };
    const kind = (['tcp', 'serialServer'] as const).find((key) => connection?.[key] !== undefined);
    const at = kind === undefined ? undefined : connection?.[kind];
    return at === undefined
      ? undefined
      : { at: `${at.host.toLowerCase()}:${at.port}`, as: `${driver}, ${kind}` };
  });
  return devices.flatMap((_device, i) => {
    const own = servers[i];
    if (own === undefined) return [];
    const first = servers.findIndex((other, k) => k < i && other?.at === own.at && other.as !== own.as);
    if (first < 0) return [];
    const message = say(
      `${devices[first]?.id} is reached at ${own.at} too (${servers[first]?.as}), and this one as ${own.as}: one of the two is wrong`,
      `${devices[first]?.id} 也在 ${own.at}（${servers[first]?.as}），此处为 ${own.as}：其中之一有误`,
    );
    return [{ path: ['devices', i, 'connection'], message }];
  });
}
