/** The SIP ports of this process: one of IPv4 or IPv6 for all uplinks that name it, open as long as one of them needs it. */
import type { Clock } from '../../contract/clock.ts';
import { type Endpoint, openEndpoint } from './sip/endpoint.ts';

interface Shared {
  readonly opening: Promise<Endpoint>;
  users: number;
}

const ports = new Map<string, Shared>();

/** `family`: of the platform's address. @returns the port, and what lets go of it. @throws LineError E_PORT_TAKEN, E_LINE_REFUSED. */
export async function usePort(
  port: number,
  time: Clock,
  stranger: (reason: string) => void,
  family: 4 | 6,
): Promise<{ readonly endpoint: Endpoint; leave(): Promise<void> }> {
  const key = `${family} ${port}`;
  let shared = ports.get(key);
  if (shared === undefined) {
    shared = {
      opening: openEndpoint({ address: family === 6 ? '::' : '0.0.0.0', port, time, stranger }),
      users: 0,
    };
    ports.set(key, shared);
  }
  const own = shared;
  own.users++;
  const leave = async () => {
    if (--own.users > 0) return;
    if (ports.get(key) === own) ports.delete(key);
    await own.opening.then((endpoint) => endpoint.close()).catch(() => {});
  };
  try {
    return { endpoint: await own.opening, leave };
  } catch (error) {
    await leave();
    throw error;
  }
}
