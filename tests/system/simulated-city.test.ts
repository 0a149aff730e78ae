/** A simulated city at a real broker, and a platform that stores it. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import { connect } from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { campusMessage } from '../../drivers/contract/campus.ts';
import { systemClock } from '../../drivers/contract/clock.ts';
import { runCity } from '../../simulators/city.ts';
import { startPlatform } from '../../simulators/platform.ts';
import { temporaryDirectory } from '../helpers.ts';
import { nats } from './brokers.ts';
import { mosquitto, need } from './tools.ts';

const city = {
  ...{ mqtt: {}, campuses: 40, rate: 3, alarms: 60, withinMs: 1000, forMs: 6000, observe: true, seed: 3 },
  ...{ time: systemClock, signal: new AbortController().signal },
};

it('delivers a city to a platform through a storm and a power cut: each event once, no gap, and says so', {
  timeout: 120_000,
}, async (context) => {
  need(context, 'mosquitto');
  const broker = await mosquitto();
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const platform = await startPlatform({ url, file: join(temporaryDirectory(), 'police.sqlite') });
  onTestFinished(() => platform.close());
  const schools = new Map<string, unknown>();
  const looking = connect(url);
  onTestFinished(() => looking.endAsync(true));
  looking.on('message', (topic, payload) =>
    schools.set(topic, campusMessage.parse(JSON.parse(`${payload}`))),
  );
  await looking.subscribeAsync('campus/v1/+/campus');
  const faults = ['storm', 'power'] as const;
  const report = await runCity({ ...city, urls: [url], receipts: true, faults });
  expect(report).toMatchObject({ undelivered: 0, lost: 0, delivered: report.made });
  expect(report.made).toBeGreaterThan(500);
  expect(report.alarms.count).toBe(60);
  expect(report.backAfterMs).toBeGreaterThan(0);
  expect(platform.store.counts()).toMatchObject({ events: report.made, open: 0, lost: 0 });
  expect(platform.discarded()).toBe(0);
  expect(schools.size).toBe(city.campuses);
});

it('says what a broker acknowledged and did not pass on', { timeout: 120_000 }, async () => {
  const forgetful = await Aedes.createBroker({
    // Each tenth message is acknowledged and goes to nobody.
    authorizeForward: (_client, packet) => (count++ % 10 === 9 ? null : packet),
  });
  let count = 0;
  const server = createServer({ noDelay: true }, forgetful.handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => forgetful.close(resolve))));
  const stop = new AbortController();
  let before = '';
  const report = await runCity({
    ...{ ...city, mqtt: { protocolVersion: 4 }, forMs: 3000, receipts: false, faults: [] },
    ...{ urls: [`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`], signal: stop.signal },
    // All that will come has come, once nothing moves for a second: nobody waits for what is lost.
    tell(progress) {
      const now = JSON.stringify(progress);
      if (now === before) stop.abort();
      before = now;
    },
  });
  expect(report.undelivered).toBe(0);
  expect(report.lost).toBeGreaterThan(report.made / 20);
  expect(report.lost).toBeLessThan(report.made / 5);
});

it('finds out by itself that a broker does not know MQTT 5', { timeout: 120_000 }, async (context) => {
  need(context, 'nats-server');
  const broker = await nats();
  const report = await runCity({
    ...{ ...city, alarms: 5, forMs: 3000, receipts: false, faults: [] },
    urls: [`mqtt://127.0.0.1:${broker.port}`],
  });
  expect(report).toMatchObject({ undelivered: 0, lost: 0, isSettled: true });
  expect(report.made).toBeGreaterThan(100);
});
