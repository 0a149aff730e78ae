/**
 * Asks a network for ONVIF cameras: WS-Discovery over UDP (ONVIF Core 7; WS-Discovery April 2005). The `onvif` package
 * has its own, which reads whatever comes, at the square of its length, for as long as it comes.
 */
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../contract/clock.ts';
import { encodeProbe, type Match, readMatches } from './codec.ts';

const MULTICAST = '239.255.255.250';
const PORT = 3702;
/** MAX_ENVELOPE_SIZE of SOAP over UDP 1.1. */
const ANSWER_MAX = 32_767;
/** Answers that are read: of one sender, which may have several addresses to tell, and of all. */
const OF_ONE_MAX = 10;
const OF_ALL_MAX = 5000;

export interface ProbeOptions {
  /** ms. */
  readonly timeout: number;
  /** The name of a network interface; the machine's default without. */
  readonly interface?: string | undefined;
  readonly clock: Clock;
  /** Ends it before its time. */
  readonly signal?: AbortSignal;
  /** What a camera says of itself. */
  readonly found: (match: Match) => void;
}

/** Resolves after `timeout`, or when the signal aborts. @throws Error where the network cannot be asked, or has no such interface. */
export async function probe(options: ProbeOptions): Promise<void> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  const answers = new Map<string, number>();
  let all = 0;
  socket.on('message', (bytes, { address }) => {
    const count = (answers.get(address) ?? 0) + 1;
    if (++all > OF_ALL_MAX || count > OF_ONE_MAX || bytes.length > ANSWER_MAX) return;
    answers.set(address, count);
    for (const match of matchesIn(bytes.toString())) options.found(match);
  });
  try {
    const failed = once(socket, 'error').then(([error]) => {
      throw error;
    });
    failed.catch(() => {});
    const address = options.interface === undefined ? undefined : addressOf(options.interface);
    const listening = once(socket, 'listening');
    socket.bind({ ...(address !== undefined && { address }) });
    await Promise.race([listening, failed]);
    if (address !== undefined) socket.setMulticastInterface(address);
    socket.send(encodeProbe(randomUUID()), PORT, MULTICAST);
    await Promise.race([options.clock.wait(options.timeout, options.signal), failed]);
  } finally {
    socket.close();
  }
}

/** The IPv4 address of a network interface. @throws Error where there is none of this name. */
export function addressOf(name: string): string {
  const found = networkInterfaces()[name]?.find(({ family }) => family === 'IPv4')?.address;
  if (found === undefined) throw new Error(`there is no network interface ${name} with an IPv4 address`);
  return found;
}

/** One who answers nonsense does not hide the others. */
function matchesIn(text: string): readonly Match[] {
  try {
    return readMatches(text);
  } catch {
    return [];
  }
}
