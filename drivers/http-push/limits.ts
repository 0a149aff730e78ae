/**
 * What one sender, and all of them, may have of a port that strangers reach: connections (of all: connections.ts),
 * requests, bytes on their way, wrong guesses. A sender is an address; of IPv6 the network of it, which is one customer's.
 */
import type { Socket } from 'node:net';
import { isIPv6 } from 'node:net';
import { plainAddress } from '../addresses.ts';
import { type Bucket, createBucket } from '../contract/bucket.ts';
import type { Clock } from '../contract/clock.ts';

const limits = {
  /** Of one sender: a school's terminals may stand behind one router. */
  connectionsEach: 64,
  /** Of who has not shown a right password, by second, and at once. */
  strangers: { perSecond: 1000, burst: 2000 },
  strangersEach: { perSecond: 50, burst: 100 },
  /** Of an address that the config gives to a terminal: some open a connection for each event, and have many to tell. */
  expectedEach: { perSecond: 200, burst: 1000 },
  /** Of a sender that guessed. */
  guessersEach: { perSecond: 10, burst: 20 },
  /** Of one terminal: requests, and bytes of bodies. */
  terminal: { perSecond: 20, burst: 200 },
  terminalBytes: { perSecond: 2_000_000, burst: 16_000_000 },
  /** Bodies on their way. */
  bytes: 24_000_000,
  bytesEach: 12_000_000,
  /** Senders that are remembered. */
  sources: 1024,
} as const;

/** So many wrong guesses are a technician's. */
const FREE_GUESSES = 5;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;
const FORGET_MS = 600_000;

/** An address; of IPv6 its first half. */
function sourceOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = [], tail = []] = address.split('::', 2).map((half) => half.split(':').filter(Boolean));
  const gap = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return [...head, ...gap, ...tail].slice(0, 4).join(':');
}

/** Waits where there is something to wait for. */
export async function slow(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (ms > 0) await clock.wait(ms, signal);
}

interface Source {
  readonly connections: Map<Socket, { isKnown: boolean }>;
  readonly bucket: Bucket;
  bytes: number;
  guesses: number;
  guessedAt: number;
}

export interface Limits {
  /** Notes a connection; makes room by ending the oldest that has shown no right password, else ends this one. */
  connected(socket: Socket): void;
  /**
   * Whether a request may be looked at: always, on a connection that has shown a right password. `isExpected`: it comes
   * from where a terminal is; how many strangers there are is nothing to it.
   */
  admits(socket: Socket, isExpected: boolean): boolean;
  /** It showed a right password. */
  right(socket: Socket): void;
  /** It guessed. @returns how long its answer waits, ms. */
  wrong(socket: Socket): number;
  /** Room for a body; undefined: there is none now. Give it back once. */
  reserve(socket: Socket, bytes: number): (() => void) | undefined;
  /** How long a terminal's next request waits, with a body of so many bytes, ms; undefined: it had to wait for longer. */
  pace(terminal: string, bytes: number, mostMs: number): number | undefined;
}

/** `ended`: a connection was ended for want of room. */
export function createLimits(clock: Clock, ended: (source: string) => void): Limits {
  const sources = new Map<string, Source>();
  const strangers = createBucket(clock);
  const requests = new Map<string, Bucket>();
  const lengths = new Map<string, Bucket>();
  const owners = new WeakMap<Socket, { readonly name: string; readonly source: Source }>();
  let bytes = 0;

  const sourceNamed = (name: string): Source => {
    const found = sources.get(name) ?? {
      connections: new Map(),
      bucket: createBucket(clock),
      bytes: 0,
      guesses: 0,
      guessedAt: 0,
    };
    // The longest unheard of comes first, and goes first.
    sources.delete(name);
    sources.set(name, found);
    if (sources.size > limits.sources) {
      for (const [other, { connections: open }] of sources) {
        if (open.size > 0 || other === name) continue;
        sources.delete(other);
        break;
      }
    }
    return found;
  };
  const ownerOf = (socket: Socket) => owners.get(socket) ?? note(socket);
  const note = (socket: Socket) => {
    const name = sourceOf(plainAddress(socket.remoteAddress ?? ''));
    const owner = { name, source: sourceNamed(name) };
    owners.set(socket, owner);
    return owner;
  };
  const bucketOf = (terminal: string, buckets: Map<string, Bucket>) => {
    const bucket = buckets.get(terminal) ?? createBucket(clock);
    buckets.set(terminal, bucket);
    return bucket;
  };
  const forgetGuesses = (source: Source) => {
    if (clock.elapsed() - source.guessedAt > FORGET_MS) source.guesses = 0;
  };
  return {
    connected(socket) {
      const { name, source } = note(socket);
      source.connections.set(socket, { isKnown: false });
      socket.once('close', () => source.connections.delete(socket));
      if (source.connections.size <= limits.connectionsEach) return;
      ended(name);
      const isStranger = ([one, { isKnown }]: [Socket, { isKnown: boolean }]) => !isKnown && !one.destroyed;
      const [oldest] = [...source.connections].find(isStranger) ?? [socket];
      oldest.destroy();
    },
    admits(socket, isExpected) {
      const { source } = ownerOf(socket);
      if (source.connections.get(socket)?.isKnown === true) return true;
      forgetGuesses(source);
      const isGuessing = source.guesses > FREE_GUESSES;
      if (isExpected && !isGuessing) return source.bucket.take(limits.expectedEach);
      const rate = isGuessing ? limits.guessersEach : limits.strangersEach;
      return source.bucket.take(rate) && strangers.take(limits.strangers);
    },
    right(socket) {
      const connection = ownerOf(socket).source.connections.get(socket);
      if (connection !== undefined) connection.isKnown = true;
    },
    wrong(socket) {
      const { source } = ownerOf(socket);
      forgetGuesses(source);
      const connection = source.connections.get(socket);
      if (connection !== undefined) connection.isKnown = false;
      source.guessedAt = clock.elapsed();
      source.guesses++;
      if (source.guesses <= FREE_GUESSES) return 0;
      return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(10, source.guesses - FREE_GUESSES - 1));
    },
    reserve(socket, wanted) {
      const { source } = ownerOf(socket);
      if (bytes + wanted > limits.bytes || source.bytes + wanted > limits.bytesEach) return undefined;
      bytes += wanted;
      source.bytes += wanted;
      let isGivenBack = false;
      return () => {
        if (isGivenBack) return;
        isGivenBack = true;
        bytes -= wanted;
        source.bytes -= wanted;
      };
    },
    pace(terminal, length, mostMs) {
      const count = bucketOf(terminal, requests);
      const size = bucketOf(terminal, lengths);
      const waitMs = Math.max(count.spend(limits.terminal), size.spend(limits.terminalBytes, length));
      if (waitMs <= mostMs) return waitMs;
      count.giveBack(1);
      size.giveBack(length);
      return undefined;
    },
  };
}
