/**
 * Wire to subscriber: the gateway beside raw MQTT.js QoS 1 and beside a mosquitto bridge with persistence, which is
 * what schools have today. Load, gateway, broker and subscriber are processes of their own; the subscriber is this.
 */
import type { ChildProcess } from 'node:child_process';
import { freePort } from '../free-port.ts';
import { clock, load, type Task } from './load.ts';
import { client, fsyncTime, gateway, mosquitto, ms, quantile, stop, tell, usage } from './parts.ts';

const PACED = { count: 1500, rate: 100, window: 64 };
const FLOOD = { rate: 0, window: 256 };

interface Way {
  readonly name: string;
  readonly kind: Task['kind'];
  /** Where the load goes. */
  readonly port: number;
  /** Whose memory is told. */
  readonly process?: ChildProcess;
}

interface Result {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  readonly rss: number;
  /** CPU of the process for each event of the flood, us, all threads. */
  readonly cpu: number;
}

interface Arrival {
  /** On the clock of all processes, ms. */
  readonly at: number;
  /** Since it left, ms. */
  readonly age: number;
}

/** Counts what arrives at the platform's broker and how old it is. */
async function subscriber(port: number) {
  const mqtt = await client(port);
  let arrivals: Arrival[] = [];
  let wanted = Number.POSITIVE_INFINITY;
  let reached = () => {};
  mqtt.on('message', (_topic, payload) => {
    const at = /"text":"(\d+\.?\d*)"/.exec(payload.toString())?.[1];
    if (at === undefined) return;
    const now = clock();
    arrivals.push({ at: now, age: now - Number(at) });
    if (arrivals.length === wanted) reached();
  });
  await mqtt.subscribeAsync('campus/#', { qos: 1 });
  return {
    /** The next `count` events, once they are all there. */
    async expect(count: number): Promise<readonly Arrival[]> {
      arrivals = [];
      wanted = count;
      await new Promise<void>((resolve) => {
        reached = resolve;
      });
      return arrivals;
    },
  };
}

async function measure(
  way: Way,
  platform: Awaited<ReturnType<typeof subscriber>>,
  flood: number,
): Promise<Result> {
  const task = { kind: way.kind, port: way.port };
  await Promise.all([load({ ...task, count: 2000, ...FLOOD }), platform.expect(2000)]);
  const [paced] = await Promise.all([platform.expect(PACED.count), load({ ...task, ...PACED })]);
  const use = () => (way.process === undefined ? { rss: 0, cpu: 0 } : usage(way.process));
  const before = use();
  const [arrivals] = await Promise.all([platform.expect(flood), load({ ...task, ...FLOOD, count: flood })]);
  const after = use();
  // From the first arrival to the last: starting the load's process is no part of the road.
  const seconds = ((arrivals.at(-1)?.at ?? 0) - (arrivals[0]?.at ?? 0)) / 1000;
  const ages = paced.map(({ age }) => age);
  return {
    p50: quantile(ages, 0.5),
    p99: quantile(ages, 0.99),
    perSecond: (flood - 1) / seconds,
    rss: after.rss,
    cpu: ((after.cpu - before.cpu) / flood) * 1e6,
  };
}

export async function road(args: string[]): Promise<void> {
  const flood = Number(args[0] ?? 100_000);
  const disk = await fsyncTime();
  // Its default tells MQTT 5 clients a receive maximum of 20.
  const broker = await mosquitto(() => ['max_inflight_messages 256']);
  const platform = await subscriber(broker.port);

  const panelPort = await freePort();
  const daemon = await gateway({
    campus: { id: '45000001', name: 'bench' },
    uplinks: [{ id: 'platform', url: `mqtt://127.0.0.1:${broker.port}`, window: 256 }],
    devices: [{ id: 'panel', driver: 'dc09', listen: { port: panelPort }, accounts: [{ account: '1234' }] }],
  });
  const bridge = await mosquitto((directory) => [
    'persistence true',
    `persistence_location ${directory}/`,
    'connection platform',
    `address 127.0.0.1:${broker.port}`,
    'topic campus/# out 1',
    'bridge_protocol_version mqttv50',
    'max_inflight_messages 256',
  ]);

  const ways: Way[] = [
    { name: 'raw MQTT.js QoS 1', kind: 'mqtt', port: broker.port },
    { name: 'mosquitto bridge', kind: 'mqtt', port: bridge.port, process: bridge.child },
    { name: 'campus gateway', kind: 'panel', port: panelPort, process: daemon },
  ];
  const results: Result[] = [];
  for (const way of ways) results.push(await measure(way, platform, flood));
  await Promise.all([stop(daemon), stop(bridge.child)]);

  tell(`fsync of 4 KB: p50 ${ms(quantile(disk, 0.5))}, p99 ${ms(quantile(disk, 0.99))}`);
  tell(
    `${'wire to subscriber'.padEnd(20)} p50 at 100/s   p99 at 100/s   events/s (${flood})   RSS after it   CPU an event`,
  );
  for (const [i, way] of ways.entries()) {
    const { p50, p99, perSecond, rss, cpu } = results[i] as Result;
    const own = rss === 0 ? '' : `${rss.toFixed(0).padStart(9)} MB   ${cpu.toFixed(0).padStart(9)} us`;
    tell(
      `${way.name.padEnd(20)} ${ms(p50).padStart(12)}   ${ms(p99).padStart(12)}   ${perSecond.toFixed(0).padStart(17)}   ${own}`,
    );
  }
  const [raw, bridged, own] = results as [Result, Result, Result];
  const limit = quantile(disk, 0.5) + raw.p50;
  tell(`p50 / (one fsync + one raw round trip) = ${(own.p50 / limit).toFixed(2)}   (aim: at most 2)`);
  tell(
    `events/s / mosquitto bridge = ${(own.perSecond / bridged.perSecond).toFixed(2)}   (aim: at least 0.6, with every event fsynced)`,
  );
  tell(`events/s / raw MQTT.js = ${(own.perSecond / raw.perSecond).toFixed(2)}`);
}
