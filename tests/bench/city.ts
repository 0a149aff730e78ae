/**
 * `npm run bench -- city [BROKER...] [CAMPUSES]`, those from so many campuses on: what a simulated city takes of a broker, of the platform and of PostgreSQL: memory a
 * connection, CPU an event, bytes an event, and how late alarms are in the database. The numbers of docs/city.md.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { generate } from 'mqtt-packet';
import { Client } from 'pg';
import { messageOf } from '../../simulators/city/events.ts';
import { freePort } from '../free-port.ts';
import { mosquittoCommand, natsCommand, type Program, rabbitmqCommand } from '../processes.ts';
import { postgres } from '../system/postgres.ts';
import { adopt, folder, start, stop, tell } from './parts.ts';

interface Broker {
  readonly program: Program;
  readonly mqtt: string;
  /** For the platform. */
  readonly own: string;
  readonly before?: () => Promise<void>;
}
const brokers: Readonly<Record<string, () => Promise<Broker>>> = {
  async mosquitto() {
    const port = await freePort();
    const own = folder();
    const lines = ['persistence true', `persistence_location ${own}/`, 'autosave_interval 10'];
    const url = `mqtt://127.0.0.1:${port}`;
    const program = mosquittoCommand(own, port, ['max_inflight_messages 256', ...lines]);
    return { program, mqtt: url, own: url };
  },
  async rabbitmq() {
    const [amqp, mqtt, distribution, epmd] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ]);
    adopt(spawn('epmd', ['-address', '127.0.0.1', '-port', String(epmd)], { stdio: 'ignore' }));
    await delay(500);
    const plain = rabbitmqCommand(folder(), { amqp, mqtt, distribution, epmd });
    return {
      program: { ...plain, env: { ...plain.env, RUNNING_UNDER_SYSTEMD: 'true' } },
      ...{ mqtt: `mqtt://127.0.0.1:${mqtt}`, own: `amqp://guest:guest@127.0.0.1:${amqp}` },
    };
  },
  async nats() {
    const [own, mqtt] = await Promise.all([freePort(), freePort()]);
    const program = natsCommand(folder(), { own, mqtt }, ['max_ack_pending: 1024']);
    return { program, mqtt: `mqtt://127.0.0.1:${mqtt}`, own: `nats://127.0.0.1:${own}` };
  },
};

/** Campuses, and events a second of each. */
const sizes = [
  [200, 3],
  [500, 2],
  [1500, 1],
  [1500, 2],
] as const;
const LIVES_S = 45;
/** All are connected by then. */
const FROM_S = 15;
const ALARMS = 300;
const TICKS_A_SECOND = 100;

const statOf = (pid: string) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  } catch {
    return [];
  }
};
/** CPU seconds, and MB that no other process shares, of a process and of those below it; of children that ended, too. */
function takenBy(root: number): { readonly cpu: number; readonly mb: number } {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(pids.map((pid) => [pid, statOf(pid)[1] ?? '']));
  const isBelow = (pid: string): boolean =>
    pid === String(root) || (parents.has(pid) && isBelow(parents.get(pid) ?? ''));
  let [cpu, mb] = [0, 0];
  for (const pid of pids.filter(isBelow)) {
    const [, , , , , , , , , , , user, system, ofChildren, systemOfChildren] = statOf(pid);
    const own = pid === String(root) ? [ofChildren, systemOfChildren] : [];
    for (const ticks of [user, system, ...own]) cpu += Number(ticks ?? 0) / TICKS_A_SECOND;
    mb += memoryOf(pid);
  }
  return { cpu, mb };
}
function memoryOf(pid: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Bytes of an event in MQTT 3.1.1, without TCP and TLS. */
function bytesOnTheWire(): number {
  const made = { lane: 'normal', sequence: 100_000, previous: 99_999, at: 1_796_000_000_000 } as const;
  const { topic, payload } = messageOf('4503000001', '0dd2c1f4-8a53-4a3e-9d0e-5b1f7f6c2a10', made);
  const packet = {
    cmd: 'publish',
    topic: `campus/v1/4503000001/${topic}`,
    payload,
    qos: 1,
    messageId: 1,
  } as const;
  return generate({ ...packet, dup: false, retain: false }).length;
}

const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');
function run(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  adopt(child);
  return child;
}
const said = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    child.stdout?.on('data', (data) => {
      text += data;
    });
    child.once('exit', () => resolve(text));
  });

async function measure(name: string, campuses: number, rate: number): Promise<void> {
  const { program, mqtt, own } = await (brokers[name] as () => Promise<Broker>)();
  const broker = await start(program);
  let server = 0;
  let end = async () => {};
  const { url } = await postgres(['max_wal_size=4GB'], (ends) => {
    end = ends;
  });
  const database = new Client({ connectionString: url });
  await database.connect();
  const one = async (sql: string): Promise<Record<string, number>> => (await database.query(sql)).rows[0];
  server = Number(
    readFileSync(
      `${String((await one('SHOW data_directory'))['data_directory'])}/postmaster.pid`,
      'utf8',
    ).split('\n')[0],
  );
  const platform = run(['platform', '--events', own, '--database', url, '--quiet']);
  platform.stdout?.resume();
  await delay(4000);
  const idle = takenBy(broker.pid ?? 0);
  const of = [`--campuses`, `${campuses}`, '--rate', `${rate}`, '--alarms', `${ALARMS}`, '--within', '10s'];
  const city = run([
    'simulate',
    'city',
    '--to',
    mqtt,
    '--no-observe',
    '--receipts',
    '--for',
    `${LIVES_S}s`,
    ...of,
  ]);
  const report = said(city);
  await delay(FROM_S * 1000);
  const parts = {
    broker: broker.pid ?? 0,
    platform: platform.pid ?? 0,
    PostgreSQL: server,
    city: city.pid ?? 0,
  };
  const taken = () => Object.entries(parts).map(([part, pid]) => ({ part, ...takenBy(pid) }));
  const counted = "SELECT sum(stored)::int AS stored, pg_current_wal_lsn() - '0/0' AS wal FROM chain";
  const [before, first] = [taken(), await one(counted)];
  await delay((LIVES_S - FROM_S - 3) * 1000);
  const [after, last] = [taken(), await one(counted)];
  const text = await report;
  const events = Number(last['stored']) - Number(first['stored']);
  const cpu = after.map(
    ({ part, cpu: now }, i) => `${part} ${(((now - (before[i]?.cpu ?? 0)) * 1e6) / events).toFixed(0)} µs`,
  );
  const memory = after.map(({ part, mb }) => `${part} ${mb.toFixed(0)} MB`);
  const perConnection = (((after[0]?.mb ?? 0) - idle.mb) * 1024) / campuses;
  const alarms = await one(
    `SELECT count(*)::int AS count, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99, max(ms) AS most
     FROM (SELECT extract(epoch FROM stored_at - time) * 1000 AS ms FROM alarm WHERE time IS NOT NULL) AS of`,
  );
  await database.query('CHECKPOINT');
  const size = await one(
    `SELECT sum(pg_total_relation_size(relid))::float AS total, sum(pg_relation_size(relid))::float AS heap,
       (SELECT count(*)::int FROM event) AS events FROM pg_partition_tree('event') WHERE isleaf`,
  );
  const bytes = (what: string) => (Number(size[what]) / Number(size['events'])).toFixed(0);
  tell(
    `\n${name}, ${campuses} campuses, ${rate}/s each: ${(events / (LIVES_S - FROM_S - 3)).toFixed(0)} events/s stored`,
  );
  tell(`  CPU an event: ${cpu.join(', ')}`);
  tell(
    `  memory: ${memory.join(', ')}; broker ${perConnection.toFixed(0)} kB a connection (idle ${idle.mb.toFixed(0)} MB)`,
  );
  tell(
    `  bytes an event: MQTT ${bytesOnTheWire()}; table ${bytes('heap')}, with indexes ${bytes('total')}; WAL ${((Number(last['wal']) - Number(first['wal'])) / events).toFixed(0)}`,
  );
  tell(
    `  alarms, to the commit: ${alarms['count']}, p50 ${Number(alarms['p50']).toFixed(0)} ms, p99 ${Number(alarms['p99']).toFixed(0)} ms, at most ${Number(alarms['most']).toFixed(0)} ms`,
  );
  tell(text.trim().replace(/^/gm, '  '));
  await stop(platform);
  await database.end();
  await end();
  await stop(broker, 'SIGKILL');
}

export async function city(args: string[]): Promise<void> {
  const named = args.filter((arg) => arg in brokers);
  const few = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 0);
  for (const name of named.length > 0 ? named : Object.keys(brokers))
    for (const [campuses, rate] of sizes) if (campuses >= few) await measure(name, campuses, rate);
}
