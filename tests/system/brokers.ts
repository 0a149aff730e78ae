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

/** RabbitMQ with its MQTT plugin; queues and messages survive its restart. */
export async function rabbitmq(): Promise<OtherBroker> {
  const [amqp, mqtt, distribution, epmd] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const program = rabbitmqCommand(temporaryDirectory(), { amqp, mqtt, distribution, epmd });
  onTestFinished(() => void spawn('epmd', ['-port', String(epmd), '-kill'], { stdio: 'ignore' }));
  return await managed(mqtt, program);
}

/** NATS with MQTT and JetStream. */
export async function nats(): Promise<OtherBroker> {
  const [own, mqtt] = await Promise.all([freePort(), freePort()]);
  return await managed(mqtt, natsCommand(temporaryDirectory(), { own, mqtt }));
}

async function managed(port: number, { command, args, ready, env = {} }: Program): Promise<OtherBroker> {
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
