/** The platform of a city at real brokers, with a real database and simulated campuses: what is stored, and what was told. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, connectAsync, type IClientOptions } from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { type Platform, startPlatform } from '../../gateway/platform/index.ts';
import { messageOf } from '../../simulators/city/events.ts';
import { type CityOptions, runCity } from '../../simulators/city.ts';
import { openStage } from '../../simulators/conform/stage.ts';
import { trials } from '../../simulators/conform/trials.ts';
import { silentLog } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';
import { nats, rabbitmq } from './brokers.ts';
import { hasPostgres, type Postgres, postgres } from './postgres.ts';
import { isCityRun, mosquitto, need, until } from './tools.ts';

interface Broker {
  readonly name: string;
  readonly program: string;
  /** Of the platform, and of campuses. */
  open(): Promise<{ events: string; campuses: string; stop(): Promise<void>; start(): Promise<void> }>;
  readonly protocolVersion: 5 | 4;
}
const at = (scheme: string, port: number) => `${scheme}://127.0.0.1:${port}`;
const brokers: readonly Broker[] = [
  {
    ...{ name: 'mosquitto, by $share', program: 'mosquitto', protocolVersion: 5 },
    async open() {
      const { port, start, stop } = await mosquitto();
      return { events: at('mqtt', port), campuses: at('mqtt', port), start, stop };
    },
  },
  {
    ...{ name: 'RabbitMQ, by a quorum queue', program: 'rabbitmq-server', protocolVersion: 4 },
    async open() {
      const { own, port, start, stop } = await rabbitmq();
      return { events: at('amqp', own), campuses: at('mqtt', port), start, stop };
    },
  },
  {
    ...{ name: 'NATS, by a durable', program: 'nats-server', protocolVersion: 4 },
    async open() {
      const { own, port, start, stop } = await nats();
      return { events: at('nats', own), campuses: at('mqtt', port), start, stop };
    },
  },
];

const WAITING = 12_000;

const source = (url: string) => ({ url, group: 'police', root: 'campus/v1', receipts: true });

async function consumer(url: string, database: Postgres, log: Log = silentLog): Promise<Platform> {
  const options = { source: source(url), database: database.url, time: systemClock, log };
  const platform = await startPlatform(options);
  let isClosed = false;
  const close = async () => {
    if (!isClosed) await platform.close();
    isClosed = true;
  };
  onTestFinished(close);
  return { ...platform, close };
}

/** As its users run it. */
async function consumerProcess(url: string, database: Postgres, ...more: string[]) {
  const args = ['platform', '--events', url, '--database', database.url, '--group', 'police', '--quiet'];
  const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');
  return await startProcess(process.execPath, [entry, ...args, ...more], /^storing /, (child) =>
    onTestFinished(() => stopProcess(child, 'SIGKILL')),
  );
}

/** What psql says, which knows nothing of us. */
const ask = ({ url }: Postgres, sql: string): string =>
  execFileSync('psql', [url, '-Atc', sql], { encoding: 'utf8' }).trim();
const stored = (database: Postgres) => ask(database, 'SELECT count(*), count(DISTINCT id) FROM event');
const lost = (database: Postgres) => ask(database, 'SELECT count(*) FROM lost');

const city = (
  url: string,
  protocolVersion: IClientOptions['protocolVersion'],
  more: Partial<CityOptions> = {},
) =>
  runCity({
    ...{
      urls: [url],
      mqtt: { protocolVersion },
      campuses: 40,
      rate: 3,
      alarms: 60,
      withinMs: 1000,
      forMs: 6000,
    },
    ...{ observe: false, receipts: true, faults: [], seed: 3, time: systemClock },
    ...{ signal: new AbortController().signal },
    ...more,
  } as CityOptions);

async function needAll(context: TestContext, program: string): Promise<Postgres> {
  need(context, program, 'psql');
  if (!hasPostgres()) context.skip('needs postgresql');
  return await postgres();
}

describe.each(brokers.slice(1))('$name', { timeout: 120_000 }, ({ program, open, protocolVersion }) => {
  it('hands an alarm over before the thousands that waited while no platform was there, and stores it once', async (context) => {
    const database = await needAll(context, program);
    const broker = await open();
    await (await consumer(broker.events, database)).close();
    const campus = await connectAsync(broker.campuses, { protocolVersion });
    onTestFinished(() => campus.endAsync(true));
    const publish = (lane: 'normal' | 'urgent', sequence: number, previous: number) => {
      const made = { lane, sequence, previous, at: Date.now() };
      const { topic, payload } = messageOf('4503000001', 'd0f6a8b2-6a37-4c52-9f0d-2c4c8f0c1f00', made);
      return campus.publishAsync(`campus/v1/4503000001/${topic}`, payload, { qos: 1 });
    };
    await Promise.all(Array.from({ length: WAITING }, (_, n) => publish('normal', n + 1, n)));
    await publish('urgent', WAITING + 1, 0);
    const platform = await consumer(broker.events, database);
    await until('all is stored', () => platform.counts().events === WAITING + 1, 60_000);
    expect(stored(database)).toBe(`${WAITING + 1}|${WAITING + 1}`);
    const before = ask(
      database,
      "SELECT count(*) FROM event WHERE received_at < (SELECT received_at FROM event WHERE type = 'cn.campus.alarm.raised')",
    );
    expect(Number(before)).toBeLessThan(WAITING / 2);
    // It is in the common queue as well: that is no sign of a lost receipt.
    await until('all is acknowledged', () => platform.state().waiting === 0);
    expect(platform.counts().duplicates).toBe(0);
  });
});

describe.each(brokers.slice(0, isCityRun ? brokers.length : 1))(
  '$name',
  { timeout: 240_000 },
  ({ program, open, protocolVersion }) => {
    it('brings a city through a storm to two consumers that conform: each event once in the database', async (context) => {
      const database = await needAll(context, program);
      const broker = await open();
      const [one, other] = [await consumer(broker.events, database), await consumer(broker.events, database)];
      const report = await city(broker.campuses, protocolVersion, { faults: ['storm'] });
      expect(report).toMatchObject({ undelivered: 0, delivered: report.made });
      expect(report.made).toBeGreaterThan(500);
      expect(stored(database)).toBe(`${report.made}|${report.made}`);
      expect(lost(database)).toBe('0');
      expect(one.counts().events).toBeGreaterThan(0);
      expect(other.counts().events).toBeGreaterThan(0);

      const stage = await openStage({
        ...{ url: broker.campuses, campus: '4503999999', mqtt: { protocolVersion }, time: systemClock },
        ...{ patienceMs: 20_000, signal: new AbortController().signal },
      });
      const wrong: string[] = [];
      for (const { name, run } of trials) {
        const problem = await run(stage);
        if (problem !== undefined) wrong.push(`${name}: ${problem[0]}`);
      }
      await stage.close();
      expect(wrong).toEqual([]);
      const shown =
        "SELECT coalesce(presence_state, 'none') FROM campus WHERE prefix = 'campus/v1/4503999999'";
      await until('the presence is taken back', () => ask(database, shown) === 'none');

      const stop = new AbortController();
      const living = city(broker.campuses, protocolVersion, {
        campuses: 1,
        rate: 0.01,
        alarms: 0,
        forMs: 60_000,
        signal: stop.signal,
      });
      const reply = await one.command('campus/v1/4503000001', 'gateway', 'inventory', {});
      expect(reply).toMatchObject({ done: false, reason: expect.stringContaining('is not allowed to it') });
      stop.abort();
      await living;
    });

    it.runIf(isCityRun)(
      'outlives a killed database, a killed consumer and a broker that starts again: what has a receipt is stored',
      async (context) => {
        const database = await needAll(context, program);
        const broker = await open();
        const killed = await consumerProcess(broker.events, database);
        const kept = await consumerProcess(broker.events, database);
        const faults = (async () => {
          await delay(3000);
          await database.stop('SIGKILL');
          await delay(2000);
          await database.start();
          await delay(3000);
          await stopProcess(killed.child, 'SIGKILL');
          await delay(2000);
          await broker.stop();
          await broker.start();
        })();
        const report = await city(broker.campuses, protocolVersion, { forMs: 20_000 });
        await faults;
        process.stderr.write(`${program}: ${JSON.stringify(report)}\n`);
        // Delivered is what has a receipt. More may be stored than that: its receipt was on its way.
        const [events, ids] = stored(database).split('|').map(Number);
        expect(ids).toBe(events);
        expect(events).toBeGreaterThanOrEqual(report.delivered);
        expect(report).toMatchObject({ undelivered: 0, delivered: report.made });
        expect(events).toBe(report.made);
        expect(lost(database)).toBe('0');
        await stopProcess(kept.child, 'SIGINT');
        expect(kept.child.exitCode).toBe(0);
        // What was odd in between may be told behind it.
        const counts = kept.log.findLast((line) => /^\d+ events;/.test(line));
        expect(counts).toMatch(/^\d+ events; \d+ came twice; .* 0 wait; 0 not understood$/);
      },
    );
  },
);

it('acknowledges over MQTT after the commit what gets no receipt: a killed consumer loses nothing of it', {
  timeout: 120_000,
}, async (context) => {
  const database = await needAll(context, 'mosquitto');
  const url = at('mqtt', (await mosquitto()).port);
  const asBefore = ['--no-receipts', '--client-id', 'one'];
  const killed = await consumerProcess(url, database, ...asBefore);
  const gateway = connect(url, { protocolVersion: 5, clientId: 'gateway' });
  onTestFinished(() => gateway.endAsync(true));
  const publish = async (sequence: number) => {
    const made = { lane: 'normal', sequence, previous: sequence - 1, at: Date.now() } as const;
    const { topic, payload } = messageOf('4503000001', 'j', made);
    // Each tenth is from the memory of a gateway whose disk fails.
    const text = sequence % 10 === 0 ? payload.replace(/"sequence":"\d+"/, '"sequence":"0"') : payload;
    await gateway.publishAsync(`campus/v1/4503000001/${topic}`, text, { qos: 1 });
  };
  const publishAll = (from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, index) => publish(from + index)));
  await publishAll(1, 2001);
  const half = publishAll(2001, 4001);
  await stopProcess(killed.child, 'SIGKILL');
  await half;
  await consumerProcess(url, database, ...asBefore);
  await until('all is stored', () => stored(database) === '4000|4000');
});

it.runIf(isCityRun)(
  'leaves no alarm with a killed consumer for longer than ten seconds',
  {
    timeout: 120_000,
  },
  async (context) => {
    const database = await needAll(context, 'mosquitto');
    const url = at('mqtt', (await mosquitto()).port);
    const killed = await consumerProcess(url, database);
    await consumerProcess(url, database);
    const gateway = connect(url, { protocolVersion: 5, clientId: 'gateway' });
    onTestFinished(() => gateway.endAsync(true));
    await stopProcess(killed.child, 'SIGKILL');
    await delay(13_000);
    for (let sequence = 1; sequence <= 20; sequence++) {
      const made = { lane: 'urgent', sequence, previous: sequence - 1, at: Date.now() } as const;
      const { topic, payload } = messageOf('4503000001', 'j', made);
      await gateway.publishAsync(`campus/v1/4503000001/${topic}`, payload, { qos: 1 });
    }
    // Nobody sends it again here.
    await until('all is stored', () => stored(database) === '20|20');
  },
);

it.runIf(isCityRun)(
  'says why RabbitMQ ends each connection: a topic that AMQP does not know',
  {
    timeout: 120_000,
  },
  async (context) => {
    const database = await needAll(context, 'rabbitmq-server');
    const { own, port } = await rabbitmq();
    const said: string[] = [];
    const warn = (about: object) => void said.push(JSON.stringify(about));
    await consumer(at('amqp', own), database, { ...silentLog, warn });
    const gateway = connect(at('mqtt', port), { protocolVersion: 4, clientId: 'gateway' });
    onTestFinished(() => gateway.endAsync(true));
    await gateway.publishAsync(`campus/v1/4503000001/event/alarm/${'x'.repeat(255)}`, '{}', { qos: 1 });
    await until('it says so', () => said.some((one) => one.includes('more than 255 bytes')));
  },
);

describe.runIf(isCityRun)('a broker that shares no subscription', { timeout: 120_000 }, () => {
  it.each([
    { program: 'rabbitmq-server', open: rabbitmq, mend: /amqp:\/\/HOST:5672/ },
    { program: 'nats-server', open: nats, mend: /nats:\/\/HOST:4222/ },
  ])('is said to be none: $program', async ({ program, open, mend }) => {
    if (!hasPostgres() || spawnSync('which', [program]).status !== 0) return;
    const database = await postgres();
    const { port } = await open();
    await expect(consumer(at('mqtt', port), database)).rejects.toThrow(mend);
  });
});

it('says what it cannot have, with status 3', { timeout: 120_000 }, async (context) => {
  const database = await needAll(context, 'mosquitto');
  const { port } = await mosquitto(['allow_anonymous false']);
  const login = await consumerProcess(at('mqtt', port), database).catch((error: Error) => error.message);
  expect(login).toMatch(/ended \(3\): .*refuses the login.*MQTT_PASSWORD/);
  const none = await consumerProcess('amqp://127.0.0.1:9', database).catch((error: Error) => error.message);
  expect(none).toMatch(/ended \(3\): .*ECONNREFUSED/);
  const [other] = [{ ...database, url: database.url.replace(/postgres$/, 'nowhere') }];
  const missing = await consumerProcess(at('mqtt', port), other).catch((error: Error) => error.message);
  expect(missing).toMatch(/ended \(3\): .*createdb/);
});
