/** The same road to every broker that a city may have: receipts, replay, a restart of the broker, nothing lost. */
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Aedes } from 'aedes';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../helpers.ts';
import { nats, type OtherBroker, rabbitmq } from './brokers.ts';
import { rig } from './faults/rig.ts';
import { mosquitto, need, until } from './tools.ts';

async function aedes(): Promise<OtherBroker> {
  const port = await freePort();
  let close = async () => {};
  const start = async () => {
    const broker = await Aedes.createBroker();
    const server = createServer({ noDelay: true }, broker.handle);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    close = () =>
      new Promise((resolve) => {
        server.close();
        broker.close(() => resolve());
      });
  };
  await start();
  onTestFinished(() => close());
  return { port, start, stop: () => close() };
}

describe.each([
  ['mosquitto', 'auto', 5, ['mosquitto'], mosquitto],
  ['mosquitto', '3.1.1', 4, ['mosquitto'], mosquitto],
  ['RabbitMQ', 'auto', 4, ['rabbitmqctl'], rabbitmq],
  ['NATS', 'auto', 4, ['nats-server'], nats],
  ['aedes', 'auto', 4, [], aedes],
] as const)('%s, protocol %s', { timeout: 180_000 }, (name, protocol, platform, programs, start) => {
  it('brings everything over a restart of it, with receipts, and fills a gap on request', async (context) => {
    need(context, ...programs);
    const broker: OtherBroker = await start();
    const campus = await rig({
      url: `mqtt://127.0.0.1:${broker.port}`,
      uplink: { protocol, receipts: true, receiptTimeout: '3s' },
      platform: { receipts: true, protocol: platform },
    });
    campus.start();
    await until('events arrive', () => campus.events.length > 200, 60_000);
    await broker.stop();
    await delay(500);
    await broker.start();
    await until('events arrive again', () => campus.acknowledged.size > 400, 60_000);
    expect(await campus.settle(`${name}, ${protocol}`)).toMatchObject({
      lost: [],
      twice: 0,
      gaps: { open: 0, lost: 0 },
    });
    const [urgent] = campus.platform.store.positions().filter(({ lane }) => lane === 'urgent');
    const { prefix = '', journal, upTo = 0 } = urgent ?? {};
    const reply = await campus.platform.command(prefix, 'replay', {
      journal,
      lane: 'urgent',
      after: '0',
      upTo: String(upTo),
    });
    expect(reply).toMatchObject({ done: true });
    expect(Number(reply.result?.['events'])).toBeGreaterThan(100);
    expect(await campus.daemon().stop()).toBe(0);
  });
});
