/**
 * What an acknowledgement is worth: the gateway, a mosquitto bridge with persistence and brokers that keep what they
 * acknowledge, each killed with -9 under load while no platform is there. What was acknowledged must arrive after.
 * A kill spares what the kernel has, a power cut does not; so each fsync is held, too: who acknowledges sooner than
 * one takes has promised what no disk has.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { tellAims } from './aims.ts';
import { benchAccounts, type Destination, openSender, type Sender } from './load.ts';
import { adopt, client, folder, gatewayIn, mosquittoAt, mosquittoIn, ms, stop, tell } from './parts.ts';
import { installedPeers, isInstalled } from './peers/index.ts';
import type { Peer } from './peers/peer.ts';

const WINDOW = 256;
const HELD_MS = 100;
const HELD_EVENTS = 20;
const QUIET_MS = 10_000;
const HELD_HEAD = `least ack, each fsync held ${HELD_MS} ms`;

type Heard = (payload: Buffer) => void;

interface Keeper {
  readonly name: string;
  readonly to: Destination;
  /** With no platform there. */
  start(): Promise<ChildProcess>;
  /** With a platform that hears all. */
  startAgain(heard: Heard): Promise<ChildProcess>;
  close(): Promise<void>;
}

async function listen(port: number, heard: Heard) {
  await (await client(port, {}, heard)).subscribeAsync('campus/#', { qos: 1 });
}

/** Something that brings on what it took to a broker of the platform. */
async function forwarder(
  name: string,
  kind: Destination['kind'],
  startTo: (directory: string, port: number, platform: number) => Promise<ChildProcess>,
): Promise<Keeper> {
  const [port, platform] = await Promise.all([freePort(), freePort()]);
  const directory = folder();
  const start = () => startTo(directory, port, platform);
  let broker: ChildProcess | undefined;
  return {
    name,
    to: { kind, port },
    start,
    async startAgain(heard) {
      broker = await mosquittoAt(platform);
      await listen(platform, heard);
      return await start();
    },
    close: async () => broker && (await stop(broker)),
  };
}

const gateway = () =>
  forwarder('campus gateway', 'panel', (directory, port, platform) =>
    gatewayIn(directory, {
      campus: { id: '45000001', name: 'bench' },
      dataDir: join(directory, 'data'),
      uplinks: [{ id: 'platform', url: `mqtt://127.0.0.1:${platform}` }],
      devices: [{ id: 'panel', driver: 'dc09', listen: { port }, accounts: benchAccounts }],
    }),
  );

const bridge = () =>
  forwarder('mosquitto bridge', 'mqtt', (directory, port, platform) =>
    mosquittoIn(directory, port, [
      'persistence true',
      `persistence_location ${directory}/`,
      'connection platform',
      `address 127.0.0.1:${platform}`,
      'topic campus/# out 1',
      'bridge_protocol_version mqttv50',
      'restart_timeout 1',
    ]),
  );

/** Its platform is a subscriber with a durable session. */
async function peerAsKeeper(peer: Peer): Promise<Keeper> {
  const { port, start, close } = await peer.prepare();
  const session = { protocolVersion: 4, clean: false, clientId: 'platform' } as const;
  return {
    name: peer.name,
    to: { kind: 'mqtt', port, protocolVersion: 4 },
    async start() {
      const child = await start();
      const platform = await client(port, session);
      await platform.subscribeAsync('campus/#', { qos: 1 });
      await platform.endAsync();
      return child;
    },
    async startAgain(heard) {
      const child = await start();
      await client(port, session, heard);
      return child;
    },
    close,
  };
}

/** Until `release` is called each fsync of the process takes HELD_MS longer. */
async function holdFsync({ pid }: ChildProcess): Promise<() => Promise<void>> {
  const calls = 'fsync,fdatasync';
  const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:delay_exit=${HELD_MS * 1000}`];
  const tracer = spawn('strace', ['-f', '-p', String(pid), ...inject, '-o', '/dev/null'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  adopt(tracer);
  await once(tracer.stderr, 'data');
  return () => stop(tracer, 'SIGINT');
}

/** The least time that an acknowledgement took, ms, one event after the other. */
async function leastWhileHeld(child: ChildProcess, send: (done: () => void) => void): Promise<number> {
  const release = await holdFsync(child);
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < HELD_EVENTS; i++) {
    const from = performance.now();
    await new Promise<void>((resolve) => send(resolve));
    least = Math.min(least, performance.now() - from);
  }
  await release();
  return least;
}

/** Kills the process with -9 once `count` were acknowledged, while more are on their way. */
async function killUnderLoad(child: ChildProcess, count: number, send: (done: () => void) => void) {
  const exit = once(child, 'exit');
  let acknowledged = 0;
  const next = () =>
    send(() => {
      if (++acknowledged === count) child.kill('SIGKILL');
      next();
    });
  for (let i = 0; i < WINDOW; i++) next();
  await exit;
  // What it acknowledged before may still be in the socket.
  await delay(500);
}

/** Sends numbers as texts; keeps those that were acknowledged. */
function recordingSender(sender: Sender) {
  const acknowledged = new Set<string>();
  let sent = 0;
  const send = (done: () => void) => {
    const text = String(sent++);
    sender.send(text, () => {
      acknowledged.add(text);
      done();
    });
  };
  return { acknowledged, send };
}

interface Kept {
  readonly acknowledged: number;
  readonly missing: number;
  /** The least time to an acknowledgement while each fsync is held, ms; NaN where it was not measured. */
  readonly least: number;
}

async function measure(keeper: Keeper, count: number, canHold: boolean): Promise<Kept> {
  const child = await keeper.start();
  const sender = await openSender(keeper.to);
  const { acknowledged, send } = recordingSender(sender);
  const least = canHold ? await leastWhileHeld(child, send) : Number.NaN;
  await killUnderLoad(child, acknowledged.size + count, send);
  sender.end();

  const missing = new Set(acknowledged);
  let heardAt = performance.now();
  const again = await keeper.startAgain((payload) => {
    heardAt = performance.now();
    missing.delete(/"text":"(\d+)"/.exec(payload.toString())?.[1] ?? '');
  });
  heardAt = performance.now();
  while (missing.size > 0 && performance.now() - heardAt < QUIET_MS) await delay(100);
  await stop(again);
  await keeper.close();

  return { acknowledged: acknowledged.size, missing: missing.size, least };
}

function tellKept(name: string, { acknowledged, missing, least }: Kept) {
  const held = Number.isNaN(least) ? '-' : `${ms(least)} (${least < HELD_MS ? 'before' : 'after'} it)`;
  const columns = [acknowledged, missing].map((value, i) => String(value).padStart([12, 9][i] ?? 0));
  tell(`${name.padEnd(22)} ${columns.join('   ')}   ${held.padStart(HELD_HEAD.length)}`);
}

export async function killed(args: string[]): Promise<void> {
  const count = Number(args[0] ?? 20_000);
  const peers = installedPeers();
  const canHold = isInstalled('strace');
  if (!canHold) tell('SKIPPED holding each fsync: strace is not installed');
  tell(`${'killed with -9'.padEnd(22)} acknowledged   not there   ${HELD_HEAD}`);
  const makers = [gateway, bridge, ...peers.map((peer) => () => peerAsKeeper(peer))];
  const results: Kept[] = [];
  for (const make of makers) {
    const keeper = await make();
    const kept = await measure(keeper, count, canHold);
    tellKept(keeper.name, kept);
    results.push(kept);
  }
  const [own] = results as [Kept];
  tellAims([
    { what: 'of what the gateway acknowledged, not there', measured: own.missing, atMost: 0 },
    {
      what: `ack of the gateway, each fsync held ${HELD_MS} ms`,
      measured: own.least,
      unit: ' ms',
      atLeast: HELD_MS,
      unjudged: canHold ? undefined : 'strace is not installed',
    },
  ]);
}
