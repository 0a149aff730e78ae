/**
 * Wire to subscriber: the gateway beside raw MQTT.js QoS 1, beside a mosquitto bridge with persistence, which is what
 * schools have today, and beside brokers that keep what they acknowledge. Load, gateway, broker, subscriber and the
 * probe of the disk are processes of their own; the subscriber is this. One way after the other, each alone.
 */
import type { ChildProcess } from 'node:child_process';
import { freePort } from '../free-port.ts';
import { type Aim, tellAims } from './aims.ts';
import { besideDisk, type Disk } from './disk.ts';
import { benchAccounts, type Destination, load, type Task } from './load.ts';
import { gateway, mosquitto, ms, quantile, stop, tell, usage } from './parts.ts';
import { installedPeers } from './peers/index.ts';
import type { Peer } from './peers/peer.ts';
import { rabbitmq } from './peers/rabbitmq.ts';
import { type Subscriber, subscribeTo } from './subscriber.ts';

const PACED = { count: 1500, rate: 100, window: 64 };
const FLOOD = { rate: 0, window: 256 };
const WARM_UP = 2000;

/** Where the load goes, and whose memory and CPU are told. */
interface Way extends Destination {
  readonly platform: Subscriber;
  readonly process?: ChildProcess;
}

interface Result {
  readonly p50: number;
  readonly p99: number;
  /** Of the seconds in which p50 and p99 were measured. */
  readonly disk: Disk;
  readonly perSecond: number;
  /** MB, after the flood; NaN where there is no process between load and platform. */
  readonly rss: number;
  /** CPU of the process for each event of the flood, us, all threads. */
  readonly cpu: number;
}

async function measure({ platform, process, ...to }: Way, flood: number): Promise<Result> {
  const send = async (task: Pick<Task, 'count' | 'rate' | 'window'>) => {
    const [arrivals] = await Promise.all([platform.expect(task.count), load({ ...to, ...task })]);
    return arrivals;
  };
  await send({ ...FLOOD, count: WARM_UP });
  const { result: paced, disk } = await besideDisk(() => send(PACED));
  const use = () => (process === undefined ? { rss: Number.NaN, cpu: Number.NaN } : usage(process));
  const before = use();
  const arrivals = await send({ ...FLOOD, count: flood });
  const after = use();
  // From the first arrival to the last: starting the load's process is no part of the road.
  const seconds = ((arrivals.at(-1)?.at ?? 0) - (arrivals[0]?.at ?? 0)) / 1000;
  const ages = paced.map(({ age }) => age);
  return {
    p50: quantile(ages, 0.5),
    p99: quantile(ages, 0.99),
    disk,
    perSecond: (flood - 1) / seconds,
    rss: after.rss,
    cpu: ((after.cpu - before.cpu) / flood) * 1e6,
  };
}

async function throughGateway(broker: number, platform: Subscriber, flood: number): Promise<Result> {
  const port = await freePort();
  const daemon = await gateway({
    campus: { id: '45000001', name: 'bench' },
    uplinks: [{ id: 'platform', url: `mqtt://127.0.0.1:${broker}`, window: 256 }],
    devices: [{ id: 'panel', driver: 'dc09', listen: { port }, accounts: benchAccounts }],
  });
  const result = await measure({ kind: 'panel', port, platform, process: daemon }, flood);
  await stop(daemon);
  return result;
}

async function throughBridge(broker: number, platform: Subscriber, flood: number): Promise<Result> {
  const { port, child } = await mosquitto((directory) => [
    'persistence true',
    `persistence_location ${directory}/`,
    'connection platform',
    `address 127.0.0.1:${broker}`,
    'topic campus/# out 1',
    'bridge_protocol_version mqttv50',
  ]);
  const result = await measure({ kind: 'mqtt', port, platform, process: child }, flood);
  await stop(child);
  return result;
}

/** From a publisher to a subscriber with a durable session: one broker, where the gateway and the bridge have two. */
async function throughPeer(peer: Peer, flood: number): Promise<Result> {
  const broker = await peer.prepare();
  const child = await broker.start();
  const { port } = broker;
  const platform = await subscribeTo(port, { protocolVersion: 4, clean: false, clientId: 'platform' });
  const result = await measure({ kind: 'mqtt', protocolVersion: 4, port, platform, process: child }, flood);
  await platform.end();
  await stop(child);
  await broker.close();
  return result;
}

function tellResults(results: ReadonlyMap<string, Result>, flood: number) {
  const head = ['p50 at 100/s', 'p99 at 100/s', 'fsync p50', 'fsync p99', `events/s (${flood})`];
  tell(
    `\n${'wire to subscriber'.padEnd(22)} ${head.map((one) => one.padStart(12)).join('   ')}   RSS after it   CPU an event`,
  );
  for (const [name, { p50, p99, disk, perSecond, rss, cpu }] of results) {
    const values = [ms(p50), ms(p99), ms(disk.p50), ms(disk.p99), perSecond.toFixed(0)];
    const own = Number.isNaN(rss) ? [] : [`${rss.toFixed(0)} MB`, `${cpu.toFixed(0)} us`];
    const widths = [...head.map((one) => Math.max(12, one.length)), 12, 12];
    const columns = [...values, ...own].map((value, i) => value.padStart(widths[i] ?? 0));
    tell(`${name.padEnd(22)} ${columns.join('   ')}`);
  }
}

function aims(own: Result, raw: Result, bridge: Result, rabbitmq: Result | undefined): Aim[] {
  const slowDisk = own.disk.p99 < 1 ? undefined : `the fsync's own p99 was ${ms(own.disk.p99)}`;
  return [
    { what: 'events/s / mosquitto bridge', measured: own.perSecond / bridge.perSecond, atLeast: 0.6 },
    {
      what: 'events/s / RabbitMQ, quorum queue',
      measured: own.perSecond / (rabbitmq?.perSecond ?? Number.NaN),
      atLeast: 1.1,
      unjudged: rabbitmq === undefined ? 'it is not installed' : undefined,
    },
    { what: 'CPU an event', measured: own.cpu, unit: ' us', atMost: 60 },
    {
      what: 'p50 at 100/s / (fsync + raw round trip)',
      measured: own.p50 / (own.disk.p50 + raw.p50),
      atMost: 2,
    },
    { what: 'p99 at 100/s', measured: own.p99, unit: ' ms', atMost: 5, unjudged: slowDisk },
    { what: 'RSS after the flood', measured: own.rss, unit: ' MB', atMost: 180 },
  ];
}

export async function road(args: string[]): Promise<void> {
  const flood = Number(args[0] ?? 100_000);
  const peers = installedPeers();
  const { port } = await mosquitto();
  const platform = await subscribeTo(port);
  const raw = await measure({ kind: 'mqtt', port, platform }, flood);
  const bridge = await throughBridge(port, platform, flood);
  const own = await throughGateway(port, platform, flood);
  const results = new Map([
    ['raw MQTT.js QoS 1', raw],
    ['mosquitto bridge', bridge],
    ['campus gateway', own],
  ]);
  for (const peer of peers) results.set(peer.name, await throughPeer(peer, flood));
  tellResults(results, flood);
  tellAims(aims(own, raw, bridge, results.get(rabbitmq.name)));
}
