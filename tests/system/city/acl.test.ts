/**
 * The files of docs/city, each at the real broker: a campus comes with its certificate, and can write and read its own
 * topics and no other's; the platform can what it needs; who is withdrawn is refused.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isCityRun, need, until } from '../tools.ts';
import {
  type Authority,
  authority,
  mosquittoByDocs,
  natsByDocs,
  rabbitmqByDocs,
  type Secured,
} from './secured.ts';

const MINE = '4503000001';
const OTHER = '4503000002';
const CAMPUSES = [MINE, OTHER];
const ofMine = (topic: string) => `campus/v1/${MINE}/${topic}`;
const ofOther = (topic: string) => `campus/v1/${OTHER}/${topic}`;

/** What a broker may answer to what is not allowed: it closes the connection, or takes it and passes nothing on. */
async function tried(doing: Promise<unknown>): Promise<void> {
  await Promise.race([doing.catch(() => {}), delay(1000)]);
}

/** Comes to a broker with the certificate of a campus. */
function comer(ca: Authority, port: number, protocolVersion: 4 | 5) {
  return async (campus: string, options: object = {}): Promise<{ client: MqttClient; heard: string[] }> => {
    const client = await connectAsync(
      `mqtts://localhost:${port}`,
      {
        ca: readFileSync(ca.file('ca.crt')),
        cert: readFileSync(ca.file(`${campus}.crt`)),
        key: readFileSync(ca.file(`${campus}.key`)),
        ...{ clientId: `${campus}-police`, protocolVersion, reconnectPeriod: 0, ...options },
      },
      false,
    );
    onTestFinished(() => client.endAsync(true).catch(() => {}));
    client.on('error', () => {});
    const heard: string[] = [];
    client.on('message', (topic, payload) => void heard.push(`${topic} ${payload.toString()}`));
    return { client, heard };
  };
}

type Scene = Secured & {
  readonly name: string;
  readonly ca: Authority;
  readonly come: ReturnType<typeof comer>;
};

/** Its own events and presence to the platform, receipts and commands from it; of another's nothing, either way. */
async function keepsToItself({ come, platform }: Scene): Promise<void> {
  const { heard: all, publish } = platform;
  const mine = await come(MINE);
  await mine.client.subscribeAsync([ofMine('ack'), ofMine('command/+')], { qos: 1 });
  for (const topic of ['presence', 'identity'])
    await mine.client.publishAsync(ofMine(topic), 'mine', { qos: 1, retain: true });
  // NATS has nothing to keep events in until the first campus is there, and drops them until the platform has seen that.
  await until('the platform hears events', async () => {
    await mine.client.publishAsync(ofMine('event/alarm/panel'), 'mine', { qos: 1 });
    return all.includes(`${ofMine('event/alarm/panel')} mine`);
  });
  await until('the platform hears that it is there', () => all.includes(`${ofMine('presence')} mine`));
  await publish(ofMine('ack'), 'receipt');
  await publish(ofMine('command/gateway'), 'replay');
  await until('the campus hears it', () => mine.heard.length === 2);
  expect(mine.heard.toSorted()).toEqual([`${ofMine('ack')} receipt`, `${ofMine('command/gateway')} replay`]);

  await mine.client.endAsync();

  // Another's: neither written nor read, whatever the broker answers.
  const spied: string[][] = [];
  for (const topic of ['event/alarm/panel', 'presence', 'ack', 'command/gateway', 'identity']) {
    const { client } = await come(MINE);
    await tried(client.publishAsync(ofOther(topic), 'stolen', { qos: 1 }));
    await client.endAsync(true);
  }
  // Nor a topic that is longer than AMQP knows, with which RabbitMQ ends each connection of the platform.
  const long = await come(MINE);
  await tried(long.client.publishAsync(ofMine(`event/alarm/${'x'.repeat(255)}`), 'long', { qos: 1 }));
  await long.client.endAsync(true);
  // Nor may it give itself receipts.
  const forger = await come(MINE);
  await tried(forger.client.publishAsync(ofMine('ack'), 'stolen', { qos: 1 }));
  await forger.client.endAsync(true);
  const other = await come(OTHER);
  await other.client.subscribeAsync([ofOther('ack'), ofOther('command/+'), ofOther('identity')], {
    qos: 1,
  });
  for (const filter of [
    ofOther('#'),
    ofOther('ack'),
    'campus/#',
    '#',
    'campus/v1/+/ack',
    'campus/v1/+/event/#',
  ]) {
    const { client, heard } = await come(MINE);
    spied.push(heard);
    await tried(client.subscribeAsync(filter, { qos: 1 }));
    await publish(ofOther('ack'), `receipt ${spied.length}`);
    await other.client.publishAsync(ofOther('event/alarm/panel'), `other ${spied.length}`, { qos: 1 });
    await until('the other is served', () =>
      all.includes(`${ofOther('event/alarm/panel')} other ${spied.length}`),
    );
    await until('the other is served', () =>
      other.heard.includes(`${ofOther('ack')} receipt ${spied.length}`),
    );
    await client.endAsync(true);
  }
  expect([...all, ...other.heard].filter((line) => line.endsWith('stolen'))).toEqual([]);
  expect(spied.flat().filter((line) => line.includes(OTHER))).toEqual([]);
  const again = await come(MINE);
  await again.client.subscribeAsync(ofMine('ack'), { qos: 1 });
  await delay(300);
  expect(again.heard).toEqual([]);
}

/** Who is withdrawn, who has a certificate of another authority, and nobody at all. */
async function isRefused({ name, ca, come, platform, withdraw }: Scene): Promise<void> {
  const none = { cert: undefined, key: undefined, clientId: 'none' };
  await expect(come(MINE, none)).rejects.toThrow();
  await expect(come(MINE, { ...none, username: MINE, password: '' })).rejects.toThrow();
  const strange = authority();
  strange.run('campus', MINE);
  const pair = {
    cert: readFileSync(strange.file(`${MINE}.crt`)),
    key: readFileSync(strange.file(`${MINE}.key`)),
  };
  await expect(come(MINE, pair)).rejects.toThrow();

  // By whatever client id it comes, it pushes nobody else out.
  const other = await come(OTHER);
  const connected = await come(MINE, name === 'mosquitto' ? { clientId: `${OTHER}-police` } : {});
  await delay(500);
  expect(other.client.connected).toBe(true);
  ca.run('withdraw', MINE);
  await withdraw(MINE);
  await until('it is refused', () =>
    come(MINE, { clientId: `${MINE}-again` }).then(
      ({ client }) => client.endAsync(true).then(() => false),
      () => true,
    ),
  );
  // Nor does a connection that stood before still bring anything.
  const before = platform.heard.length;
  await tried(connected.client.publishAsync(ofMine('event/alarm/panel'), 'withdrawn', { qos: 1 }));
  await other.client.publishAsync(ofOther('event/alarm/panel'), 'other', { qos: 1 });
  await until('the other is served', () => platform.heard.length > before);
  await delay(500);
  expect(platform.heard.slice(before)).toEqual([`${ofOther('event/alarm/panel')} other`]);
}

describe.runIf(isCityRun).each([
  ['mosquitto', 5, ['mosquitto', 'mosquitto_passwd'], mosquittoByDocs],
  ['RabbitMQ', 4, ['rabbitmqctl'], rabbitmqByDocs],
  ['NATS', 4, ['nats-server'], natsByDocs],
] as const)('%s by docs/city', { timeout: 180_000 }, (name, protocolVersion, programs, start) => {
  it('lets a campus write and read what is its own, nothing of another, and nothing once it is withdrawn', async (context) => {
    need(context, 'openssl', ...programs);
    const ca = authority();
    for (const campus of CAMPUSES) ca.run('campus', campus);
    const broker = await start(ca, CAMPUSES);
    const scene = { ...broker, name, ca, come: comer(ca, broker.port, protocolVersion) };
    await keepsToItself(scene);
    await isRefused(scene);
  });
});
