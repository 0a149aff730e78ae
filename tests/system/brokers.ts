/** Other brokers from Debian's packages, each as a process on free ports. */
import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { natsCommand, type Program, rabbitmqCommand, startProcess, stopProcess } from '../processes.ts';

export interface OtherBroker {
  readonly port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** One that speaks MQTT beside a protocol of its own. */
export interface BilingualBroker extends OtherBroker {
  /** The port of AMQP, or of NATS's own protocol. */
  readonly own: number;
}

/** RabbitMQ with its MQTT plugin; queues and messages survive its restart. */
export async function rabbitmq(): Promise<BilingualBroker> {
  const [amqp, mqtt, distribution, epmd] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const program = rabbitmqCommand(temporaryDirectory(), { amqp, mqtt, distribution, epmd });
  onTestFinished(() => void spawn('epmd', ['-port', String(epmd), '-kill'], { stdio: 'ignore' }));
  return await managed({ port: mqtt, own: amqp }, program);
}

/** NATS with MQTT and JetStream. */
export async function nats(): Promise<BilingualBroker> {
  const [own, mqtt] = await Promise.all([freePort(), freePort()]);
  return await managed({ port: mqtt, own }, natsCommand(temporaryDirectory(), { own, mqtt }));
}

async function managed(
  ports: Pick<BilingualBroker, 'port' | 'own'>,
  { command, args, ready, env = {} }: Program,
): Promise<BilingualBroker> {
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
  return { ...ports, start, stop };
}
