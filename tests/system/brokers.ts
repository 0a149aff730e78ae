/** Other brokers from Debian's packages, each as a process on free ports. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';

export interface OtherBroker {
  readonly port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** RabbitMQ with its MQTT plugin; queues and messages survive its restart. */
export async function rabbitmq(): Promise<OtherBroker> {
  const directory = temporaryDirectory();
  const [amqp, port, distribution, epmd] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const file = join(directory, 'rabbitmq.conf');
  const lines = [
    `listeners.tcp.default = 127.0.0.1:${amqp}`,
    `mqtt.listeners.tcp.default = 127.0.0.1:${port}`,
    'mqtt.allow_anonymous = true',
    'mqtt.tcp_listen_options.nodelay = true',
    'mqtt.vhost = /',
    'mqtt.exchange = amq.topic',
    'loopback_users = none',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  writeFileSync(join(directory, 'plugins'), '[rabbitmq_mqtt].\n');
  const env = {
    HOME: directory,
    RABBITMQ_NODENAME: `campus${port}@localhost`,
    RABBITMQ_CONFIG_FILE: file,
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(directory, 'db'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_DIST_PORT: String(distribution),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmd),
  };
  // Debian's wrapper in the path changes the user and drops the environment.
  const command = ['/bin/sh', ['-c', 'exec /usr/lib/rabbitmq/bin/rabbitmq-server 1>&2']] as const;
  onTestFinished(() => void spawn('epmd', ['-port', String(epmd), '-kill'], { stdio: 'ignore' }));
  return await managed(port, command[0], command[1], /Server startup complete/, env);
}

/** NATS with MQTT and JetStream. */
export async function nats(): Promise<OtherBroker> {
  const directory = temporaryDirectory();
  const [own, port] = await Promise.all([freePort(), freePort()]);
  mkdirSync(join(directory, 'store'));
  const file = join(directory, 'nats.conf');
  const lines = [
    'server_name: campus',
    `listen: 127.0.0.1:${own}`,
    `jetstream { store_dir: "${directory}/store" }`,
    `mqtt { listen: "127.0.0.1:${port}" }`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return await managed(port, 'nats-server', ['-c', file], /Server is ready/, {});
}

async function managed(
  port: number,
  command: string,
  args: readonly string[],
  ready: RegExp,
  env: NodeJS.ProcessEnv,
): Promise<OtherBroker> {
  let current: Awaited<ReturnType<typeof startProcess>>['child'] | undefined;
  const start = async () => {
    await startProcess(
      command,
      args,
      ready,
      (child) => {
        current = child;
      },
      env,
    );
  };
  const stop = async () => {
    if (current !== undefined) await stopProcess(current);
  };
  onTestFinished(stop);
  await start();
  return { port, start, stop };
}
