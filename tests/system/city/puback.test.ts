/**
 * `npm run test:long -- puback`: the table of docs/city.md, "What a PUBACK is worth". What is right of each broker, as far as
 * it has to be so, is expected; the numbers are printed.
 */
import { tmpdir } from 'node:os';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryDirectory } from '../../helpers.ts';
import { need } from '../tools.ts';
import { natsCluster } from './nats.ts';
import { disk } from './power.ts';
import { acknowledgedAndLost, type Fault, type Rig } from './puback.ts';
import { mosquittoRig, natsRig, oneNats, oneRabbitmq, rabbitmqRig } from './puback-rigs.ts';
import { rabbitmqCluster } from './rabbitmq.ts';

const DISK_MB = 600;

interface Trial {
  readonly name: string;
  readonly programs: readonly string[];
  readonly rig: (folder: string) => Promise<Rig>;
  readonly faults: readonly Fault[];
  /** Faults through which nothing that was acknowledged may be lost. */
  readonly keeps: readonly Fault[];
  /** Between a PUBACK and the next message of its place in the window: slower, and so for longer. */
  readonly paceMs?: number;
}

const trials: readonly Trial[] = [
  {
    name: 'mosquitto, persistence false',
    programs: ['mosquitto'],
    rig: (folder) => mosquittoRig(folder, ['persistence false']),
    faults: ['all', 'power'],
    keeps: [],
  },
  {
    name: 'mosquitto, persistence true, autosave_interval 10',
    programs: ['mosquitto'],
    rig: (folder) => mosquittoRig(folder, ['persistence true', 'autosave_interval 10']),
    faults: ['all', 'power'],
    keeps: [],
    // 3,000 in some 30 s.
    paceMs: 1000,
  },
  {
    name: 'RabbitMQ, one node, classic queue',
    programs: ['rabbitmqctl'],
    rig: async (folder) => rabbitmqRig(await oneRabbitmq(folder), 'classic'),
    faults: ['all', 'power'],
    keeps: [],
  },
  {
    name: 'RabbitMQ, one node, quorum queue',
    programs: ['rabbitmqctl'],
    rig: async (folder) => rabbitmqRig(await oneRabbitmq(folder), 'quorum'),
    faults: ['all', 'power'],
    keeps: ['all', 'power'],
  },
  {
    name: 'NATS, one node, $MQTT_msgs',
    programs: ['nats-server'],
    rig: async (folder) => natsRig(await oneNats(folder), 'mqtt', 1),
    faults: ['all', 'power'],
    keeps: ['all'],
  },
  {
    name: 'NATS, one node, a stream of its own',
    programs: ['nats-server'],
    rig: async (folder) => natsRig(await oneNats(folder), 'own', 1),
    faults: ['all', 'power'],
    keeps: [],
  },
  {
    name: 'RabbitMQ, three nodes, classic queue',
    programs: ['rabbitmqctl', 'erl_call'],
    rig: async () => rabbitmqRig(await rabbitmqCluster(), 'classic'),
    faults: ['one', 'all'],
    keeps: [],
  },
  {
    name: 'RabbitMQ, three nodes, quorum queue',
    programs: ['rabbitmqctl', 'erl_call'],
    rig: async () => rabbitmqRig(await rabbitmqCluster(), 'quorum'),
    faults: ['one', 'all', 'power'],
    keeps: ['one', 'all', 'power'],
  },
  {
    name: 'NATS, three nodes, $MQTT_msgs with 3 replicas',
    programs: ['nats-server'],
    rig: async () => natsRig(await natsCluster(), 'mqtt', 3),
    faults: ['one', 'all', 'power'],
    keeps: ['one', 'all'],
  },
  {
    name: 'NATS, three nodes, $MQTT_msgs with 1 replica',
    programs: ['nats-server'],
    rig: async () => natsRig(await natsCluster(), 'mqtt', 1),
    faults: ['one', 'all'],
    keeps: ['all'],
  },
  {
    name: 'NATS, three nodes, a stream of its own with 3 replicas',
    programs: ['nats-server'],
    rig: async () => natsRig(await natsCluster(), 'own', 3),
    faults: ['one', 'all'],
    keeps: [],
  },
];

const cases = trials.flatMap((trial) => trial.faults.map((fault) => ({ ...trial, fault })));
// Ten minutes: in npm run test:long.
describe.runIf(process.env['PUBACK'] === '1')('what a PUBACK is worth', { timeout: 240_000 }, () => {
  for (const { name, programs, rig, fault, keeps, paceMs = 0 } of cases)
    it(`${name}: ${fault}`, async (context) => {
      need(context, ...programs);
      const at = fault === 'power' ? disk(DISK_MB) : undefined;
      if (fault === 'power' && at === undefined) return context.skip('nobody may mount a file system here');
      // Clusters make their folders below it.
      vi.stubEnv('TMPDIR', at?.folder ?? temporaryDirectory());
      onTestFinished(() => void vi.unstubAllEnvs());
      const made = await rig(tmpdir());
      const outcome = await acknowledgedAndLost(made, fault, at, paceMs);
      process.stdout.write(`${name} | ${fault} | ${JSON.stringify(outcome)}\n`);
      if (keeps.includes(fault)) expect(outcome.lost).toBe(0);
    });
});
