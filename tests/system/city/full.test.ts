/** The whole city on a cluster of each kind: `npm run test:long -- city`. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { postgres } from '../postgres.ts';
import { isCityRun, need, until } from '../tools.ts';
import { consumer } from './consumer.ts';
import { natsCluster } from './nats.ts';
import { rabbitmqCluster } from './rabbitmq.ts';
import { OF_CITY, startCity } from './simulated.ts';

const CAMPUSES = 1500;
const RATE = 2;
const FOR_MS = 60_000;
const ALARMS = 300;
const BACK_MAX_MS = 60_000;

const seconds = (ms: number) => (ms / 1000).toFixed(1);

it.runIf(isCityRun).for([
  { broker: 'RabbitMQ', programs: ['rabbitmqctl', 'erl_call'], start: rabbitmqCluster },
  { broker: 'NATS', programs: ['nats-server'], start: natsCluster },
] as const)(
  '1,500 campuses on $broker: 3,000 events/s and 300 alarms in 10 s are stored; all are back 60 s after all nodes were killed',
  {
    timeout: 900_000,
  },
  async ({ broker, programs, start }, context) => {
    need(context, 'psql', ...programs);
    const cluster = await start();
    const urls = cluster.nodes.map(({ mqtt }) => mqtt);
    const { url: database } = await postgres();
    const events = cluster.nodes.map(({ own }) => own).join(',');
    const police = await consumer(database, { events, group: 'police', root: 'campus/v1', receipts: true });

    const alarming = { alarms: ALARMS, withinMs: 10_000, forMs: FOR_MS };
    const loaded = await startCity(urls, { campuses: CAMPUSES, rate: RATE, ...alarming }).report;
    const stored = await police.count(OF_CITY);
    const latencies = await police.latencies('cn.campus.alarm.raised');
    const at = (share: number) =>
      seconds(latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN);
    process.stdout.write(
      `${broker}: ${loaded.made} events of ${CAMPUSES} campuses, ${loaded.made - stored} not stored; ${latencies.length} alarms: p50 ${at(0.5)} s, p99 ${at(0.99)} s, all ${at(1)} s\n`,
    );

    const city = startCity(urls, { campuses: CAMPUSES, rate: 0.02 });
    await until('they have begun', city.hasBegun, 180_000);
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await until('all have noticed', () => city.connected() === 0, 30_000);
    await delay(3000);
    const killedAt = performance.now();
    await cluster.startAll();
    const upAt = performance.now();
    await until('all are back', city.areConnected, 2 * BACK_MAX_MS);
    const backMs = performance.now() - upAt;
    const after = await city.end();
    const made = loaded.made + after.made;
    await until('all is stored', async () => (await police.count(OF_CITY)) >= made, 60_000).catch(() => {});
    const missing = made - (await police.count(OF_CITY));
    process.stdout.write(
      `${broker}: all nodes killed, up again in ${seconds(upAt - killedAt)} s, all ${CAMPUSES} campuses back ${seconds(backMs)} s later; ${missing} of ${made} events not stored\n`,
    );
    expect(missing).toBe(0);
    expect(latencies).toHaveLength(ALARMS);
    expect(backMs).toBeLessThan(BACK_MAX_MS);
  },
);
