/** Real processes, for the system suite and the benches: start one until it says that it is there, and stop it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** What it says on its standard error when it is there. */
  readonly ready: RegExp;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Started {
  readonly child: ChildProcess;
  /** Its standard error, by lines, as long as it runs. */
  readonly log: string[];
}

/**
 * Starts a program; resolves with the line of its standard error that says that it is there. `spawned` is told of
 * the child before, so that whoever cleans up knows it whatever happens.
 * @throws Error with its last lines, where it ends first.
 */
export async function startProcess(
  command: string,
  args: readonly string[],
  ready: RegExp,
  spawned: (child: ChildProcess) => void,
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  spawned(child);
  const log: string[] = [];
  const { stderr } = child;
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: stderr }).on('line', (line) => {
      log.push(line);
      if (ready.test(line)) resolve();
    });
    child.once('exit', (status) =>
      reject(new Error(`${command} ended (${status}): ${log.slice(-3).join('; ')}`)),
    );
  });
  return { child, log };
}

/** Resolves when it has ended. */
export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

/** Writes the config of a mosquitto with `set_tcp_nodelay`; its arguments, and what it says when it is there. */
export function mosquittoCommand(
  directory: string,
  port: number,
  extra: readonly string[],
  listen = '127.0.0.1',
) {
  const file = join(directory, 'mosquitto.conf');
  const lines = [
    `listener ${port} ${listen}`,
    'allow_anonymous true',
    'user root',
    'set_tcp_nodelay true',
    'max_queued_messages 0',
    ...extra,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return { command: 'mosquitto', args: ['-c', file], ready: /mosquitto version .* running/ };
}

/** Writes a config for the gateway; its arguments, and what it says when it runs. */
export function gatewayCommand(directory: string, config: object) {
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, stringify(config));
  const entry = join(import.meta.dirname, '../gateway/campus-gateway.js');
  return { command: process.execPath, args: [entry, 'run', file], ready: /the gateway runs/ };
}

/**
 * Writes the config of a RabbitMQ with its MQTT plugin, on ports of its own; its arguments, and what it says when it
 * is there. It needs an epmd on the port given, and starts one that outlives it where there is none.
 */
export function rabbitmqCommand(
  directory: string,
  ports: {
    readonly amqp: number;
    readonly mqtt: number;
    readonly distribution: number;
    readonly epmd: number;
  },
  extra: readonly string[] = [],
) {
  const file = join(directory, 'rabbitmq.conf');
  const lines = [
    `listeners.tcp.default = 127.0.0.1:${ports.amqp}`,
    `mqtt.listeners.tcp.default = 127.0.0.1:${ports.mqtt}`,
    'mqtt.allow_anonymous = true',
    'mqtt.tcp_listen_options.nodelay = true',
    'mqtt.vhost = /',
    'mqtt.exchange = amq.topic',
    'loopback_users = none',
    ...extra,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  writeFileSync(join(directory, 'plugins'), '[rabbitmq_mqtt].\n');
  return {
    // Debian's wrapper in the path changes the user and drops the environment.
    command: '/bin/sh',
    args: ['-c', 'exec /usr/lib/rabbitmq/bin/rabbitmq-server 1>&2'],
    ready: /Server startup complete/,
    env: {
      HOME: directory,
      RABBITMQ_NODENAME: `campus${ports.mqtt}@localhost`,
      RABBITMQ_CONFIG_FILE: file,
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
      RABBITMQ_MNESIA_BASE: join(directory, 'db'),
      RABBITMQ_LOG_BASE: join(directory, 'log'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_DIST_PORT: String(ports.distribution),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: String(ports.epmd),
    },
  };
}

/** Writes the config of a NATS with MQTT and JetStream; its arguments, and what it says when it is there. */
export function natsCommand(
  directory: string,
  ports: { readonly own: number; readonly mqtt: number },
  mqtt: readonly string[] = [],
) {
  const file = join(directory, 'nats.conf');
  const lines = [
    'server_name: campus',
    `listen: 127.0.0.1:${ports.own}`,
    `jetstream { store_dir: "${directory}/store" }`,
    `mqtt { listen: "127.0.0.1:${ports.mqtt}"${mqtt.map((line) => `, ${line}`).join('')} }`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return { command: 'nats-server', args: ['-c', file], ready: /Server is ready/ };
}
