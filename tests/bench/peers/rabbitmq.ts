/**
 * RabbitMQ with its MQTT plugin. A subscriber with a durable session gets a quorum queue, whose write-ahead log is
 * written and fdatasynced in batches before the publisher's PUBACK: the gateway's own promise.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../free-port.ts';
import { rabbitmqCommand } from '../../processes.ts';
import { adopt, folder, start, stop } from '../parts.ts';
import type { Peer } from './peer.ts';

/** RabbitMQ's own is 10 messages to a subscriber that are not acknowledged. */
const PREFETCH = 1000;
const EPMD_TRIES = 50;

/** In the foreground, on a port of its own, so that it ends with the bench: the one RabbitMQ starts would stay. */
async function startEpmd(port: number): Promise<ChildProcess> {
  const child = spawn('epmd', ['-address', '127.0.0.1', '-port', String(port)], { stdio: 'ignore' });
  adopt(child);
  for (let i = 0; i < EPMD_TRIES; i++) {
    const socket = connect(port, '127.0.0.1');
    const there = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (there) return child;
    await delay(100);
  }
  throw new Error(`epmd does not listen on port ${port}`);
}

export const rabbitmq: Peer = {
  name: 'RabbitMQ, quorum queue',
  package: 'rabbitmq-server',
  programs: ['rabbitmqctl', 'epmd'],
  async prepare() {
    const [amqp, mqtt, distribution, epmd] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ]);
    const names = await startEpmd(epmd);
    const program = rabbitmqCommand(folder(), { amqp, mqtt, distribution, epmd }, [
      'mqtt.durable_queue_type = quorum',
      `mqtt.prefetch = ${PREFETCH}`,
    ]);
    // It then becomes the Erlang machine itself, in place of a shell that waits for it: a signal reaches the broker.
    const env = { ...program.env, RUNNING_UNDER_SYSTEMD: 'true' };
    return { port: mqtt, start: () => start({ ...program, env }), close: () => stop(names) };
  },
};
