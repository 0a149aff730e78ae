/** Parts of the benches: real processes, and numbers of what happened. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import { stringify } from 'yaml';
import { freePort } from '../free-port.ts';

const children = new Set<ChildProcess>();
const folders = new Set<string>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'campus-bench-'));
  folders.add(directory);
  return directory;
}

/** Starts a program and waits for a line of its standard error. */
export async function start(command: string, args: string[], ready: RegExp): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe'] });
  children.add(child);
  const { stderr } = child;
  await new Promise<void>((resolve, reject) => {
    const last: string[] = [];
    createInterface({ input: stderr }).on('line', (line) => {
      last.push(line);
      if (ready.test(line)) resolve();
    });
    child.once('exit', (status) =>
      reject(new Error(`${command} ended (${status}): ${last.slice(-3).join('; ')}`)),
    );
  });
  return child;
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** A mosquitto with `set_tcp_nodelay`; more lines make a bridge of it. */
export async function mosquitto(
  extra: readonly string[] = [],
): Promise<{ port: number; child: ChildProcess }> {
  const directory = folder();
  const port = await freePort();
  const file = join(directory, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'user root',
    'set_tcp_nodelay true',
    'max_queued_messages 0',
    ...extra,
  ];
  writeFileSync(file, `${lines.map((line) => line.replace('DIRECTORY', directory)).join('\n')}\n`);
  return { port, child: await start('mosquitto', ['-c', file], /running/) };
}

export async function gateway(config: object): Promise<ChildProcess> {
  const directory = folder();
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, stringify({ ...config, dataDir: join(directory, 'data') }));
  const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');
  return start(process.execPath, [entry, 'run', file, '--log-level', 'info'], /the gateway runs/);
}

export async function client(port: number): Promise<MqttClient> {
  const one = connect({ host: '127.0.0.1', port, protocolVersion: 5, reconnectPeriod: 0 });
  await new Promise<void>((resolve) => one.once('connect', () => resolve()));
  (one.stream as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
  return one;
}

/** Resident memory, MB, and CPU seconds used so far, of a process. */
export function usage(child: ChildProcess): { rss: number; cpu: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return {
    rss: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    cpu: (Number(stat[11]) + Number(stat[12])) / 100,
  };
}

/**
 * ms of one 4 KB append with fsync on the disk of the benches, 100 a second like the paced load: the physical limit
 * of an acknowledged event. (In a tight loop a disk answers faster than to one event now and then.)
 */
export async function fsyncTime(): Promise<number[]> {
  const file = openSync(join(folder(), 'fsync'), 'w');
  const page = Buffer.alloc(4096, 1);
  const times: number[] = [];
  for (let i = 0; i < 300; i++) {
    await delay(10);
    const from = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    times.push(performance.now() - from);
  }
  closeSync(file);
  return times;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export const ms = (value: number) => `${value.toFixed(2)} ms`;
export const tell = (line = '') => process.stdout.write(`${line}\n`);
