/**
 * The day after an outage: a backlog of normal events drains while alarms are raised. Time to append it, time to
 * drain it, memory meanwhile, and wire to subscriber of an alarm beside an idle gateway; beside a mosquitto bridge's
 * drain of as many messages. Gateway, brokers, load and subscriber are processes of their own; the subscriber is this.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openJournal } from '../../gateway/journal/index.ts';
import { toEvent } from '../../gateway/road/event.ts';
import { freePort } from '../free-port.ts';
import { tellAims } from './aims.ts';
import { benchAccounts, clock, load } from './load.ts';
import {
  client,
  folder,
  gatewayIn,
  mosquitto,
  mosquittoAt,
  ms,
  quantile,
  stop,
  tell,
  usage,
} from './parts.ts';

const ALARMS = { kind: 'panel', rate: 20, window: 64 } as const;

/** Fills a journal; seconds. */
async function append(directory: string, count: number): Promise<number> {
  const journal = await openJournal(directory);
  const context = { campusId: '45000001', now: Date.now(), synchronised: true };
  const started = performance.now();
  let waiting: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) {
    const event = toEvent(
      { device: 'gate', kind: 'fault', state: 'raised', cause: `c${i % 100}`, raw: 'x'.repeat(100) },
      context,
    );
    const { id } = event;
    const entry = { id, lane: 'normal', seenAt: context.now, type: 'device.fault', device: 'gate' } as const;
    waiting.push(journal.append({ ...entry, body: JSON.stringify(event) }));
    if (waiting.length === 1024) {
      await Promise.all(waiting);
      waiting = [];
    }
  }
  await Promise.all(waiting);
  const seconds = (performance.now() - started) / 1000;
  await journal.close();
  return seconds;
}

/** Counts normal events, and keeps the age of each alarm, ms. */
async function platform(port: number) {
  const mqtt = await client(port);
  let alarms: number[] = [];
  let normal = 0;
  let firstAt = 0;
  let reached = () => {};
  let wanted = Number.POSITIVE_INFINITY;
  mqtt.on('message', (_topic, payload) => {
    const text = payload.toString();
    const at = /"text":"(\d+\.?\d*)"/.exec(text)?.[1];
    if (at !== undefined) alarms.push(clock() - Number(at));
    else if (text.includes('device.fault')) {
      firstAt ||= performance.now();
      if (++normal === wanted) reached();
    }
  });
  await mqtt.subscribeAsync('campus/#', { qos: 1 });
  return {
    take: () => alarms.splice(0),
    firstAt: () => firstAt,
    expect(count: number) {
      wanted = normal + count;
      alarms = [];
      return new Promise<void>((resolve) => {
        reached = resolve;
      });
    },
  };
}

const ages = (values: readonly number[]) =>
  `p50 ${ms(quantile(values, 0.5))}, p99 ${ms(quantile(values, 0.99))} (${values.length} alarms)`;

interface Drain {
  /** From the first event's arrival to the last's, as of the bridge. */
  readonly seconds: number;
  /** Before it: the gateway starts, opens its journal and connects. */
  readonly startSeconds: number;
  /** MB, four times a second. */
  readonly rss: readonly number[];
  /** Ages of alarms that were raised meanwhile, and of others after, ms. */
  readonly during: readonly number[];
  readonly idle: readonly number[];
}

/** Starts a gateway on a journal that holds `count` events, and raises alarms until they are all delivered. */
async function drain(directory: string, count: number): Promise<Drain> {
  const broker = await mosquitto();
  const seen = await platform(broker.port);
  const panel = await freePort();
  const drained = seen.expect(count);
  const started = performance.now();
  const daemon = await gatewayIn(directory, {
    campus: { id: '45000001', name: 'bench' },
    dataDir: join(directory, 'data'),
    uplinks: [{ id: 'platform', url: `mqtt://127.0.0.1:${broker.port}` }],
    devices: [{ id: 'panel', driver: 'dc09', listen: { port: panel }, accounts: benchAccounts }],
  });
  const rss: number[] = [];
  const sampling = setInterval(() => rss.push(usage(daemon).rss), 250);
  let draining = true;
  const raising = (async () => {
    while (draining) await load({ ...ALARMS, port: panel, count: 100 });
  })();
  await drained;
  const seconds = (performance.now() - seen.firstAt()) / 1000;
  draining = false;
  clearInterval(sampling);
  const during = seen.take();
  await raising;
  await delay(1000);
  seen.take();
  await load({ ...ALARMS, port: panel, count: 300 });
  await delay(200);
  const idle = seen.take();
  await stop(daemon);
  await stop(broker.child);
  const startSeconds = (seen.firstAt() - started) / 1000;
  return { seconds, startSeconds, rss, during, idle };
}

export async function delivery(args: string[]): Promise<void> {
  const count = Number(args[0] ?? 1_000_000);
  const directory = folder();
  const appended = await append(join(directory, 'data'), count);
  const { seconds, startSeconds, rss, during, idle } = await drain(directory, count);
  const bridged = await bridge(count);
  tell(`append ${count}: ${appended.toFixed(1)} s, ${(count / appended).toFixed(0)}/s, each batch fsynced`);
  const perSecond = (count / seconds).toFixed(0);
  tell(
    `drain ${count}: ${seconds.toFixed(1)} s, ${perSecond}/s, first event after ${startSeconds.toFixed(1)} s`,
  );
  tell(`mosquitto bridge: ${bridged.toFixed(1)} s`);
  tell(`RSS while draining: p50 ${quantile(rss, 0.5).toFixed(0)} MB, most ${Math.max(...rss).toFixed(0)} MB`);
  tell(`alarm, wire to subscriber, idle:     ${ages(idle)}`);
  tell(`alarm, wire to subscriber, draining: ${ages(during)}`);
  tellAims([
    { what: "time to drain / the bridge's", measured: seconds / bridged, atMost: 1.5 },
    { what: 'RSS while draining, most', measured: Math.max(...rss), unit: ' MB', atMost: 150 },
    {
      what: 'p50 of an alarm, draining / idle',
      measured: quantile(during, 0.5) / quantile(idle, 0.5),
      atMost: 1.5,
    },
  ]);
}

/** Seconds in which a mosquitto bridge with persistence drains as many messages to a broker that comes back. */
async function bridge(count: number): Promise<number> {
  const port = await freePort();
  const own = await mosquitto((directory) => [
    'persistence true',
    `persistence_location ${directory}/`,
    'connection platform',
    `address 127.0.0.1:${port}`,
    'topic campus/# out 1',
    'bridge_protocol_version mqttv50',
    'restart_timeout 1',
  ]);
  await load({ kind: 'mqtt', port: own.port, count, rate: 0, window: 256 });
  await mosquittoAt(port);
  const mqtt = await client(port);
  let got = 0;
  let first = 0;
  const all = new Promise<void>((resolve) => {
    mqtt.on('message', () => {
      first ||= performance.now();
      if (++got === count) resolve();
    });
  });
  await mqtt.subscribeAsync('campus/#', { qos: 1 });
  await all;
  const seconds = (performance.now() - first) / 1000;
  await stop(own.child);
  return seconds;
}
