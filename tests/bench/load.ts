/**
 * A process of its own that loads the gateway: panels over DC-09, or raw MQTT publishes. Started by road.ts with
 * its task as JSON; each event's data carries the time it left, on the clock that all processes share.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as dial } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { dc09Decoder, encodeDc09 } from '../../drivers/dc09/codec.ts';
import { client } from './parts.ts';

export interface Task {
  readonly kind: 'panel' | 'mqtt';
  readonly port: number;
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
async function pace(
  { count, rate, window }: Task,
  send: (i: number, done: () => void) => void,
): Promise<void> {
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
    send(i, done);
  }
  while (waiting > 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

async function panels(task: Task) {
  const socket = dial({ host: '127.0.0.1', port: task.port, noDelay: true });
  await new Promise((resolve) => socket.once('connect', resolve));
  const waiting = new Map<number, () => void>();
  const decoder = dc09Decoder();
  socket.on('data', (chunk) => {
    for (const one of decoder.push(chunk)) {
      if (!('frame' in one)) continue;
      waiting.get(one.frame.sequence)?.();
      waiting.delete(one.frame.sequence);
    }
  });
  await pace(task, (i, done) => {
    const sequence = 1 + (i % 9999);
    waiting.set(sequence, done);
    const data = `#1234|Nri1/FA${i % 1000}|A${clock()}`;
    socket.write(
      encodeDc09({
        id: 'SIA-DCS',
        sequence,
        receiver: '1',
        prefix: '0',
        account: '1234',
        data,
        timestamp: Date.now(),
      }),
    );
  });
  socket.destroy();
}

/** What a gateway without a journal would do: the same payload, straight to the broker. */
async function publishes(task: Task) {
  const mqtt = await client(task.port);
  const filler = 'x'.repeat(600);
  await pace(task, (i, done) => {
    mqtt.publish(
      'campus/v1/45/event/alarm/panel',
      JSON.stringify({ i, data: { text: String(clock()), filler } }),
      { qos: 1 },
      () => done(),
    );
  });
  await mqtt.endAsync(true);
}

if (import.meta.main) {
  const task = JSON.parse(process.argv[2] ?? '') as Task;
  await (task.kind === 'panel' ? panels(task) : publishes(task));
  process.exit(0);
}
