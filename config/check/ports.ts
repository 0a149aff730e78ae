/** The ports that a config asks for: two parts of it cannot listen at one. */
import type { Driver, Listening, Problem } from '../../drivers/contract/driver.ts';
import { drivers } from '../../drivers/index.ts';
import { pathText } from '../explain.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';

/** A port that this config needs. `path` starts at its top. */
export interface Listener extends Listening {
  /** Listeners of one name are one. */
  readonly name: string;
}

type Listeners = Pick<Config, 'console' | 'status' | 'devices'>;

export function listenersOf({ console, status, devices }: Listeners): Listener[] {
  const own = Object.entries({ console, status }).flatMap(([name, section]): Listener[] =>
    section === undefined
      ? []
      : [{ name, path: [name, 'port'], host: section.host, port: section.port, over: ['tcp'] }],
  );
  const ofDevices = devices.flatMap((device, i) => {
    const driver = drivers.find(({ name }) => name === device.driver) as Driver | undefined;
    const known = device as Parameters<Driver['line']>[0];
    return (driver?.listens?.(known) ?? []).map((one) => ({
      ...one,
      name: `${device.driver} ${driver?.line(known)}`,
      path: ['devices', i, ...one.path],
    }));
  });
  return [...own, ...ofDevices];
}

/** Addresses that a host stands for, as far as they are known without asking; '*': all of this machine. */
function addressesOf(host: string): readonly string[] {
  if (host === '::' || host === '') return ['*'];
  if (host === '0.0.0.0') return ['*4'];
  return host.toLowerCase() === 'localhost' ? ['127.0.0.1', '::1'] : [host.toLowerCase()];
}

/** `::` takes the port of IPv4 too (ipv6(7), IPV6_V6ONLY). */
const overlap = (a: string, b: string) =>
  a === b || a === '*' || b === '*' || (a === '*4' && !b.includes(':')) || (b === '*4' && !a.includes(':'));

const collide = (a: Listener, b: Listener) =>
  a.name !== b.name &&
  a.port === b.port &&
  a.over.some((way) => b.over.includes(way)) &&
  addressesOf(a.host).some((one) => addressesOf(b.host).some((other) => overlap(one, other)));

export function portProblems(config: Listeners): Problem[] {
  const listeners = listenersOf(config);
  return listeners.flatMap((one, i) => {
    const first = listeners.slice(0, i).find((before) => collide(before, one));
    if (first === undefined) return [];
    const where = pathText(first.path).replace(/: $/, '');
    const message = say(
      `port ${one.port} on ${one.host} is taken by ${where} (${first.host})`,
      `${one.host} 的端口 ${one.port} 已被 ${where}（${first.host}）占用`,
    );
    return [{ path: one.path, message }];
  });
}
