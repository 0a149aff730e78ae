/** Real clusters of three brokers on loopback, whose nodes are killed and come back. */
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Program, startProcess, stopProcess } from '../../processes.ts';

export interface ClusterNode {
  readonly name: string;
  /** mqtt://127.0.0.1:PORT */
  readonly mqtt: string;
  /** Of the broker's own protocol: amqp://, nats:// */
  readonly own: string;
  readonly isUp: () => boolean;
  /** Resolves when it says that it is there. */
  start(): Promise<void>;
  /** SIGTERM: it ends in order. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export interface Cluster {
  readonly broker: 'RabbitMQ' | 'NATS';
  readonly nodes: readonly ClusterNode[];
  /** All that are not up, together. Resolves when they serve. */
  startAll(): Promise<void>;
  /** The node that leads what keeps the messages of a group of consumers. Asks a node that is up. */
  leader(group: string): Promise<ClusterNode>;
}

/** A file of docs/city with what differs on this machine. @throws Error where the file does not say what is replaced. */
export function configOf(file: string, replaced: Readonly<Record<string, string>>): string {
  let text = readFileSync(join(import.meta.dirname, '../../../docs/city', file), 'utf8');
  for (const [from, to] of Object.entries(replaced)) {
    if (!text.includes(from)) throw new Error(`docs/city/${file} does not say ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** A program that is one of a cluster; it is gone when the test is. What it says goes to a file in CITY_LOGS, where that is set. */
export function nodeOf(
  about: Pick<ClusterNode, 'name' | 'mqtt' | 'own'>,
  { command, args, ready, env = {} }: Program,
): ClusterNode {
  let child: Awaited<ReturnType<typeof startProcess>>['child'] | undefined;
  const isUp = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  const kill = async () => {
    if (child !== undefined) await stopProcess(child, 'SIGKILL');
  };
  onTestFinished(kill);
  return {
    ...about,
    isUp,
    kill,
    async stop() {
      if (child !== undefined) await stopProcess(child);
    },
    async start() {
      if (isUp()) return;
      await startProcess(
        command,
        args,
        ready,
        (own) => {
          child = own;
          const folder = process.env['CITY_LOGS'];
          if (folder !== undefined)
            own.stderr?.pipe(createWriteStream(join(folder, `${about.name}.log`), { flags: 'a' }));
        },
        env,
      );
    },
  };
}
