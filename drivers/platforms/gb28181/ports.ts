/** The SIP ports of this process: one for all uplinks that name it, open as long as one of them needs it. */
import type { Clock } from '../../contract/clock.ts';
import { type Endpoint, openEndpoint } from './sip/endpoint.ts';

interface Shared {
  readonly opening: Promise<Endpoint>;
  users: number;
}

const ports = new Map<number, Shared>();

/** @returns the port, and what lets go of it. @throws LineError E_PORT_TAKEN, E_LINE_REFUSED. */
export async function usePort(
  port: number,
  time: Clock,
  stranger: (reason: string) => void,
): Promise<{ readonly endpoint: Endpoint; leave(): Promise<void> }> {
  let shared = ports.get(port);
  if (shared === undefined) {
    shared = { opening: openEndpoint({ address: '0.0.0.0', port, time, stranger }), users: 0 };
    ports.set(port, shared);
  }
  const own = shared;
  own.users++;
  const leave = async () => {
    if (--own.users > 0) return;
    if (ports.get(port) === own) ports.delete(port);
    await own.opening.then((endpoint) => endpoint.close()).catch(() => {});
  };
  try {
    return { endpoint: await own.opening, leave };
  } catch (error) {
    await leave();
    throw error;
  }
}
