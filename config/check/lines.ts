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
