/**
 * What a broker's PUBACK is worth: a plain MQTT client publishes with QoS 1 while the consumer is away, nodes are killed
 * right after PUBACKs, and started again; what of the acknowledged is there then?
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import type { Disk } from './power.ts';

export interface Rig {
  readonly nodes: readonly RigNode[];
  /** All that are down, together. Resolves when they serve. */
  startAll(): Promise<void>;
  /** Makes what keeps messages for a consumer that is away. Its leader's place among the nodes. */
  prepare(): Promise<number>;
  /** What is kept, by number: each is taken. */
  drain(): Promise<ReadonlySet<number>>;
}
export interface RigNode {
  readonly mqtt: string;
  start(): Promise<void>;
  /** SIGTERM: it ends in order. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
}
/** `one`: the leader; `all`: all at once; `power`: all at once, and what no disk has is gone. */
export type Fault = 'one' | 'all' | 'power';

export interface Outcome {
  readonly acknowledged: number;
  readonly lost: number;
  /** ms from the kill to the next PUBACK of any node that lives; undefined: none lives, or none came. */
  readonly silentMs: number | undefined;
}

export const TOPIC = 'campus/v1/4503000001/event/video/yard';
/** In flight of each publisher: a busy city, not one by one. */
const WINDOW = 100;
/** Acknowledged by then. */
const BEFORE = 3000;
/** How long publishers go on after a node of several was killed. */
const AFTER_MS = 20_000;
const PAYLOAD = 'x'.repeat(400);

/** @param disk of all nodes: its power is cut, once all are dead. */
export async function acknowledgedAndLost(
  rig: Rig,
  fault: Fault,
  disk: Disk | undefined,
  paceMs: number,
): Promise<Outcome> {
  const leader = await rig.prepare();
  // What was set up long ago is on the disk.
  disk?.sync();
  const acknowledged = new Set<number>();
  const reached = Promise.withResolvers<void>();
  let killedAt: number | undefined;
  let silentMs: number | undefined;
  const onPuback = (number: number) => {
    acknowledged.add(number);
    if (acknowledged.size === BEFORE) reached.resolve();
    // What a node that lives had acknowledged on the way is not its answer.
    if (killedAt !== undefined && performance.now() - killedAt > 20)
      silentMs ??= performance.now() - killedAt;
  };
  const clients = await Promise.all(rig.nodes.map(({ mqtt }) => publisher(mqtt)));
  let next = 0;
  let isOver = false;
  for (const client of clients) {
    const send = () => {
      if (isOver || !client.connected) return;
      const number = next++;
      client.publish(TOPIC, JSON.stringify({ number, PAYLOAD }), { qos: 1 }, (error) => {
        if (error) return;
        onPuback(number);
        if (paceMs === 0) send();
        else void delay(paceMs).then(send);
      });
    };
    for (let i = 0; i < WINDOW; i++) send();
  }
  await reached.promise;
  killedAt = performance.now();
  const dying = fault === 'one' ? rig.nodes.filter((_, i) => i === leader) : rig.nodes;
  await Promise.all(dying.map((node) => node.kill()));
  if (fault === 'power') disk?.cut();
  if (dying.length < rig.nodes.length) await delay(AFTER_MS);
  isOver = true;
  await Promise.all(clients.map((client) => client.endAsync(true).catch(() => {})));
  await rig.startAll();
  const kept = await rig.drain();
  const lost = [...acknowledged].filter((number) => !kept.has(number)).length;
  return { acknowledged: acknowledged.size, lost, silentMs };
}

async function publisher(url: string): Promise<MqttClient> {
  const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, clean: true });
  client.on('error', () => {});
  return client;
}

/** Numbers that come, until nothing comes for so long. */
export async function untilQuiet(
  begin: (onPayload: (payload: string) => void) => Promise<() => Promise<unknown>>,
  quietMs = 4000,
): Promise<ReadonlySet<number>> {
  const numbers = new Set<number>();
  let last = performance.now();
  const end = await begin((payload) => {
    numbers.add((JSON.parse(payload) as { number: number }).number);
    last = performance.now();
  });
  while (performance.now() - last < quietMs) await delay(100);
  await end();
  return numbers;
}
