/** A city loses its broker: two thousand gateways come back one after another, not at once. */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { partUplink, uplink as uplinkSchema } from '../../config/sections/uplinks.ts';
import { systemClock } from '../../drivers/contract/clock.ts';
import { noThings } from '../../drivers/contract/inventory.ts';
import { noMedia } from '../../drivers/contract/media.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import { mqtt } from '../../drivers/platforms/mqtt/transport.ts';
import { createCommands } from '../../gateway/commands/index.ts';
import { openJournal } from '../../gateway/journal/index.ts';
import { watchClock } from '../../gateway/observe/clock.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { createLives } from '../../gateway/uplink/lives.ts';
import { createUplink } from '../../gateway/uplink/uplink.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { mosquitto, need, until } from './tools.ts';

const GATEWAYS = 2000;
const WITHIN_S = 60;
const ALARMS = 5;

it('2,000 gateways that lose a broker come back within 60 s, no second above 5 times the mean', {
  timeout: 240_000,
}, async (context) => {
  need(context, 'mosquitto');
  const broker = await mosquitto(['max_connections -1']);
  const journal = await openJournal(temporaryDirectory());
  const clock = watchClock(systemClock);
  clock.start();
  const metrics = createMetrics();
  const log = silentLog;
  const deviceNames = new Map<string, string>();
  const recorder = await createRecorder({ campusId: '45', deviceNames, journal, clock, metrics, log });
  const shared = {
    version: '0',
    timeZone: 'Asia/Shanghai',
    startedAt: '2026-11-24T00:00:00.000Z',
    devices: ['d'],
    journal,
    recorder,
    commands: createCommands({
      campus: '45',
      journal,
      recorder,
      clock,
      log,
      metrics,
      time: systemClock,
      kindOf: () => undefined,
    }),
    log,
    metrics,
    time: systemClock,
  };
  const uplinks = Array.from({ length: GATEWAYS }, (_, i) =>
    createUplink(
      partUplink(
        uplinkSchema.parse({
          id: `u${i}`,
          url: `mqtt://127.0.0.1:${broker.port}`,
          clientId: `gateway-${i}`,
          topicPrefix: `campus/v1/${i}`,
          // The first ones want alarms, and one will be raised while the broker is away.
          events: i < ALARMS ? ['alarm.*'] : ['video.*'],
          keepalive: '30s',
          window: 32,
          commands: [],
        }),
      ),
      mqtt as Transport,
      {
        ...shared,
        campus: String(i),
        campusData: () => ({ id: String(i), name: '一中' }),
        lives: createLives(),
        cardKey: Buffer.alloc(32),
        contentOf: async () => undefined,
        media: noMedia,
        things: noThings,
      },
    ),
  );
  for (const uplink of uplinks) uplink.start();
  journal.onAppended((lanes) => {
    for (const uplink of uplinks) uplink.wake(lanes);
  });
  onTestFinished(async () => {
    await Promise.all(uplinks.map((uplink) => uplink.close(0)));
    await clock[Symbol.asyncDispose]();
    await journal.close();
  });
  const connected = () => uplinks.filter((uplink) => uplink.state().state === 'connected').length;
  await until('all are connected', () => connected() === GATEWAYS, 120_000);

  const before = broker.log().length;
  await broker.kill();
  await until('all have noticed', () => connected() === 0);
  await delay(2000);
  await broker.start();
  const back = performance.now();
  await delay(100);
  await recorder.record({ device: 'd', kind: 'panic', state: 'raised' });
  await until(
    'those with an alarm are back',
    () => uplinks.slice(0, ALARMS).every((uplink) => uplink.state().state === 'connected'),
    5000,
  );
  const alarmed = (performance.now() - back) / 1000;
  await until('all are back', () => connected() === GATEWAYS, 90_000);
  const seconds = (performance.now() - back) / 1000;
  const perSecond = new Map<string, number>();
  for (const line of broker.log().slice(before)) {
    if (!line.includes('New client connected')) continue;
    const second = line.slice(0, line.indexOf(':'));
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  const most = Math.max(...perSecond.values());
  const mean = GATEWAYS / WITHIN_S;
  process.stdout.write(
    `${GATEWAYS} gateways: all back ${seconds.toFixed(0)} s after the broker, at most ${most} in a second, ${(most / mean).toFixed(1)} times the mean over ${WITHIN_S} s; those with an alarm in ${alarmed.toFixed(1)} s\n`,
  );
  expect(seconds).toBeLessThan(WITHIN_S);
  expect(most).toBeLessThanOrEqual(5 * mean);
});
