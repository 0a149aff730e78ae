/**
 * A process of its own that loads the gateway: panels over DC-09, or raw MQTT publishes. Started by road.ts with
 * its task as JSON; each event's data carries the time it left, on the clock that all processes share.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as dial, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { dc09Decoder, encodeDc09 } from '../../drivers/dc09/codec.ts';
import { client } from './parts.ts';

export interface Destination {
  readonly kind: 'panel' | 'mqtt';
  readonly port: number;
  /** MQTT's; 5 where it is not said. */
  readonly protocolVersion?: 4 | 5 | undefined;
}

export interface Task extends Destination {
  readonly count: number;
  /** Events a second; 0: as fast as they are acknowledged. */
  readonly rate: number;
  /** Most events that wait for their acknowledgement. */
  readonly window: number;
}

/** ms since the epoch, finer than Date.now(). */
export const clock = () => performance.timeOrigin + performance.now();

/** Runs a task in a process of its own, to its end. */
export async function load(task: Task): Promise<void> {
  const child = spawn(process.execPath, [import.meta.filename, JSON.stringify(task)], { stdio: 'inherit' });
  await once(child, 'exit');
}

/** Lets `send` go at a rate within a window; `send` calls back when its event was acknowledged. */
async function pace({ count, rate, window }: Task, send: (done: () => void) => void): Promise<void> {
  let waiting = 0;
  let wake = () => {};
  const started = performance.now();
  const done = () => {
    waiting--;
    wake();
  };
  for (let i = 0; i < count; i++) {
    if (rate > 0) {
      const due = started + (i * 1000) / rate - performance.now();
      if (due > 1) await delay(due);
    }
    if (waiting >= window) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    waiting++;
    send(done);
  }
  while (waiting > 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

/** Sends an event that carries `text`; calls back when it was acknowledged, never where the connection ended first. */
export interface Sender {
  send(text: string, done: () => void): void;
  end(): void;
}

/** Many panels: what one says alone is slowed (gateway/floods). */
export const benchAccounts = Array.from({ length: 100 }, (_, i) => ({ account: String(1000 + i) }));

export const openSender = (to: Destination): Promise<Sender> =>
  to.kind === 'panel' ? openPanel(to.port) : openPublisher(to);

/** A gateway that says that it runs may be about to open the line. */
async function dialPanelPort(port: number): Promise<Socket> {
  for (let triesLeft = 50; ; triesLeft--) {
    const socket = dial({ host: '127.0.0.1', port, noDelay: true });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (triesLeft === 0) throw error;
      await delay(100);
    }
  }
}

async function openPanel(port: number): Promise<Sender> {
  const socket = await dialPanelPort(port);
  socket.on('error', () => {});
  const waiting = new Map<number, () => void>();
  const decoder = dc09Decoder();
  socket.on('data', (chunk) => {
    for (const one of decoder.push(chunk)) {
      if (!('frame' in one)) continue;
      waiting.get(one.frame.sequence)?.();
      waiting.delete(one.frame.sequence);
    }
  });
  let sent = 0;
  return {
    send(text, done) {
      const i = sent++;
      const sequence = 1 + (i % 9999);
      waiting.set(sequence, done);
      const { account } = benchAccounts[i % benchAccounts.length] as { account: string };
      const data = `#${account}|Nri1/FA${i % 1000}|A${text}`;
      const message = { id: 'SIA-DCS', sequence, receiver: '1', prefix: '0', account, data } as const;
      socket.write(encodeDc09({ ...message, timestamp: Date.now() }));
    },
    end: () => socket.destroy(),
  };
}

/** What a gateway without a journal would do: the same payload, straight to the broker. */
async function openPublisher({ port, protocolVersion = 5 }: Destination): Promise<Sender> {
  const mqtt = await client(port, { protocolVersion });
  mqtt.on('error', () => {});
  const filler = 'x'.repeat(600);
  let sent = 0;
  return {
    send(text, done) {
      const body = JSON.stringify({ i: sent++, data: { text, filler } });
      mqtt.publish('campus/v1/45/event/alarm/panel', body, { qos: 1 }, (error) => {
        if (!error) done();
      });
    },
    end: () => void mqtt.end(true),
  };
}

if (import.meta.main) {
  const task = JSON.parse(process.argv[2] ?? '') as Task;
  const sender = await openSender(task);
  await pace(task, (done) => sender.send(String(clock()), done));
  sender.end();
  process.exit(0);
}
