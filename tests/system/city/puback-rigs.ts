/** The brokers whose PUBACK is tried, each with what keeps messages for a consumer: a session, a queue, a stream. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { connect as connectNats, type NatsConnection } from '@nats-io/transport-node';
import { connect as connectAmqp } from 'amqplib';
import { connect, connectAsync } from 'mqtt';
import { onTestFinished } from 'vitest';
import { freePort } from '../../helpers.ts';
import {
  mosquittoCommand,
  natsCommand,
  type Program,
  rabbitmqCommand,
  startProcess,
  stopProcess,
} from '../../processes.ts';
import { type Rig, type RigNode, untilQuiet } from './puback.ts';
import { COOKIE } from './rabbitmq.ts';

function nodeOf(mqtt: string, { command, args, ready, env = {} }: Program): RigNode {
  let child: Awaited<ReturnType<typeof startProcess>>['child'] | undefined;
  const isUp = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  const kill = async () => {
    if (child !== undefined) await stopProcess(child, 'SIGKILL');
  };
  onTestFinished(kill);
  return {
    mqtt,
    kill,
    async stop() {
      if (child !== undefined) await stopProcess(child);
    },
    async start() {
      if (isUp()) return;
      const isMade = (own: typeof child) => {
        child = own;
      };
      await startProcess(command, args, ready, isMade, env);
    },
  };
}

/** By MQTT itself: a session that outlives its connection. */
export async function mosquittoRig(folder: string, lines: readonly string[]): Promise<Rig> {
  const port = await freePort();
  const own = mkdtempSync(join(folder, 'mosquitto-'));
  const stored = [`persistence_location ${own}/`, 'log_dest stderr', 'max_inflight_messages 256', ...lines];
  const node = nodeOf(`mqtt://127.0.0.1:${port}`, mosquittoCommand(own, port, stored));
  await node.start();
  const session = { clientId: 'platform', clean: false, protocolVersion: 4 } as const;
  return {
    nodes: [node],
    startAll: node.start,
    async prepare() {
      const client = await connectAsync(node.mqtt, session);
      await client.subscribeAsync('campus/v1/+/event/#', { qos: 1 });
      await client.endAsync();
      return 0;
    },
    drain: () =>
      untilQuiet(async (onPayload) => {
        const client = connect(node.mqtt, session);
        client.on('message', (_, payload) => onPayload(payload.toString()));
        return () => client.endAsync();
      }),
  };
}

/** Again and again for a minute: a broker that has just begun has no leaders yet. */
async function patiently<T>(what: () => Promise<T>): Promise<T> {
  const end = performance.now() + 60_000;
  for (;;) {
    try {
      return await what();
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(500);
    }
  }
}

const QUEUE = 'campus-police';
/** As much as this needs of one node, and of several (cluster.ts). */
interface Brokers {
  readonly nodes: readonly (RigNode & { readonly name?: string; readonly own: string })[];
  startAll(): Promise<void>;
}
const alone = (node: Brokers['nodes'][number]): Brokers => ({ nodes: [node], startAll: node.start });

/** A queue of its own, bound to the exchange to which the plugin publishes. `own`: addresses of AMQP, a node each. */
export function rabbitmqRig({ nodes, startAll }: Brokers, type: 'quorum' | 'classic'): Rig {
  const channelOf = async (node: { readonly own: string }) => {
    const connection = await connectAmqp(node.own);
    connection.on('error', () => {});
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    return { connection, channel };
  };
  return {
    nodes,
    startAll,
    async prepare() {
      const { connection, channel } = await channelOf(nodes[0] as RigNode & { own: string });
      await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': type } });
      await channel.bindQueue(QUEUE, 'amq.topic', 'campus.v1.*.event.#');
      await connection.close();
      // Which queues a node has it writes to its disk within three minutes only: this queue is older than that.
      if (nodes.length > 1) nodes.forEach(writeTables);
      else {
        await Promise.all(nodes.map((node) => node.stop()));
        await startAll();
      }
      return 0;
    },
    drain: () =>
      untilQuiet(async (onPayload) => {
        return await patiently(async () => {
          const { connection, channel } = await channelOf(nodes[0] as RigNode & { own: string });
          await channel.prefetch(1000);
          await channel.consume(QUEUE, (message) => {
            if (message === null) return;
            onPayload(message.content.toString());
            channel.ack(message);
          });
          return () => connection.close();
        });
      }, 6000),
  };
}

/** Has a node of a cluster (rabbitmq.ts) write what Erlang keeps in tables. */
function writeTables({ name = '' }: Brokers['nodes'][number]): void {
  const [, epmd = ''] = /-(\d+)@/.exec(name) ?? [];
  const env = { ...process.env, ERL_EPMD_ADDRESS: '127.0.0.1', ERL_EPMD_PORT: epmd };
  const input = '[dets:sync(Table) || Table <- dets:all()].\n';
  execFileSync('erl_call', ['-sname', name, '-c', COOKIE, '-e'], {
    input,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

export async function oneRabbitmq(folder: string): Promise<Brokers> {
  const [amqp, mqtt, distribution, epmd] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const mapper = spawn('epmd', ['-address', '127.0.0.1', '-port', String(epmd)], { stdio: 'ignore' });
  onTestFinished(() => stopProcess(mapper, 'SIGKILL'));
  const own = mkdtempSync(join(folder, 'rabbitmq-'));
  const program = rabbitmqCommand(own, { amqp, mqtt, distribution, epmd });
  // Erlang takes the place of the script, or it outlives a SIGKILL.
  const env = { ...program.env, RUNNING_UNDER_SYSTEMD: 'true', ERL_CRASH_DUMP_SECONDS: '0' };
  const node = nodeOf(`mqtt://127.0.0.1:${mqtt}`, { ...program, env });
  await node.start();
  return alone({ ...node, own: `amqp://guest:guest@127.0.0.1:${amqp}` });
}

const MINE = 'campus.v1.*.event.>';
/**
 * `mqtt`: a durable on the stream that the PUBACK waits for. `own`: a stream that listens to the same subjects, of
 * which the PUBACK knows nothing.
 */
export function natsRig({ nodes, startAll }: Brokers, stream: 'mqtt' | 'own', replicas: number): Rig {
  const name = stream === 'mqtt' ? '$MQTT_msgs' : 'campus';
  const connected = (): Promise<NatsConnection> =>
    patiently(() => connectNats({ servers: nodes.map(({ own }) => own), maxReconnectAttempts: 0 }));
  return {
    nodes,
    startAll,
    async prepare() {
      // The first one that connects makes MQTT's own streams.
      const first = await patiently(() => connectAsync(nodes[0]?.mqtt ?? '', { protocolVersion: 4 }));
      await first.endAsync();
      const connection = await connected();
      const manager = await jetstreamManager(connection);
      await patiently(async () => {
        if (stream === 'mqtt') await manager.streams.update(name, { num_replicas: replicas });
        else
          await manager.streams.add({
            ...{ name, subjects: [MINE], num_replicas: replicas, storage: StorageType.File },
            retention: RetentionPolicy.Limits,
          });
        await manager.consumers.add(name, {
          ...{ durable_name: 'police', ack_policy: AckPolicy.Explicit, max_ack_pending: 1000 },
          filter_subject: stream === 'mqtt' ? `$MQTT.msgs.${MINE}` : MINE,
        });
      });
      const { cluster } = await manager.streams.info(name);
      await connection.close();
      return Math.max(
        0,
        nodes.findIndex((_, i) => cluster?.leader === `city-${i + 1}`),
      );
    },
    drain: () =>
      untilQuiet(async (onPayload) => {
        const connection = await connected();
        const manager = await jetstreamManager(connection);
        // After all were down, a leader is elected first, and reads what it has.
        await patiently(async () => {
          const { cluster } = await manager.streams.info(name);
          if (nodes.length > 1 && cluster?.leader === undefined) throw new Error('no leader yet');
        });
        const messages = await patiently(async () => {
          const consumer = await jetstream(connection).consumers.get(name, 'police');
          return await consumer.consume({ max_messages: 500 });
        });
        void (async () => {
          for await (const message of messages) {
            onPayload(message.string());
            message.ack();
          }
        })();
        return () => connection.close();
      }, 6000),
  };
}

export async function oneNats(folder: string): Promise<Brokers> {
  const [own, mqtt] = await Promise.all([freePort(), freePort()]);
  const node = nodeOf(
    `mqtt://127.0.0.1:${mqtt}`,
    natsCommand(mkdtempSync(join(folder, 'nats-')), { own, mqtt }),
  );
  await node.start();
  return alone({ ...node, own: `nats://127.0.0.1:${own}` });
}
