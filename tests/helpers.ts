import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';
import { type Clock, systemClock } from '../drivers/contract/clock.ts';
import type { Host, Job, Log } from '../drivers/contract/driver.ts';
import type { Observation, Receipt } from '../drivers/contract/observation.ts';

export { freePair, freePort } from './free-port.ts';

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A folder that is gone when the test is. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'campus-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Values that come one after another; `next` waits for one. */
export function stream<T>() {
  const held: T[] = [];
  const waiting: ((value: T) => void)[] = [];
  return {
    push(value: T) {
      const first = waiting.shift();
      if (first === undefined) held.push(value);
      else first(value);
    },
    next: (): Promise<T> => {
      const value = held.shift();
      return value === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(value);
    },
    /** The first that fits; those before it are dropped. */
    async find(fits: (value: T) => boolean): Promise<T> {
      for (;;) {
        const value = await this.next();
        if (fits(value)) return value;
      }
    },
    /** What came and was not taken. */
    rest: () => held.splice(0),
  };
}

/** The next `count` values of a stream. */
export async function take<T>(from: { next(): Promise<T> }, count: number): Promise<T[]> {
  const values: T[] = [];
  while (values.length < count) values.push(await from.next());
  return values;
}

/** Waits until a check holds: as long as it takes where the machine is busy, and no longer. */
export const eventually = <T>(check: () => T | Promise<T>, timeout = 15_000): Promise<T> =>
  vi.waitFor(check, { timeout, interval: 10 });

/** Does in the test's own thread what the gateway does in one apart. */
export async function runHere({ module, name, input }: Job): Promise<unknown> {
  const exported = (await import(fileURLToPath(module))) as Readonly<
    Record<string, (input: unknown) => unknown>
  >;
  return exported[name]?.(structuredClone(input));
}

export interface LinkWord {
  readonly device: string;
  readonly state: 'online' | 'offline';
  readonly reason: string | undefined;
  readonly part: string | undefined;
}

/**
 * A gateway for a driver under test. `store` decides each report; by default it is on disk at once. `time`: what the
 * driver takes its time from.
 */
export function fakeHost(
  store: (observation: Observation) => Promise<Receipt> = async () => ({
    sequence: 1,
    id: 'x',
    repeated: false,
  }),
  time: Clock = systemClock,
) {
  const stop = new AbortController();
  const reports = stream<Observation>();
  const links = stream<LinkWord>();
  const discards = stream<{ device: string; reason: string; bytes: number; detail?: string }>();
  const unmapped = stream<{ device: string; what: string }>();
  const pictures = stream<Buffer>();
  const kept = stream<string | undefined>();
  const known = new Map<string, string>();
  let offset = 0;
  const host: Host = {
    report(observation) {
      reports.push(observation);
      return store(observation);
    },
    link(device, state, reason, part) {
      const key = `${device}/${part}`;
      if (known.get(key) === state) return;
      known.set(key, state);
      links.push({ device, state, reason, part });
    },
    discarded: (device, reason, bytes, detail) =>
      discards.push({ device, reason, bytes, ...(detail !== undefined && { detail }) }),
    unmapped: (device, what) => unmapped.push({ device, what }),
    keep: async (_device, { bytes }, about) => {
      kept.push(about?.event);
      pictures.push(Buffer.from(bytes));
      return `picture-${bytes.length}`;
    },
    isolated: runHere,
    log: silentLog,
    signal: stop.signal,
    clock: { ...time, wall: () => time.wall() + offset },
  };
  return {
    host,
    reports,
    pictures,
    kept,
    links,
    discards,
    unmapped,
    stop: () => stop.abort(),
    stepClock: (ms: number) => {
      offset += ms;
    },
  };
}

/** A TCP server whose connections the test holds. */
export async function tcpServer(): Promise<{
  port: number;
  server: Server;
  sockets: ReturnType<typeof stream<Socket>>;
  close: () => Promise<void>;
}> {
  const sockets = stream<Socket>();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of open) socket.destroy();
      server.close(() => resolve());
    });
  onTestFinished(close);
  return { port: (server.address() as { port: number }).port, server, sockets, close };
}
